"""Refund codes: what a payout file puts into the memo, so that the statement names the refund.

"HT" and ten symbols in the scheme of the payment codes (codes.py). The two letters count as a
prefix that no payment code has, so neither kind is ever read as the other. A refund code is read
exactly or not at all: a wrong character is never put right, because money has left.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Final

from payments.domain import codes
from payments.domain import memo as memos
from payments.domain.memo import Reading

MARK: Final = "HT"  # hoàn trả
_VALUE: Final = 3  # payment codes take 0, 1 and 2
_HEAD: Final = re.compile(r"(?=HT)")
_LEAST: Final = 4


def generate(randbelow: Callable[[int], int] = secrets.randbelow) -> str:
    """A new code. randbelow(n) gives 0 <= k < n; only tests pass another than secrets'."""
    return MARK + codes.symbols_for(_VALUE, randbelow)


def read(text: str) -> str | None:
    """The code that twelve letters and digits spell in any case, look-alikes folded, or None."""
    word = text.upper()
    if len(word) != codes.LENGTH or not word.startswith(MARK):
        return None
    symbols = codes.read_symbols(_VALUE, word[len(MARK) :])
    return None if symbols is None else MARK + symbols


def find(memo: str | Reading) -> list[str]:
    """Every refund code in a memo, in order of place, each once.

    Case, accents, look-alikes, blanks and line wraps are read through, a bank's own parts are
    not (see memo.py).
    """
    reading = memos.read(memo) if isinstance(memo, str) else memo
    found: dict[str, None] = {}
    for piece in reading.pieces:
        for head in _HEAD.finditer(piece.symbols):
            start, end = head.start(), head.start() + codes.LENGTH
            code = read(piece.symbols[start:end])
            if code is not None and not piece.borrows(start, end):
                found[code] = None
    return list(found)


def beginnings(memo: str | Reading) -> list[str]:
    """Codes that break off: the mark and at least four symbols, of a word that begins with it.

    Proves nothing; it only contradicts a refund whose code begins otherwise.
    """
    reading = memos.read(memo) if isinstance(memo, str) else memo
    found = []
    for piece in reading.pieces:
        for start, end in piece.tokens():
            word = piece.symbols[start:end]
            if word.startswith(MARK) and len(MARK) + _LEAST <= len(word) < codes.LENGTH:
                found.append(word)
    return found
