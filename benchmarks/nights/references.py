"""Forms of references. Each makes many distinct ones; none is known to the engine beforehand.

`dense`: almost every neighbouring spelling is a real order, so nothing may be corrected.
`tolerant`: glue, wraps and look-alikes leave no second reading, so they are to be read.
`ours`: codes with two check symbols that undo one mistake.
`varied`: of several lengths, so that what is left of a cut one may be another.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_ALPHABET = "0123456789ACDEFGHJKMNPQRTVWXY"
_P = len(_ALPHABET)
_W1 = [pow(19, i, _P) for i in range(11)]
_W2 = [pow(19, 2 * i, _P) for i in range(11)]


@dataclass(frozen=True, slots=True)
class Form:
    """One shape of reference. make: n distinct ones in the order of issue."""

    name: str
    make: Callable[[random.Random, int], list[str]]
    dense: bool = False
    tolerant: bool = True
    ours: bool = False
    varied: bool = False


def _code(rng: random.Random, prefix: int) -> str:
    """One of our codes: two weighted sums modulo 29 over prefix and symbols are zero."""
    while True:
        values = [rng.randrange(_P) for _ in range(8)]
        if 2 <= sum(value < 10 for value in values) <= 6:
            break
    first, second = prefix * _W1[10], prefix * _W2[10]
    for i, value in enumerate(values):
        first += value * _W1[i]
        second += value * _W2[i]
    scale = pow(_W1[8] * _W2[9] - _W1[9] * _W2[8], -1, _P)
    values.append((_W1[9] * second - _W2[9] * first) * scale % _P)
    values.append((_W2[8] * first - _W1[8] * second) * scale % _P)
    return ("HP", "VP", "LP")[prefix] + "".join(_ALPHABET[value] for value in values)


def _distinct(rng: random.Random, count: int, one: Callable[[random.Random], str]) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[one(rng)] = None
    return list(found)


def _random_of(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choices(alphabet, k=length))


def _serial(head: str, width: int, tail: str = "") -> Callable[[random.Random, int], list[str]]:
    """Numbers in a row with a few left out, as a running counter leaves them."""

    def make(rng: random.Random, count: int) -> list[str]:
        room = 10**width - 1
        first = rng.randrange(max(1, min(room // 5, room - int(count * 1.2) - 1)))
        kept = sorted(rng.sample(range(first, first + int(count * 1.2) + 1), count))
        return [f"{head}{number:0{width}d}{tail}" for number in kept]

    return make


def _checked(head: str, width: int) -> Callable[[random.Random, int], list[str]]:
    """A running number, and behind it what it leaves when divided by 97, in two digits."""

    def make(rng: random.Random, count: int) -> list[str]:
        plain = _serial("", width)(rng, count)
        return [f"{head}{number}{98 - int(number) * 100 % 97:02d}" for number in plain]

    return make


def _weighted(head: str, width: int) -> Callable[[random.Random, int], list[str]]:
    """A running number and one check digit: weights 3 and 1 by turns, as on trade numbers."""

    def check(number: str) -> int:
        total = sum(int(d) * (3 if at % 2 else 1) for at, d in enumerate(reversed(number), 1))
        return -total % 10

    def make(rng: random.Random, count: int) -> list[str]:
        return [f"{head}{number}{check(number)}" for number in _serial("", width)(rng, count)]

    return make


def _dossier(rng: random.Random, count: int) -> list[str]:
    """H26.901-260105-0007: unit, day, running number of the day."""

    def one(rng: random.Random) -> str:
        day = f"26{rng.randint(1, 9):02d}{rng.randint(1, 28):02d}"
        return f"H26.{rng.choice((901, 902, 990))}-{day}-{rng.randint(1, 9999):04d}"

    return _distinct(rng, count, one)


def _portal(rng: random.Random, count: int) -> list[str]:
    """000.A0.32.H26-260801-1498: level, unit, province, day, running number."""

    def one(draw: random.Random) -> str:
        unit = f"000.{draw.choice(('A0', '00'))}.{draw.choice(('01', '32'))}"
        return f"{unit}.H26-2608{draw.randint(1, 28):02d}-{draw.randint(1, 9999):04d}"

    return _distinct(rng, count, one)


def _eleven(rng: random.Random, count: int) -> list[str]:
    """KB50001384X: a running number and its remainder by eleven, X for ten."""

    def check(number: str) -> str:
        rest = sum(int(d) * weight for d, weight in zip(number, range(8, 1, -1), strict=True)) % 11
        return "X" if rest == 10 else str(rest)

    return [f"KB{number}{check(number)}" for number in _serial("", 7)(rng, count)]


def _middle(rng: random.Random, count: int) -> list[str]:
    """4821KT10023: a ward, letters in the middle, a running number."""
    return _distinct(
        rng,
        count,
        lambda draw: (
            f"{draw.randrange(10_000):04d}{draw.choice(('CN', 'KT', 'YD'))}"
            f"{draw.randrange(100_000):05d}"
        ),
    )


def _lengths(rng: random.Random, count: int) -> list[str]:
    """BN801, BN8015: a counter without zeros in front."""
    return [f"BN{number}" for number in sorted(rng.sample(range(80, 80 + count * 2), count))]


def _drawn(head: str, alphabet: str, length: int) -> Callable[[random.Random, int], list[str]]:
    return lambda rng, count: _distinct(
        rng, count, lambda draw: head + _random_of(draw, alphabet, length)
    )


def _short(rng: random.Random, count: int) -> list[str]:
    """K7M2: four or five characters, as a small office writes by hand."""
    room = 4 if count < 20_000 else 5
    return _distinct(
        rng, count, lambda draw: "K" + _random_of(draw, "ACDEFGHJKMNPQRTVWXY34679", room)
    )


def _classes(rng: random.Random, count: int) -> list[str]:
    """SV21CT00123: year, faculty, running number; every faculty shares the first letters."""

    def one(rng: random.Random) -> str:
        year, faculty = rng.randint(20, 59), rng.choice(("CT", "KT", "YD", "NN"))
        return f"SV{year}{faculty}{rng.randrange(100_000):05d}"

    return _distinct(rng, count, one)


def _ours(prefix: int) -> Callable[[random.Random, int], list[str]]:
    return lambda rng, count: _distinct(rng, count, lambda draw: _code(draw, prefix))


_SPARSE = "0123456789ACDEFGHJKMNPQRTVWXY"

FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form("hp", _ours(0), ours=True),
        Form("vp", _ours(1), ours=True),
        Form("lp", _ours(2), ours=True),
        Form("mshs", _serial("MSHS", 7), dense=True),
        Form("vt", _checked("VT", 8), dense=True),
        Form("dvc", _drawn("DVC-", _SPARSE, 9)),
        Form("hd", _serial("HD-2026-", 7), dense=True),
        Form("hex", _drawn("", "0123456789abcdef", 24)),
        Form("dossier", _dossier, dense=True),
        Form("number", _serial("2026", 7), dense=True, tolerant=False),
        Form("drawn-number", _drawn("8", "0123456789", 11), dense=True, tolerant=False),
        Form("short", _short, dense=True, tolerant=False),
        Form("student", _classes, dense=True),
        Form("hs", _serial("HS", 7), dense=True),
        Form("hsg", _serial("HSG", 7), dense=True),
        Form("trade", _weighted("BN", 8), dense=True),
        Form("lower", _drawn("qr-", "abcdefghjkmnpqrstuvwxyz23456789", 10)),
        Form("slashed", _serial("HV/26/", 7), dense=True),
        Form("portal", _portal, dense=True),
        Form("eleven", _eleven, dense=True),
        Form("middle", _middle, dense=True, tolerant=False),
        Form("lengths", _lengths, dense=True, tolerant=False, varied=True),
        Form("dated", _serial("2026-", 6), dense=True, tolerant=False),
        Form("lettered", _drawn("TL", "ABCDEFGHJKMNPQRSTUVWXYZ", 8)),
    )
}

MIXES: Mapping[str, tuple[str, ...]] = {
    "house": ("hp", "vp", "lp", "mshs", "vt", "dvc"),
    "others": ("hp", "hd", "hex", "dossier", "trade", "lower"),
    "numbers": ("mshs", "number", "drawn-number", "slashed", "vp"),
    "neighbours": ("hs", "hsg", "mshs", "student", "lp"),
    "offices": ("portal", "dossier", "slashed", "dated", "lp"),
    "lengths": ("lengths", "eleven", "middle", "hex", "vp"),
    "odd": ("short", "lettered", "hex", "vt", "hsg", "hp"),
}
"""Named mixes for --forms; a list of names with commas does too."""
