"""Start both servers on a state folder, and hold them.

    with servers.start(folder, pg_bin=None) as running:
        connect(running.app_url)

`throwaway` is the same for tests: in a temporary folder, without durability, gone at the end.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from ops.embedded import folder as state
from ops.embedded import journal, ports, programs
from ops.embedded.addresses import Urls
from ops.embedded.children import ChildEvent, Family, NotYet
from ops.embedded.errors import StartError, explained
from ops.embedded.folder import StateFolder
from ops.embedded.postgres import Postgres
from ops.embedded.valkey import Valkey

PORT_TRIES = 5
GONE_SECONDS = 20.0  # for the servers of a supervisor that was just killed
READY_SECONDS = 90.0

Heard = Callable[[ChildEvent], None]


class Servers:
    """PostgreSQL and Valkey, running until `stop`, restarted if they die before."""

    def __init__(
        self, folder: StateFolder, postgres: Postgres, valkey: Valkey, family: Family
    ) -> None:
        self.urls = postgres.urls
        self._folder = folder
        self._postgres = postgres
        self._valkey = valkey
        self._family = family
        self._delete_folder = False
        self._stopped = False

    def __enter__(self) -> Self:
        """The servers run already; leaving stops them."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the servers, whatever happened."""
        self.stop()

    @property
    def owner_url(self) -> str:
        """For migrations and backup: owns the database `thuphi`."""
        return self.urls.owner

    @property
    def app_url(self) -> str:
        """For web, worker and commands: one biller a transaction."""
        return self.urls.app

    @property
    def system_url(self) -> str:
        """For relay, sealer, schedule and check-ledger."""
        return self.urls.system

    @property
    def admin_url(self) -> str:
        """The superuser, for tests that make databases of their own."""
        return self.urls.admin

    @property
    def redis_url(self) -> str:
        """Valkey, database 0."""
        return self.urls.redis

    @property
    def folder(self) -> Path:
        """The state folder."""
        return self._folder.path

    def pids(self) -> dict[str, int]:
        """The servers that run now: `postgres`, `valkey`."""
        return self._family.pids()

    def restarts(self) -> dict[str, int]:
        """How often each server died and was started again."""
        return self._family.restarts()

    def wait_ready(self, *, seconds: float = READY_SECONDS) -> None:
        """Return once both answer, such as after a restart; raises StartError."""
        until = time.monotonic() + seconds
        self._valkey.wait_ready(seconds=seconds, alive=lambda: True)
        self._postgres.wait_ready(seconds=max(1.0, until - time.monotonic()), alive=lambda: True)

    def stop(self) -> None:
        """Stop both in good order and let go of the folder. Repeatable."""
        if self._stopped:
            return
        self._stopped = True
        self._family.stop()
        if self._delete_folder:
            # A backend whose postmaster was killed writes for another moment.
            _wait_for_leftovers(self._folder)
            shutil.rmtree(self._folder.path)
        self._folder.release()

    def delete_folder_when_stopped(self) -> None:
        """Make `stop` delete the state folder as well."""
        self._delete_folder = True


def start(
    folder: Path,
    *,
    pg_bin: Path | None = None,
    heard: Heard | None = None,
    ready_seconds: float = READY_SECONDS,
) -> Servers:
    """Start PostgreSQL and Valkey on a state folder, laying it out on the first call.

    pg_bin: a folder with initdb and postgres, None for the wheel's. heard: called for every start
    and end of a server, in a thread of its own. ready_seconds: patience for each server.
    Raises AlreadyRunning if another process serves the folder, StartError if it cannot be done.
    """
    return _start(folder, pg_bin, heard, ready_seconds, durable=True)


def throwaway(parent: Path | None = None, *, pg_bin: Path | None = None) -> Servers:
    """The same in a new folder below `parent` (None: the system's temporary one).

    Not durable, small, and deleted when stopped.
    """
    with explained(parent or Path(tempfile.gettempdir())):
        folder = Path(tempfile.mkdtemp(prefix="thuphi-throwaway-", dir=parent))
    try:
        servers = _start(folder, pg_bin, None, READY_SECONDS, durable=False)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    servers.delete_folder_when_stopped()
    return servers


def running(folder: Path) -> Urls | None:
    """The addresses of the servers that another process runs on this folder now, or None.

    For commands beside a `thuphi serve`. They may still be starting.
    """
    path = folder.expanduser().resolve()
    if state.holder(path) is None:
        return None
    with explained(path):
        passwords, ports_kept = state.passwords_in(path), state.ports_in(path)
    if passwords is None or len(ports_kept) < len(state.SERVERS):
        return None
    return Urls.of(passwords, **ports_kept)


def _start(
    path: Path, pg_bin: Path | None, heard: Heard | None, seconds: float, *, durable: bool
) -> Servers:
    found = programs.find(pg_bin)
    folder = StateFolder.take(path)
    try:
        within = programs.within_reach(found, folder.account, copies=folder.programs)
        passwords = folder.passwords()
        _wait_for_leftovers(folder)
        for tries_left in reversed(range(PORT_TRIES)):
            kept = _keep_ports(folder)
            urls = Urls.of(passwords, **kept)
            postgres = Postgres(folder, within, passwords, urls, kept["postgres"], durable)
            valkey = Valkey(folder, within, passwords, urls, kept["valkey"], durable)
            postgres.initialise()
            try:
                family = _run(postgres, valkey, heard, seconds)
            except StartError:
                # Somebody took a port between our look and the server's: look again.
                if tries_left and not all(map(ports.is_free, kept.values())):
                    continue
                raise
            return Servers(folder, postgres, valkey, family)
        raise AssertionError  # not reached: the last try returns or raises
    except BaseException:
        folder.release()
        raise


def _run(postgres: Postgres, valkey: Valkey, heard: Heard | None, seconds: float) -> Family:
    for server in state.SERVERS:
        journal.renew(postgres.folder.log_of(server))
    family = Family([postgres.spec(), valkey.spec()], heard=heard)
    try:
        family.start()
        valkey.wait_ready(seconds=seconds, alive=lambda: _lives(family, "valkey"))
        postgres.wait_ready(seconds=seconds, alive=lambda: _lives(family, "postgres"))
        postgres.make_roles_and_database()
    except BaseException:
        family.stop()
        raise
    return family


def _lives(family: Family, name: str) -> bool:
    return name in family.pids() and family.restarts()[name] == 0


def _keep_ports(folder: StateFolder) -> dict[str, int]:
    with explained(folder.path):
        kept = state.ports_in(folder.path)
    postgres = ports.choose(kept.get("postgres"))
    valkey = ports.choose(kept.get("valkey"), taken=(postgres,))
    chosen = {"postgres": postgres, "valkey": valkey}
    if chosen != kept:
        folder.keep("ports.json", chosen)
    return chosen


def _wait_for_leftovers(folder: StateFolder) -> None:
    """Wait for the servers of a killed supervisor, which are ending by themselves."""
    until = time.monotonic() + GONE_SECONDS
    for server in state.SERVERS:
        while True:
            try:
                with folder.alone(server):
                    break
            except NotYet:
                if time.monotonic() > until:
                    raise _leftover(server, folder.path) from None
                time.sleep(0.05)


def _leftover(server: str, path: Path) -> StartError:
    lock = path / f"{server}.lock"
    return StartError(
        f"Một tiến trình {server} của lần chạy trước vẫn còn trên {path}: hãy tìm bằng "
        f"`fuser {lock}`, dừng nó rồi chạy lại",
        f"A {server} process of an earlier run is still there on {path}: find it with "
        f"`fuser {lock}`, end it and start again",
    )
