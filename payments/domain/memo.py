"""A bank memo, read: which letters the payer wrote, and which the banks put around them.

A cut reference followed by a bank's own date can complete itself to somebody else's
reference once the separators are gone. So a memo is parsed by the shapes banks are known to
use (SHAPES); those parts are walls that no reference may reach into or across. What is left
are the payer's pieces, each squeezed to letters and digits, with a note of where something
stood between two of them and where each came from in the original, for highlighting.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate, pairwise

_D_BAR = str.maketrans({"đ": "d", "Đ": "D", "ð": "d", "Ð": "D"})
_WORD = re.compile(r"[0-9A-Z]+")
_PLAIN = re.compile(r"[0-9A-Z]*")
_OTHER = re.compile(r"[^0-9A-Z]")
_CUT_STAMP = re.compile(r"-\s?(\d{2,7})\s*$")


@dataclass(frozen=True, slots=True)
class Wall:
    """A part of the memo that is the bank's: [start, end) in Reading.text."""

    start: int
    end: int
    shape: str


@dataclass(slots=True)
class Piece:
    """Payer's text between two walls, letters and digits only.

    symbols: A-Z and 0-9 without what stood between them. Token i begins at starts[i] of the
    symbols and at came[i] of the folded text, which `at` maps to the original memo.
    """

    symbols: str
    starts: tuple[int, ...]
    came: tuple[int, ...]
    at: Sequence[int]
    _tokens: list[tuple[int, int]] | None = field(default=None, init=False, compare=False)

    def place(self, symbol: int) -> int:
        """Where in the original memo this symbol stands."""
        token = bisect_right(self.starts, symbol) - 1
        return self.at[self.came[token] + symbol - self.starts[token]]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """[start, end) of the symbols as [start, end) of the original memo."""
        return self.place(start), self.place(end - 1) + 1

    def breaks_at(self, place: int) -> bool:
        """Whether a token ends or begins here."""
        if place >= len(self.symbols):
            return True
        at = bisect_left(self.starts, place)  # a memo of ten thousand letters has many
        return at < len(self.starts) and self.starts[at] == place

    def gaps(self, start: int, end: int) -> list[int]:
        """The places inside [start, end) before which something stood."""
        starts = self.starts
        return list(starts[bisect_right(starts, start) : bisect_left(starts, end)])

    def borrows(self, start: int, end: int) -> bool:
        """Whether [start, end) takes the front of a later word or number.

        "MSHS001 23456789" must not lend its first digits to a seven-digit reference, nor
        "HP7K2M9QX TRAN" its first letters: beyond the last gap the text is all letters or all
        digits, and the same kind goes on right behind.
        """
        gaps = self.gaps(start, end)
        if not gaps or self.breaks_at(end):
            return False
        tail = self.symbols[gaps[-1] : end + 1]
        return tail.isdigit() or tail.isalpha()

    def tokens(self) -> list[tuple[int, int]]:
        """[start, end) of each stretch without a break."""
        if self._tokens is None:
            self._tokens = list(pairwise((*self.starts, len(self.symbols))))
        return self._tokens


@dataclass(frozen=True, slots=True)
class Reading:
    """A memo folded (no accents, upper case) and parsed. `at` maps text to the original.

    walls: the bank's parts; pieces: the payer's, in order, empty ones left out. near: days, as
    day_stamps writes them, that the bank may have put behind the payer's text; None: any day.
    """

    original: str
    text: str
    at: Sequence[int]
    walls: tuple[Wall, ...]
    pieces: tuple[Piece, ...]
    near: frozenset[str] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """[start, end) of the folded text as [start, end) of the original memo."""
        return (self.at[start], self.at[end - 1] + 1) if start < end else (0, 0)


def fold(text: str) -> str:
    """Upper case without accents: "Nguyễn Đạt" -> "NGUYEN DAT"."""
    return fold_with_places(text)[0]


def compact(ref: str) -> str:
    """A reference as it is compared: folded, letters and digits only."""
    folded = fold(ref)
    return folded if _PLAIN.fullmatch(folded) else _OTHER.sub("", folded)


def fold_with_places(text: str) -> tuple[str, Sequence[int]]:
    """The folded text, and for each of its characters its place in `text`."""
    if text.isascii():
        return text.upper(), range(len(text))
    folded: list[str] = []
    at: list[int] = []
    for place, char in enumerate(text):
        for part in unicodedata.normalize("NFKD", char.translate(_D_BAR)):
            # Marks and invisible characters vanish: they never part two letters.
            if unicodedata.category(part) in {"Mn", "Cf"}:
                continue
            for letter in part.upper():
                folded.append(letter)
                at.append(place)
    return "".join(folded), at


def _digits(least: int, most: int) -> str:
    """Digits in a row, a fixed-column wrap between them allowed."""
    return rf"\d(?:\s?\d){{{least - 1},{most - 1}}}"


def _numbers(*lengths: int) -> str:
    """Numbers of so many digits behind a line each, wraps allowed."""
    return "".join(rf"\s?_\s?{_digits(length, length)}" for length in lengths)


def _word(word: str) -> str:
    """A bank's own word, a fixed-column wrap inside it allowed."""
    return r"\s?".join(map(re.escape, word))


_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0[1-9]|1[0-2])"
_CLOCK = rf"{_digits(2, 2)}\s?:\s?{_digits(2, 2)}(?:\s?:\s?{_digits(2, 2)})?"
_HOUR_TO_SECOND = r"[0-2]\s?\d\s?[0-5]\s?\d\s?[0-5]\s?\d"

# What banks and networks put around a memo. Invented samples of each are in
# tests/unit/domain/test_memo.py. The order is free: overlapping walls are joined.
SHAPES: dict[str, re.Pattern[str]] = {
    "Vietcombank app": re.compile(
        rf"{_word('MBVCB')}\s?[.]\s?{_digits(1, 14)}[.]\s?"
        rf"(?:{_digits(4, 4)}(?:\s?[0-9A-Z]){{12}}[.])?"
    ),
    "sender and receiver": re.compile(
        rf"[.;,]?\s?\bC\s?T\s{{0,2}}T\s?U\s*{_digits(4, 19)}\b.*$"
        r"|[.]\s?CT\s+TU?\s?\d{0,5}$|[.]\s?CT$",
        re.DOTALL,
    ),
    # Only the number: "toi" is also the payer's "I", and his text may go on behind it.
    "receiver": re.compile(rf"\b{_word('TOI')}\s{{0,2}}\d{{8,19}}(?!\d)"),
    "wallet": re.compile(
        r"PARTNER\s?[.]\s?[A-Z_ ]{4,24}[.]\s?[A-Z]{2,6}\s?[.](?:[\d\s]+[.]){1,4}[\d\s]*-[\d\s]+_"
    ),
    "NAPAS": re.compile(
        rf"(?<!\d){_digits(6, 6)}\s?[.]\s?{_digits(6, 6)}\s?[.]\s?{_digits(6, 6)}(?:\s?[.]|(?!\d))"
    ),
    # It ends with the time: a number behind that is the payer's.
    "ISO 8583": re.compile(
        rf"(?<![0-9A-Z])0200{_digits(16, 28)}(?:\s?[0-9A-Z]){{0,20}}"
        rf"(?:(?:\s?[.]\s?{_digits(1, 8)}){{0,2}}?\s?[.]\s?{_HOUR_TO_SECOND}\s?[.]"
        rf"|(?:\s?[.]\s?{_digits(1, 8)}){{1,3}}(?:\s?[.]|(?!\d)))"
    ),
    "date and time behind": re.compile(
        rf"-?\s?(?<!\d){_digits(6, 6)}\s?-\s?{_CLOCK}(?:\s?{_digits(4, 8)}(?!\d))?"
    ),
    "trace behind": re.compile(rf"\bGD\s?{_digits(6, 6)}\s?-\s?{_digits(6, 6)}(?:\s?{_CLOCK})?"),
    "T24 reference": re.compile(
        rf"(?<!IB)FT\s?(?:\d{{11,14}}(?!\d)|{_digits(14, 14)}(?!\d))|\bFT\d{{2,10}}\s*$"
    ),
    "BIDV card": re.compile(rf"{_word('TKTHE')}\s*:\s*{_digits(4, 19)}\s*,\s*TAI\s[^.]{{2,24}}[.]"),
    "BIDV remittance": re.compile(
        rf"\bREM\s+TFR\s+AC\s*:\s*{_digits(4, 19)}\s+O\s?@\s?L"
        rf"(?:{_numbers(6, 6, 1, 1, 9, 11)}(?!\d)|(?:[\s]?[_\d])+(?=\s|$))"
    ),
    "BIDV trace": re.compile(
        r"-?\s?C\s?T\s?L\s?N\s?H\s?[A-Z]{0,5}[\s\d]*(?:-\s?\d+\s?/\s?\d+)?(?:\s?-\s?[A-Z]+\s?-\s?\d+)?$"
    ),
    "VietinBank": re.compile(
        rf"\bCT\s+DEN\s*:\s*(?:\d{{8,16}}|{_digits(12, 12)})(?!\d)"
        r"|\bCT\s+NHANH\s+247\s+DEN\s*:|;\s?TAI\s+[A-Z]+\s*$"
    ),
    "VietinBank sender": re.compile(rf"[(]\s?CT\s?{_digits(8, 14)}\s?[)].*$", re.DOTALL),
    "network word": re.compile(r"\bIBFT"),
    "date": re.compile(
        rf"(?<![0-9A-Z]){_DAY}([/.-]){_MONTH}\1(?:20)?\d\d(?!\d)"
        rf"|(?<!\d)20\d\d([/-]){_MONTH}\2{_DAY}(?!\d)"
        r"|(?<!\d)\d{1,2}/\d{1,2}(?:/\d{2,4})?(?!\d)"
    ),
    "time": re.compile(rf"(?<!\d){_CLOCK}(?!\d)"),
}

# What a text without its blanks must hold for the shape to be in it; looking is cheap.
_SIGNS: dict[str, tuple[str, ...]] = {
    "Vietcombank app": ("MBVCB",),
    "sender and receiver": ("CTTU", ".CT"),
    "receiver": ("TOI",),
    "wallet": ("PARTNER",),
    "NAPAS": (".",),
    "ISO 8583": ("0200",),
    "date and time behind": (":",),
    "trace behind": ("GD",),
    "T24 reference": ("FT",),
    "BIDV card": ("TKTHE",),
    "BIDV remittance": ("REMTFR",),
    "BIDV trace": ("CTLNH",),
    "VietinBank": ("CTDEN", "247DEN", ";TAI"),
    "VietinBank sender": ("(CT",),
    "network word": ("IBFT",),
    "date": ("/", "-", "."),
    "time": (":",),
}


def day_stamps(days: Iterable[date]) -> frozenset[str]:
    """How banks write these days in a row of digits; tokens that equal one are not a payer's."""
    forms = ("%d%m%y", "%y%m%d", "%d%m%Y", "%Y%m%d")
    return frozenset(day.strftime(form) for day in days for form in forms)


def read(memo: str, *, foreign: frozenset[str] = frozenset()) -> Reading:
    """Fold and parse a memo.

    foreign: tokens known to be the bank's from elsewhere in the same line (its own reference,
    day_stamps of its dates), upper case; where they stand alone they become walls, and so does
    the beginning of one behind a dash where the line itself was cut.
    """
    text, at = fold_with_places(memo)
    walls = walls_in(text, foreign=foreign)
    return Reading(memo, text, at, walls, _pieces(text, at, walls))


def walls_in(text: str, *, foreign: frozenset[str] = frozenset()) -> tuple[Wall, ...]:
    """The bank's parts of a folded memo, in order; those that overlap are one."""
    found: list[Wall] = []
    squeezed = "".join(text.split())
    for shape, pattern in SHAPES.items():
        if any(sign in squeezed for sign in _SIGNS[shape]):
            found += [Wall(*match.span(), shape) for match in pattern.finditer(text)]
    if foreign:
        found += [
            Wall(*match.span(), "named in the line")
            for match in _WORD.finditer(text)
            if match.group() in foreign
        ]
        cut = _CUT_STAMP.search(text)
        if cut and any(token.startswith(cut.group(1)) for token in foreign):
            found.append(Wall(*cut.span(), "named in the line"))
    return _joined(found) if found else ()


def _joined(walls: list[Wall]) -> tuple[Wall, ...]:
    joined: list[Wall] = []
    for wall in sorted(walls, key=lambda wall: (wall.start, wall.end)):
        if joined and wall.start < joined[-1].end:
            last = joined.pop()
            wall = Wall(last.start, max(last.end, wall.end), last.shape)  # noqa: PLW2901 - the pair becomes one wall
        joined.append(wall)
    return tuple(joined)


def _pieces(text: str, at: Sequence[int], walls: tuple[Wall, ...]) -> tuple[Piece, ...]:
    found = []
    start = 0
    for wall in (*walls, Wall(len(text), len(text), "end")):
        words = list(_WORD.finditer(text, start, wall.start))
        start = wall.end
        if words:
            tokens = [word.group() for word in words]
            starts = accumulate(map(len, tokens[:-1]), initial=0)
            came = tuple(word.start() for word in words)
            found.append(Piece("".join(tokens), tuple(starts), came, at))
    return tuple(found)
