"""Signatures of Standard Webhooks (https://www.standardwebhooks.com), version v1.

HMAC-SHA256 over `id.timestamp.body` with the bytes behind `whsec_`, in base64. While a secret is
being replaced there are two, separated by a space; a receiver accepts either.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

PREFIX: Final = "whsec_"
_BYTES: Final = 32


def new_secret() -> str:
    """A secret of 32 random bytes, as it is shown once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def headers(of: Sequence[str], message_id: str, body: bytes, *, at: datetime) -> dict[str, str]:
    """The three headers. of: the live secrets; message_id: the same at every retry."""
    timestamp = str(int(at.timestamp()))
    said = b".".join((message_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, said) for secret in of),
    }


def _signature(secret: str, said: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, said, hashlib.sha256)).decode()
