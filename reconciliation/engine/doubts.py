"""Why what is read in a memo may be no reference: cut and completed, or a word, or a day. Pure.

A reading in doubt never books by itself.
"""

from __future__ import annotations

import re

from payments.domain.memo import Piece
from reconciliation.engine.form import LONG, Form
from reconciliation.engine.syllables import may_be_words

LIKE_A_WORD = "reads as a word"
LIKE_A_DAY = "reads as a date"
IN_PARTS = "glued or in parts"
MAY_BE_TWO = "may be there by chance"
_WORD_LIKE = 7  # letters in a row up to here may be any word
_NO_ACRONYM = 5  # nor are so many letters an abbreviation that everybody uses
_YEAR = re.compile(r"20\d\d")
_STAMP = re.compile(
    r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:20)?[2-4]\d"
    r"|(?:20)?[2-4]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
)


def of(form: Form, piece: Piece, span: tuple[int, int], ref: str, gaps: list[int]) -> str:
    """Why this may be a cut reference that the text behind it completed, or "".

    span: [start, end) of the piece's symbols. gaps: where something stands inside its body.
    """
    start, end = span
    body = start + len(form.prefix)
    goes_on = "" if piece.breaks_at(end) else piece.symbols[end]
    before = "" if piece.breaks_at(start) else piece.symbols[start - 1]
    if gaps and piece.borrows(start, end):
        return "borrowed"
    # Where the last place takes letters too, as a check symbol may be one, a digit there goes on.
    if goes_on.isdigit() and (form.digits or (ref[-1].isdigit() and not form.rare)):
        return "number goes on"
    if form.rare:
        return ""
    if _like_a_word(ref):
        return LIKE_A_WORD
    if ref[len(form.prefix) :].isalpha() and (goes_on + before).isalpha():
        return "within a word"
    tail = end
    while tail > body and piece.symbols[tail - 1].isalpha() and ref[tail - 1 - start].isdigit():
        tail -= 1
    if tail < end and (goes_on.isalpha() or tail in gaps):
        return "letters as digits"
    if gaps and _STAMP.fullmatch(piece.symbols[gaps[-1] : end]):
        return LIKE_A_DAY
    alone = piece.breaks_at(start) and piece.breaks_at(end)
    parted = [gap - start for gap in form.gaps(piece, start, end)]
    if form.loose(parted, alone=alone):
        return _by_chance(form, piece.symbols[start:end], parted)
    return ""


def _by_chance(form: Form, word: str, gaps: list[int]) -> str:
    """What a bank's wrap may have parted, or a cut reference and something else behind it, or a
    word that ends like a reference."""
    once = len(gaps) <= 1 and not (gaps and _YEAR.fullmatch(word[gaps[0] :]))
    long = form.length >= LONG or not form.number
    return IN_PARTS if once and long and form.thin else MAY_BE_TWO


def _like_a_word(ref: str) -> bool:
    """Whether a payer may have written it and meant no reference."""
    if not ref.isalpha() or len(ref) > _WORD_LIKE:
        return False
    return len(ref) < _NO_ACRONYM or may_be_words(ref)
