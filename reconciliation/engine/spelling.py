"""References spelled out with their separators, found before a memo's dates are walled off. Pure.

HV/26/0530631 holds what looks like a day, H26.901-260910-0007 holds one. Where a text has the
form of a reference with the separators that its orders write, those digits are the payer's. A
reference that breaks off in front of the bank's own day is not helped along: see _stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reconciliation.engine.forms import Form, alike

_MOST_GAPS = 2
_DAY = re.compile(r"\d{1,2} ?[/:.-] ?(?:\d{1,2}|20\d\d)(?!\d)")
_NUMBER = re.compile(r"\d(?:[ ./:-]?\d)*")
_OTHER = re.compile(r"\D")
_WORD = re.compile("[0-9A-Z]+")


@dataclass(frozen=True, slots=True)
class Spelling:
    """One form that has separators. pattern: as it may be written, two gaps of a wrap included."""

    form: Form
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, form: Form) -> Spelling:
        """The spelling of a form."""
        classes = [f"[{alike(char)}]" for char in form.prefix]
        classes += ["[" + "".join(sorted(place)) + "]" for place in form.places]
        gaps = [
            r"[^0-9A-Z]{0,3}" if at in form.cuts else r"[\s._-]{0,2}" for at in range(len(classes))
        ]
        inner = "".join(gap + one for gap, one in zip(gaps[1:], classes[1:], strict=True))
        front = "(?<![0-9A-Z])" if not form.leads else "" if form.prefix else "(?<![0-9])"
        return cls(form, re.compile(rf"{front}{classes[0]}{inner}(?!\d)"))


@dataclass(frozen=True, slots=True)
class Spellings:
    """The forms with separators of all references. written: a reference as its order writes it,
    "" if no order has it."""

    every: Sequence[Spelling]
    written: Callable[[str], str]

    def spans(self, text: str, foreign: frozenset[str]) -> Iterator[tuple[int, int]]:
        """[start, end) of what is a reference and nobody's date. text: a folded memo.

        foreign: the bank's own numbers and days of the same line.
        """
        for one in self.every:
            for match in one.pattern.finditer(text):
                if self._stands(one, match, foreign):
                    yield match.span()

    def _stands(self, one: Spelling, match: re.Match[str], foreign: frozenset[str]) -> bool:
        words = list(_WORD.finditer(match.group()))
        at, parted, loose = 0, False, list[tuple[re.Match[str], int]]()
        for word in words:
            if at and at in one.form.cuts:
                parted = True
            elif at:
                loose.append((word, at))
            at += len(word.group())
        ref = self.written(one.form.read("".join(word.group() for word in words)))
        if not one.form.leads:
            return bool(ref) and ref == match.group()
        if not parted or len(loose) > _MOST_GAPS or (loose and not ref):
            return False
        # A gap in what never varies is a wrap: what stands behind it completes nothing.
        starts = (match.start() + word.start() for word, at in loose if at >= one.form.steady)
        return not any(_is_of_the_bank(match.string, start, foreign) for start in starts)


def _is_of_the_bank(text: str, start: int, foreign: frozenset[str]) -> bool:
    """Whether what stands behind a gap is a day, a time or a number of the bank's own."""
    if _DAY.match(text, start):
        return True
    number = _NUMBER.match(text, start)
    digits = _OTHER.sub("", number.group()) if number else ""
    return any(digits.startswith(stamp) for stamp in foreign if stamp.isdigit())
