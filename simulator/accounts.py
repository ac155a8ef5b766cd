"""Accounts, their virtual numbers, and the hook that hears about each."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from simulator import asks
from simulator.errors import Refused
from simulator.faults import whole
from simulator.sources import source

_FIRST = 9_999_000_001
_NUMBER = re.compile(r"9999[0-9]{6}")
_HOSTS = {"127.0.0.1", "localhost", "::1"}
_HOOK_SHOWN = ("source", "events", "speed", "timeout", "code_pattern")
_EVENTS = ("in", "out", "both")
SPEED_MAX = 100_000.0
TIMEOUT_MAX = 120.0
_OPENING = {"number", "holder", "opening", "virtual_accounts"}
_HOOKING = {
    "url", "secret", "api_key", "events", "retry", "speed", "timeout", "code_pattern", "source",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a hook gets when it does not say. speed: how many times faster than SePay retries are
    repeated; timeout: seconds until an unanswered call counts as failed."""

    speed: float = 1.0
    timeout: float = 30.0


def open_one(db: sqlite3.Connection, body: object, *, at: datetime) -> str:
    """Open an account; returns its number. Without a number, the next free one is taken."""
    given = asks.parts(body, _OPENING)
    number = given.get("number") or _free(db)
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        raise Refused(
            "number phải gồm 10 chữ số, bắt đầu bằng 9999",
            "number must be ten digits beginning with 9999",
        )
    holder = asks.text(given.get("holder", "TAI KHOAN THU NGHIEM"), "holder")
    opening = whole(given.get("opening", 0), "opening", 0, asks.AMOUNT_MAX)
    virtual = given.get("virtual_accounts", [])
    if not isinstance(virtual, list):
        raise Refused("virtual_accounts phải là danh sách", "virtual_accounts must be a list")
    for each in (number, *virtual):
        if _known(db, asks.our_number(each, "virtual_accounts")):
            raise Refused(f"Tài khoản {each} đã có", f"Account {each} exists already", status=409)
    db.execute("INSERT INTO account VALUES (?, ?, ?, ?)", (number, holder, opening, at.isoformat()))
    db.executemany("INSERT INTO virtual_account VALUES (?, ?)", [(v, number) for v in virtual])
    return number


def resolve(db: sqlite3.Connection, number: str) -> tuple[sqlite3.Row, str | None]:
    """The account of a number, and the virtual number if it was one. Raises Refused."""
    virtual = db.execute("SELECT * FROM virtual_account WHERE number = ?", (number,)).fetchone()
    wanted = virtual["account"] if virtual else number
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM account WHERE number = ?", (wanted,)
    ).fetchone()
    if row is None:
        raise Refused(
            f"Không có tài khoản {number}: hãy mở bằng POST /accounts",
            f"There is no account {number}: open it with POST /accounts",
            status=404,
        )
    return row, number if virtual else None


def balance(db: sqlite3.Connection, number: str, *, at: datetime) -> int:
    """What the account holds at a moment, in đồng."""
    row = db.execute(
        "SELECT opening + (SELECT coalesce(sum(amount), 0) FROM posting"
        " WHERE account = number AND at <= ?) AS held FROM account WHERE number = ?",
        (at.isoformat(), number),
    ).fetchone()
    return int(row["held"])


def set_hook(db: sqlite3.Connection, number: str, body: object, *, defaults: Defaults) -> None:
    """Say where an account's notices go, and how they are signed. Replaces what was said before."""
    resolve(db, number)
    given = asks.parts(body, _HOOKING)
    events = given.get("events", "in")
    if events not in _EVENTS:
        raise Refused("events phải là in, out hoặc both", "events must be in, out or both")
    row = (
        number,
        local_url(given.get("url")),
        _secret(given.get("secret", ""), "secret"),
        _secret(given.get("api_key", ""), "api_key"),
        events,
        given.get("retry", True) is not False,
        seconds(given.get("speed", defaults.speed), "speed", SPEED_MAX),
        seconds(given.get("timeout", defaults.timeout), "timeout", TIMEOUT_MAX),
        _pattern(given.get("code_pattern")),
        _teller(given.get("source", "sepay")),
    )
    db.execute("DELETE FROM hook WHERE account = ?", (number,))
    db.execute("INSERT INTO hook VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def hook(db: sqlite3.Connection, number: str) -> sqlite3.Row | None:
    """The hook of an account, or None."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM hook WHERE account = ?", (number,)
    ).fetchone()
    return row


def listed(db: sqlite3.Connection, *, at: datetime) -> list[dict[str, Any]]:
    """Every account with its balance and its hook; secrets are not shown again."""
    rows = db.execute("SELECT * FROM account ORDER BY number").fetchall()
    return [described(db, row, at=at) for row in rows]


def described(db: sqlite3.Connection, row: sqlite3.Row, *, at: datetime) -> dict[str, Any]:
    """One account as the API shows it."""
    number = row["number"]
    virtual = db.execute("SELECT number FROM virtual_account WHERE account = ?", (number,))
    heard = hook(db, number)
    signed = (
        "hmac" if heard and heard["secret"] else "apikey" if heard and heard["api_key"] else "none"
    )
    return {
        "number": number,
        "holder": row["holder"],
        "opening": row["opening"],
        "balance": balance(db, number, at=at),
        "virtual_accounts": [each["number"] for each in virtual],
        "hook": heard
        and {
            "url": heard["url"],
            "signed": signed,
            **{name: heard[name] for name in _HOOK_SHOWN},
            "retry": bool(heard["retry"]),
        },
    }


def local_url(value: object) -> str:
    """An http address on this machine. The simulator talks to nobody else."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        host = parts.hostname if parts else None
        port = parts.port if parts else None
    except ValueError:
        parts = host = port = None
    plain = parts is not None and not parts.username and port != 0
    if parts is None or parts.scheme != "http" or host not in _HOSTS or not plain:
        raise Refused(
            "url phải là http://127.0.0.1:cổng/… hoặc http://localhost:cổng/…:"
            " trình giả lập chỉ gọi vào máy này",
            "url must be http://127.0.0.1:port/… or http://localhost:port/…:"
            " the simulator only calls this machine",
        )
    return parts.geturl()


def _teller(name: object) -> str:
    """Who calls the hook: SePay or Casso, by a name that is known. Raises Refused."""
    source(name)
    return str(name)


def _free(db: sqlite3.Connection) -> str:
    number = _FIRST
    while _known(db, str(number)):
        number += 1
    return str(number)


def _known(db: sqlite3.Connection, number: str) -> bool:
    found = db.execute(
        "SELECT 1 FROM account WHERE number = ?1"
        " UNION ALL SELECT 1 FROM virtual_account WHERE number = ?1",
        (number,),
    )
    return found.fetchone() is not None


def _secret(value: object, name: str) -> str | None:
    secret = asks.text(value, name, 200)
    if not (secret.isascii() and (secret.isprintable() or not secret)):
        raise Refused(f"{name} chỉ gồm ký tự ASCII", f"{name} must be printable ASCII")
    return secret or None


def seconds(value: object, name: str, largest: float) -> float:
    """A positive number. Raises Refused."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= largest:
        raise Refused(
            f"{name} phải là số dương, không quá {largest:g}",
            f"{name} must be a positive number, at most {largest:g}",
        )
    return float(value)


def _pattern(value: object) -> str | None:
    if value is None:
        return None
    try:
        return re.compile(asks.text(value, "code_pattern", 200)).pattern
    except re.error as error:
        raise Refused(
            f"code_pattern không phải biểu thức chính quy: {error}",
            f"code_pattern is no regular expression: {error}",
        ) from error
