"""Small things that every gateway's signatures share."""

from __future__ import annotations

import hashlib
import hmac


def hmac_sha256(key: str, text: str) -> str:
    """Lower-case hex over UTF-8."""
    return hmac.digest(key.encode(), text.encode(), hashlib.sha256).hex()


def hmac_sha512(key: str, text: str) -> str:
    """Lower-case hex over UTF-8."""
    return hmac.digest(key.encode(), text.encode(), hashlib.sha512).hex()


def same(given: object, *right: str) -> bool:
    """Whether what was given is one of the right signatures; upper-case hex counts too."""
    return any(equal(str(given).lower(), one) for one in right)


def equal(given: object, right: str) -> bool:
    """Whether a secret was given as it is, told in constant time."""
    return hmac.compare_digest(str(given).encode("utf-8", "replace"), right.encode())


def with_query(address: str, query: str) -> str:
    """The address with more parameters behind those it has."""
    return f"{address}{'&' if '?' in address else '?'}{query}"
