"""`thuphi rotate-keys`."""

from __future__ import annotations

import sys
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

    Safe to stop and to run again. Ends with 1 while a key that the ring lacks guards something.
    Example: thuphi rotate-keys
    """
    with working() as (runtime, _):
        with runtime.system.begin() as db:
            before = rotation.left(db, runtime.ring)
        known = sum(count for name, count in before.items() if name in runtime.ring.keys)
        moved = sum(1 for _ in watched(_moved(runtime), what="rotate-keys", total=known))
        with runtime.system.begin() as db:
            left = rotation.left(db, runtime.ring)
        result = {"key": runtime.ring.current, "moved": moved, "left": sum(left.values())}
        give(result, as_json=as_json)
    if left:
        names = ", ".join(left)
        say(
            f"Còn dữ liệu mã hóa bằng khóa không có trong THUPHI_KEY_RING: {names}. Hãy đặt "
            "khóa đó lại chỗ cũ, trước khóa cuối, rồi chạy lại.",
            f"Data are still encrypted by keys that THUPHI_KEY_RING lacks: {names}. Put them back "
            "where they stood, before the last key, and run this again.",
        )
        sys.exit(1)


def _moved(runtime: Runtime) -> Iterator[None]:
    """One item for each key that was moved, in transactions of at most BATCH."""
    while True:
        with runtime.system.begin() as db:
            moved = rotation.rewrap(db, runtime.ring, limit=BATCH)
        if not moved:
            return
        yield from (None for _ in range(moved))
