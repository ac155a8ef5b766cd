"""Which calls tell of a posting, and when. Only planned here; the courier makes them.

A call is one chain of attempts: `pending` until it is due, `waiting` for another call's first
attempt, `held` until a later transfer's notice has gone, then `delivered`, `answered` (a bad call
was made, whatever came back), `given_up` or `no_hook`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from simulator import accounts, faults
from simulator.errors import Refused
from simulator.faults import Fault
from simulator.sources import source

OPEN = ("pending", "waiting")


def announce(
    db: sqlite3.Connection, posting: sqlite3.Row, asked: Sequence[Fault], *, now: datetime
) -> int:
    """Write the notice of a posting and plan its calls; returns the notice's id."""
    at = datetime.fromisoformat(posting["at"])
    hook = accounts.hook(db, posting["account"])
    notice = _write(db, posting, hook=hook, posting_id=posting["id"], at=at, now=now)
    direction = "in" if posting["amount"] > 0 else "out"
    if hook is not None and hook["events"] in {direction, "both"}:
        late = faults.find(asked, "late")
        due = max(now, at).timestamp() + (late.number("seconds") if late else 0)
        _plan(db, notice, hook, asked, due)
    return notice


def forge(db: sqlite3.Connection, account: str, amount: int, memo: str, *, now: datetime) -> int:
    """A call about money that never came, by somebody who does not know the secret."""
    row, virtual = accounts.resolve(db, account)
    hook = accounts.hook(db, row["number"])
    if hook is None:
        raise Refused("Tài khoản chưa có webhook", "The account has no hook", status=409)
    _needs_signature(hook)
    pretended = {
        "account": row["number"], "virtual_account": virtual, "amount": amount, "memo": memo,
        "at": now.isoformat(), "reference": f"FT{now:%y%j}000000",
    }  # fmt: skip
    notice = _write(db, pretended, hook=hook, posting_id=None, at=now, now=now)
    _call(db, notice, row["number"], "forged", "pending", now.timestamp())
    return notice


def replay(db: sqlite3.Connection, notice: int, *, now: datetime) -> None:
    """Send a notice again by hand, with the same bytes."""
    row = _found(db, notice)
    if row["posting"] is None:
        raise Refused("Thông báo giả không gửi lại", "A forged notice is not replayed", status=409)
    _call(db, notice, row["account"], "replay", "pending", now.timestamp())


def release(db: sqlite3.Connection, notice: int, *, now: datetime) -> None:
    """Send now what is held, waiting or not yet due."""
    _found(db, notice)
    db.execute(
        "UPDATE call SET state = 'pending', due_at = ?"
        " WHERE notice = ? AND state IN ('held', 'waiting', 'pending')",
        (now.timestamp(), notice),
    )


def outstanding(db: sqlite3.Connection) -> int:
    """How many calls are still to be made, held ones left out: they wait for a transfer."""
    row = db.execute("SELECT count(*) AS n FROM call WHERE state IN ('pending', 'waiting')")
    return int(row.fetchone()["n"])


def listed(
    db: sqlite3.Connection, *, limit: int, posting: int | None = None
) -> list[dict[str, Any]]:
    """The newest notices with their calls and every attempt's answer."""
    rows = db.execute(
        "SELECT * FROM notice WHERE ?1 IS NULL OR posting = ?1 ORDER BY id DESC LIMIT ?2",
        (posting, limit),
    ).fetchall()
    return [described(db, row) for row in rows]


def described(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """One notice as the API shows it."""
    calls = db.execute("SELECT * FROM call WHERE notice = ? ORDER BY id", (row["id"],)).fetchall()
    return {
        "id": row["id"],
        "posting": row["posting"],
        "account": row["account"],
        "made_at": row["made_at"],
        "body": json.loads(row["body"]),
        "calls": [_call_described(db, call) for call in calls],
    }


def one(db: sqlite3.Connection, notice: int) -> dict[str, Any]:
    """One notice by its id. Raises Refused."""
    return described(db, _found(db, notice))


def _plan(
    db: sqlite3.Connection, notice: int, hook: sqlite3.Row, asked: Sequence[Fault], due: float
) -> None:
    """Bad calls come first, in turn; the genuine ones wait for the last of them."""
    account = str(hook["account"])
    genuine, after = faults.find(asked, "lost") is None, None
    for kind in ("forged", "stale"):
        bad = faults.find(asked, kind)
        if bad is None:
            continue
        _needs_signature(hook)
        if kind == "stale" and (not hook["secret"] or hook["source"] == "casso-v1"):
            raise Refused(
                "Dấu thời gian chỉ có khi webhook ký bằng secret (HMAC)",
                "Only hooks signed with a secret (HMAC) carry a timestamp",
            )
        drift = bad.number("seconds") if kind == "stale" else 0
        after = _call(
            db, notice, account, kind, "waiting" if after else "pending", due,
            after=after, drift=drift,
        )  # fmt: skip
        genuine = genuine and bool(bad.options["genuine"])
    if not genuine:
        return
    held = faults.find(asked, "out_of_order") is not None
    state = "held" if held else "waiting" if after else "pending"
    first = _call(db, notice, account, "genuine", state, due, after=None if held else after)
    _copies(db, notice, account, asked, due, state=state, first=first, after=after)
    if not held:
        _let_go(db, account, first)


def _copies(
    db: sqlite3.Connection,
    notice: int,
    account: str,
    asked: Sequence[Fault],
    due: float,
    *,
    state: str,
    first: int,
    after: int | None,
) -> None:
    """The same bytes once more after the first call, or several times at the same moment."""
    parallel = faults.find(asked, "parallel")
    for _ in range(parallel.number("n") - 1 if parallel else 0):
        _call(db, notice, account, "copy", state, due, after=None if state == "held" else after)
    if faults.find(asked, "twice"):
        _call(db, notice, account, "copy", "waiting", due, after=first)


def _let_go(db: sqlite3.Connection, account: str, first: int) -> None:
    """What was held on this account now waits only for the first attempt of this call."""
    db.execute(
        "UPDATE call SET state = 'waiting', after = ?"
        " WHERE account = ? AND state = 'held' AND id < ?",
        (first, account, first),
    )


def _needs_signature(hook: sqlite3.Row) -> None:
    if not (hook["secret"] or hook["api_key"]):
        raise Refused(
            "Webhook này không ký nên không thể giả chữ ký: hãy đặt secret hoặc api_key",
            "This hook signs nothing, so nothing can be forged: set a secret or an api_key",
        )


def _write(
    db: sqlite3.Connection,
    told: sqlite3.Row | dict[str, Any],
    *,
    hook: sqlite3.Row | None,
    posting_id: int | None,
    at: datetime,
    now: datetime,
) -> int:
    """The notice's own id is part of its body, so the row is made first and filled at once."""
    made = db.execute(
        "INSERT INTO notice (posting, account, body, made_at) VALUES (?, ?, '{}', ?)",
        (posting_id, told["account"], now.isoformat()),
    )
    notice = int(made.lastrowid or 0)
    held = accounts.balance(db, told["account"], at=at)
    pattern = hook["code_pattern"] if hook is not None else None
    teller = source(hook["source"] if hook is not None else "sepay")
    body = teller.body(notice=notice, posting=told, accumulated=held, pattern=pattern)
    db.execute("UPDATE notice SET body = ? WHERE id = ?", (body, notice))
    return notice


def _call(
    db: sqlite3.Connection,
    notice: int,
    account: str,
    kind: str,
    state: str,
    due: float,
    *,
    after: int | None = None,
    drift: int = 0,
) -> int:
    made = db.execute(
        "INSERT INTO call (notice, account, kind, state, due_at, after, drift)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (notice, account, kind, state, due, after, drift),
    )
    return int(made.lastrowid or 0)


def _found(db: sqlite3.Connection, notice: int) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute("SELECT * FROM notice WHERE id = ?", (notice,)).fetchone()
    if row is None:
        raise Refused(f"Không có thông báo {notice}", f"There is no notice {notice}", status=404)
    return row


def _call_described(db: sqlite3.Connection, call: sqlite3.Row) -> dict[str, Any]:
    attempts = db.execute("SELECT * FROM attempt WHERE call = ? ORDER BY id", (call["id"],))
    return {
        "id": call["id"],
        "kind": call["kind"],
        "state": call["state"],
        "due_at": call["due_at"],
        "attempts": [
            {name: attempt[name] for name in ("at", "status", "answer", "error")}
            for attempt in attempts
        ],
    }
