"""Identifiers: UUIDv7 inside, `ord_01k…` outside.

Made by the application, so that a row can be named before it is written. The first 48
bits are milliseconds (RFC 9562), which keeps index pages warm; they order nothing that
matters, because clocks differ and transactions commit out of order.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from uuid import UUID

from payments.domain.errors import NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_RANDOM = 10  # bytes, of which 74 bits are taken
_DRAWN = 256  # ids at a time
_48, _62, _65 = (1 << 48) - 1, (1 << 62) - 1, (1 << 65) - 1
_OURS = frozenset(_ALPHABET)
_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # as int() counts to 32


def new() -> UUID:
    """Return a fresh UUIDv7."""
    return _made(secrets.token_bytes(_RANDOM))


def several(count: int) -> list[UUID]:
    """So many fresh ones, with one draw of random bits for all of them."""
    drawn = secrets.token_bytes(_RANDOM * count)
    return [_made(drawn[at : at + _RANDOM]) for at in range(0, len(drawn), _RANDOM)]


def stream() -> Iterator[UUID]:
    """Fresh ones for a long list, drawn some at a time. Not to be kept: a fork would share it."""
    while True:
        yield from several(_DRAWN)


def _made(random: bytes) -> UUID:
    bits = int.from_bytes(random, "big")
    high = (time.time_ns() // 1_000_000 & _48) << 16 | 0x7000 | bits >> 68
    return UUID(int=high << 64 | 0b10 << 62 | bits & _62)


def shown(kind: str, id_: UUID) -> str:
    """Return the id as the outside sees it: shown("ord", …) -> "ord_06f…", 26 symbols."""
    # Two halves of 13 symbols: small numbers are shifted faster than one of 128 bits.
    value = id_.int
    high, low = value >> 65, value & _65
    return (
        f"{kind}_{_PAIRS[high >> 55]}{_PAIRS[high >> 45 & 1023]}{_PAIRS[high >> 35 & 1023]}"
        f"{_PAIRS[high >> 25 & 1023]}{_PAIRS[high >> 15 & 1023]}{_PAIRS[high >> 5 & 1023]}"
        f"{_ALPHABET[high & 31]}{_PAIRS[low >> 55]}{_PAIRS[low >> 45 & 1023]}"
        f"{_PAIRS[low >> 35 & 1023]}{_PAIRS[low >> 25 & 1023]}{_PAIRS[low >> 15 & 1023]}"
        f"{_PAIRS[low >> 5 & 1023]}{_ALPHABET[low & 31]}"
    )


def read(kind: str, text: str) -> UUID:
    """Undo `shown`. Raises NotFound for anything else: a stranger learns nothing from it."""
    prefix, _, symbols = text.partition("_")
    if prefix != kind or len(symbols) != 26 or not _OURS.issuperset(symbols):
        raise NotFound()
    value = int(symbols.translate(_DIGITS), 32)
    if value >> 128:
        raise NotFound()
    return UUID(int=value)
