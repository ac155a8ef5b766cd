"""Ops: how it runs. Processes, configuration, commands.

config     Config.from_env, the only reader of the environment
runtime    everything a process holds open
cli        the `thuphi` command
embedded   PostgreSQL and Valkey from their wheels, supervised
jobs       one function per job      relay, worker, schedule   the processes around them
seed       the demo cast, through the verbs      demo   a day of trade, through HTTP
"""
