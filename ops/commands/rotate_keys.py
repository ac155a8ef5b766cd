"""`thuphi rotate-keys`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Annotated

import typer

from ops.commands.process import working
from ops.commands.speaking import give, say, watched
from ops.runtime import Runtime
from payments import rotation

BATCH = 1_000


def command(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Move everything that is encrypted to the newest key of THUPHI_KEY_RING.

    Safe to stop and to run again. Ends with 1 while an older key guards something.
    Example: thuphi rotate-keys
    """
    with working() as (runtime, stop):
        ring = runtime.ring
        with runtime.system.begin() as db:
            before = rotation.left(db, ring)
        known = sum(count for name, count in before.items() if name in ring.keys)
        moved = sum(1 for _ in watched(_moved(runtime, stop), what="rotate-keys", total=known))
        with runtime.system.begin() as db:
            left = rotation.left(db, ring)
        give({"key": ring.current, "moved": moved, "left": sum(left.values())}, as_json=as_json)
    if left:
        _tell(", ".join(name for name in left if name not in ring.keys))
        sys.exit(1)


def _moved(runtime: Runtime, stop: threading.Event) -> Iterator[None]:
    """One item for each key that was moved, in transactions of at most BATCH."""
    while not stop.is_set():
        with runtime.system.begin() as db:
            moved = rotation.rewrap(db, runtime.ring, limit=BATCH)
        if not moved:
            return
        yield from (None for _ in range(moved))


def _tell(lacking: str) -> None:
    """Why something is left. lacking: names of keys that the ring does not have."""
    if not lacking:
        say("Đã dừng giữa chừng: hãy chạy lại.", "Stopped half-way: run this again.")
        return
    say(
        f"Còn dữ liệu mã hóa bằng khóa không có trong THUPHI_KEY_RING: {lacking}. Hãy đặt khóa đó "
        "lại chỗ cũ, trước khóa cuối, rồi chạy lại.",
        f"Data are still encrypted by keys that THUPHI_KEY_RING lacks: {lacking}. Put them back "
        "where they stood, before the last key, and run this again.",
    )
