"""Charts as geometry: stacked columns in a box, with round figures at the axis. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from web.console.month_pages import Bar, Chart, Mark

_HEIGHT: Final = 190
_TOP: Final = 8.0
_FOOT: Final = 166.0
_LEFT: Final = 46.0
_STEPS: Final = 4
_FILL: Final = 0.72


def columns(
    stacks: Sequence[Mapping[str, int]],
    codes: Sequence[str],
    marks: Sequence[str],
    *,
    width: int = 760,
) -> Chart | None:
    """Columns from left to right, each stacked from the bottom in the order of codes.

    stacks: code -> figure, at least 0, for each column; marks: what stands below each, "" for
    nothing. None when every figure is 0.
    """
    most = max((sum(one.values()) for one in stacks), default=0)
    if not most:
        return None
    top = ceiling(most)
    room = (width - _LEFT) / len(stacks)
    bars: list[Bar] = []
    for at, stack in enumerate(stacks):
        x, y = _LEFT + room * (at + (1 - _FILL) / 2), _FOOT
        for code in codes:
            high = (_FOOT - _TOP) * stack.get(code, 0) / top
            if high:
                y -= high
                bars.append(Bar(code, round(x, 1), round(y, 1), round(room * _FILL, 1),
                                round(high, 1)))  # fmt: skip
    return Chart(
        width=width,
        height=_HEIGHT,
        left=_LEFT,
        bars=bars,
        grid=[
            Mark(_short(top * step // _STEPS), _LEFT - 6, _FOOT - (_FOOT - _TOP) * step / _STEPS)
            for step in range(_STEPS + 1)
        ],
        marks=[
            Mark(said, round(_LEFT + room * (at + 0.5), 1), _FOOT + 18)
            for at, said in enumerate(marks)
            if said
        ],
        codes=codes,
        most=most,
    )


def ceiling(most: int) -> int:
    """The least round figure from `most` on that four steps divide: 4, 8, 20, 40, 80, 200 …"""
    size = 1
    while True:
        for one in (4, 8, 20):
            if one * size >= most:
                return one * size
        size *= 10


def _short(amount: int) -> str:
    """A figure short enough for an axis: 1.200 as it is, from ten thousand on 12k, 3M."""
    for size, letter in ((1_000_000, "M"), (10_000, "k")):
        if amount >= size:
            return f"{amount // (1000 if letter == 'k' else size)}{letter}"
    return str(amount)
