"""Forms of references, learned from the orders themselves; nothing about them is hard-coded.

A form is a prefix, a length, and for each place behind the prefix what may stand there: digits
only, letters only, or both. That is all that is needed to read a reference in a memo where
case, separators, blanks, glued words or look-alike characters got in the way. A wrong digit is
never corrected: a neighbour's serial number is a real order.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from payments.domain.memo import Piece, fold

_GROUPS = ("O0", "IL1", "S5", "B8", "Z2")
_ALIKE = {char: group for group in _GROUPS for char in group}
_PLAIN = re.compile(r"[0-9A-Z]*")
_OTHER = re.compile(r"[^0-9A-Z]")
_SURE_FROM = 300  # symbols seen before "the alphabet lacks it" is believed
_BRANCHES = 3  # more different letters than this at a place: the body has begun
_STAMP = re.compile(
    r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:20)?[2-4]\d"
    r"|(?:20)?[2-4]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
)


@dataclass(frozen=True, slots=True)
class Form:
    """One shape of reference. prefix: letters that never vary; length: letters and digits in all.

    places: for each place behind the prefix, how a character that stands there is read.
    cuts: where the orders themselves write a separator. digits: whether the last place takes
    digits only. pattern finds every start.
    """

    prefix: str
    length: int
    places: tuple[dict[str, str], ...]
    cuts: frozenset[int]
    digits: bool
    pattern: re.Pattern[str]

    def gaps(self, piece: Piece, start: int, end: int) -> list[int]:
        """Where something stands between two symbols that the orders write together."""
        return [gap for gap in piece.gaps(start, end) if gap - start not in self.cuts]

    def read(self, word: str) -> str:
        """word has matched the pattern: the reference it spells."""
        body = word[len(self.prefix) :]
        return self.prefix + "".join(
            place.get(char, char) for place, char in zip(self.places, body, strict=True)
        )


@dataclass(frozen=True, slots=True)
class RefRead:
    """A reference read in a memo at memo[start:end].

    how: "exact", "glued", "split" or "look_alike". doubt: why it may be a cut reference that
    something else completed; such a reading never books.
    """

    ref: str
    how: str
    start: int
    end: int
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms that a set of references has, and the references in order of spelling."""

    forms: tuple[Form, ...] = ()
    spelled: Sequence[str] = field(default=(), repr=False)

    def read(self, piece: Piece) -> Iterator[RefRead]:
        """Every reading of every form in one piece of a memo, overlapping ones included."""
        for form in self.forms:
            if len(piece.symbols) < form.length:
                continue
            for match in form.pattern.finditer(piece.symbols):
                start, end = match.start(), match.start() + form.length
                alone = piece.breaks_at(start) and piece.breaks_at(end)
                # Without letters in front any number would do: it must stand alone.
                if len(form.prefix) < 2 and not (alone and not form.gaps(piece, start, end)):
                    continue
                yield _reading(form, piece, start, end, alone=alone)

    def beginnings(self, piece: Piece, least: int = 3) -> Iterator[tuple[str, int, int]]:
        """References that break off: (what is left, start, end in the memo)."""
        for form in self.forms:
            if len(form.prefix) < 2:
                continue
            for match in re.finditer(re.escape(form.prefix), piece.symbols):
                start, end = match.start(), match.end()
                limit = start + form.length
                while end < min(limit, len(piece.symbols)) and (
                    not piece.breaks_at(end) or end == match.end()
                ):
                    end += 1
                body = piece.symbols[match.end() : end]
                if least <= len(body) < len(form.places) and piece.breaks_at(end):
                    yield (piece.symbols[start:end], *piece.span(start, end))

    def prefixes(self) -> list[str]:
        """The letters that the forms begin with, look-alikes not counted."""
        return [form.prefix for form in self.forms]

    def starting(self, beginning: str, most: int) -> list[str]:
        """At most `most` known references that start like this."""
        at = bisect_left(self.spelled, beginning)
        found: list[str] = []
        while at < len(self.spelled) and len(found) < most:
            if not self.spelled[at].startswith(beginning):
                break
            found.append(self.spelled[at])
            at += 1
        return found

    def bodies(self, token: str) -> Iterator[str]:
        """The references whose body alone this token is: the prefix was left out."""
        for form in self.forms:
            if form.prefix and len(token) == len(form.places):
                yield form.prefix + token


def compact(ref: str) -> str:
    """A reference as it is compared: folded, letters and digits only."""
    folded = fold(ref)
    return folded if _PLAIN.fullmatch(folded) else _OTHER.sub("", folded)


def learn(refs: Iterable[str]) -> Forms:
    """The forms of these references, as written in the orders (separators and case may vary)."""
    groups: dict[tuple[int, tuple[int, ...]], set[str]] = defaultdict(set)
    for ref in refs:
        folded = fold(ref).strip()
        squeezed = compact(folded)
        if len(squeezed) >= 4:
            groups[len(squeezed), _separators(folded)].add(squeezed)
    forms = []
    for (_, cuts), members in sorted(groups.items()):
        for prefix, refs_of_form in _split(sorted(members), cuts[0] if cuts else 99):
            forms.append(_form(prefix, refs_of_form, cuts))
    every = sorted({ref for members in groups.values() for ref in members})
    return Forms(tuple(_distinct(forms)), every)


def _separators(folded: str) -> tuple[int, ...]:
    places = []
    count = 0
    for char in folded:
        if char.isascii() and char.isalnum():
            count += 1
        else:
            places.append(count)
    return tuple(places)


def _split(refs: list[str], limit: int, depth: int = 0) -> Iterator[tuple[str, list[str]]]:
    """Follow the letters while they hardly vary; where they do, or end, the body begins."""
    if depth >= limit or depth >= len(refs[0]) - 2:
        yield refs[0][:depth], refs
        return
    branches: dict[str, list[str]] = defaultdict(list)
    for ref in refs:
        branches[ref[depth]].append(ref)
    if any(char.isdigit() for char in branches) or (depth and len(branches) > _BRANCHES):
        letters = [char for char in branches if char.isalpha()]
        if depth or len(branches) > 10 + _BRANCHES or not letters:
            yield refs[0][:depth], refs
            return
    for members in branches.values():
        if members[0][depth].isdigit():
            yield members[0][:depth], members
        else:
            yield from _split(members, limit, depth + 1)


def _form(prefix: str, refs: list[str], cuts: tuple[int, ...]) -> Form:
    columns = [set(column) for column in zip(*(ref[len(prefix) :] for ref in refs), strict=True)]
    mixed = [column for column in columns if _kind(column) == "mixed"]
    alphabet = set().union(*mixed)
    sure = len(refs) * len(mixed) >= _SURE_FROM
    places = tuple(_place(column, alphabet, sure=sure) for column in columns)
    classes = [f"[{_ALIKE.get(char, char)}]" for char in prefix]
    classes += ["[" + "".join(sorted(place)) + "]" for place in places]
    return Form(
        prefix,
        len(refs[0]),
        places,
        frozenset(cuts),
        bool(columns) and _kind(columns[-1]) == "digits",
        re.compile(f"(?={''.join(classes)})"),
    )


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
    read = {char: char for char in digits + letters}
    for char in (digits + letters) if sure else "":
        fits = [other for other in _ALIKE.get(char, "") if other in alphabet]
        if char not in alphabet and len(fits) == 1:
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


def _reading(form: Form, piece: Piece, start: int, end: int, *, alone: bool) -> RefRead:
    word = piece.symbols[start:end]
    ref = form.read(word)
    if form.gaps(piece, start, end):
        how = "split"
    elif ref != word:
        how = "look_alike"
    else:
        how = "exact" if alone else "glued"
    return RefRead(ref, how, *piece.span(start, end), _doubt(form, piece, start, end, ref))


def _doubt(form: Form, piece: Piece, start: int, end: int, ref: str) -> str:
    """Why this may be a cut reference that the text behind it completed, or ""."""
    body = start + len(form.prefix)
    gaps = [gap for gap in form.gaps(piece, start, end) if gap > body]
    goes_on = "" if piece.breaks_at(end) else piece.symbols[end]
    if gaps and piece.borrows(start, end):
        return "borrowed"
    if form.digits and goes_on.isdigit():
        return "number goes on"
    tail = end
    while tail > body and piece.symbols[tail - 1].isalpha() and ref[tail - 1 - start].isdigit():
        tail -= 1
    if tail < end and (goes_on.isalpha() or tail in gaps):
        return "letters as digits"
    if gaps and _STAMP.fullmatch(piece.symbols[gaps[-1] : end]):
        return "reads as a date"
    return ""
