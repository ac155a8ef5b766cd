"""The state folder: one owner at a time, passwords, ports, and who may enter.

    lock                     held while a supervisor lives; inside: its pid, for people
    postgres.lock            held by every process of that server
    valkey.lock
    passwords.json           made once, 0600
    ports.json               the ports used last
    pg_hba.conf              written at every start
    logs/                    this run and, as .1, the run before
    postgres/  valkey/       the servers' own, 0700
    programs/                copies of the binaries, only where they could not be reached

When root starts the servers, all but the servers' own folders stays with root (mode 0711, so that
they can pass through), and the servers cannot touch passwords or locks. Folders above the state
folder are never changed.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ops.embedded import leftovers
from ops.embedded.account import Account, choose, obstacles
from ops.embedded.children import NotYet
from ops.embedded.errors import AlreadyRunning, StartError, disk_full, explained

SERVERS = ("postgres", "valkey")
PASSWORDS = ("postgres", "thuphi_owner", "thuphi_app", "thuphi_system", "valkey")
ROOM_FIRST_BYTES = 200 * 1024 * 1024  # an empty cluster and its first write-ahead log
ROOM_BYTES = 40 * 1024 * 1024
# A `running` that looks at the lock holds it for an instant: wait it out before refusing.
LOCK_SECONDS = 0.5
# PostgreSQL kills its own children five seconds after an immediate shutdown: it comes first.
LEFTOVER_SECONDS = 5.5

log = logging.getLogger(__name__)


def usual_place(data_home: Path) -> Path:
    """Where the state belongs if nobody says otherwise; data_home: the user's data folder.

    Root's own folder is closed to the user that runs PostgreSQL, so root's is a place of the
    system.
    """
    return Path("/var/lib/thuphi") if os.geteuid() == 0 else data_home / "thuphi"


class StateFolder:
    """A state folder that is ours until `release`; made by `take`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.logs = path / "logs"
        self.programs = path / "programs"
        self.account: Account | None = None
        self._lock = lock
        self._busy_since: dict[str, float] = {}

    @classmethod
    def take(cls, path: Path) -> StateFolder:
        """Make the folder if need be, and lock it.

        Raises AlreadyRunning if another process has it, StartError if it cannot be used.
        """
        path = path.expanduser().resolve()
        with explained(path):
            path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            fresh = not any(path.iterdir())
            ours = fresh or (path / "lock").exists()
            folder = cls(path, _lock(path))
        try:
            folder._prepare(ours=ours)
        except BaseException:
            folder.release()
            raise
        return folder

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._lock)

    def own(self, server: str) -> Path:
        """The folder that the server itself writes to."""
        return self.path / server

    def make_own(self, server: str) -> None:
        """Make the folder that the server itself writes to, if it is not there."""
        with explained(self.path):
            self._make(self.own(server), 0o700, self.account)

    def log_of(self, name: str) -> Path:
        """The log of one server or tool."""
        return self.logs / f"{name}.log"

    def passwords(self) -> dict[str, str]:
        """The passwords by login name (`valkey` for Valkey's), made on the first call."""
        with explained(self.path):
            kept = passwords_in(self.path)
        if kept:
            return kept
        if (self.own("postgres") / "data").exists():
            raise StartError(
                f"Có dữ liệu trong {self.path} nhưng tệp passwords.json ở đó bị thiếu hoặc hỏng: "
                "hãy khôi phục tệp này từ bản sao lưu",
                f"There are data in {self.path} but its passwords.json is missing or damaged: "
                "restore that file from a backup",
            )
        made = {name: secrets.token_urlsafe(24) for name in PASSWORDS}
        self.keep("passwords.json", made)
        return made

    def keep(self, name: str, facts: Mapping[str, object]) -> None:
        """Write a small JSON file, whole or not at all, readable by its owner alone."""
        self.write(name, json.dumps(facts, indent=2) + "\n")

    def write(
        self, name: str, text: str, *, mode: int = 0o600, owner: Account | None = None
    ) -> Path:
        """Write a file of the state folder, whole or not at all; it outlives a power cut."""
        target, half = self.path / name, self.path / f"{name}.part"
        with explained(target):
            half.unlink(missing_ok=True)
            file = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            try:
                os.write(file, text.encode())
                os.fchmod(file, mode)
                self._give(file, owner)
                os.fsync(file)
            finally:
                os.close(file)
            half.rename(target)
            _sync_names(self.path)
        return target

    @contextmanager
    def alone(self, server: str, *, stale: Path | None = None) -> Iterator[tuple[int, ...]]:
        """Yield an open lock for the server to inherit; NotYet while an earlier one still lives.

        stale: a file that an earlier server may have left, removed under the lock.

        The lock hangs on the open file, so it is free only when the last process that inherited
        it is gone: no pid is asked, and none can be mistaken for another.
        """
        lock = self.path / f"{server}.lock"
        with explained(lock):
            file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
            self._give(file, None)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._lose_patience(server, lock)
                raise NotYet(server) from None
            self._busy_since.pop(server, None)
            if stale:
                stale.unlink(missing_ok=True)
            yield (file,)
        finally:
            os.close(file)

    def _lose_patience(self, server: str, lock: Path) -> None:
        now = time.monotonic()
        if now - self._busy_since.setdefault(server, now) > LEFTOVER_SECONDS:
            self._busy_since[server] = now
            if killed := leftovers.end(lock):
                log.warning("%s: killed processes that did not end: %s", server, killed)

    def _prepare(self, *, ours: bool) -> None:
        first = not (self.own("postgres") / "data").exists()
        free = shutil.disk_usage(self.path).free
        if not has_room(free, first=first):
            raise disk_full(self.path)
        self.account = choose(self.path, self.own("postgres"))
        if self.account:
            self._let_through(self.account, ours=ours)
        with explained(self.path):
            self._make(self.logs, 0o700, None)
            for server in SERVERS:
                self.make_own(server)
            self._give(self._lock, None)

    def _let_through(self, account: Account, *, ours: bool) -> None:
        mode = self.path.stat().st_mode & 0o777
        # Only a folder that was empty or is known as ours is opened, and only to pass through.
        if ours and self.path.stat().st_uid == 0 and not mode & 0o001:
            with explained(self.path):
                self.path.chmod(mode | 0o011)
        # Asked about something below, so that the state folder itself counts as on the way.
        below = self.own("postgres")
        closed = obstacles(account, [below])[0]
        if closed and closed != below:
            raise _closed(closed, account)

    def _make(self, path: Path, mode: int, owner: Account | None) -> None:
        if path.exists():
            expected = owner.uid if owner else os.geteuid()
            if path.stat().st_uid not in (expected, self.path.stat().st_uid):
                raise _not_ours(path, path.stat().st_uid)
            return
        path.mkdir(mode=mode)
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fchmod(handle, mode)
            self._give(handle, owner)
        finally:
            os.close(handle)

    def _give(self, file: int, owner: Account | None) -> None:
        """Hand an open file to `owner`, or to the folder's owner; only root has to."""
        if os.geteuid() != 0:
            return
        home = self.path.stat()
        os.fchown(file, *((owner.uid, owner.gid) if owner else (home.st_uid, home.st_gid)))


def holder(path: Path) -> int | None:
    """The pid of the process that serves this folder now (0 if it cannot be read), or None."""
    try:
        file = os.open(path / "lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid_in(file)
    else:
        return None
    finally:
        os.close(file)


def has_room(free_bytes: int, *, first: bool) -> bool:
    """Whether the disk has room to start. first: no data yet, so they have to be laid out."""
    return free_bytes >= (ROOM_FIRST_BYTES if first else ROOM_BYTES)


def passwords_in(path: Path) -> dict[str, str] | None:
    """The passwords kept in a state folder; None if not all of them are there."""
    kept = _read_json(path / "passwords.json")
    if not all(isinstance(kept.get(name), str) for name in PASSWORDS):
        return None
    return {name: str(kept[name]) for name in PASSWORDS}


def ports_in(path: Path) -> dict[str, int]:
    """The ports used last, by server; empty before the first start."""
    kept = _read_json(path / "ports.json")
    return {name: port for name in SERVERS if isinstance(port := kept.get(name), int)}


def _read_json(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _lock(path: Path) -> int:
    file = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < until:
                time.sleep(0.05)
                continue
            pid = _pid_in(file)
            os.close(file)
            raise AlreadyRunning(path, pid or None) from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        return file


def _pid_in(file: int) -> int:
    said = os.pread(file, 32, 0).strip()
    return int(said) if said.isdigit() else 0


def _sync_names(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _closed(folder: Path, account: Account) -> StartError:
    return StartError(
        f"Thư mục {folder} không cho người dùng `{account.name}` (chạy PostgreSQL thay root) đi "
        f"qua: hãy đặt THUPHI_HOME ra ngoài {folder}, hoặc chạy `chmod o+x {folder}`",
        f"The folder {folder} is closed to the user `{account.name}`, who runs PostgreSQL in "
        f"place of root: set THUPHI_HOME to a folder outside {folder}, or run "
        f"`chmod o+x {folder}`",
    )


def _not_ours(path: Path, uid: int) -> StartError:
    return StartError(
        f"{path} thuộc về người dùng số {uid}: hãy chạy Thuphi bằng người dùng đó, hoặc đặt "
        "THUPHI_HOME sang thư mục khác",
        f"{path} belongs to user number {uid}: run Thuphi as that user, or set THUPHI_HOME to "
        "another folder",
    )
