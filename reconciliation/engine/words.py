"""Memos of which every word is known: a reference, its payer, and words that say nothing. Pure.

A word is looked up among the references as it is, and so are two or three in a row where orders
write separators. What is left must be numbers and words without meaning, or the very name or
number of the payer of that order. Everything is done by columns, a share of the lines at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no stubs
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no stubs

from payments.domain import codes
from reconciliation.engine.claims import References
from reconciliation.engine.payers import Payers

_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

NOTHING = r"[^\s\S]"
ANY_HEAD = rf"[HVLI1]P[0-9A-Z]{{{codes.LENGTH - 2}}}"
_MOST_NAMES = 300  # made of words that say nothing else: more, and those words may be names
_MOST_PARTS = 4
_SHORTEST = 8
_LIKE_OURS = (10, 12)  # symbols of a code of ours, without its prefix and with it

# Words that payers and banks write and that say nothing.
_EMPTY_WORDS = """
MBVCB TKTHE TAI MB VCB CT DEN NAPAS GD CRE TCB ACB BIDV CHUYEN TIEN KHOAN CK NOP HOC PHI VIEN LE
THU THANH TOAN TT THANG KY DOT NAM CHO CUA CON EM KHAM BENH HOSO HO SO XIN CAM ON DONG NHE LOP VA
"""


@dataclass(frozen=True, slots=True)
class Harmless:
    """What says nothing, as expressions. memo: a whole memo of it; word: one word, or a number;
    hidden: names of payers that consist of such words."""

    memo: str
    word: str
    hidden: re.Pattern[str]

    @classmethod
    def of(cls, payers: Payers) -> Harmless:
        """What says nothing where these are the payers."""
        words = frozenset(_EMPTY_WORDS.split())
        hidden = payers.names_of(words)
        if len(hidden) > _MOST_NAMES:
            words -= payers.words()
            hidden = []
        some = "|".join(sorted(words, key=lambda word: (-len(word), word)))
        alone = rf"^[ |0-9]*(?:(?:{some})+(?:[ |0-9]+|$))*$"
        names = "|".join(name.replace(" ", " ?") for name in hidden)
        return cls(alone, rf"^(?:{some}|\d*)$", re.compile(names or NOTHING))


@dataclass(slots=True)
class _Tokens:
    """The words of some memos, one after the other. line: which memo each is of; part: whether it
    belongs to the reference; order: the one of each memo, -1 for none; alone: whether a memo holds
    one reference and no second."""

    flat: Any
    line: _Ints
    length: _Ints
    part: _Bools
    order: _Ints
    alone: _Bools

    def texts(self, tokens: Any, which: _Bools, between: str) -> Any:
        """For each memo these of its words, joined."""
        ends = np.cumsum(np.bincount(self.line[which], minlength=len(self.order)))
        offsets = pa.array(np.concatenate([[0], ends]), type=pa.int64())
        some = tokens.filter(pa.array(which))
        return pc.binary_join(pa.LargeListArray.from_arrays(offsets, some), _text(between))


class Words:
    """Knows the references that words can be, and what may stand beside them."""

    def __init__(
        self,
        references: References,
        payers: Payers,
        shape: str,
        inner: str,
        payer_shape: str,
        harmless: Harmless,
    ) -> None:
        """shape, payer_shape: what references and payers' numbers look like; inner: what begins
        a reference."""
        self._references, self._payers = references, payers
        self._shape, self._inner, self._payer_shape = shape, inner, payer_shape
        self._harmless = harmless
        # References that hold nothing that begins another one.
        ref = references.compact
        fit = (ref.str.len() >= _SHORTEST) & ~ref.str.slice(1).str.contains(inner, regex=True)
        fit &= ref.str.contains("[A-Z]", regex=True) & ref.str.contains(r"\d", regex=True)
        self._fit = np.append(fit.to_numpy(dtype=bool), False)
        parted = [form for form in references.forms.forms if form.cuts]
        most = max((len(form.cuts) + 1 for form in parted), default=1)
        self._parts = range(2, min(most, _MOST_PARTS) + 1)
        self._lengths = np.array(sorted({form.length for form in parted}), dtype=np.int64)

    def told(self, spaced: Any, squeezed: Any, bank_refs: Sequence[str]) -> tuple[_Ints, _Bools]:
        """The order of each memo, -1 where that is not told here, and whether no other order is
        possible should the amount not agree.

        spaced: words parted by blanks; squeezed: the same without the blanks, in which one
        reference stands.
        """
        words = self._read(spaced)
        empty = np.asarray(pc.match_substring_regex(words.flat, self._harmless.word))
        loose = ~empty & ~words.part
        more = np.bincount(words.line[loose], minlength=len(words.order)) > 0
        calm = words.alone & self._is_still(words.order, spaced, squeezed, bank_refs)
        left = pc.replace_substring_regex(squeezed, self._shape, "|")
        of_payer = np.asarray(pc.match_substring_regex(left, self._payer_shape))
        calm &= np.where(more, self._is_own(words, loose, squeezed), ~of_payer)
        second = np.asarray(pc.match_substring_regex(left, self._inner))
        return np.where(calm, words.order, -1), ~(more & second)

    def _read(self, spaced: Any) -> _Tokens:
        """The words of these memos, and the references among them."""
        tokens = pc.split_pattern(spaced, " ")
        flat, line = pc.list_flatten(tokens), np.asarray(pc.list_parent_indices(tokens))
        length = np.asarray(pc.binary_length(flat)).astype(np.int64)
        found = np.full(len(flat), -1, dtype=np.int64)
        some = np.flatnonzero(length >= _SHORTEST)
        found[some] = self._known(flat.take(pa.array(some)).to_pylist())
        part = found >= 0
        hits = [(line[part], found[part])]
        seen = np.bincount(line[part], minlength=len(spaced))
        words = _Tokens(flat, line, length, part, np.full(len(spaced), -1), seen == 1)
        for count in self._parts:
            at, order = self._parted(words, count, seen == 0)
            hits.append((line[at], order))
            for one in range(count):
                part[at + one] = True
        lines = np.concatenate([lines for lines, _ in hits])
        words.order[lines] = np.concatenate([order for _, order in hits])
        words.alone = np.bincount(lines, minlength=len(spaced)) == 1
        return words

    def _known(self, words: list[str]) -> _Ints:
        order = self._references.places.only_all(words)
        return np.where(self._fit[order], order, -1)

    def _parted(self, words: _Tokens, count: int, lines: _Bools) -> tuple[_Ints, _Ints]:
        """Where a reference begins that stands in so many words, as its order writes it, in one of
        these lines; and the orders."""
        last = len(words.flat) - count + 1
        if last <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        length = np.sum([words.length[one : one + last] for one in range(count)], axis=0)
        same = words.line[:last] == words.line[count - 1 :]
        at = np.flatnonzero(same & lines[words.line[:last]] & np.isin(length, self._lengths))
        parts = [words.flat.take(pa.array(at + one)) for one in range(count)]
        order = self._known(pc.binary_join_element_wise(*parts, _text("")).to_pylist())
        known = order >= 0
        at, order = at[known], order[known]
        shown = pc.binary_join_element_wise(
            *(part.filter(pa.array(known)) for part in parts), _text(" ")
        ).to_pylist()
        spaced = map(self._references.spaced, order.tolist())
        right = np.array([a == b for a, b in zip(shown, spaced, strict=True)], dtype=bool)
        return at[right], order[right]

    def _is_still(
        self, order: _Ints, spaced: Any, squeezed: Any, bank_refs: Sequence[str]
    ) -> _Bools:
        """Whether nothing else reads as a code of ours, hides a name, or is the bank's number."""
        heads = np.asarray(pc.count_substring_regex(squeezed, ANY_HEAD))
        ours = np.append(self._references.ours, False)
        calm: _Bools = heads == ours[order]
        calm &= ~np.asarray(pc.match_substring_regex(spaced, self._harmless.hidden.pattern))
        upper = pc.utf8_upper(pa.array(bank_refs, type=pa.large_string()))
        # A reference of letters and digits is part of no number without letters.
        lettered = np.asarray(pc.match_substring_regex(upper, "[A-Z]"), dtype=bool)
        for at in np.flatnonzero(lettered & (order >= 0)).tolist():
            ref = self._references.compact_of(int(order[at]))
            calm[at] &= ref not in bank_refs[at].upper()
        return calm

    def _is_own(self, words: _Tokens, loose: _Bools, squeezed: Any) -> _Bools:
        """Whether the words that are left are the name or the number of the order's payer, and
        nobody else's number stands there."""
        count, line = len(words.order), words.line
        at = np.flatnonzero(loose)
        first, last = np.zeros(count, dtype=np.int64), np.full(count, -1, dtype=np.int64)
        first[line[at[::-1]]] = at[::-1]
        last[line[at]] = at
        together = last - first + 1 == np.bincount(line[at], minlength=count)
        said = words.texts(words.flat, loose, " ")
        right = np.zeros(count, dtype=bool)
        for texts in (self._payers.coded, self._payers.spelled):
            own = pa.array(texts[words.order], type=pa.large_string())
            right |= np.asarray(pc.equal(said, own))
        like_ours = np.bincount(line[loose & np.isin(words.length, _LIKE_OURS)], minlength=count)
        bars = pc.if_else(pa.array(words.part | loose), _text("|"), words.flat)
        rest = words.texts(bars, np.ones(len(loose), dtype=bool), "")
        others = np.asarray(pc.match_substring_regex(rest, self._payer_shape))
        begins = np.append(self._references.longer, False)[words.order]
        own_only: _Bools = together & right & (like_ours == 0) & ~others & ~begins
        return own_only & self._is_first(words, squeezed)

    def _is_first(self, words: _Tokens, squeezed: Any) -> _Bools:
        """Whether what is read as a reference in the squeezed memo begins where the words do."""
        count = len(words.order)
        before = np.concatenate([[0], np.cumsum(words.length)[:-1]])
        begin = np.zeros(count, dtype=np.int64)
        starts = np.zeros(count, dtype=np.int64)
        heads = np.flatnonzero(np.diff(words.line, prepend=-1) > 0)
        begin[words.line[heads]] = before[heads]
        at = np.flatnonzero(words.part)[::-1]
        starts[words.line[at]] = before[at]
        found = np.asarray(pc.find_substring_regex(squeezed, self._shape))
        result: _Bools = starts - begin == found
        return result


def _text(text: str) -> Any:
    return pa.scalar(text, pa.large_string())
