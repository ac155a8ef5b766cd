"""What Casso's webhooks look like on the wire, version 1 (a shared key) and 2 (a signature).

Source: Casso's webhook pages. v1: header `secure-token`, `data` is a list. v2: header
`X-Casso-Signature: t=<ms>,v1=<hex>`, HMAC-SHA512 over t + "." + the compact JSON of the body with
its keys sorted at every level, UTF-8 as JavaScript writes it; `data` is one object. How often
Casso repeats an unanswered call is not published: the gaps are ours, any 2xx ends them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from simulator.qr import OUR_BIN

_GAPS = (1, 2, 5, 10, 30)
_BANK = "Ngân hàng Thử nghiệm"


class _Casso:
    """What both versions share."""

    GAPS_MINUTES = _GAPS

    def accepted(self, status: int, answer: bytes) -> bool:
        """Any 2xx."""
        del answer
        return 200 <= status < 300


class _V1(_Casso):
    def body(
        self,
        *,
        notice: int,
        posting: sqlite3.Row | Mapping[str, Any],
        accumulated: int,
        pattern: str | None,
    ) -> str:
        """A list of one transaction."""
        del pattern
        told = {
            "id": notice,
            "tid": posting["reference"],
            "description": posting["memo"],
            "amount": posting["amount"],
            "cusum_balance": accumulated,
            "when": _when(posting),
            "bank_sub_acc_id": posting["account"],
            "subAccId": posting["account"],
            "virtualAccount": posting["virtual_account"] or "",
        }
        return _compact({"error": 0, "data": [told]})

    def headers(
        self, hook: sqlite3.Row | Mapping[str, Any], raw: bytes, *, epoch: float, forged: bool
    ) -> dict[str, str]:
        """The key itself; a forger has another."""
        del raw, epoch
        return _plain() | {"secure-token": _secret(hook, forged=forged)}


class _V2(_Casso):
    def body(
        self,
        *,
        notice: int,
        posting: sqlite3.Row | Mapping[str, Any],
        accumulated: int,
        pattern: str | None,
    ) -> str:
        """One transaction; the other side is left empty where the bank does not say it."""
        del pattern
        known = posting.keys()
        other = "counterparty_name" in known
        told = {
            "id": notice,
            "reference": posting["reference"],
            "description": posting["memo"],
            "amount": posting["amount"],
            "runningBalance": accumulated,
            "transactionDateTime": _when(posting),
            "accountNumber": posting["account"],
            "bankName": _BANK,
            "bankAbbreviation": "TEST",
            "virtualAccountNumber": posting["virtual_account"] or "",
            "virtualAccountName": "",
            "counterAccountName": posting["counterparty_name"] if other else "",
            "counterAccountNumber": posting["counterparty_account"] if other else "",
            "counterAccountBankId": OUR_BIN,
            "counterAccountBankName": _BANK,
        }
        return _compact({"error": 0, "data": told})

    def headers(
        self, hook: sqlite3.Row | Mapping[str, Any], raw: bytes, *, epoch: float, forged: bool
    ) -> dict[str, str]:
        """Signed at this moment."""
        stamp = str(int(epoch * 1000))
        mark = signature(_secret(hook, forged=forged), stamp, json.loads(raw))
        return _plain() | {"X-Casso-Signature": f"t={stamp},v1={mark}"}


def signature(secret: str, stamp: str, body: object) -> str:
    """The v2 signature of a body at a time in milliseconds."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hmac.digest(secret.encode(), f"{stamp}.{text}".encode(), hashlib.sha512).hex()


def _secret(hook: sqlite3.Row | Mapping[str, Any], *, forged: bool) -> str:
    secret = str(hook["secret"] or hook["api_key"] or "")
    return f"not {secret}" if forged else secret


def _plain() -> dict[str, str]:
    return {"Content-Type": "application/json", "User-Agent": "Casso-Simulator/1"}


def _when(posting: sqlite3.Row | Mapping[str, Any]) -> str:
    return str(posting["at"])[:19].replace("T", " ")


def _compact(body: object) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


V1 = _V1()
V2 = _V2()
