"""A line's memo, read: the bank's own wrapping peeled off first where it is whole. Pure.

payments.domain.memo knows every shape with a line wrap anywhere in it, and so must be generous:
a trace may go on in any digits. Where a shape stands whole, in front or behind, it is known to
the letter where it ends, and a payer's number right behind it is not taken for its rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from payments.domain import memo as memos
from payments.domain.memo import Piece, Reading, Wall, fold_with_places

_ALWAYS = 12  # as many shells as are ever nested
_WORD = re.compile("[0-9A-Z]+")
# Without its blanks, a text with none of these holds no shape that memo.read knows.
_MAY_HOLD_A_SHAPE = re.compile(
    r"MBVCB|CTTU|[.]CT|TOI\d|PARTNER|0200\d|GD\d|FT\d|TKTHE|REMTFR|CTLNH|CTDEN|247DEN|;TAI|[(]CT"
    r"|IBFT|[:/]|\d[.-]\d|-\d{2,7}$"
)

IN_FRONT = (
    r"MBVCB[.]\d{10,14}[.](?:\d{4}[0-9A-Z]{12}[.])?",
    r"\d{6}[.]\d{6}[.]\d{6}[.]",
    r"0200\d{16,28}[0-9A-Z]{0,20}[.]\d{4} ?\d[.]\d{6}[.]",
    r"PARTNER[.][A-Z_]{4,24}[.][A-Z]{2,6}[.][\d ]{8,20}[.]\d{8}[.][\d ]{6,14}-[\d ]{10,11}_",
    r"TKTHE ?: ?\d{4,19}, TAI [A-Z]{2,12}[.] ?",
    r"REM TFR AC:\d{4,19} O@L_\d{6}_\d{6}_\d_\d_\d{9}_\d{11} ",
    r"CT DEN:\d{12} ",
    r"CT NHANH 247 DEN: ?",
    r"IBFT ?",
)
"""What banks put in front of a memo, whole."""

BEHIND = (
    r"[.]CT TU \d{4,19} [^.]*",
    r" -CTLNH[A-Z]{0,5}\d{10,24}-\d/\d-[A-Z]{3}-\d{3}",
    r" FT\d{11,14}",
    r"-\d{6}-\d\d:\d\d:\d\d \d{4,8}",
    r"; ?TAI [A-Z]+",
    r" [(]CT\d{8,14}[)] [A-Z ]*",
)
"""What they put behind it, whole."""

_FRONT = re.compile("|".join(IN_FRONT))
_BACK = re.compile(f"(?:{'|'.join(BEHIND)})$")


def peeled(text: str) -> tuple[int, int]:
    """[start, end) of what is left of a folded memo without the shells around it."""
    start, end = 0, len(text)
    for _ in range(_ALWAYS):
        front = _FRONT.match(text, start, end)
        if front is not None:
            start = front.end()
        back = _BACK.search(text, start, end)
        if back is not None:
            end = back.start()
        if front is None and back is None:
            break
    return start, end


def read(
    memo: str,
    *,
    foreign: frozenset[str] = frozenset(),
    written: Callable[[str, frozenset[str]], Iterable[tuple[int, int]]] | None = None,
    near: frozenset[str] | None = None,
) -> Reading:
    """As memo.read, with whole shells peeled off first.

    written: where in a folded text references stand with the separators of their orders
    (spelling.Spellings.spans): H26.901-260910-0007 stays whole on the tenth of September 2026.
    near: days that the bank may have written behind the payer's text; None: it may be any.
    """
    text, at = fold_with_places(memo)
    start, end = peeled(text)
    core = text[start:end]
    walls: list[Wall] = []
    if _MAY_HOLD_A_SHAPE.search("".join(core.split())) or not foreign.isdisjoint(
        _WORD.findall(core)
    ):
        masked = core
        for first, last in [] if written is None else written(core, foreign):
            masked = masked[:first] + "Q" * (last - first) + masked[last:]
        inner = memos.walls_in(masked, foreign=foreign)
        walls = [Wall(wall.start + start, wall.end + start, wall.shape) for wall in inner]
    if start:
        walls.insert(0, Wall(0, start, "in front"))
    if end < len(text):
        walls.append(Wall(end, len(text), "behind"))
    return Reading(memo, text, at, tuple(walls), tuple(_pieces(text, at, walls)), near)


def _pieces(text: str, at: Sequence[int], walls: list[Wall]) -> Iterator[Piece]:
    start = 0
    for stop, behind in (*((wall.start, wall.end) for wall in walls), (len(text), 0)):
        spans = [word.span() for word in _WORD.finditer(text, start, stop)]
        start = behind
        if spans:
            starts, symbols = [], ""
            for first, last in spans:
                starts.append(len(symbols))
                symbols += text[first:last]
            yield Piece(symbols, tuple(starts), tuple(first for first, _ in spans), at)
