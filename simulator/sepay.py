"""What SePay's webhook looks like on the wire: the body, and the headers that sign it.

Source: SePay's webhook pages. HMAC: `X-SePay-Timestamp` (unix seconds) and
`X-SePay-Signature: sha256=<hex>` over timestamp + "." + raw body; or `Authorization: Apikey …`.
Answered by 200 or 201 with {"success": true}; otherwise eight attempts in all.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import sqlite3
from collections.abc import Mapping
from typing import Any

BANK_NAME = "Ngân hàng Thử nghiệm"
GAPS_MINUTES = (1, 1, 2, 3, 5, 8, 13)
_GOOD = {200, 201}


def body(
    *, notice: int, posting: sqlite3.Row | Mapping[str, Any], accumulated: int, pattern: str | None
) -> str:
    """The JSON of one notice. Kept as text: every repetition must be the same bytes."""
    memo = posting["memo"]
    found = re.search(pattern, memo) if pattern else None
    at = str(posting["at"])
    told = {
        "id": notice,
        "gateway": BANK_NAME,
        "transactionDate": at[:19].replace("T", " "),
        "accountNumber": posting["account"],
        "code": found[0] if found else None,
        "content": memo,
        "transferType": "in" if posting["amount"] > 0 else "out",
        "transferAmount": abs(posting["amount"]),
        "accumulated": accumulated,
        "subAccount": posting["virtual_account"],
        "referenceCode": posting["reference"],
        "description": "",
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def headers(
    hook: sqlite3.Row | Mapping[str, Any], raw: bytes, *, epoch: float, forged: bool
) -> dict[str, str]:
    """The headers of one call. forged: signed by somebody who does not know the secret."""
    made = {"Content-Type": "application/json", "User-Agent": "SePay-Simulator/1"}
    if hook["secret"]:
        secret = f"not {hook['secret']}" if forged else str(hook["secret"])
        timestamp = str(int(epoch))
        signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + raw, hashlib.sha256)
        made["X-SePay-Timestamp"] = timestamp
        made["X-SePay-Signature"] = f"sha256={signed.hexdigest()}"
    if hook["api_key"]:
        key = f"not-{hook['api_key']}" if forged else hook["api_key"]
        made["Authorization"] = f"Apikey {key}"
    return made


def accepted(status: int, answer: bytes) -> bool:
    """Whether SePay takes this answer for success."""
    try:
        said = json.loads(answer)
    except ValueError:
        return False
    return status in _GOOD and isinstance(said, dict) and said.get("success") is True
