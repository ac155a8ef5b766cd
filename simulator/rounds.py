"""The bank's round of the courier: which notices are due, what they say, when they are over."""

from __future__ import annotations

import sqlite3

from simulator import accounts
from simulator.clock import moment
from simulator.sources import source
from simulator.wire import Errand, Reply

_BAD = {"forged", "stale"}
_ANSWER_SHOWN = 500


class BankRound:
    """SePay's or Casso's calls about movements on an account."""

    def due(self, db: sqlite3.Connection, *, epoch: float) -> list[int]:
        """The calls to be made now."""
        rows = db.execute(
            "SELECT id FROM call WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, id",
            (epoch,),
        )
        return [int(row["id"]) for row in rows]

    def errand(self, db: sqlite3.Connection, call: int, *, epoch: float) -> Errand | None:
        """The notice with headers of this moment; None after a reset or without a hook."""
        row = db.execute(
            "SELECT call.*, notice.body FROM call JOIN notice ON notice.id = call.notice"
            " WHERE call.id = ?",
            (call,),
        ).fetchone()
        hook = accounts.hook(db, row["account"]) if row else None
        if row is None or hook is None:
            return None
        raw = str(row["body"]).encode()
        headers = source(hook["source"]).headers(
            hook, raw, epoch=epoch - row["drift"], forged=row["kind"] == "forged"
        )
        return Errand("POST", hook["url"], headers, raw, hook["timeout"])

    def record(
        self, db: sqlite3.Connection, call: int, reply: Reply | None, *, epoch: float
    ) -> None:
        """Keep the answer, settle what follows, let go of the calls that waited for this one."""
        row = db.execute("SELECT * FROM call WHERE id = ?", (call,)).fetchone()
        if row is None:
            return  # reset while the call was out
        if reply is not None:
            db.execute(
                "INSERT INTO attempt (call, at, status, answer, error) VALUES (?, ?, ?, ?, ?)",
                (
                    call, moment(epoch).isoformat(), reply.status,
                    reply.answer.decode(errors="replace")[:_ANSWER_SHOWN], reply.error,
                ),
            )  # fmt: skip
        tries = row["tries"] + (reply is not None)
        state, due = _next(row, accounts.hook(db, row["account"]), reply, tries, epoch)
        db.execute(
            "UPDATE call SET state = ?, due_at = ?, tries = ? WHERE id = ?",
            (state, due, tries, call),
        )
        db.execute(
            "UPDATE call SET state = 'pending', due_at = max(due_at, ?)"
            " WHERE after = ? AND state = 'waiting'",
            (epoch, call),
        )


def _next(
    call: sqlite3.Row, hook: sqlite3.Row | None, reply: Reply | None, tries: int, epoch: float
) -> tuple[str, float]:
    """The state after an attempt, and when the next one is due."""
    if hook is None or reply is None:
        return "no_hook", call["due_at"]
    if call["kind"] in _BAD:
        return "answered", call["due_at"]
    teller = source(hook["source"])
    if reply.status is not None and teller.accepted(reply.status, reply.answer):
        return "delivered", call["due_at"]
    if not hook["retry"] or tries > len(teller.GAPS_MINUTES):
        return "given_up", call["due_at"]
    gap = teller.GAPS_MINUTES[tries - 1] * 60 / hook["speed"]
    return "pending", epoch + gap
