"""Payers named in a memo: by their code or their name.

Used to contradict a quoted reference (the neighbour's number with the payer's own name beside
it) and to suggest. It never books: names and codes in a memo are often the sender's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no stubs

from payments.domain.memo import Piece, Reading, compact
from reconciliation.engine import forms
from reconciliation.engine.folding import compacted_all, folded_all
from reconciliation.engine.forms import Forms
from reconciliation.engine.places import Places, whole

COMMON = 300  # orders of one name
_MOST_WORDS = 6
_SHORTEST_NAME = 6
_SHORTEST_CODE = 4
_GLUED_FROM = 12
_MOST_REMEMBERED = 100_000
_ENDLESS = 1_000  # nobody writes his name into so many letters and digits
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
        code = compacted_all(codes)
        told = (code.str.len() >= _SHORTEST_CODE) & code.str.contains(r"\d", regex=True)
        code[~told] = ""
        # Many pay more than one order: each name is folded once.
        encoded = whole(pd.Series(list(names), dtype="str")).dictionary_encode()
        folded = folded_all(pd.Series(encoded.dictionary, dtype="str"))
        name = folded.str.replace("[^0-9A-Z]", "", regex=True)
        spaced = folded.str.strip().str.replace(r"\s+", " ", regex=True)
        short = (name.str.len() < _SHORTEST_NAME) | ~spaced.str.contains(" ", regex=False)
        name[short] = ""
        spaced[short] = ""
        which = encoded.indices.to_numpy(zero_copy_only=False)
        self._codes, self._names = Places(code), Places(name.take(which))
        self.coded, self.spelled = self._codes.keys, spaced.to_numpy(dtype=object)[which]
        self._distinct = spaced.drop_duplicates()
        array = whole(self._distinct)
        self._words = frozenset(pc.list_flatten(pc.split_pattern(array, " ")).unique().to_pylist())
        first = pc.replace_substring_regex(array, " .*", "")
        self._first = frozenset(first.unique().to_pylist()) - {""}
        self._sizes = sorted({len(word) for word in self._first} - {0})
        self._begins: dict[str, bool] = {}
        self._forms: Forms = forms.learn(code[told].drop_duplicates())
        self._code_lengths = frozenset(code.str.len().unique().tolist()) - {0}
        self._lengths = sorted(set(name.str.len().unique().tolist()) - {0})

    def has_code(self, code: str) -> bool:
        """Whether some payer has this compact code."""
        return code in self._codes

    def patterns(self) -> list[str]:
        """What payer codes look like."""
        return [form.shape for form in self._forms.forms]

    def words(self) -> frozenset[str]:
        """Every word of every payer's name, folded."""
        return self._words

    def may_name(self, text: str) -> bool:
        """Whether a name of some payer, or anything that could hide one, stands in this text.

        text: folded, words parted by blanks, a bar where a reference stood.
        """
        for part in text.split("|"):
            words = _LETTERS.findall(part)
            for first, word in enumerate(words):
                if len(word) >= _GLUED_FROM:
                    return True
                if self._may_begin(word):
                    joined = word
                    if joined in self._names:
                        return True
                    for more in words[first + 1 : first + _MOST_WORDS]:
                        joined += more
                        if joined in self._names:
                            return True
        return False

    def names_of(self, words: frozenset[str]) -> list[str]:
        """Names that are made of these words only, spaced."""
        spaced = self._distinct
        either = "|".join(sorted(words))
        return spaced[spaced.str.fullmatch(f"(?:{either})(?: (?:{either}))+")].tolist()

    def of_name(self, name: str) -> tuple[int, ...]:
        """The orders of whoever has exactly this name; none of a name that very many bear."""
        orders = self._names.of(compact(name))
        return orders if len(orders) <= COMMON else ()

    def is_of(self, order: int, named: Named) -> bool:
        """Whether this order's payer is the one who is named."""
        places = self._codes if named.kind == "payer_code" else self._names
        return bool(places.keys[order] == named.text)

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
            if end - start not in self._code_lengths:
                continue
            token = piece.symbols[start:end]
            if token in self._codes:
                yield self._code(token, piece.span(start, end))
        # Only used against a match or to suggest, so doubtful readings may speak too.
        for read in self._forms.read(piece):
            if read.ref in self._codes:
                yield self._code(read.ref, (read.start, read.end))

    def _code(self, text: str, span: tuple[int, int]) -> Named:
        return Named("payer_code", text, self._codes.of(text), *span)

    def _names_in(self, piece: Piece, without: Sequence[tuple[int, int]]) -> Iterator[Named]:
        words = list(_words(piece, without))
        taken = -1
        for first in range(len(words)):
            start, end = words[first]
            if end - start >= _GLUED_FROM:
                yield from self._glued(piece, start, end)
            if not self._may_begin(piece.symbols[start:end]):
                continue
            for last in range(
                min(first + _MOST_WORDS, len(words)) - 1, max(first, taken + 1) - 1, -1
            ):
                text = piece.symbols[words[first][0] : words[last][1]]
                if text in self._names and words[last][0] >= words[first][0]:
                    yield self._name(text, piece.span(words[first][0], words[last][1]))
                    taken = last
                    break

    def _may_begin(self, word: str) -> bool:
        """Whether a name may begin with this word. Memos have few words, so it is remembered."""
        known = self._begins.get(word)
        if known is None:
            known = any(word[:size] in self._first for size in self._sizes)
            if len(self._begins) < _MOST_REMEMBERED:
                self._begins[word] = known
        return known

    def _glued(self, piece: Piece, start: int, end: int) -> Iterator[Named]:
        for at in range(start, end):
            for length in self._lengths:
                if at + length > end:
                    break
                text = piece.symbols[at : at + length]
                if text in self._names:
                    yield self._name(text, piece.span(at, at + length))

    def _name(self, text: str, span: tuple[int, int]) -> Named:
        return Named("payer_name", text, self._names.of(text), *span)


def telling(named: Iterable[Named]) -> list[Named]:
    """Without names that very many bear: they tell nothing, and to look at all takes its time."""
    return [one for one in named if len(one.orders) <= COMMON]


def _words(piece: Piece, without: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Runs of letters, cut also where a reference begins or ends."""
    if len(piece.symbols) > _ENDLESS:
        return
    edges = _edges(piece, without)
    for start, end in piece.tokens():
        cuts = [start, *(edge for edge in edges if start < edge < end), end]
        for begin, stop in pairwise(cuts):
            for match in _LETTERS.finditer(piece.symbols, begin, stop):
                yield match.span()


def _edges(piece: Piece, without: Sequence[tuple[int, int]]) -> list[int]:
    """The symbols at which these parts of the memo begin and end."""
    wanted = {edge for span in without for edge in span}
    if not wanted:
        return []
    if isinstance(piece.at, range):  # nothing was folded away: every letter is where it was
        return _edges_within(piece, sorted(wanted))
    return [place for place in range(len(piece.symbols)) if piece.place(place) in wanted]


def _edges_within(piece: Piece, wanted: Sequence[int]) -> list[int]:
    found = []
    for place in wanted:
        token = bisect_right(piece.came, place) - 1
        if token >= 0:
            symbol = piece.starts[token] + place - piece.came[token]
            ends = piece.starts[token + 1] if token + 1 < len(piece.starts) else len(piece.symbols)
            if symbol < ends:
                found.append(symbol)
    return found
