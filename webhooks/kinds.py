"""The kinds of event that a biller's system may hear of, and how an endpoint chooses among them.

Every kind carries ids and amounts and no personal field: whoever hears of one asks the API for
the rest, with a key. docs/reference/call-backs.md shows this table; tests compare it with the
page and with what the code emits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from payments.domain.errors import Invalid
from payments.queries.events import INTERNAL

EVERY: Final = "*"
TESTED: Final = "endpoint.tested"
"""Goes to the endpoint it names and to no other, whatever that one chose."""
DISABLED: Final = "endpoint.disabled"

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "invoice.issued": ("invoice", "amount"),
    "invoice.settled": ("invoice",),
    "invoice.cancelled": ("invoice",),
    "payment_order.created": ("payment_order", "amount"),
    "payment_order.cancelled": ("payment_order",),
    "payment_order.expired": ("payment_order",),
    "attempt.succeeded": ("attempt",),
    "attempt.failed": ("attempt",),
    "attempt.cancelled": ("attempt",),
    "attempt.expired": ("attempt",),
    "attempt.unknown": ("attempt",),
    "attempt.unresolved": ("attempt",),
    "payment.received": ("payment", "amount"),
    "payment.moved": ("payment",),
    "payment.doubled": ("payment",),
    "payment.trace_opened": ("payment_order", "amount", "at", "ticket", "answer_by", "payment"),
    "allocation.made": ("allocation", "invoice", "payment", "amount"),
    "allocation.undone": ("allocation", "invoice", "payment", "amount"),
    "credit.kept": ("credit", "payment", "amount"),
    "receipt.issued": ("receipt", "invoice", "form", "year", "number", "amount"),
    "receipt.cancelled": ("receipt", "invoice", "form", "year", "number", "amount"),
    "refund.requested": ("refund", "amount"),
    "refund.approved": ("refund", "amount"),
    "refund.refused": ("refund", "amount"),
    "refund.sent": ("refund", "amount"),
    "refund.done": ("refund", "amount"),
    "refund.failed": ("refund", "amount"),
    "refund.unknown": ("refund", "amount"),
    "refund.returned": ("refund", "amount"),
    "payout.made": ("payout", "refunds", "amount"),
    "payout.voided": ("payout", "refunds"),
    "statement.received": ("file",),
    "discrepancy.opened": ("discrepancy", "kind", "amount"),
    "discrepancy.reopened": ("discrepancy", "amount"),
    "discrepancy.resolved": ("discrepancy", "way"),
    "day.reconciled": ("day",),
    "day.signed_off": ("day",),
    "day.corrected": ("day", "version"),
    DISABLED: ("endpoint", "why"),
    TESTED: ("endpoint",),
}
"""Kind -> the fields of its data."""

MOST: Final = 50
_FORM: Final = re.compile(r"\*|[a-z_]+\.(\*|[a-z_]+)")


def chosen(wanted: Sequence[str]) -> list[str]:
    """The choice of an endpoint: kinds, groups like `refund.*`, or `*`; each once, sorted.

    Raises Invalid for what chooses nothing, so that a slip of the pen is not silence.
    """
    if not wanted or len(wanted) > MOST:
        raise Invalid(
            f"Chọn từ 1 đến {MOST} loại sự kiện, hoặc “*” để nhận mọi loại.",
            f"Choose 1 to {MOST} kinds of event, or “*” for all of them.",
        )
    unknown = sorted({one for one in wanted if not _FORM.fullmatch(one) or not matching(one)})
    if unknown:
        named = ", ".join(one for one in unknown if _FORM.fullmatch(one)) or "…"
        raise Invalid(f"Không có loại sự kiện nào: {named}.", f"No kind of event matches: {named}.")
    return [EVERY] if EVERY in wanted else sorted(set(wanted))


def matching(choice: str) -> list[str]:
    """The kinds that one choice stands for."""
    return [kind for kind in KINDS if wants([choice], kind)]


def wants(choices: Sequence[str], kind: str) -> bool:
    """Whether an endpoint with these choices hears of a kind."""
    if kind in INTERNAL or kind == TESTED:
        return False
    return EVERY in choices or kind in choices or f"{kind.partition('.')[0]}.*" in choices
