"""Casso's signature, version 2: HMAC-SHA512 in hex over `<t>.<the body with its keys sorted>`.

The body is signed as compact JSON, not as it was sent, and Casso's own samples write that JSON
in three ways: JavaScript's leaves letters and slashes as they are, PHP's escapes both, Python's
escapes letters. Which one signs is not said, so each is accepted; all three are made from the
same values, so that none of them lets another value pass.

Source: the samples in CassoHQ/casso-webhook-v2-verify-signature. Vectors:
tests/data/vectors/casso.json.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any, Final

_HEADER: Final = re.compile(r" *t=([0-9]{1,17}) *, *v1=([0-9A-Fa-f]{128}) *")
_HALF_SIGN: Final = re.compile("[\ud800-\udfff]")


def header(stamp: int | str, body: Mapping[str, Any], key: str) -> str:
    """What the header X-Casso-Signature says of a body, with JavaScript's JSON."""
    return f"t={stamp},v1={_hex(str(stamp), texts(body)[0], key)}"


def agrees(body: Mapping[str, Any], given: str, key: str) -> bool:
    """Whether the header is right for the body. Raises ValueError, RecursionError."""
    found = _HEADER.fullmatch(given)
    if found is None or not key:
        return False
    stamp, signature = found.group(1), found.group(2).lower().encode()
    # Every text is tried, so that the time it takes tells nothing.
    same = [hmac.compare_digest(_hex(stamp, text, key).encode(), signature) for text in texts(body)]
    return any(same)


def texts(body: Mapping[str, Any]) -> tuple[str, str, str]:
    """The body as JavaScript, PHP and Python write it."""
    plain = json.dumps(
        _whole(body), ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False
    )
    escaped = json.dumps(body, separators=(",", ":"), sort_keys=True, allow_nan=False)
    # Half a surrogate pair is no character, so JavaScript escapes it as well.
    javascript = _HALF_SIGN.sub(lambda half: f"\\u{ord(half.group()):04x}", plain)
    return javascript, escaped.replace("/", "\\/"), escaped


def _hex(stamp: str, text: str, key: str) -> str:
    return hmac.new(key.encode(), f"{stamp}.{text}".encode(), hashlib.sha512).hexdigest()


def _whole(value: object) -> object:
    """3000.0 is 3000 to JavaScript."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_whole(held) for held in value]
    return value
