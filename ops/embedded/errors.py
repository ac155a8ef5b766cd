"""What can keep the embedded servers from starting.

Unavailable
└── StartError       a server cannot run here; the message says what to do
Conflict
└── AlreadyRunning   another process serves this folder
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from payments.domain.errors import Conflict, Unavailable


class StartError(Unavailable):
    """An embedded server cannot run; one line says why and what to do.

    log: the last lines the server wrote, oldest first, where they help.
    """

    def __init__(self, vi: str = "", en: str = "", log: tuple[str, ...] = ()) -> None:
        shown = f" [{' | '.join(log)}]" if log else ""
        super().__init__(f"{vi}{shown}", f"{en}{shown}")
        self.log = log


class AlreadyRunning(Conflict):
    """Another process serves this folder. pid: that process, where it could be read."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.pid = pid
        who = f" {pid}" if pid else ""
        super().__init__(
            f"Thuphi đang chạy trên thư mục {folder} (tiến trình{who}): hãy dừng tiến trình đó, "
            "hoặc đặt THUPHI_HOME sang thư mục khác",
            f"Thuphi is already running on the folder {folder} (process{who}): stop it first, "
            "or set THUPHI_HOME to another folder",
        )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an operating-system refusal to read or write at `path` into a StartError."""
    try:
        yield
    except OSError as refusal:
        raise cannot_use(path, refusal.errno or 0, refusal.strerror or "") from refusal


def cannot_use(path: Path, number: int, reason: str) -> StartError:
    """The StartError for a refusal at `path`; number: the errno."""
    if number in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(path)
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StartError(
            f"Không đọc hoặc ghi được {path} ({reason}): hãy cấp quyền đọc và ghi cho người dùng "
            "đang chạy Thuphi, hoặc đặt THUPHI_HOME sang thư mục khác",
            f"Cannot read or write {path} ({reason}): give the user who runs Thuphi permission to "
            "read and write, or set THUPHI_HOME to another folder",
        )
    return StartError(
        f"Không dùng được {path} ({reason}): hãy đặt THUPHI_HOME sang thư mục khác",
        f"Cannot use {path} ({reason}): set THUPHI_HOME to another folder",
    )


def disk_full(path: Path) -> StartError:
    """The disk that holds `path` has no room left."""
    return StartError(
        f"Ổ đĩa chứa {path} đã đầy: hãy giải phóng dung lượng, hoặc đặt THUPHI_HOME sang ổ khác",
        f"The disk that holds {path} is full: free some space, or set THUPHI_HOME to another disk",
    )
