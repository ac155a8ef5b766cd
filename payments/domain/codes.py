"""Payment codes: make one, check it, find it inside a memo. Standard library only.

A code is a prefix, eight random symbols and two check symbols: "HP7K2M9QX4" + 2 checks. The
alphabet has 29 symbols, a prime, so symbols are numbers one can divide by. With w = 19, symbol
i weighs w^i in a first sum and w^2i in a second; the prefix is symbol 10 with the value 0, 1 or
2. Both sums of a code are 0. One mistake leaves a pair of sums that names the mistake:
docs/explanation/payment-codes.md works an example and says why no two mistakes share a pair.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from payments.domain import memo as memos
from payments.domain.memo import Piece, Reading

ALPHABET = "0123456789ACDEFGHJKMNPQRTVWXY"
LOOK_ALIKES = {"O": "0", "I": "1", "L": "1", "S": "5", "B": "8", "Z": "2"}
LENGTH = 12

_P = len(ALPHABET)
_ROOT = 19  # its powers run through all 28 numbers, so a ratio of sums is a position
_RANDOM = 8
_SYMBOLS = _RANDOM + 2
_PREFIX_AT = _SYMBOLS
_POWER = [pow(_ROOT, i, _P) for i in range(_P - 1)]
_LOG = {power: i for i, power in enumerate(_POWER)}
_W1 = [_POWER[i] for i in range(_SYMBOLS + 1)]
_W2 = [_POWER[2 * i % (_P - 1)] for i in range(_SYMBOLS + 1)]
_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
_VALUE |= {look: _VALUE[meant] for look, meant in LOOK_ALIKES.items()}
_PREFIX_LETTER = {"H": 0, "V": 1, "L": 2, "I": 2, "1": 2}
_HEAD = re.compile(r"(?=[HVLI1]P)")
_FEWEST = 2  # letters and digits each: a trace number or a name is never a code


class Prefix(StrEnum):
    """What a code collects. The order is the value that the checks protect."""

    TUITION = "HP"
    HOSPITAL = "VP"
    CHARGE = "LP"


class How(StrEnum):
    """How a code was read; the weaker ones ask for more proof before money moves."""

    EXACT = "exact"
    GLUED = "glued"
    SPLIT = "split"
    CORRECTED = "corrected"
    PREFIX_LOST = "prefix_lost"


@dataclass(frozen=True, slots=True)
class Corrected:
    """A code after one mistake is undone.

    mistake: "substitution" or "swap"; at: place of the (first) wrong character, 0 to 11;
    read, meant: the characters that stood there and that belong there.
    """

    code: str
    mistake: str
    at: int
    read: str
    meant: str


@dataclass(frozen=True, slots=True)
class Found:
    """A code in a memo: memo[start:end] is where it stands, for highlighting."""

    code: str
    how: How
    start: int
    end: int
    corrected: Corrected | None = None


_PREFIXES = tuple(Prefix)


def generate(prefix: Prefix, randbelow: Callable[[int], int] = secrets.randbelow) -> str:
    """A new code. randbelow(n) gives 0 <= k < n; only tests pass another than secrets'."""
    return prefix + symbols_for(_PREFIXES.index(prefix), randbelow)


def symbols_for(value: int, randbelow: Callable[[int], int] = secrets.randbelow) -> str:
    """The ten symbols behind a prefix. value: what the prefix counts as, 0 to 28.

    Payment codes take 0, 1 and 2 (the place in Prefix); refund_codes.py takes another, so that
    no code of one kind is ever one of the other, whatever becomes of its two letters.
    """
    while True:
        values = [randbelow(_P) for _ in range(_RANDOM)]
        if _mixed(values):
            whole = values + _checks(value, values)
            return "".join(ALPHABET[one] for one in whole)


def read_symbols(value: int, text: str) -> str | None:
    """Ten symbols whose checks are right behind a prefix of this value, look-alikes folded."""
    values = _values(text)
    if len(values) != _SYMBOLS or None in values or not _mixed(values):
        return None
    if _sums(value, values) != (0, 0):
        return None
    return "".join(ALPHABET[one] for one in _sure(values))


def is_valid(code: str) -> bool:
    """Whether this is a code exactly as we write it: upper case, no separators, checks right."""
    if len(code) != LENGTH or code[:2] not in _PREFIXES:
        return False
    return all(symbol in ALPHABET for symbol in code[2:]) and read_exact(code) == code


def read_exact(text: str) -> str | None:
    """The code that 12 letters and digits spell once look-alikes are folded, or None."""
    word = text.upper()
    if len(word) != LENGTH or word[1] != "P" or word[0] not in _PREFIX_LETTER:
        return None
    prefix, values = _PREFIX_LETTER[word[0]], _values(word[2:])
    if None in values or _sums(prefix, values) != (0, 0) or not _mixed(values):
        return None
    return _spelled(prefix, values)


def correct(text: str) -> Corrected | None:
    """The one code that is a single wrong character or swapped neighbours away.

    text: 12 letters and digits in any case. None if it is a code already, or no code is one
    mistake away. The caller must still ask whether the code was issued: with two mistakes
    about three words in ten land on a code that nobody meant.
    """
    word = text.upper()
    if len(word) != LENGTH or not (word.isascii() and word.isalnum()):
        return None
    if word[1] == "P" and word[0] in _PREFIX_LETTER:
        return _correct_symbols(word)
    return _correct_prefix(word)


def find(memo: str | Reading) -> list[Found]:
    """Every code in a memo, strongest reading first, then in order of place.

    Case, accents and look-alikes are folded; separators, line wraps and glued words are read
    through, but never a bank's own part (see payments.domain.memo). Overlapping weaker readings
    are dropped; a code that stands twice is given once. A cut code is not given: see beginnings.
    """
    reading = memos.read(memo) if isinstance(memo, str) else memo
    found: list[Found] = []
    for piece in reading.pieces:
        if len(piece.symbols) >= _SYMBOLS:
            strong = _exact_in(piece)
            weak = [*_corrected_in(piece), *_bare_in(piece)]
            found += strong + [one for one in weak if not any(_overlap(one, s) for s in strong)]
    found.sort(key=lambda one: (one.how in (How.CORRECTED, How.PREFIX_LOST), one.start))
    first: dict[str, Found] = {}
    for one in found:
        first.setdefault(one.code, one)
    return list(first.values())


def beginnings(memo: str | Reading, least: int = 4) -> list[tuple[str, int, int]]:
    """Codes that break off: (prefix and at least `least` symbols, start, end) in the memo.

    Good for a suggestion and for nothing else.
    """
    reading = memos.read(memo) if isinstance(memo, str) else memo
    found = []
    for piece in reading.pieces:
        for start, end in piece.tokens():
            head = _HEAD.search(piece.symbols, start, end)
            if head is None or not 2 + least <= end - head.start() < LENGTH:
                continue
            word = piece.symbols[head.start() : end]
            values = _values(word[2:])
            if None not in values:
                text = _PREFIXES[_PREFIX_LETTER[word[0]]] + "".join(
                    ALPHABET[v] for v in _sure(values)
                )
                found.append((text, *piece.span(head.start(), end)))
    return found


def _exact_in(piece: Piece) -> list[Found]:
    found = []
    for head in _HEAD.finditer(piece.symbols):
        start, end = head.start(), head.start() + LENGTH
        code = read_exact(piece.symbols[start:end])
        if code is not None and not piece.borrows(start, end):
            if piece.gaps(start, end):
                how = How.SPLIT
            else:
                clear = piece.breaks_at(start) and piece.breaks_at(end)
                how = How.EXACT if clear else How.GLUED
            found.append(Found(code, how, *piece.span(start, end)))
    return found


def _corrected_in(piece: Piece) -> list[Found]:
    # A wrong prefix can stand anywhere, so without one only a token of twelve is tried.
    starts = {head.start() for head in _HEAD.finditer(piece.symbols)}
    starts |= {start for start, end in piece.tokens() if end - start == LENGTH}
    found = []
    for start in sorted(starts):
        end = start + LENGTH
        aligned = not piece.gaps(start, end) or piece.breaks_at(end)
        fixed = correct(piece.symbols[start:end]) if aligned else None
        if fixed is not None:
            found.append(Found(fixed.code, How.CORRECTED, *piece.span(start, end), fixed))
    return found


def _bare_in(piece: Piece) -> list[Found]:
    found = []
    for start, end in piece.tokens():
        if end - start != _SYMBOLS:
            continue
        values = _values(piece.symbols[start:end])
        prefix = None if None in values or not _mixed(values) else _prefix_of(values)
        if prefix is not None:
            code = _spelled(prefix, values)
            found.append(Found(code, How.PREFIX_LOST, *piece.span(start, end)))
    return found


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end


def _correct_symbols(word: str) -> Corrected | None:
    """The prefix reads well: the mistake is in the symbols, or swapped one prefix for another."""
    prefix, values = _PREFIX_LETTER[word[0]], _values(word[2:])
    if None in values:
        return _fill(word, prefix, values)
    first, second = _sums(prefix, values)
    if first == 0 or second == 0:
        return None
    ratio = second * _inverse(first) % _P
    at = _LOG[ratio]
    if at <= _PREFIX_AT:
        # Substitution by d at i leaves (d w^i, d w^2i): the ratio is w^i.
        off = first * _inverse(_W1[at]) % _P
        if at == _PREFIX_AT:
            return _accept(word, (prefix - off) % _P, values, "substitution", 0)
        values[at] = (_sure(values)[at] - off) % _P
        return _accept(word, prefix, values, "substitution", 2 + at)
    return _swap_back(word, prefix, _sure(values), first, ratio)


def _swap_back(
    word: str, prefix: int, values: list[int], first: int, ratio: int
) -> Corrected | None:
    # A swap at i leaves (d w^i (1-w), d w^2i (1-w^2)): the ratio is w^i (1+w).
    at = _LOG[ratio * _inverse(1 + _ROOT) % _P]
    if at + 1 >= _SYMBOLS:
        return None
    if first != (values[at] - values[at + 1]) * _W1[at] * (1 - _ROOT) % _P:
        return None
    values[at], values[at + 1] = values[at + 1], values[at]
    return _accept(word, prefix, list(values), "swap", 2 + at)


def _fill(word: str, prefix: int, values: list[int | None]) -> Corrected | None:
    """One character is no symbol at all (U): the sums say which symbol fits there."""
    if values.count(None) != 1:
        return None
    at = values.index(None)
    values[at] = 0
    first, _ = _sums(prefix, values)
    values[at] = -first * _inverse(_W1[at]) % _P
    return _accept(word, prefix, values, "substitution", 2 + at)


def _correct_prefix(word: str) -> Corrected | None:
    """The prefix itself is damaged, so everything else must be right."""
    values = _values(word[2:])
    found = []
    if word[1] == "P":
        prefix = None if None in values else _prefix_of(values)
        if prefix is not None:
            found.append(_accept(word, prefix, values, "substitution", 0))
    if word[0] in _PREFIX_LETTER:
        prefix = _PREFIX_LETTER[word[0]]
        found.append(_accept(word, prefix, values, "substitution", 1))
        if word[2] == "P":
            moved = _values(word[1]) + values[1:]
            found.append(_accept(word, prefix, moved, "swap", 1))
    if word[0] == "P" and word[1] in _PREFIX_LETTER:
        found.append(_accept(word, _PREFIX_LETTER[word[1]], values, "swap", 0))
    good = [one for one in found if one is not None]
    return good[0] if len(good) == 1 else None


def _accept(
    word: str, prefix: int, values: list[int | None], mistake: str, at: int
) -> Corrected | None:
    """The corrected code, if it is one: sums zero, a known prefix, letters and digits enough."""
    if None in values or prefix >= len(_PREFIXES):
        return None
    if _sums(prefix, values) != (0, 0) or not _mixed(values):
        return None
    code = _spelled(prefix, values)
    wide = 2 if mistake == "swap" else 1
    return Corrected(code, mistake, at, word[at : at + wide], code[at : at + wide])


def _values(symbols: str) -> list[int | None]:
    return [_VALUE.get(symbol) for symbol in symbols]


def _sure(values: list[int | None]) -> list[int]:
    return [value for value in values if value is not None]


def _sums(prefix: int, values: list[int | None] | list[int]) -> tuple[int, int]:
    """Both check sums; (0, 0) for a code. Places without a value count as 0."""
    first, second = prefix * _W1[_PREFIX_AT], prefix * _W2[_PREFIX_AT]
    for i, value in enumerate(values):
        if value:
            first += value * _W1[i]
            second += value * _W2[i]
    return first % _P, second % _P


def _checks(prefix: int, values: list[int]) -> list[int]:
    """The two symbols that bring both sums to 0: two equations, two unknowns."""
    first, second = _sums(prefix, values)
    a, b = _W1[_RANDOM], _W1[_RANDOM + 1]
    c, d = _W2[_RANDOM], _W2[_RANDOM + 1]
    scale = _inverse(a * d - b * c)
    return [(b * second - d * first) * scale % _P, (c * first - a * second) * scale % _P]


def _prefix_of(values: list[int | None]) -> int | None:
    """The one prefix with which these symbols are a code."""
    fits = [prefix for prefix in range(len(_PREFIXES)) if _sums(prefix, values) == (0, 0)]
    return fits[0] if fits else None


def _mixed(values: list[int | None] | list[int]) -> bool:
    digits = sum(1 for value in values[:_RANDOM] if value is not None and value < 10)
    return _FEWEST <= digits <= _RANDOM - _FEWEST


def _spelled(prefix: int, values: list[int | None] | list[int]) -> str:
    return _PREFIXES[prefix] + "".join(ALPHABET[value] for value in values if value is not None)


def _inverse(number: int) -> int:
    return pow(number, -1, _P)
