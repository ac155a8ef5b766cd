"""A reference as it is read where one may stand in a memo, and what is in doubt about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from payments.domain.memo import Piece
from reconciliation.engine import doubts
from reconciliation.engine.form import Form

_CHANCE = 6
_CALLED_BY = ("SDT", "DT", "LH", "TEL", "PHONE", "THOAI", "HOTLINE", "LIENHE")


@dataclass(frozen=True, slots=True)
class RefRead:
    """A reference read in a memo at memo[start:end].

    how: "exact", "glued", "split" or "look_alike". doubt: why it may be a cut reference that
    something else completed; such a reading never books. told: whether it says something even
    if no order has it. sure: how much of ref stands before the first gap; tail: what stands
    behind the last one.
    """

    ref: str
    how: str
    start: int
    end: int
    doubt: str = ""
    told: bool = True
    sure: int = 0
    tail: str = ""


def read_at(form: Form, piece: Piece, start: int) -> RefRead | None:
    """What is read at this place, which matches; None if it may not be read. Spans are void."""
    end = start + form.length
    alone = piece.breaks_at(start) and piece.breaks_at(end)
    gaps = form.gaps(piece, start, end)
    if not form.stands(piece, start, end, whole=alone and not gaps):
        return None
    return _reading(form, piece, (start, end), gaps, alone=alone)


def _is_to_call(piece: Piece, start: int) -> bool:
    """Whether a telephone number is announced here."""
    return piece.symbols.endswith(_CALLED_BY, 0, start)


def _is_no_chance(form: Form, piece: Piece, start: int, gap: int) -> bool:
    """Whether what stands behind a gap is too much of a reference to be there by chance:
    letters and digits, or a separator where the orders write one."""
    end = start + form.length
    tail = piece.symbols[gap:end]
    parted = any(at - start in form.cuts for at in piece.gaps(gap, end))
    return len(tail) >= _CHANCE and (parted or not (tail.isdigit() or tail.isalpha()))


def _reading(
    form: Form, piece: Piece, span: tuple[int, int], gaps: list[int], *, alone: bool
) -> RefRead:
    start, end = span
    word = piece.symbols[start:end]
    ref = form.read(word)
    if gaps:
        how = "split"
    elif ref != word:
        how = "look_alike"
    else:
        how = "exact" if alone else "glued"
    body = start + len(form.prefix)
    inner = [gap for gap in gaps if gap > body]
    whole_anyway = form.rare or not inner or _is_no_chance(form, piece, start, inner[0])
    return RefRead(
        ref,
        how,
        start,
        end,
        doubts.of(form, piece, span, ref, inner),
        form.tells(word, whole=alone and not gaps and not _is_to_call(piece, start)),
        0 if whole_anyway else inner[0] - start,
        piece.symbols[inner[-1] : end] if inner else "",
    )
