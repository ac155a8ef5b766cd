"""Who takes money at the gateways: their keys, where they are called, what they pay."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from simulator import accounts, asks, store
from simulator.accounts import Defaults
from simulator.errors import Refused
from simulator.faults import whole
from simulator.gateway import Gateway, Merchant

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_BPS_MAX = 10_000
_FIXED_MAX = 1_000_000
_FIELDS = (
    "title", "notify_url", "account", "fee_bps", "fee_fixed", "retry", "speed", "timeout",
    "told_by_bank",
)  # fmt: skip


def open_one(
    db: sqlite3.Connection, gateway: Gateway, body: object, *, defaults: Defaults
) -> Merchant:
    """Sign a merchant up; keys that are not given are made. Asking again changes nothing but
    what is said: the keys and settings given replace the old."""
    names = {key.name for key in gateway.keys}
    given = asks.parts(body, names | set(_FIELDS))
    first = gateway.keys[0].name
    known = _row(db, gateway.name, str(given[first])) if first in given else None
    before: dict[str, Any] = dict(known) if known is not None else {}
    old_keys: dict[str, str] = json.loads(before.get("keys", "{}"))
    dice = store.dice(db)
    keys = {
        key.name: _key(
            given.get(key.name)
            or old_keys.get(key.name)
            or "".join(dice.choices(key.alphabet, k=key.length)),
            key.name,
        )
        for key in gateway.keys
    }
    account = given.get("account", before.get("account"))
    if account is not None:
        account = accounts.resolve(db, asks.our_number(account, "account"))[0]["number"]
    url = given.get("notify_url", before.get("notify_url", ""))
    told = {name: given.get(name, before.get(name)) for name in _FIELDS}
    row = (
        gateway.name,
        gateway.merchant_code(keys),
        asks.text(told["title"] or "DON VI THU NGHIEM", "title"),
        json.dumps(keys),
        accounts.local_url(url) if url else "",
        account,
        whole(told["fee_bps"] or 0, "fee_bps", 0, _BPS_MAX),
        whole(told["fee_fixed"] or 0, "fee_fixed", 0, _FIXED_MAX),
        bool(True if told["retry"] is None else told["retry"]),
        accounts.seconds(told["speed"] or defaults.speed, "speed", accounts.SPEED_MAX),
        accounts.seconds(told["timeout"] or defaults.timeout, "timeout", accounts.TIMEOUT_MAX),
        bool(gateway.holds_money if told["told_by_bank"] is None else told["told_by_bank"]),
    )
    db.execute(
        "INSERT INTO merchant (gateway, code, title, keys, notify_url, account, fee_bps,"
        " fee_fixed, retry, speed, timeout, told_by_bank)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (gateway, code) DO UPDATE SET"
        " title = excluded.title, keys = excluded.keys, notify_url = excluded.notify_url,"
        " account = excluded.account, fee_bps = excluded.fee_bps, fee_fixed = excluded.fee_fixed,"
        " retry = excluded.retry, speed = excluded.speed, timeout = excluded.timeout,"
        " told_by_bank = excluded.told_by_bank",
        row,
    )
    return found(db, gateway.name, gateway.merchant_code(keys))


def find(db: sqlite3.Connection, gateway: str, code: object) -> Merchant | None:
    """The merchant of this name, or None."""
    row = _row(db, gateway, str(code))
    return None if row is None else _merchant(row)


def found(db: sqlite3.Connection, gateway: str, code: str) -> Merchant:
    """The merchant of this name. Raises Refused."""
    row = _row(db, gateway, code)
    if row is None:
        raise Refused(
            f"{gateway} không có đơn vị {code}: hãy mở bằng POST /gateways/{gateway}/merchants",
            f"{gateway} has no merchant {code}: sign it up at POST /gateways/{gateway}/merchants",
            status=404,
        )
    return _merchant(row)


def only(db: sqlite3.Connection, gateway: str, code: str | None) -> Merchant:
    """The merchant asked for, or the only one there is. Raises Refused."""
    if code:
        return found(db, gateway, code)
    every = listed(db, gateway)
    if len(every) != 1:
        raise Refused(
            f"Hãy nêu merchant: {gateway} có {len(every)} đơn vị",
            f"Say which merchant: {gateway} has {len(every)}",
        )
    return every[0]


def nth(db: sqlite3.Connection, merchant: Merchant) -> int:
    """Its place among the gateway's merchants, counted from 1."""
    row = db.execute(
        "SELECT count(*) AS n FROM merchant WHERE gateway = ?1 AND id <="
        " (SELECT id FROM merchant WHERE gateway = ?1 AND code = ?2)",
        (merchant.gateway, merchant.code),
    ).fetchone()
    return int(row["n"])


def listed(db: sqlite3.Connection, gateway: str) -> list[Merchant]:
    """Every merchant of a gateway."""
    rows = db.execute("SELECT * FROM merchant WHERE gateway = ? ORDER BY id", (gateway,))
    return [_merchant(row) for row in rows.fetchall()]


def set_notify_url(db: sqlite3.Connection, merchant: Merchant, url: str) -> None:
    """Where its calls go from now on."""
    db.execute(
        "UPDATE merchant SET notify_url = ? WHERE gateway = ? AND code = ?",
        (accounts.local_url(url), merchant.gateway, merchant.code),
    )


def described(merchant: Merchant, *, keys: bool = False) -> dict[str, Any]:
    """A merchant as the API shows it. keys: its credentials too, shown when they are set."""
    shown: dict[str, Any] = {"merchant": merchant.code}
    shown |= {name: getattr(merchant, name) for name in _FIELDS}
    return shown | ({"keys": dict(merchant.keys)} if keys else {})


def forger(merchant: Merchant, gateway: Gateway) -> Merchant:
    """Somebody who knows the merchant's name and none of its secrets."""
    keys: Mapping[str, str] = {
        key.name: f"not-{merchant.keys[key.name]}" if key.secret else merchant.keys[key.name]
        for key in gateway.keys
    }
    return Merchant(
        merchant.gateway, merchant.code, merchant.title, keys, merchant.notify_url,
        merchant.account, merchant.fee_bps, merchant.fee_fixed, merchant.retry, merchant.speed,
        merchant.timeout, merchant.told_by_bank,
    )  # fmt: skip


def _row(db: sqlite3.Connection, gateway: str, code: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM merchant WHERE gateway = ? AND code = ?", (gateway, code)
    ).fetchone()
    return row


def _merchant(row: sqlite3.Row) -> Merchant:
    return Merchant(
        row["gateway"], row["code"], row["title"], json.loads(row["keys"]), row["notify_url"],
        row["account"], row["fee_bps"], row["fee_fixed"], bool(row["retry"]), row["speed"],
        row["timeout"], bool(row["told_by_bank"]),
    )  # fmt: skip


def _key(value: object, name: str) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise Refused(f"{name} chỉ gồm ký tự ASCII", f"{name} must be printable ASCII")
    return value
