"""Embedded servers: PostgreSQL and Valkey out of their wheels, supervised.

servers    start, throwaway, running: what callers ask for, and the Servers they get
folder     the state folder: one owner at a time, passwords, ports, who may enter
leftovers  end what outlived a killed server
account    the user the servers run as when we are root, and what that user can reach
programs   where the binaries are, and a copy of them where the other user cannot reach
postgres   initialise, command line, readiness, roles and database
valkey     configuration and readiness
addresses  the URLs with their passwords
ports      a port on 127.0.0.1 that stays the same from start to start
children   named child processes started, watched, restarted and stopped together
signals    SIGTERM and its like as a request to stop in good order
as_child   the small script every child passes through: drops the user, dies with its parent
journal    the last lines a server wrote, and what they mean
errors     StartError, AlreadyRunning

Nothing here trusts a pid file. A state folder belongs to the process that holds the lock on
`lock`; a server is gone when the lock on `postgres.lock` or `valkey.lock` is free, because every
process of that server inherits the open file. Start reading at servers.start.
"""
