"""Identifiers: UUIDv7 inside, `ord_01k…` outside.

Made by the application, so that a row can be named before it is written. The first 48
bits are milliseconds (RFC 9562), which keeps index pages warm; they order nothing that
matters, because clocks differ and transactions commit out of order.
"""

from __future__ import annotations

import secrets
import time
from uuid import UUID

from payments.domain.errors import NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(120, -1, -10)
_RANDOM = 10  # bytes, of which 74 bits are taken
_48, _62 = (1 << 48) - 1, (1 << 62) - 1
_OURS = frozenset(_ALPHABET)
_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # as int() counts to 32


def new() -> UUID:
    """Return a fresh UUIDv7."""
    return _made(secrets.token_bytes(_RANDOM))


def several(count: int) -> list[UUID]:
    """So many fresh ones, with one draw of random bits for all of them."""
    drawn = secrets.token_bytes(_RANDOM * count)
    return [_made(drawn[at : at + _RANDOM]) for at in range(0, len(drawn), _RANDOM)]


def _made(random: bytes) -> UUID:
    bits = int.from_bytes(random, "big")
    high = (time.time_ns() // 1_000_000 & _48) << 16 | 0x7000 | bits >> 68
    return UUID(int=high << 64 | 0b10 << 62 | bits & _62)


def shown(kind: str, id_: UUID) -> str:
    """Return the id as the outside sees it: shown("ord", …) -> "ord_06f…", 26 symbols."""
    value = id_.int
    return f"{kind}_{''.join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS])}"


def read(kind: str, text: str) -> UUID:
    """Undo `shown`. Raises NotFound for anything else: a stranger learns nothing from it."""
    prefix, _, symbols = text.partition("_")
    if prefix != kind or len(symbols) != 26 or not _OURS.issuperset(symbols):
        raise NotFound()
    value = int(symbols.translate(_DIGITS), 32)
    if value >> 128:
        raise NotFound()
    return UUID(int=value)
