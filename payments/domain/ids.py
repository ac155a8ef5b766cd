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
_VALUE = {symbol: value for value, symbol in enumerate(_ALPHABET)}


def new() -> UUID:
    """Return a fresh UUIDv7."""
    millis = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    bits = (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 62) << 64
    return UUID(int=bits | 0b10 << 62 | random & (1 << 62) - 1)


def shown(kind: str, id_: UUID) -> str:
    """Return the id as the outside sees it: shown("ord", …) -> "ord_06f…", 26 symbols."""
    value = id_.int
    symbols = [_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5)]
    return f"{kind}_{''.join(symbols)}"


def read(kind: str, text: str) -> UUID:
    """Undo `shown`. Raises NotFound for anything else: a stranger learns nothing from it."""
    prefix, _, symbols = text.partition("_")
    if prefix != kind or len(symbols) != 26 or any(s not in _VALUE for s in symbols):
        raise NotFound()
    value = 0
    for symbol in symbols:
        value = value << 5 | _VALUE[symbol]
    if value >> 128:
        raise NotFound()
    return UUID(int=value)
