"""How a payment code gets spoiled on its way: each damage takes a memo and gives the spoiled one.

The code is the first word of the usual form; in a memo without one, the longest word is spoiled,
so that codes of other systems can be damaged as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from simulator.errors import Refused

_CODE = re.compile(r"(?:HP|VP|LP)[0-9A-Z]{10}", re.IGNORECASE)
_ALPHABET = "0123456789ACDEFGHJKMNPQRTVWXY"
_PREFIX = 2  # letters before the code's own symbols


def spoil(kind: str, memo: str, *, by: int, random: Random) -> str:
    """The memo with its code damaged. kind: a key of DAMAGES; by: characters, where it counts."""
    found = _CODE.search(memo)
    code = found[0] if found else max(memo.split(), key=len, default="")
    if len(code) <= _PREFIX + 1:
        raise Refused(
            "Nội dung không có mã thanh toán để làm sai",
            "The memo holds no payment code that could be damaged",
        )
    start = memo.index(code)
    spoiled = DAMAGES[kind](code, by, random)
    after = memo[start + len(code) :]
    if kind == "truncated":
        after = ""  # whatever follows the cut is lost with it
    return " ".join((memo[:start] + spoiled + after).split())


def _one_char(code: str, _by: int, random: Random) -> str:
    place = random.randrange(_PREFIX, len(code))
    other = random.choice([symbol for symbol in _ALPHABET if symbol != code[place].upper()])
    return code[:place] + other + code[place + 1 :]


def _swapped(code: str, _by: int, random: Random) -> str:
    last = len(code) - 1
    places = [at for at in range(_PREFIX, last) if code[at].upper() != code[at + 1].upper()]
    if not places:
        raise Refused("Mã không có hai ký tự khác nhau liền kề", "No two neighbours differ")
    at = random.choice(places)
    return code[:at] + code[at + 1] + code[at] + code[at + 2 :]


def _split(code: str, _by: int, random: Random) -> str:
    place = random.randrange(1, len(code))
    return f"{code[:place]} {code[place:]}"


def _prefix_lost(code: str, _by: int, _random: Random) -> str:
    return code[_PREFIX:]


def _truncated(code: str, by: int, _random: Random) -> str:
    return code[: max(1, len(code) - by)]


def _no_code(_code: str, _by: int, _random: Random) -> str:
    return ""


DAMAGES: dict[str, Callable[[str, int, Random], str]] = {
    "one_char": _one_char,
    "swapped": _swapped,
    "split": _split,
    "prefix_lost": _prefix_lost,
    "truncated": _truncated,
    "no_code": _no_code,
}
