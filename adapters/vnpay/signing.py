"""VNPAY's two signatures, both HMAC-SHA512 in hex. Pure.

Over a query (payment address, browser return, IPN): the values as a form encodes them, sorted.
Over an API call (querydr, refund): the values as they are, in a fixed order, joined by `|`.

Source: VNPAY's payment page and its querydr and refund page 2.1.0; tests/data/vectors/vnpay.json.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from webhooks.event import Forged

HASH: Final = "vnp_SecureHash"
_UNSIGNED: Final = (HASH.encode(), b"vnp_SecureHashType")
_OURS: Final = b"vnp_"
_HASH_LENGTH: Final = hashlib.sha512().digest_size * 2
# Where a name ends for some readers: PHP makes a list of `name[]`, C stops at a NUL.
_NAME_ENDS: Final = re.compile(r"[\[\0].*", re.DOTALL)
# PHP turns these into "_".
_MERGED: Final = str.maketrans(". ", "__")

QUERY: Final = (
    "vnp_RequestId",
    "vnp_Version",
    "vnp_Command",
    "vnp_TmnCode",
    "vnp_TxnRef",
    "vnp_TransactionDate",
    "vnp_CreateDate",
    "vnp_IpAddr",
    "vnp_OrderInfo",
)
REFUND: Final = (
    "vnp_RequestId",
    "vnp_Version",
    "vnp_Command",
    "vnp_TmnCode",
    "vnp_TransactionType",
    "vnp_TxnRef",
    "vnp_Amount",
    "vnp_TransactionNo",
    "vnp_TransactionDate",
    "vnp_CreateBy",
    "vnp_CreateDate",
    "vnp_IpAddr",
    "vnp_OrderInfo",
)
REFUND_ANSWER: Final = (
    "vnp_ResponseId",
    "vnp_Command",
    "vnp_ResponseCode",
    "vnp_Message",
    "vnp_TmnCode",
    "vnp_TxnRef",
    "vnp_Amount",
    "vnp_BankCode",
    "vnp_PayDate",
    "vnp_TransactionNo",
    "vnp_TransactionType",
    "vnp_TransactionStatus",
    "vnp_OrderInfo",
)
QUERY_ANSWER: Final = (*REFUND_ANSWER, "vnp_PromotionCode", "vnp_PromotionAmount")


def secure_hash(data: str, secret: str) -> str:
    """The signature over sign data: 128 lower-case hex digits."""
    # Half a surrogate pair can stand in JSON; it has no bytes, and no signature of theirs either.
    return _hash(data.encode(errors="replace"), secret)


def same(given: str, expected: str) -> bool:
    """Whether two signatures are one, in constant time. Upper-case hex is accepted."""
    return hmac.compare_digest(given.lower().encode(errors="replace"), expected.encode())


def sign_data(fields: Mapping[str, str]) -> str:
    """What is signed of a query, and the query itself: sorted, empty values left out."""
    pairs = [(name.encode(), value.encode(errors="replace")) for name, value in fields.items()]
    return _form(_signed(pairs), safe=" *").decode()


def signed_url(page: str, fields: Mapping[str, str], secret: str) -> str:
    """The address of VNPAY's page with these fields and their signature."""
    data = sign_data(fields)
    return f"{page}?{data}&{HASH}={secure_hash(data, secret)}"


def genuine(query: str, secret: str) -> Mapping[str, str] | Forged:
    """The `vnp_` fields of a query that VNPAY signed, or why it is not theirs.

    query: as it was sent. Empty fields and what is not `vnp_` are left out. Every field is
    decoded once and encoded again, because a proxy may have written the same text otherwise.
    """
    pairs = _pairs(query)
    if _merge(name for name, _ in pairs):
        return Forged("a parameter is repeated")
    fields = dict(pairs)
    given = fields.get(_UNSIGNED[0], b"").lower()
    if len(given) != _HASH_LENGTH:
        return Forged("no signature")
    expected = [_hash(form, secret).encode() for form in _forms(pairs)]
    if not any(hmac.compare_digest(given, one) for one in expected):
        return Forged("wrong signature")
    return {
        name.decode(errors="replace"): value.decode(errors="replace")
        for name, value in _signed(pairs)
    }


def covered(query: str) -> bytes:
    """What the signature of a query covers, and the signature: what makes two calls equal."""
    pairs = _pairs(query)
    given = b"&".join(value.lower() for name, value in pairs if name == _UNSIGNED[0])
    return _form(_signed(pairs), safe=" *") + b"\n" + given


def joined(fields: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """What is signed of an API call or answer; a field that is absent is an empty segment.

    None when a field is neither a text nor a whole number: VNPAY signs nothing else.
    """
    texts = [text(fields.get(name)) for name in names]
    return None if None in texts else "|".join(one for one in texts if one is not None)


def text(value: object) -> str | None:
    """A field of an answer as text; "" if absent; None for what no field of theirs is."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    # bool is an int to Python, but True is no number of theirs.
    return str(value) if type(value) is int else None


def _hash(data: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), data, hashlib.sha512).hexdigest()


def _pairs(query: str) -> list[tuple[bytes, bytes]]:
    """Names and values, decoded once. Bytes, so that what is not UTF-8 is kept as it came."""
    pairs = []
    for part in query.encode(errors="replace").split(b"&"):
        name, _, value = part.replace(b"+", b" ").partition(b"=")
        pairs.append((unquote_to_bytes(name), unquote_to_bytes(value)))
    return pairs


def _merge(names: Iterable[bytes]) -> bool:
    """Whether two `vnp_` names are one to some decoder: then two readers could read two amounts."""
    bare = [_bare(name.decode(errors="replace")) for name in names]
    ours = [name for name in bare if name.startswith(_OURS.decode())]
    return len(set(ours)) < len(ours)


def _bare(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return _NAME_ENDS.sub("", folded).strip().translate(_MERGED)


def _signed(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return sorted((name, value) for name, value in _all_signed(pairs) if value)


def _all_signed(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return sorted(
        (name, value) for name, value in pairs if name.startswith(_OURS) and name not in _UNSIGNED
    )


def _forms(pairs: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """What may have been signed: as Java encodes, as PHP does, and with empty fields.

    They differ in `*` alone. VNPAY's Java drops an empty field and its PHP sample keeps it.
    """
    filled, all_ = _signed(pairs), _all_signed(pairs)
    forms = [_form(filled, safe=" *"), _form(filled, safe=" ")]
    if len(all_) > len(filled):
        forms += [_form(all_, safe=" *"), _form(all_, safe=" ")]
    return list(dict.fromkeys(forms))


def _form(pairs: Iterable[tuple[bytes, bytes]], *, safe: str) -> bytes:
    def encoded(value: bytes) -> str:
        return quote_from_bytes(value, safe=safe).replace(" ", "+").replace("~", "%7E")

    return "&".join(f"{encoded(name)}={encoded(value)}" for name, value in pairs).encode()
