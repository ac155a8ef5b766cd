"""The form of SePay's separate card and QR gateway: how its fields are signed.

Source: behaviour of SePay's Node SDK 1.0.0: the fields that are present, in the order in
which they are sent, joined as `name=value` by commas; base64 of HMAC-SHA256. A Java port
signs a fixed list instead, so confirm in SePay's sandbox before going live.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable


def sign_data(fields: Iterable[tuple[str, str | int]]) -> str:
    """What is signed: the fields as they will be sent, in that order."""
    return ",".join(f"{name}={value}" for name, value in fields)


def signature(fields: Iterable[tuple[str, str | int]], secret: str) -> str:
    """The value of the form's `signature` field."""
    digest = hmac.new(secret.encode(), sign_data(fields).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
