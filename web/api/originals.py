"""What a discrepancy takes back or repeats, as the API tells of it."""

from __future__ import annotations

from collections.abc import Sequence

from reconciliation.queries.originals import Original
from web.api.shapes import Answer, Day, Dong


class BillNamedAnswer(Answer):
    """A bill, by its id and the biller's own name for it."""

    invoice: str
    reference: str


class OriginalAnswer(Answer):
    """The earlier credit that a reversal takes back or that had paid the same before; the
    settlement row that another one repeats.

    reference: the bank's or gateway's number. line: of the statement that brought it, or batch of
    the row, the other is null. payment: null for money without one. bills: those that it paid,
    also where that was undone since. discrepancy: its own, if it has one.
    """

    reference: str
    day: Day
    amount: Dong
    line: str | None
    batch: str | None
    payment: str | None
    bills: Sequence[BillNamedAnswer]
    discrepancy: str | None

    @classmethod
    def of(cls, it: Original) -> OriginalAnswer:
        """From what was read."""
        return cls(
            reference=it.reference,
            day=it.day,
            amount=it.amount,
            line=it.line or None,
            batch=it.batch or None,
            payment=it.payment or None,
            bills=[BillNamedAnswer(invoice=one, reference=name) for one, name in it.bills],
            discrepancy=it.discrepancy or None,
        )
