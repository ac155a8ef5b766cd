"""Processes of a server that outlive it: found by the lock file they inherited, never by a pid.

A backend of PostgreSQL that is busy computing does not notice that its postmaster was killed, and
would keep the next one from starting for as long as it computes.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def end(lock: Path) -> list[int]:
    """Kill every other process that has this lock file open; their pids.

    Only for whoever holds the state folder, and only when the server itself is gone or had its
    time to end. Nothing is lost by it: what was committed comes back in recovery.
    """
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        pid = int(process.name)
        # A refusal means somebody else's process, or one that has just ended.
        with contextlib.suppress(OSError):
            if pid != os.getpid() and _holds(process, lock) and _killed(process, lock):
                found.append(pid)
    return found


def _killed(process: Path, lock: Path) -> bool:
    handle = os.pidfd_open(int(process.name))
    try:
        # Looked at again with the handle open: from here on the pid cannot become another's.
        if not _holds(process, lock):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)
    return True


def _holds(process: Path, lock: Path) -> bool:
    wanted = lock.stat()
    for file in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(file.stat(), wanted):
                return True
    return False
