"""Requests that were heard before: the same name again gives the same answer, or none."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from simulator.gateway import Merchant


def first_time(db: sqlite3.Connection, merchant: Merchant, request: str) -> bool:
    """Whether this request name is new; it is remembered."""
    known = db.execute(
        "SELECT 1 FROM asked_before WHERE gateway = ? AND merchant = ? AND request = ?",
        (merchant.gateway, merchant.code, request),
    ).fetchone()
    if known is None:
        remember(db, merchant, request, {}, {})
    return known is None


def answered(
    db: sqlite3.Connection, merchant: Merchant, request: str, body: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, bool]:
    """The answer this request had, and whether it asks for something else this time."""
    row = db.execute(
        "SELECT * FROM asked_before WHERE gateway = ? AND merchant = ? AND request = ?",
        (merchant.gateway, merchant.code, request),
    ).fetchone()
    if row is None:
        return None, False
    if row["digest"] != _digest(body):
        return None, True
    said: Mapping[str, Any] = json.loads(row["answer"])
    return said, False


def remember(
    db: sqlite3.Connection,
    merchant: Merchant,
    request: str,
    body: Mapping[str, Any],
    answer: Mapping[str, Any],
) -> None:
    """Keep an answer for the next time this request comes."""
    db.execute(
        "INSERT INTO asked_before VALUES (?, ?, ?, ?, ?)",
        (
            merchant.gateway, merchant.code, request, _digest(body),
            json.dumps(dict(answer), ensure_ascii=False),
        ),
    )  # fmt: skip


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(dict(body), sort_keys=True).encode()).hexdigest()
