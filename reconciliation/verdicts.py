"""Verdicts: the engine asked about statement lines, or about free money of payments.

The engine is pure and speaks in frames; here its rows become the verdicts that posting acts on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import vault
from payments.domain import ids
from payments.domain.calendar import HANOI
from payments.store.sessions import biller_of
from reconciliation import cases, expected, posting
from reconciliation.engine.book import Decision
from reconciliation.findings import Findings, Subject
from reconciliation.matching import Matched, match
from reconciliation.normalise import LINE_COLUMNS
from reconciliation.posting import Choice, Line, Verdict

_FREE = """
SELECT p.*, a.account_number, o.code AS tried FROM payment p
LEFT JOIN bank_account a ON a.biller_id = p.biller_id AND a.id = p.bank_account_id
LEFT JOIN attempt t ON t.biller_id = p.biller_id AND t.id = p.attempt_id
LEFT JOIN payment_order o ON o.biller_id = t.biller_id AND o.id = t.order_id
WHERE p.biller_id = :biller AND p.free > 0 AND (CAST(:only AS uuid) IS NULL OR p.id = :only)
    AND NOT EXISTS (SELECT FROM discrepancy d WHERE d.biller_id = p.biller_id
        AND d.payment_id = p.id AND d.holds > 0
        AND d.status NOT IN ('resolved', 'auto_resolved'))
ORDER BY p.received_at, p.id
"""

_MOVED = """
SELECT p.id, p.free FROM payment p
JOIN discrepancy d ON d.biller_id = p.biller_id AND d.payment_id = p.id
WHERE p.biller_id = :biller AND (CAST(:only AS uuid) IS NULL OR p.id = :only)
    AND d.holds > 0 AND d.holds <> p.free AND d.status NOT IN ('resolved', 'auto_resolved')
ORDER BY p.id
"""

# A second payment of a paid order, whose credit was used for another bill or given back.
_SPENT = """
SELECT d.id FROM discrepancy d
WHERE d.biller_id = :biller AND (CAST(:only AS uuid) IS NULL OR d.payment_id = :only)
    AND d.kind = 'DUPLICATE_PAYMENT' AND d.holds = 0
    AND d.status IN ('open', 'assigned', 'proposed')
    AND NOT EXISTS (SELECT FROM payment p WHERE p.biller_id = d.biller_id
        AND p.id = d.payment_id AND p.free > 0)
    AND NOT EXISTS (SELECT FROM credit c WHERE c.biller_id = d.biller_id
        AND c.payment_id = d.payment_id AND c.live AND c.amount > c.used + c.refunded)
ORDER BY d.id
"""


class Decided(Mapping[UUID, Verdict]):
    """What the engine decided, by line or payment. A verdict is made when it is asked for:
    a million of them with their evidence would fill the memory that the run needs."""

    def __init__(self, found: Matched, wanted: Sequence[UUID]) -> None:
        self._found, self._at = found, {id_: at for at, id_ in enumerate(wanted)}
        rows = found.rows
        place = pd.Index([str(id_) for id_ in wanted]).get_indexer(pd.Index(rows["source_id"]))
        self._order = np.argsort(place, kind="stable")
        self._start = np.searchsorted(place[self._order], np.arange(len(wanted) + 1))
        self._columns = [rows[name].tolist() for name in _VERDICT_COLUMNS]
        self._known: Mapping[UUID, Verdict] = {}

    def know(self, better: Mapping[UUID, Verdict]) -> None:
        """Take these verdicts instead: the engine could not see what was booked before."""
        self._known = better

    def of_unknown_payer(self) -> list[UUID]:
        """Those that pay a paid order, and whose row does not say what had paid it."""
        rows = self._found.rows
        found = (rows["exception_code"] == "DUPLICATE_PAYMENT") & (rows["related_id"] == "")
        named = set(rows.loc[found & (rows["order_id"] != ""), "source_id"])
        return [id_ for id_ in self._at if str(id_) in named] if named else []

    def automatic(self, id_: UUID) -> bool:
        """Whether it is booked without a person; the verdict itself is made only when asked for."""
        if self._known and (better := self._known.get(id_)) is not None:
            return better.automatic
        first = self._order[self._start[self._at[id_]]]
        return bool(self._columns[0][first] == Decision.AUTO)

    def __getitem__(self, id_: UUID) -> Verdict:
        if self._known and (better := self._known.get(id_)) is not None:
            return better
        at = self._at[id_]
        rows = self._order[self._start[at] : self._start[at + 1]].tolist()
        decision, code, related, order_id, amount, rule, score = self._columns
        automatic = decision[rows[0]] == Decision.AUTO
        return Verdict(
            automatic=automatic,
            code=code[rows[0]],
            choices=[
                Choice(
                    order_id[row],
                    int(amount[row]),
                    rule[row],
                    float(score[row]),
                    self._found.evidence(row),
                )
                for row in rows
                if order_id[row] or not automatic
            ],
            related=related[rows[0]],
        )

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._at)

    def __len__(self) -> int:
        return len(self._at)


_VERDICT_COLUMNS = (
    "decision", "exception_code", "related_id", "order_id", "alloc_vnd", "rule", "score",
)  # fmt: skip


def of_lines(
    lines: Sequence[Line], orders: pd.DataFrame, *, undone: frozenset[tuple[str, str]]
) -> Decided:
    """The engine's verdict on every line. undone: pairs that a person took apart."""
    frame = pd.DataFrame([_row_of_line(line) for line in lines], columns=list(LINE_COLUMNS))
    return Decided(match(_typed(frame), orders, undone=undone), [line.id for line in lines])


def explain_free_money(db: Session, *, at: datetime, payment_id: UUID | None = None) -> int:
    """Give every free đồng an order or a discrepancy; return how many payments that took.

    payment_id: look at this one only, as when its notice has just been booked.
    """
    moved = db.execute(text(_MOVED), {"biller": biller_of(db), "only": payment_id}).all()
    for row in moved:
        cases.hold(db, row.id, row.free, at=at)
    for doubled in db.scalars(text(_SPENT), {"biller": biller_of(db), "only": payment_id}).all():
        cases.clear(db, doubled, why="credit_spent", at=at)
    rows = db.execute(text(_FREE), {"biller": biller_of(db), "only": payment_id}).all()
    if not rows:
        return 0
    opened = vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"payment:{row.id}") for row in rows]
    )
    known = [{} if fields is vault.ERASED else fields for fields in opened]
    frame = pd.DataFrame(
        [_row_of_payment(row, fields) for row, fields in zip(rows, known, strict=True)],
        columns=list(LINE_COLUMNS),
    )
    found = match(_typed(frame), expected.orders(db), undone=undone_pairs(db))
    decided = Decided(found, [row.id for row in rows])
    for row, fields in zip(rows, known, strict=True):
        verdict = decided[row.id]
        memo = fields.get("memo", "")
        posting.explain(db, row.id, memo, verdict, day=row.fact_day, at=at)
    return len(rows)


def explain_doubled(db: Session, payment_id: UUID, *, at: datetime) -> None:
    """A second payment of a paid order is the payer's credit: ask a person about giving it back."""
    row = db.execute(
        text("""SELECT p.fact_day, p.gateway, sum(c.amount - c.used - c.refunded) AS kept
                FROM payment p JOIN credit c ON c.biller_id = p.biller_id AND c.payment_id = p.id
                WHERE p.biller_id = :biller AND p.id = :payment AND c.live
                GROUP BY p.biller_id, p.id"""),
        {"biller": biller_of(db), "payment": payment_id},
    ).one_or_none()
    if row is None or row.kept <= 0:
        return
    cases.open_(
        db,
        "DUPLICATE_PAYMENT",
        Subject(payment_id=payment_id),
        int(row.kept),
        findings=Findings(rule="attempt"),
        day=row.fact_day,
        at=at,
    )


def undone_pairs(db: Session) -> frozenset[tuple[str, str]]:
    """(payment or line, order) pairs that a person took apart, as ids in the frames."""
    rows = db.execute(
        text("""SELECT DISTINCT a.payment_id, l.id AS line_id, p.order_id
                FROM allocation_undo u
                JOIN allocation a ON a.biller_id = u.biller_id AND a.id = u.allocation_id
                JOIN order_invoice p ON p.biller_id = a.biller_id AND p.invoice_id = a.invoice_id
                LEFT JOIN bank_line l ON l.biller_id = a.biller_id
                    AND l.payment_id = a.payment_id AND l.amount > 0
                WHERE u.biller_id = :biller"""),
        {"biller": biller_of(db)},
    ).all()
    pairs = {(str(row.payment_id), ids.shown("ord", row.order_id)) for row in rows}
    pairs |= {(str(row.line_id), ids.shown("ord", row.order_id)) for row in rows if row.line_id}
    return frozenset(pairs)


def _row_of_line(line: Line) -> tuple[object, ...]:
    return (
        str(line.id),
        "",
        line.account_number,
        "",
        line.day.isoformat(),
        line.value_date.isoformat() if line.value_date else "",
        line.txn_time.isoformat() if line.txn_time else "",
        line.bank_reference or "",
        line.amount,
        "",
        line.account,
        line.name,
        line.memo,
    )


def _row_of_payment(row: Any, fields: dict[str, Any]) -> tuple[object, ...]:
    local = row.received_at.astimezone(HANOI)
    return (
        str(row.id),
        "",
        row.account_number or "",
        "",
        row.fact_day.isoformat(),
        "",
        local.time().isoformat("seconds"),
        # Notices of one bank reference are two payments all the same: keep them apart.
        f"{row.bank_reference or ''} {row.provider_reference}".strip(),
        row.free,
        "",
        fields.get("account", ""),
        fields.get("name", ""),
        # The payer of a try chose its order at the gateway; the bank may have cut the code short.
        row.tried or fields.get("memo", ""),
    )


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({"amount_vnd": "int64"})
