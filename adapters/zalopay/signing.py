"""ZaloPay's signatures: HMAC-SHA256, lower-case hex, over raw values joined by "|". Pure.

key1 signs what we send, key2 what ZaloPay sends. Source: ZaloPay's pages on the order, refund
and callback messages; checked by the vectors in tests/data/vectors/zalopay.json.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

CREATE: Final = ("app_id", "app_trans_id", "app_user", "amount", "app_time", "embed_data", "item")
QUERY: Final = ("app_id", "app_trans_id", "key1")  # the key is a part of its own message
REFUND: Final = ("app_id", "zp_trans_id", "amount", "description", "timestamp")
QUERY_REFUND: Final = ("app_id", "m_refund_id", "timestamp")
REDIRECT: Final = (
    "appid",
    "apptransid",
    "pmcid",
    "bankcode",
    "amount",
    "discountamount",
    "status",
)


def sign_data(parts: Sequence[str], fields: Mapping[str, str | int]) -> str:
    """What is signed: the values exactly as they are sent. An empty one stays, as nothing."""
    return "|".join(str(fields[part]) for part in parts)


def mac(text: str, key: str) -> str:
    """Raises ValueError for text that has no UTF-8 form."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def signed(
    parts: Sequence[str], fields: Mapping[str, str | int], key1: str
) -> dict[str, str | int]:
    """The fields as they are sent, with their mac."""
    text = sign_data(parts, {**fields, "key1": key1})
    return {**fields, "mac": mac(text, key1)}


def same(given: str, text: str, key: str) -> bool:
    """Whether `given` is the mac of the text, in constant time, in either case."""
    try:
        return hmac.compare_digest(mac(text, key).encode(), given.lower().encode())
    except ValueError:  # half a surrogate pair has no bytes, so nobody signed them
        return False


def redirect_is_genuine(query: str, key2: str) -> bool:
    """Whether ZaloPay made the address with which the browser came back. For display only.

    query: as it came, without the question mark. A payment is booked from a call or a look-up,
    never from this: the payer's browser may come first, late, or not at all.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return False
    fields = dict(pairs)
    if len(fields) != len(pairs) or not fields.keys() >= {*REDIRECT, "checksum"}:
        return False
    return same(fields["checksum"], sign_data(REDIRECT, fields), key2)
