"""MoMo's signature: HMAC-SHA256 over `name=value` pairs, pure functions.

The message is the named fields in the order below joined by `&`, each value raw (never
URL-encoded) and in UTF-8; the key is the secret key; the result lower-case hex. accessKey takes
part although it does not travel. Source: MoMo's signature page and its own samples, whose
results are in tests/data/vectors/momo.json.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

CREATE: Final = (
    *("accessKey", "amount", "extraData", "ipnUrl", "orderId", "orderInfo"),
    *("partnerCode", "redirectUrl", "requestId", "requestType"),
)
QUERY: Final = ("accessKey", "orderId", "partnerCode", "requestId")
REFUND: Final = (
    *("accessKey", "amount", "description", "orderId", "partnerCode", "requestId", "transId"),
)
CONFIRM: Final = (
    *("accessKey", "amount", "description", "orderId", "partnerCode", "requestId", "requestType"),
)
POS: Final = (
    *("accessKey", "amount", "extraData", "orderId", "orderInfo", "partnerCode", "paymentCode"),
    "requestId",
)
NOTICE: Final = (
    *("accessKey", "amount", "extraData", "message", "orderId", "orderInfo", "orderType"),
    *("partnerCode", "payType", "requestId", "responseTime", "resultCode", "transId"),
)
"""The notice (IPN) and the query of the browser's return."""

CREATED: Final = (
    *("accessKey", "amount", "orderId", "partnerCode", "payUrl", "requestId", "responseTime"),
    "resultCode",
)
"""The answer to create. Doubtful: one source adds `message`, and many answers have none."""

CREATED_WITH_MESSAGE: Final = tuple(sorted((*CREATED, "message")))

_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")


def text(names: Sequence[str], fields: Mapping[str, object]) -> str:
    """What is signed. Raises KeyError for a field that is missing."""
    return "&".join(f"{name}={fields[name]}" for name in names)


def signature(
    names: Sequence[str], fields: Mapping[str, object], settings: Mapping[str, str]
) -> str:
    """The signature of fields; accessKey and the key come from the biller's settings.

    fields: str and int values by MoMo's names. Raises KeyError for one that is missing,
    UnicodeEncodeError for half a surrogate pair.
    """
    message = text(names, {**fields, "accessKey": settings["access_key"]})
    return hmac.new(settings["secret_key"].encode(), message.encode(), hashlib.sha256).hexdigest()


def agrees(
    names: Sequence[str], fields: Mapping[str, object], given: object, settings: Mapping[str, str]
) -> bool:
    """Whether `given` signs the fields: hex of either case, compared in constant time.

    False too when a value holds `&name=` of a signed field: such a text could be cut into
    fields in two ways, and the signature would vouch for both.
    """
    if not isinstance(given, str) or not _HEX.fullmatch(given):
        return False
    try:
        message = "&" + text(names, {**fields, "accessKey": ""})
        if any(message.count(f"&{name}=") != 1 for name in names):
            return False
        expected = signature(names, fields, settings)
    except (KeyError, UnicodeEncodeError):
        return False
    return hmac.compare_digest(expected.encode(), given.lower().encode())


def return_is_genuine(query: str, settings: Mapping[str, str]) -> bool:
    """Whether the query with which a browser came back was signed by MoMo for this biller.

    query: as it was sent, without the question mark. For display only: a return books nothing.
    """
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=50
        )
    except ValueError:
        return False
    fields = dict(pairs)
    return (
        len(fields) == len(pairs)
        and fields.get("partnerCode") == settings["partner_code"]
        and agrees(NOTICE, fields, fields.get("signature"), settings)
    )
