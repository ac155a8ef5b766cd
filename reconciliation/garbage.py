"""Garbage: the search for cycles stands aside while a night makes millions of small rows.

What a night holds on to grows line by line, and Python's collector walks all of it again and
again: half of the time of booking a chunk (measured). Rows have no cycles; what few there are
besides is swept up between chunks, among what is new since the last sweep only.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_back() -> Iterator[None]:
    """Within it nothing is collected but by `sweep`. May stand within another."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def sweep() -> None:
    """Collect among what was made since the last time."""
    gc.collect(0)
