"""What a server wrote before it failed, and what that means for the person who started it."""

from __future__ import annotations

import re
from pathlib import Path

from ops.embedded.errors import StartError, disk_full
from ops.embedded.ports import cannot_bind

TAIL_BYTES = 16_384
SHOWN_LINES = 3
# Not of the disk: "could not resize shared memory segment …: No space left on device".
DISK_FULL = re.compile(
    r"^(?!.*shared memory).*(No space left on device|Disk quota exceeded)", re.MULTILINE
)


def renew(log: Path) -> Path:
    """Put the log of the run before aside as `.1`, so that the log tells of this run only."""
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    return log


def tail(log: Path) -> str:
    """The end of the log; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def last_lines(text: str) -> tuple[str, ...]:
    """The last lines that say something, oldest first."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())[-SHOWN_LINES:]


def port_was_taken(text: str) -> bool:
    """Whether the server found its port in use by another program."""
    return "Address already in use" in text


def explain(server: str, text: str, *, folder: Path, port: int) -> StartError:
    """The error for a server that ended while it started; text: the end of its log."""
    if DISK_FULL.search(text):
        return disk_full(folder)
    if port_was_taken(text) or re.search(r"could not bind|Could not create server TCP", text):
        return cannot_bind(port, "in use" if port_was_taken(text) else "refused")
    return StartError(
        f"{server} không khởi động được; dòng cuối trong nhật ký:",
        f"{server} did not start; the last lines of its log:",
        last_lines(text),
    )


def too_slow(server: str, text: str, *, seconds: float) -> StartError:
    """The error for a server that runs but does not answer in time."""
    return StartError(
        f"{server} chưa sẵn sàng sau {seconds:.0f} giây; dòng cuối trong nhật ký:",
        f"{server} was not ready after {seconds:.0f} seconds; the last lines of its log:",
        last_lines(text),
    )
