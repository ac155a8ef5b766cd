"""Every stored status and its table of moves: nothing else decides what may follow.

The same tables are rows of `status_move` in PostgreSQL, where a trigger refuses any
other move; a test compares the two. States that follow from money alone (part_paid,
paid, late_paid, refunded …) are generated columns there and never stored by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final, TypeVar

from payments.domain.errors import IllegalMove


class InvoiceStatus(StrEnum):
    """A bill: written, sent, withdrawn."""

    DRAFT = "draft"
    ISSUED = "issued"
    CANCELLED = "cancelled"


class OrderStatus(StrEnum):
    """A payment order: whether its code still invites a payment."""

    CREATED = "created"
    AWAITING = "awaiting"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class AttemptStatus(StrEnum):
    """One try at one gateway."""

    CREATED = "created"
    REDIRECTED = "redirected"
    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class RefundStatus(StrEnum):
    """Money on its way back."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    SENT = "sent"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"


class PayoutStatus(StrEnum):
    """A file of refunds for a bank."""

    MADE = "made"
    VOIDED = "voided"


class LineStatus(StrEnum):
    """A line of a bank statement."""

    IMPORTED = "imported"
    MATCHED = "matched"
    PART_MATCHED = "part_matched"
    DISCREPANCY = "discrepancy"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class DiscrepancyStatus(StrEnum):
    """Something that does not match, on its way to an explanation."""

    OPEN = "open"
    ASSIGNED = "assigned"
    PROPOSED = "proposed"
    APPROVED = "approved"
    RESOLVED = "resolved"
    AUTO_RESOLVED = "auto_resolved"


class DayStatus(StrEnum):
    """A business day of one biller."""

    OPEN = "open"
    RECONCILED = "reconciled"
    SIGNED_OFF = "signed_off"


class ReceiptStatus(StrEnum):
    """A numbered receipt: never deleted, only cancelled."""

    ISSUED = "issued"
    CANCELLED = "cancelled"


class CallStatus(StrEnum):
    """A webhook call that somebody made to us."""

    RECEIVED = "received"
    BOOKED = "booked"
    PARKED = "parked"
    REFUSED = "refused"


class FileStatus(StrEnum):
    """A statement file."""

    RECEIVED = "received"
    READ = "read"
    REFUSED = "refused"


class DeliveryStatus(StrEnum):
    """One event on its way to one of a biller's systems."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class SettlementRowStatus(StrEnum):
    """A row of a gateway's settlement file."""

    READ = "read"
    BOOKED = "booked"
    SUSPENDED = "suspended"
    RESOLVED = "resolved"


S = TypeVar("S", bound=StrEnum)

INVOICE: Final[Mapping[InvoiceStatus, AbstractSet[InvoiceStatus]]] = {
    InvoiceStatus.DRAFT: {InvoiceStatus.ISSUED, InvoiceStatus.CANCELLED},
    InvoiceStatus.ISSUED: {InvoiceStatus.CANCELLED},  # the row's CHECK: only with nothing applied
    InvoiceStatus.CANCELLED: set(),
}
ORDER: Final[Mapping[OrderStatus, AbstractSet[OrderStatus]]] = {
    OrderStatus.CREATED: {OrderStatus.AWAITING, OrderStatus.EXPIRED, OrderStatus.CANCELLED},
    OrderStatus.AWAITING: {OrderStatus.EXPIRED, OrderStatus.CANCELLED},
    OrderStatus.EXPIRED: set(),  # money that comes now makes it late_paid, not awaiting again
    OrderStatus.CANCELLED: set(),
}
_A = AttemptStatus
_OVER: Final = {_A.SUCCEEDED, _A.FAILED, _A.CANCELLED, _A.EXPIRED, _A.UNKNOWN}
ATTEMPT: Final[Mapping[AttemptStatus, AbstractSet[AttemptStatus]]] = {
    _A.CREATED: {_A.REDIRECTED, _A.PENDING, *_OVER},
    _A.REDIRECTED: {_A.PENDING, *_OVER},
    _A.PENDING: _OVER,
    _A.UNKNOWN: {_A.PENDING, _A.SUCCEEDED, _A.FAILED, _A.CANCELLED, _A.EXPIRED},
    _A.SUCCEEDED: set(),
    # The late truth: the gateway called it over, then the money came.
    _A.FAILED: {_A.SUCCEEDED},
    _A.CANCELLED: {_A.SUCCEEDED},
    _A.EXPIRED: {_A.SUCCEEDED},
}
_R = RefundStatus
REFUND: Final[Mapping[RefundStatus, AbstractSet[RefundStatus]]] = {
    _R.REQUESTED: {_R.APPROVED, _R.REFUSED},
    _R.APPROVED: {_R.SENT},
    _R.SENT: {_R.DONE, _R.FAILED, _R.UNKNOWN},
    _R.UNKNOWN: {_R.DONE, _R.FAILED},  # asked, not answered: looked up, never assumed
    _R.FAILED: {_R.REQUESTED},  # again from the start: a second person looks again
    _R.REFUSED: set(),
    _R.DONE: set(),  # the money has left: corrected by a new payment, not by an edit
}
PAYOUT: Final[Mapping[PayoutStatus, AbstractSet[PayoutStatus]]] = {
    PayoutStatus.MADE: {PayoutStatus.VOIDED},  # a trigger: only when none of its refunds is live
    PayoutStatus.VOIDED: set(),
}
_L = LineStatus
LINE: Final[Mapping[LineStatus, AbstractSet[LineStatus]]] = {
    _L.IMPORTED: {_L.MATCHED, _L.PART_MATCHED, _L.DISCREPANCY, _L.IGNORED},
    _L.MATCHED: {_L.IMPORTED},  # undo
    _L.PART_MATCHED: {_L.IMPORTED, _L.MATCHED, _L.DISCREPANCY},
    _L.DISCREPANCY: {_L.RESOLVED},
    _L.RESOLVED: {_L.DISCREPANCY},  # its discrepancy was opened again
    _L.IGNORED: set(),
}
_D = DiscrepancyStatus
DISCREPANCY: Final[Mapping[DiscrepancyStatus, AbstractSet[DiscrepancyStatus]]] = {
    _D.OPEN: {_D.ASSIGNED, _D.PROPOSED, _D.AUTO_RESOLVED},
    _D.ASSIGNED: {_D.OPEN, _D.PROPOSED, _D.AUTO_RESOLVED},
    _D.PROPOSED: {_D.APPROVED, _D.RESOLVED, _D.OPEN, _D.AUTO_RESOLVED},
    _D.APPROVED: {_D.RESOLVED},
    _D.RESOLVED: {_D.OPEN},
    _D.AUTO_RESOLVED: {_D.OPEN},
}
DAY: Final[Mapping[DayStatus, AbstractSet[DayStatus]]] = {
    DayStatus.OPEN: {DayStatus.RECONCILED},
    DayStatus.RECONCILED: {DayStatus.SIGNED_OFF},
    DayStatus.SIGNED_OFF: set(),  # never reopened; a corrected sheet gets version n+1
}
RECEIPT: Final[Mapping[ReceiptStatus, AbstractSet[ReceiptStatus]]] = {
    ReceiptStatus.ISSUED: {ReceiptStatus.CANCELLED},
    ReceiptStatus.CANCELLED: set(),
}
CALL: Final[Mapping[CallStatus, AbstractSet[CallStatus]]] = {
    CallStatus.RECEIVED: {CallStatus.BOOKED, CallStatus.PARKED},
    CallStatus.PARKED: {CallStatus.BOOKED},
    CallStatus.BOOKED: set(),
    CallStatus.REFUSED: set(),
}
FILE: Final[Mapping[FileStatus, AbstractSet[FileStatus]]] = {
    FileStatus.RECEIVED: {FileStatus.READ, FileStatus.REFUSED},
    FileStatus.READ: set(),
    FileStatus.REFUSED: set(),
}
_V = DeliveryStatus
DELIVERY: Final[Mapping[DeliveryStatus, AbstractSet[DeliveryStatus]]] = {
    _V.PENDING: {_V.DELIVERED, _V.FAILED},
    _V.DELIVERED: {_V.PENDING},  # sent again by hand
    _V.FAILED: {_V.PENDING},
}
_W = SettlementRowStatus
SETTLEMENT_ROW: Final[Mapping[SettlementRowStatus, AbstractSet[SettlementRowStatus]]] = {
    _W.READ: {_W.BOOKED, _W.SUSPENDED},
    _W.BOOKED: set(),
    _W.SUSPENDED: {_W.BOOKED, _W.RESOLVED},  # booked: a refund of ours after all
    _W.RESOLVED: {_W.SUSPENDED},  # its discrepancy was opened again
}

MACHINES: Final[Mapping[str, Mapping[StrEnum, AbstractSet[StrEnum]]]] = {
    "invoice": INVOICE,  # type: ignore[dict-item]  # Mapping keys are invariant; each is a StrEnum
    "payment_order": ORDER,  # type: ignore[dict-item]  # as above
    "attempt": ATTEMPT,  # type: ignore[dict-item]  # as above
    "refund": REFUND,  # type: ignore[dict-item]  # as above
    "payout": PAYOUT,  # type: ignore[dict-item]  # as above
    "bank_line": LINE,  # type: ignore[dict-item]  # as above
    "discrepancy": DISCREPANCY,  # type: ignore[dict-item]  # as above
    "business_day": DAY,  # type: ignore[dict-item]  # as above
    "receipt": RECEIPT,  # type: ignore[dict-item]  # as above
    "inbound_call": CALL,  # type: ignore[dict-item]  # as above
    "statement_file": FILE,  # type: ignore[dict-item]  # as above
    "settlement_file": FILE,  # type: ignore[dict-item]  # as above
    "settlement_row": SETTLEMENT_ROW,  # type: ignore[dict-item]  # as above
    "delivery": DELIVERY,  # type: ignore[dict-item]  # as above
}
"""Machine (the table's name) -> moves; what the rows of status_move must equal."""

BIRTHS: Final[Mapping[str, AbstractSet[str]]] = {
    "invoice": {"draft"},
    "payment_order": {"created", "awaiting"},
    "attempt": {"created"},
    "refund": {"requested"},
    "payout": {"made"},
    "bank_line": {"imported"},
    "discrepancy": {"open"},
    "business_day": {"open"},
    "receipt": {"issued"},
    "inbound_call": {"received", "refused"},
    "statement_file": {"received"},
    "settlement_file": {"received"},
    "settlement_row": {"read"},
    "delivery": {"pending"},
}
"""The states in which a row may be born."""


def move(moves: Mapping[S, AbstractSet[S]], at: S, *, to: S) -> S:
    """Return `to` if the table allows it. Raises IllegalMove otherwise."""
    if to not in moves[at]:
        raise IllegalMove(f"Không thể từ “{at}” sang “{to}”.", f"{at} cannot become {to}.")
    return to
