"""One clock for a whole installation: everything asks it, nothing asks the machine.

In demo and test every process reads the same small file, so that a day can pass for all of them
at once. SQL's now() is used for leases alone.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from ops.errors import StartError

_YEARS_MAX = 20


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The moment it is, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The moment it is, aware, in UTC."""
        return datetime.now(UTC)


class OffsetClock:
    """The machine's time and an offset from a file that several processes share.

    path: holds {"offset_seconds": n}; no file means no offset. The file is looked at in every
    call and read again only when it has changed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._offset = timedelta(0)
        self.now()  # a file that cannot be read is found out at the start

    def now(self) -> datetime:
        """The moment it is, aware, in UTC. Raises StartError when the file holds no offset."""
        return datetime.now(UTC) + self.offset()

    def offset(self) -> timedelta:
        """How far this clock is ahead of the machine."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._seen, self._offset = None, timedelta(0)
            return self._offset
        # Replaced files have another inode, so two changes within one tick are both seen.
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            self._offset = _read(self._path)
            self._seen = seen
        return self._offset

    def advance(self, by: timedelta) -> None:
        """Move this clock, for every process that shares the file."""
        seconds = (self.offset() + by).total_seconds()
        part = self._path.with_name(f"{self._path.name}.part")
        part.write_text(json.dumps({"offset_seconds": seconds}))
        part.replace(self._path)  # whole or not at all: others read it at any moment


def _read(path: Path) -> timedelta:
    try:
        seconds = json.loads(path.read_bytes())["offset_seconds"]
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise TypeError
        offset = timedelta(seconds=seconds)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        offset = timedelta.max
    if abs(offset) > timedelta(days=366 * _YEARS_MAX):
        raise StartError(
            f'Tệp đồng hồ {path} phải chứa {{"offset_seconds": số giây}}: hãy sửa hoặc xóa tệp này',
            f'The clock file {path} must hold {{"offset_seconds": seconds}}: correct or delete it',
        )
    return offset
