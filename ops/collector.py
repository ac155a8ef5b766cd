"""How often Python looks for garbage that refers to itself."""

from __future__ import annotations

import gc

_NEW = 50_000  # objects made since the last look; Python's own 700 suits small programs


def relax() -> None:
    """Look rarely: a process here is mostly modules and rows, which have no cycles. Looking as
    often as Python does by itself was an eighth of starting the web (measured)."""
    gc.set_threshold(_NEW, 20, 50)
