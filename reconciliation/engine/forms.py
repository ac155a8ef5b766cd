"""Forms of references, learned from the orders themselves; nothing about them is hard-coded.

A form is a prefix, a length, and for each place behind the prefix what may stand there: digits
only, letters only, or both. That is all that is needed to read a reference in a memo where
case, separators, blanks, glued words or look-alike characters got in the way. A wrong digit is
never corrected: a neighbour's serial number is a real order.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no stubs
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no stubs

from payments.domain import codes
from payments.domain.memo import Piece
from reconciliation.engine.folding import folded_all
from reconciliation.engine.form import Form
from reconciliation.engine.ref_read import RefRead, read_at

__all__ = ["OURS", "Form", "Forms", "RefRead", "learn"]

_Table = npt.NDArray[np.uint8]

_GROUPS = ("O0", "IL1", "S5", "B8", "Z2")
_ALIKE = {char: group for group in _GROUPS for char in group}
_SURE_FROM = 500  # symbols seen before "the alphabet lacks it" is believed
_SHORTEST = 4
_SHORTEST_CUT = 4
_MARKS, _MANY = 5, 20  # so many that never vary, in so many references, are a mark
_FEW = 1000  # spellings of which not one in so many is a reference
_NEVER = 1e-3  # expected readings of a night that hit a reference by chance
_BRANCHES = 3  # more different letters than this at a place: the body has begun


@dataclass(slots=True)
class Forms:
    """The forms that a set of references has, and the references in order of spelling."""

    forms: tuple[Form, ...] = ()
    known: Sequence[str] = field(default=(), repr=False)
    _spelled: list[str] | None = field(default=None, repr=False)

    def read(self, piece: Piece) -> Iterator[RefRead]:
        """Every reading of every form in one piece of a memo, overlapping ones included."""
        for form in self.forms:
            if len(piece.symbols) < form.length:
                continue
            for match in form.pattern.finditer(piece.symbols):
                found = read_at(form, piece, match.start())
                if found is not None:
                    span = piece.span(match.start(), match.start() + form.length)
                    doubt, told, sure, tail = found.doubt, found.told, found.sure, found.tail
                    yield RefRead(found.ref, found.how, *span, doubt, told, sure, tail)
            for start in form.strange(piece):
                word = piece.symbols[start : start + form.length]
                yield RefRead(word, "exact", *piece.span(start, start + form.length))

    def beginnings(self, piece: Piece, least: int = 3) -> Iterator[tuple[str, int, int]]:
        """References that break off: (what is left, start, end in the memo)."""
        for form in self.forms:
            if not form.lead:
                yield from _cut_words(form, piece)
                continue
            for match in re.finditer(re.escape(form.lead), piece.symbols):
                start, end = match.start(), match.end()
                if form.lead[0].isdigit() and not piece.breaks_at(start):
                    continue
                limit = start + form.length
                while end < min(limit, len(piece.symbols)) and (
                    not piece.breaks_at(end) or end == match.end() or end - start in form.cuts
                ):
                    end += 1
                # The longest first: what stands behind a separator may be another word.
                for stop in range(end, match.end() + least - 1, -1):
                    if stop - start < form.length and piece.breaks_at(stop):
                        yield (piece.symbols[start:stop], *piece.span(start, stop))

    def vary_in_length(self) -> bool:
        """Whether a reference of one form may begin like one of a longer form."""
        return any(
            a.length < b.length and (a.prefix.startswith(b.prefix) or b.prefix.startswith(a.prefix))
            for a in self.forms
            for b in self.forms
        )

    def are_bare(self, length: int) -> bool:
        """Whether references of this length are numbers without a beginning of their own."""
        return any(form.number and form.length == length and not form.headed for form in self.forms)

    def prefixes(self) -> list[str]:
        """The letters that the forms begin with, look-alikes not counted."""
        return [form.prefix for form in self.forms]

    def spelled(self) -> list[str]:
        """The known references in order of spelling. Sorted once: a million take their time, and
        whoever shares the hearing with another process sorts them before."""
        if self._spelled is None:
            known = np.asarray(self.known, dtype=object)
            order = pc.array_sort_indices(pa.array(known, type=pa.large_string()))
            self._spelled = known[np.asarray(order)].tolist()
        return self._spelled

    def starting(self, beginning: str, most: int) -> list[str]:
        """At most `most` known references that start like this."""
        spelled, found = self.spelled(), list[str]()
        at = bisect_left(spelled, beginning)
        while at < len(spelled) and len(found) < most and spelled[at].startswith(beginning):
            found.append(spelled[at])
            at += 1
        return found

    def parted_bodies(self, piece: Piece) -> Iterator[tuple[int, int]]:
        """[start, end) of tokens that together are as long as the rest of a reference, parted
        where its orders part it."""
        starts = [*(start for start, _ in piece.tokens()), len(piece.symbols)]
        for form in self.forms:
            cuts = sorted(at - len(form.prefix) for at in form.cuts if at > len(form.prefix))
            if not form.prefix or not cuts:
                continue
            for at, start in enumerate(starts[: -len(cuts) - 1]):
                end = starts[at + len(cuts) + 1]
                steps = [one - start for one in starts[at + 1 : at + len(cuts) + 1]]
                if end - start == len(form.places) and steps == cuts:
                    yield start, end

    def bodies(self, token: str) -> Iterator[str]:
        """The references whose body alone this token is: the prefix was left out."""
        if re.fullmatch(r"20\d\d", token):  # a year
            return
        for form in self.forms:
            if form.prefix and len(token) == len(form.places):
                yield form.prefix + token


def alike(char: str) -> str:
    """The characters that look like this one, itself included."""
    return _ALIKE.get(char, char)


def _of_ours(prefix: str) -> Form:
    """Our codes as a form, for whoever reads them by columns: codes.find knows them best."""
    folds = {symbol: symbol for symbol in codes.ALPHABET} | codes.LOOK_ALIKES
    shape = f"{prefix}[{''.join(sorted(folds))}]{{{codes.LENGTH - 2}}}"
    return Form(
        prefix,
        codes.LENGTH,
        (folds,) * (codes.LENGTH - 2),
        frozenset(),
        digits=False,
        number=False,
        steady=2,
        rare=False,
        shape=shape,
        pattern=re.compile(f"(?={shape})"),
    )


OURS = tuple(_of_ours(prefix) for prefix in codes.Prefix)


def learn(refs: Iterable[str]) -> Forms:
    """The forms of these references, as written in the orders (separators and case may vary)."""
    folded = folded_all(refs).str.strip()
    squeezed = folded.str.replace(r"[^0-9A-Z]", "", regex=True)
    squeezed = squeezed[squeezed.str.len() >= _SHORTEST]
    folded = folded[squeezed.index]
    parted = folded.str.len() != squeezed.str.len()
    # Where separators stand; "" for a reference in one stretch.
    shape = pd.Series("", index=folded.index, dtype="str")
    drawn = folded[parted].str.replace(r"[0-9A-Z]", "x", regex=True)
    shape[parted] = drawn.str.replace(r"[^x]+", "-", regex=True)
    lengths, shapes = squeezed.str.len().to_numpy(), shape.to_numpy(dtype=object)
    forms: list[Form] = []
    kinds = pd.DataFrame({"length": lengths, "shape": shapes}).drop_duplicates()
    for length, sketch in sorted(zip(kinds["length"], kinds["shape"], strict=True)):
        members = squeezed[(lengths == length) & (shapes == sketch)]
        cuts = _separators(sketch)
        distinct = members.drop_duplicates()
        symbols = np.frombuffer("".join(distinct).encode(), dtype=np.uint8)
        table = symbols.reshape(len(distinct), int(str(length)))
        for prefix, rows in _split(table, cuts[0] if cuts else 99):
            forms.append(_form(prefix, rows, cuts, len(squeezed)))
    return Forms(tuple(_distinct(forms)), squeezed.tolist())


def _separators(shape: str) -> tuple[int, ...]:
    """shape: "xx-xxx"; how many symbols stand before each separator."""
    return tuple(at - shape.count("-", 0, at) for at, char in enumerate(shape) if char == "-")


def _split(table: _Table, limit: int, depth: int = 0) -> Iterator[tuple[str, _Table]]:
    """Follow the letters while they hardly vary; where they do, or end, the body begins."""
    prefix = bytes(table[0, :depth]).decode()
    if depth >= limit or depth >= table.shape[1] - 2:
        yield prefix, table
        return
    branches = sorted(_column(table, depth))
    if any(char.isdigit() for char in branches) or (depth and len(branches) > _BRANCHES):
        letters = [char for char in branches if char.isalpha()]
        if depth or not letters:
            yield prefix, table
            return
        if len(branches) > 10 + _BRANCHES:
            # Any letter may lead: only those that always bring the same second one stand apart.
            apart = [char for char in letters if _leads_apart(table[table[:, 0] == ord(char)])]
            rest = table[~np.isin(table[:, 0], [ord(char) for char in apart])]
            if len(rest):
                yield prefix, rest
            branches = apart
    for char in branches:
        members = table[table[:, depth] == ord(char)]
        if char.isdigit():
            yield prefix, members
        else:
            yield from _split(members, limit, depth + 1)


def _leads_apart(members: _Table) -> bool:
    """Whether a first letter is the beginning of a prefix: many references, one second letter."""
    second = _column(members, 1)
    return len(members) >= _MANY and len(second) == 1 and second.pop().isalpha()


def _form(prefix: str, table: _Table, cuts: tuple[int, ...], refs: int) -> Form:
    """table: a row of symbols for each reference of this form. refs: how many there are in all."""
    columns = [_column(table, at) for at in range(len(prefix), table.shape[1])]
    mixed = [column for column in columns if _kind(column) == "mixed"]
    alphabet = set().union(*mixed)
    sure = len(table) * len(mixed) >= _SURE_FROM
    places = tuple(_place(column, alphabet, sure=sure) for column in columns)
    classes = [f"[{_ALIKE.get(char, char)}]" for char in prefix]
    classes += ["[" + "".join(sorted(place)) + "]" for place in places]
    kinds = [_kind(column) for column in columns]
    body = next((at for at, column in enumerate(columns) if len(column) > 1), len(columns))
    fixed = "".join(column.pop() for column in [set(one) for one in columns] if len(column) == 1)
    spellings = math.prod(len(column) for column in columns)
    # As many lines as references, each read at some thirty places where no letters must lead.
    chances = refs * len(table) / spellings * (30 if len(prefix) < 2 else 0.05)
    return Form(
        prefix,
        table.shape[1],
        places,
        frozenset(cuts),
        digits=bool(kinds) and kinds[-1] == "digits",
        number=not prefix and set(kinds) == {"digits"},
        steady=len(prefix) + body if len(table) > 1 else len(prefix),
        rare=chances < _NEVER,
        shape="".join(classes),
        pattern=re.compile(f"(?={''.join(classes)})"),
        head=bytes(table[0, : len(prefix) + body]).decode(),
        marked=len(table) >= _MANY
        and len(fixed) >= _MARKS
        and (not fixed.isdigit() or (len(fixed) > _MARKS and "letters" in kinds)),
        mixed=len(prefix) > 1 and "mixed" in kinds,
        thin=len(table) * _FEW < (10 ** len(columns) if set(kinds) == {"digits"} else spellings),
    )


def _column(table: _Table, at: int) -> set[str]:
    """Every symbol that stands at this place of some reference."""
    return {chr(symbol) for symbol in np.flatnonzero(np.bincount(table[:, at], minlength=1))}


def _kind(column: set[str]) -> str:
    if all(char.isdigit() for char in column):
        return "digits"
    return "letters" if all(char.isalpha() for char in column) else "mixed"


def _place(column: set[str], alphabet: set[str], *, sure: bool) -> dict[str, str]:
    """How each character is read at this place; what is not in here cannot stand here."""
    kind = _kind(column)
    digits, letters = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    if kind == "digits":
        read = {char: char for char in digits}
        read |= {char: group[-1] for char, group in _ALIKE.items() if char.isalpha()}
        return read
    if kind == "letters":
        read = {char: char for char in letters}
        for digit in digits:
            fits = [char for char in _ALIKE.get(digit, "") if char in column]
            if len(fits) == 1:
                read[digit] = fits[0]
        return read
    if not sure:
        return {char: char for char in digits + letters}
    read = {char: char for char in alphabet}
    for char in set(digits + letters) - alphabet:
        fits = [other for other in _ALIKE.get(char, "") if other in alphabet]
        if len(fits) == 1:
            read[char] = fits[0]
    return read


def _distinct(forms: list[Form]) -> list[Form]:
    """Forms that differ only in how their orders wrote separators are one."""
    seen: dict[tuple[str, str], Form] = {}
    for form in forms:
        key = form.prefix, form.pattern.pattern
        known = seen.setdefault(key, form)
        if known.cuts != form.cuts:
            seen[key] = replace(known, cuts=known.cuts | form.cuts)
    # Longest prefix first, so that MSHS is heard before HS.
    return sorted(seen.values(), key=lambda form: (-len(form.prefix), -form.length, form.prefix))


def _cut_words(form: Form, piece: Piece) -> Iterator[tuple[str, int, int]]:
    """Words that a form without letters in front may begin with."""
    for start, end in piece.tokens():
        word = piece.symbols[start:end]
        least = max(_SHORTEST_CUT + form.number, form.length // 2)  # 2026 is a year
        if least <= len(word) < form.length:
            fits = zip(form.prefix, word, strict=False)
            body = zip(form.places, word[len(form.prefix) :], strict=False)
            if all(a == b for a, b in fits) and all(char in place for place, char in body):
                yield (word, *piece.span(start, end))
