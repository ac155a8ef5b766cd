"""Reads of the statement lines that paid gateways' batches, and of those taken off them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.queries import staff
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Paying:
    """A line that paid a batch. amount: signed đồng. undone_*: since a person took it off, and
    then it pays the batch no more. waits: it was taken off last here, and may be put back."""

    line_id: UUID
    account_number: str
    day: date
    reference: str
    amount: int
    undone_at: datetime | None = None
    undone_by: str = ""
    why: str = ""
    waits: bool = False


_LINES: Final = text("""
SELECT n.*, l.settlement_batch_id IS NULL AND l.status = 'discrepancy'
        AND n.nth = (SELECT max(u.nth) FROM batch_undo u
            WHERE u.biller_id = l.biller_id AND u.line_id = l.id) AS waits,
    l.booking_date, l.bank_reference, l.amount, a.account_number
FROM (SELECT settlement_batch_id AS batch_id, id AS line_id, NULL::timestamptz AS at,
          NULL::uuid AS actor_id, NULL AS reason, NULL::int AS nth
      FROM bank_line
      WHERE biller_id = :biller AND settlement_batch_id = ANY(CAST(:batches AS uuid[]))
      UNION ALL
      SELECT batch_id, line_id, at, actor_id, reason, nth FROM batch_undo
      WHERE biller_id = :biller AND batch_id = ANY(CAST(:batches AS uuid[]))) n
JOIN bank_line l ON l.biller_id = :biller AND l.id = n.line_id
JOIN bank_account a ON a.biller_id = l.biller_id AND a.id = l.bank_account_id
ORDER BY l.booking_date, l.id, n.at
""")


def of(db: Session, batches: Sequence[UUID]) -> Mapping[UUID, Sequence[Paying]]:
    """Batch -> its lines in the order of their days."""
    rows = db.execute(_LINES, {"biller": biller_of(db), "batches": list(batches)}).all()
    names = staff.names(db, [row.actor_id for row in rows])
    found: dict[UUID, list[Paying]] = defaultdict(list)
    for row in rows:
        found[row.batch_id].append(
            Paying(
                row.line_id,
                row.account_number,
                row.booking_date,
                row.bank_reference or "",
                row.amount,
                row.at,
                names.get(row.actor_id, ""),
                row.reason or "",
                bool(row.waits),
            )
        )
    return found
