"""One form of reference: what it looks like, and where in a memo one may stand. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from payments.domain.memo import Piece

LONG = 8  # digits; a shorter number is easily two
_STEADY = 3  # so many characters in front that never vary are as good as letters
_HEAD = 4  # a number that begins otherwise is another system's


@dataclass(frozen=True, slots=True)
class Form:
    """One shape of reference. prefix: letters that never vary; length: letters and digits in all.

    places: for each place behind the prefix, how a character that stands there is read.
    cuts: where the orders themselves write a separator. digits: whether the last place takes
    digits only; number: whether all do. steady: how many characters in front never vary; head:
    what they are. marked: whether much of it never varies, letters among it or behind it. rare:
    so few of the possible spellings are references that none is hit by chance, however it is read;
    thin: that one is hardly made up of two words or numbers. shape is the expression that matches
    one, pattern finds every start. mixed: whether letters lead and letters and digits follow.
    """

    prefix: str
    length: int
    places: tuple[dict[str, str], ...]
    cuts: frozenset[int]
    digits: bool
    number: bool
    steady: int
    rare: bool
    shape: str
    pattern: re.Pattern[str]
    head: str = ""
    marked: bool = False
    thin: bool = False
    mixed: bool = False

    @property
    def leads(self) -> bool:
        """Whether what never varies is enough to find one by, wherever it stands."""
        lettered = len(self.prefix) >= 2 or (bool(self.prefix) and self.steady >= _STEADY)
        return lettered or self.marked

    @property
    def headed(self) -> bool:
        """Whether enough of it never varies to know one by that from another number."""
        return self.steady >= _STEADY

    @property
    def lead(self) -> str:
        """What one begins with, "" if that is too little to look for."""
        if len(self.prefix) >= 2:
            return self.prefix
        return self.head if self.leads and self.headed else ""

    def gaps(self, piece: Piece, start: int, end: int) -> list[int]:
        """Where something stands between two symbols that the orders write together."""
        return [gap for gap in piece.gaps(start, end) if gap - start not in self.cuts]

    def read(self, word: str) -> str:
        """word has matched the pattern: the reference it spells."""
        body = word[len(self.prefix) :]
        return self.prefix + "".join(
            place.get(char, char) for place, char in zip(self.places, body, strict=True)
        )

    def fits(self, word: str) -> bool:
        """Whether this has the form, look-alikes allowed."""
        return len(word) == self.length and self.pattern.match(word) is not None

    def stands(self, piece: Piece, start: int, end: int, *, whole: bool) -> bool:
        """Whether what matches there may be read at all. whole: alone and in one stretch."""
        if self.rare or whole or (self.leads and (self.prefix or _free_of_digits(piece, start))):
            return True
        first, last = piece.breaks_at(start), piece.breaks_at(end)
        word = piece.symbols[start:end]
        # Where nothing leads, what is parted or glued is read, but see doubts.of.
        if self.gaps(piece, start, end):
            return first and last and (word.isdigit() if self.number else _is_mixed(word))
        # Without letters in front any number would do: no other digit may touch it.
        clear = (last or not piece.symbols[end].isdigit()) and _free_of_digits(piece, start)
        if self.number:
            return clear and word.isdigit()
        return clear and (first or last) and _is_mixed(word)

    def strange(self, piece: Piece) -> Iterator[int]:
        """Where something stands that has this prefix and length, and a symbol in it that no
        reference has there: meant as one all the same."""
        if not self.mixed or self.prefix not in piece.symbols:
            return
        for match in re.finditer(re.escape(self.prefix), piece.symbols):
            start, end = match.start(), match.start() + self.length
            alone = piece.breaks_at(start) and piece.breaks_at(end)
            if end > len(piece.symbols) or not alone or self.gaps(piece, start, end):
                continue
            known = self.pattern.match(piece.symbols, start)
            if known is None and any(map(str.isdigit, piece.symbols[match.end() : end])):
                yield start

    def loose(self, gaps: Sequence[int], *, alone: bool) -> bool:
        """Whether a reading over these gaps, or one that is not alone, may be there by chance."""
        if self.rare or (self.leads and not self.number):
            return False
        return bool(gaps) or (not self.number and not alone)

    def tells(self, word: str, *, whole: bool) -> bool:
        """Whether a word of this form that no order has was meant as a reference."""
        body = word[len(self.prefix) :]
        if not self.leads:
            if self.number:
                known = word.startswith(self.head[:_HEAD]) if self.headed else self.thin
                return whole and known and (self.headed or self.length >= LONG)
            # Where letters are usual, digits alone are rather a telephone number.
            return whole and any(map(str.isdigit, word)) and any(map(str.isalpha, word))
        return body.isdigit() or (whole and (any(map(str.isdigit, body)) or not self.digits))


def _free_of_digits(piece: Piece, start: int) -> bool:
    """Whether no digit touches a number from the front."""
    return piece.breaks_at(start) or not piece.symbols[start - 1].isdigit()


def _is_mixed(word: str) -> bool:
    return not (word.isdigit() or word.isalpha())
