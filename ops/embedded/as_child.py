"""The script every child passes through before it becomes its program.

    python -I -S as_child.py exec  SETTINGS PROGRAM ARG…   drop the user, then become PROGRAM
    python -I -S as_child.py reach SETTINGS PATH…          print what bars the way to each PATH

SETTINGS is JSON: `uid`, `gid` (or null: stay who we are), and for exec `parent`, the pid of the
process that started us, and `signal`, what the kernel shall send when that process is gone.

Standard library only, because -I -S leaves nothing else; a script and not a preexec_fn, because
the supervisor has threads and Python may not run between fork and exec then.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CANNOT_RUN = 127  # what a shell answers for a program it cannot run


def main() -> int:
    """Do what the command line says; returns only if there is no program to become."""
    what, settings, rest = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
    # Loaded before the user changes: our own libraries may lie where the other cannot look.
    libc = ctypes.CDLL(None, use_errno=True)
    if settings["uid"] is not None:
        _become(settings["uid"], settings["gid"])
    if what == "reach":
        sys.stdout.write(json.dumps([_obstacle(Path(path)) for path in rest]))
        return 0
    return _exec(libc, settings, rest)


def _become(uid: int, gid: int) -> None:
    os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)
    os.umask(0o077)


def _exec(libc: ctypes.CDLL, settings: dict[str, Any], argv: list[str]) -> int:
    # After the change of user, because that clears it; exec of an ordinary program keeps it.
    if libc.prctl(PR_SET_PDEATHSIG, settings["signal"], 0, 0, 0) != 0:
        return _refuse(f"prctl: {os.strerror(ctypes.get_errno())}")
    # A parent that died before the line above sends nothing any more.
    if os.getppid() != settings["parent"]:
        return _refuse("the process that started this one is gone")
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # A shell's background job ignores Ctrl-C, and exec would hand that on: SIGINT is how some
    # programs are asked to stop.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - no shell is wanted here
    except OSError as refusal:
        return _refuse(f"cannot run {argv[0]}: {refusal.strerror}")


def _refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return CANNOT_RUN


def _obstacle(path: Path) -> str | None:
    """The first folder on the way that we may not enter, else the path if closed itself."""
    for folder in reversed(path.parents):
        if not os.access(folder, os.X_OK):
            return str(folder)
    return None if os.access(path, os.R_OK | os.X_OK) else str(path)


if __name__ == "__main__":
    sys.exit(main())
