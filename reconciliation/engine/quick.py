"""The plain lines first: one reference, and nothing else in the memo that could matter.

Most memos are a reference, a few words without information, perhaps the payer's own name or
number, and a bank's wrapping. They are told by columns, all lines at once, which costs a
twentieth of a full reading. A line with anything else in it goes the long way, so this never
decides what the long way would not: a property test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no stubs
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no stubs

from payments.domain import codes
from payments.domain.memo import Piece
from reconciliation.engine import reading
from reconciliation.engine.claims import References
from reconciliation.engine.forms import OURS, Form
from reconciliation.engine.payers import Payers
from reconciliation.engine.ref_read import read_at
from reconciliation.engine.words import ANY_HEAD, NOTHING, Harmless, Words

_LONGEST = 400
_SHELLS = 3

# Where one of these stands, a bank's shape might reach further than is seen here.
_SIGNS = (
    r"MBVCB|CT ?TU|TOI ?\d|PARTNER|0200\d{8}|[:;(@]|\bGD ?\d|FT ?\d|TKTHE|REM ?TFR|CTLNH"
    r"|C ?T ?L ?N ?H|CT ?DEN|IBFT|\d/\d{1,2}(?:[^0-9]|$)|\d[./-]\d{1,2}[./-]\d\d"
)
_HEAD = re.compile(rf"(?=({ANY_HEAD}))")
_WORD = re.compile("[0-9A-Z]+")
_NUMBER = re.compile(r"\d+")
_LONG_WORD = re.compile(r"(?<![0-9A-Z])(?:[0-9A-Z]{10}|[0-9A-Z]{12})(?![0-9A-Z])")


@dataclass(frozen=True, slots=True)
class Plain:
    """What was told by columns. order: place of the order each line quotes, -1: read it in full.

    exact: whether the reference stands alone, as its order writes it. whole: whether no gap
    makes another order possible should the amount not agree.
    """

    order: npt.NDArray[np.int64]
    exact: npt.NDArray[np.bool_]
    whole: npt.NDArray[np.bool_]

    @classmethod
    def none(cls, lines: int) -> Plain:
        """Nothing is told of so many lines."""
        exact, whole = np.zeros(lines, dtype=bool), np.ones(lines, dtype=bool)
        return cls(np.full(lines, -1, dtype=np.int64), exact, whole)

    @classmethod
    def joined(cls, shares: Sequence[Plain]) -> Plain:
        """Of all lines, from what was told of the shares in their order."""
        order = [np.empty(0, dtype=np.int64), *(one.order for one in shares)]
        nothing = np.empty(0, dtype=bool)
        exact = [nothing, *(one.exact for one in shares)]
        whole = [nothing, *(one.whole for one in shares)]
        return cls(np.concatenate(order), np.concatenate(exact), np.concatenate(whole))


@dataclass(slots=True)
class _Heard:
    """One line. left: the memo without the reference, which is a bar; parted: gaps inside it."""

    order: int
    ref: str
    left: str
    exact: bool
    whole: bool
    parted: bool = False


class Quick:
    """Knows what a plain memo looks like with these references and payers."""

    def __init__(self, references: References, payers: Payers) -> None:
        self._references = references
        self._payers = payers
        self._forms = [form for form in references.forms.forms if form.prefix or form.rare]
        if references.has_codes:
            self._forms = [*OURS, *self._forms]
        shapes = [form.shape for form in self._forms]
        # A number without letters in front must not touch another one: the long way tells.
        self._usable = bool(shapes) and all(
            form.prefix or form.rare for form in references.forms.forms
        )
        self._shape = "|".join(f"(?:{shape})" for shape in shapes)
        prefixes = [form.prefix for form in references.forms.forms if len(form.prefix) > 1]
        self._inner = re.compile("|".join([*map(re.escape, prefixes), "[HVLI1]P"]))
        self._payer_shape = re.compile("|".join(payers.patterns()) or NOTHING)
        self._harmless = Harmless.of(payers)
        self._words = Words(
            references, payers, self._shape, self._inner.pattern, self._payer_shape.pattern,
            self._harmless,
        )  # fmt: skip

    def hear(self, memos: Sequence[str], bank_refs: Sequence[str]) -> Plain:
        """Each memo's one order, or -1. bank_refs: the bank's own numbers of the same lines."""
        plain = Plain.none(len(memos))
        if not self._usable:
            return plain
        order, exact, whole = plain.order, plain.exact, plain.whole
        at, core, spaced, squeezed = self._likely(memos)
        told, firm = self._words.told(spaced, squeezed, [bank_refs[place] for place in at.tolist()])
        some = told >= 0
        order[at[some]], exact[at[some]], whole[at[some]] = told[some], True, firm[some]
        left = pa.array(~some)
        long = (core.filter(left), spaced.filter(left), squeezed.filter(left))
        for place, heard in self._heard(at[~some].tolist(), *long, bank_refs):
            order[place], exact[place], whole[place] = heard.order, heard.exact, heard.whole
        # Where a reference begins a longer one, it may be what is left of that.
        known = order >= 0
        whole[known] &= ~self._references.longer[order[known]]
        return plain

    def _likely(self, memos: Sequence[str]) -> tuple[npt.NDArray[np.int64], Any, Any, Any]:
        """Places of memos with one reference and no more of a bank's shape: what is left of each
        without whole shells, the same as words parted by blanks, and without the blanks."""
        array = pa.array(memos, type=pa.large_string())
        at = np.flatnonzero(
            pc.and_(pc.string_is_ascii(array), pc.less(pc.binary_length(array), _LONGEST))
        )
        core = _peeled(pc.utf8_upper(array.take(pa.array(at))))
        at, core = _kept(at, core, pc.invert(pc.match_substring_regex(core, _SIGNS)))
        spaced = pc.replace_substring_regex(core, "[^0-9A-Z]+", " ")
        squeezed = pc.replace_substring(spaced, " ", "")
        one = pc.equal(pc.count_substring_regex(squeezed, self._shape), 1)
        return at[np.asarray(one)], core.filter(one), spaced.filter(one), squeezed.filter(one)

    def _heard(
        self, at: list[int], core: Any, spaced: Any, squeezed: Any, bank_refs: Sequence[str]
    ) -> Iterator[tuple[int, _Heard]]:
        """(place, what is heard there), line by line, for the plain ones among these."""
        found = pc.find_substring_regex(squeezed, self._shape).to_pylist()
        cut = pc.match_substring_regex(core, r"-\s?\d{2,7}\s*$").to_pylist()
        texts = zip(spaced.to_pylist(), squeezed.to_pylist(), found, cut, strict=True)
        heard = list(self._quoted(at, texts))
        rest = pa.array([one.left for _, one in heard], type=pa.large_string())
        calm = pc.match_substring_regex(rest, self._harmless.memo).to_pylist()
        hidden = self._harmless.hidden
        for (place, one), harmless in zip(heard, calm, strict=True):
            quiet = (harmless and not hidden.search(one.left)) or not self._payers.may_name(
                one.left
            )
            quiet = quiet and not self._payer_shape.search(one.left.replace(" ", ""))
            if not quiet and not self._own_code(one.order, one.left):
                continue
            if one.ref not in bank_refs[place].upper() and self._is_calm(one, bank_refs[place]):
                yield place, one

    def _quoted(
        self, at: list[int], texts: Iterable[tuple[str, str, int, bool]]
    ) -> Iterator[tuple[int, _Heard]]:
        """(place, what is heard) where one reference that is known stands in the memo.

        texts: words parted by blanks, the same without blanks, where a reference begins in it,
        and whether the memo breaks off in a number behind a dash, which may be the bank's date.
        """
        for place, (text, symbols, start, cut) in zip(at, texts, strict=True):
            heard = self._reference(text, symbols, start)
            if heard is None or (heard.parted and cut) or self._strays(symbols, heard):
                continue
            if self._inner.search(heard.left.replace(" ", "")):
                heard.whole = False  # a second one, cut: more than is owed may be for both
            name = self._payers.spelled[heard.order]
            if name and f" {name} " in heard.left:
                heard.left = heard.left.replace(f" {name} ", " | ", 1)
            yield place, heard

    def _reference(self, text: str, symbols: str, start: int) -> _Heard | None:
        """The reference that begins at symbols[start], if it is one that is known."""
        only = self._references.places.only
        for form in self._forms:
            word = symbols[start : start + form.length]
            if len(word) < form.length or not (word.startswith(form.prefix) or form.fits(word)):
                continue
            ref, order = word, only(word)
            if order < 0 and form.fits(word):
                ref = form.read(word)
                order = only(ref)
            if order >= 0 and not ref.isdigit() and not (ref.isalpha() and len(ref) < 8):
                return self._where(text, symbols, start, form, ref, order)
        return None

    def _where(
        self, text: str, symbols: str, start: int, form: Form, ref: str, order: int
    ) -> _Heard | None:
        word = symbols[start : start + form.length]
        shown, exact, whole = word, False, True
        where = text.find(word)
        if where < 0:
            shown = self._references.spaced(order)
            where = text.find(shown)
        if where < 0 or word != ref:
            starts = tuple(accumulate(map(len, text.split(" ")[:-1]), initial=0))
            piece = Piece(symbols, tuple(sorted({*starts} - {len(symbols)})), (), ())
            told = read_at(form, piece, start)
            if told is None or told.doubt:
                return None
            if self._begins_with_another(symbols[start : start + form.length], form, piece, start):
                return None
            whole = not told.sure
            # The memo's letters in [first, last), blanks among them.
            first, last = _in_text(text, start), _in_text(text, start + form.length - 1) + 1
            left = f" {text[:first]} | {text[last:]} "
            # Our codes are read through look-alikes and are what they are: see codes.find.
            clear = piece.breaks_at(start) and piece.breaks_at(start + form.length)
            exact = clear and form in OURS and not form.gaps(piece, start, start + form.length)
            return _Heard(order, ref, left, exact=exact, whole=whole, parted=True)
        before = text[where - 1] if where else " "
        behind = text[where + len(shown)] if where + len(shown) < len(text) else " "
        if behind.isdigit() or (before.isdigit() and not ref[0].isalpha()):
            return None
        exact = before == " " and behind == " "
        if not exact and not (len(form.prefix) >= 2 or form.rare):
            return None
        if not exact and not form.rare and ref[len(form.prefix) :].isalpha():
            return None
        left = f" {text[:where]} | {text[where + len(shown) :]} "
        return _Heard(order, ref, left, exact=exact, whole=True)

    def _begins_with_another(self, word: str, form: Form, piece: Piece, start: int) -> bool:
        """Whether a shorter reference ends at a gap of this one: which of them is meant?"""
        gaps = form.gaps(piece, start, start + form.length)
        return any(word[: gap - start] in self._references.places for gap in gaps)

    def _is_calm(self, heard: _Heard, bank_ref: str) -> bool:
        """Whether no date or number of the bank's own can have a part in a parted reference."""
        if not heard.parted:
            return True
        own = _WORD.findall(bank_ref.upper())
        numbers = _NUMBER.findall(heard.left)
        return not any(len(word) in (6, 8) or word in own for word in numbers)

    def _strays(self, symbols: str, heard: _Heard) -> bool:
        """Whether something else might be heard as one of our codes or as another reference."""
        if self._inner.search(heard.ref, 1):
            return True
        if "P" in symbols:
            own = heard.ref if self._references.kind(heard.ref) == "code" else ""
            for head in _HEAD.finditer(symbols):
                word = head.group(1)
                if word == own:  # its checks are known to be right
                    continue
                if word.count("U") < 2 and _is_like_a_code(word, heard.ref):
                    return True
        return any(not word.isdigit() for word in _LONG_WORD.findall(heard.left))

    def _own_code(self, order: int, left: str) -> bool:
        """Whether the payer's own number stands beside the reference, and nobody else's."""
        code = self._payers.coded[order]
        squeezed = left.replace(" ", "")
        if not code or code not in squeezed:
            return False
        return self._payer_shape.search(squeezed.replace(code, "|", 1)) is None


def _is_like_a_code(word: str, ref: str) -> bool:
    """Whether this is a code other than the one that is known to stand there, or nearly one."""
    exact = codes.read_exact(word)
    return exact != ref if exact is not None else codes.correct(word) is not None


def _in_text(text: str, symbol: int) -> int:
    """Where in a spaced text this letter or digit stands, blanks not counted."""
    at = -1
    for word in text.split(" "):
        if symbol < len(word):
            return at + 1 + symbol
        symbol -= len(word)
        at += len(word) + 1
    return at


def _peeled(text: Any) -> Any:
    """What is left without whole shells: reading.peeled, by columns."""
    front, back = f"^(?:{'|'.join(reading.IN_FRONT)})", f"(?:{'|'.join(reading.BEHIND)})$"
    for _ in range(_SHELLS):
        before = text
        text = pc.replace_substring_regex(text, front, "")
        text = pc.replace_substring_regex(text, back, "")
        if text.equals(before):
            break
    return text


def _kept(at: npt.NDArray[np.int64], text: Any, mask: Any) -> tuple[npt.NDArray[np.int64], Any]:
    return at[np.asarray(mask)], text.filter(mask)
