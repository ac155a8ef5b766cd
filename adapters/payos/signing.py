"""payOS's two signatures, both HMAC-SHA256 in lower-case hex with the channel's checksum key.

A request to create a link signs five of its fields. Webhooks and answers sign their whole
`data`, fields that are new to us included, so the text is made from what was parsed.

Source: payOS's API pages; behaviour of @payos/node 2.0.5 and PyPI payos 1.1.0, whose numbers
and broken characters are those of JavaScript. Vectors: tests/data/vectors/payos.json.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

_REQUEST: Final = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")
_EMPTY: Final = (None, "null", "undefined")
_HALF_SIGN: Final = re.compile("[\ud800-\udfff]")
_PLAIN_FROM, _PLAIN_BELOW = 1e-6, 1e21  # between these JavaScript writes no exponent


class Unsignable(ValueError):
    """A value for which payOS's rule names no text; guessing one would be no check."""


def request_text(fields: Mapping[str, Any]) -> str:
    """What is signed of a request to create a link: raw values, nothing is encoded."""
    return "&".join(f"{name}={fields[name]}" for name in _REQUEST)


def sign_request(fields: Mapping[str, Any], key: str) -> str:
    """The `signature` of a request to create a link."""
    return _hex(request_text(fields), key)


def data_text(data: Mapping[str, Any]) -> str:
    """What is signed of `data`: `key=value` in the order of the keys. Raises Unsignable."""
    return "&".join(f"{name}={_value(data[name])}" for name in sorted(data))


def sign_data(data: Mapping[str, Any], key: str) -> str:
    """The `signature` beside `data`. Raises Unsignable."""
    return _hex(data_text(data), key)


def agrees(data: Mapping[str, Any], signature: object, key: str) -> bool:
    """Whether the signature is right, in either case of hex. Raises Unsignable."""
    if not isinstance(signature, str) or not key:
        return False
    given = signature.lower().encode(errors="replace")
    return hmac.compare_digest(sign_data(data, key).encode(), given)


def _hex(text: str, key: str) -> str:
    # Half of a surrogate pair, from a memo that was cut in the middle of a sign, becomes the
    # replacement character when JavaScript turns it into bytes.
    told = _HALF_SIGN.sub("\ufffd", text)
    return hmac.new(key.encode(), told.encode(), hashlib.sha256).hexdigest()


def _value(value: object) -> str:
    if value in _EMPTY:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        written = json.dumps(
            [_item(item) for item in value], ensure_ascii=False, separators=(",", ":")
        )
        # Within JSON, JavaScript writes half a pair as an escape.
        return _HALF_SIGN.sub(lambda half: f"\\u{ord(half.group()):04x}", written)
    if isinstance(value, float):
        return _digits(value)
    if isinstance(value, str | int):
        return str(value)
    raise Unsignable("an object outside a list")


def _item(item: object) -> object:
    """One item of a list: the keys of an object sorted, once; nulls stay nulls."""
    if isinstance(item, dict):
        return {name: _whole(item[name]) for name in sorted(item)}
    return _whole(item)


def _whole(value: object) -> object:
    """3000.0 is 3000 to JavaScript; other fractions within a list are not signed the same."""
    if isinstance(value, float):
        if not value.is_integer() or abs(value) >= _PLAIN_BELOW:
            raise Unsignable("a fraction in a list")
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_whole(held) for held in value]
    return value


def _digits(value: float) -> str:
    """A number as JavaScript writes it: 3000.0 is "3000", 0.00002 is "0.00002"."""
    if value == 0:
        return "0"
    if not _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        raise Unsignable("a number with an exponent")
    return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
