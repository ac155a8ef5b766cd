"""Payers named in a memo: by their code or their name.

Used to contradict a quoted reference (the neighbour's number with the payer's own name beside
it) and to suggest. It never books: names and codes in a memo are often the sender's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from payments.domain.memo import Piece, Reading, fold
from reconciliation import forms
from reconciliation.forms import Forms, compact

_MOST_WORDS = 6
_SHORTEST_NAME = 6
_SHORTEST_CODE = 4
_GLUED_FROM = 12
_LETTERS = re.compile(r"[A-Z]+")


@dataclass(frozen=True, slots=True)
class Named:
    """A payer that the memo names at memo[start:end]. orders: places of all his orders."""

    kind: str
    text: str
    orders: tuple[int, ...]
    start: int
    end: int


class Payers:
    """An index of payer codes and names over orders, by their place in the frame."""

    def __init__(self, codes: Sequence[str], names: Sequence[str]) -> None:
        """codes, names: of the payer of each order, in the order of the frame."""
        self._codes: dict[str, list[int]] = defaultdict(list)
        self._names: dict[str, list[int]] = defaultdict(list)
        self._words: set[str] = set()
        for order, (code, name) in enumerate(zip(codes, names, strict=True)):
            if len(key := compact(code)) >= _SHORTEST_CODE and any(map(str.isdigit, key)):
                self._codes[key].append(order)
            if len(key := compact(name)) >= _SHORTEST_NAME and " " in name.strip():
                self._names[key].append(order)
                self._words.update(fold(name).split())
        self._forms: Forms = forms.learn(self._codes)
        self._lengths = sorted({len(name) for name in self._names})

    def has_code(self, code: str) -> bool:
        """Whether some payer has this compact code."""
        return code in self._codes

    def prefixes(self) -> list[str]:
        """The letters that payer codes begin with."""
        return [form.prefix for form in self._forms.forms if form.prefix]

    def words(self) -> frozenset[str]:
        """Every word of every payer's name, folded."""
        return frozenset(self._words)

    def of_name(self, name: str) -> tuple[int, ...]:
        """The orders of whoever has exactly this name."""
        return tuple(self._names.get(compact(name), ()))

    def named(self, reading: Reading, without: Sequence[tuple[int, int]]) -> list[Named]:
        """Every payer named outside the spans `without` (the references themselves)."""
        found: dict[tuple[str, str], Named] = {}
        for piece in reading.pieces:
            for named in (*self._codes_in(piece), *self._names_in(piece, without)):
                if not any(named.start < end and start < named.end for start, end in without):
                    found.setdefault((named.kind, named.text), named)
        return list(found.values())

    def _codes_in(self, piece: Piece) -> Iterator[Named]:
        for start, end in piece.tokens():
            token = piece.symbols[start:end]
            if token in self._codes:
                yield self._code(token, piece.span(start, end))
        # Only used against a match or to suggest, so doubtful readings may speak too.
        for read in self._forms.read(piece):
            if read.ref in self._codes:
                yield self._code(read.ref, (read.start, read.end))

    def _code(self, text: str, span: tuple[int, int]) -> Named:
        return Named("payer_code", text, tuple(self._codes[text]), *span)

    def _names_in(self, piece: Piece, without: Sequence[tuple[int, int]]) -> Iterator[Named]:
        words = list(_words(piece, without))
        taken = -1
        for first in range(len(words)):
            for last in range(
                min(first + _MOST_WORDS, len(words)) - 1, max(first, taken + 1) - 1, -1
            ):
                text = piece.symbols[words[first][0] : words[last][1]]
                if text in self._names and words[last][0] >= words[first][0]:
                    yield self._name(text, piece.span(words[first][0], words[last][1]))
                    taken = last
                    break
            start, end = words[first]
            if end - start >= _GLUED_FROM:
                yield from self._glued(piece, start, end)

    def _glued(self, piece: Piece, start: int, end: int) -> Iterator[Named]:
        for at in range(start, end):
            for length in self._lengths:
                if at + length > end:
                    break
                text = piece.symbols[at : at + length]
                if text in self._names:
                    yield self._name(text, piece.span(at, at + length))

    def _name(self, text: str, span: tuple[int, int]) -> Named:
        return Named("payer_name", text, tuple(self._names[text]), *span)


def _words(piece: Piece, without: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Runs of letters, cut also where a reference begins or ends."""
    for start, end in piece.tokens():
        first, last = piece.span(start, end)
        # Inside a token symbols and memo go in step, but for letters of several marks.
        edges = [edge for span in without for edge in span if first < edge < last]
        cuts = [start, *sorted(place for place in range(start + 1, end)
                               if edges and piece.place(place) in edges), end]  # fmt: skip
        for begin, stop in pairwise(cuts):
            for match in _LETTERS.finditer(piece.symbols, begin, stop):
                yield match.span()
