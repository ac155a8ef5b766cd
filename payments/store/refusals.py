"""What PostgreSQL refuses, in the words of the domain.

The guards of the migrations speak by SQLSTATE (class TP is ours) or by the name of the
constraint. This table is the only place that knows both sides.
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, OperationalError

from payments.domain.errors import (
    Conflict,
    DayClosed,
    DomainError,
    IllegalMove,
    Invalid,
    MerchantTaken,
    NotExplained,
    SecondPerson,
    TooMuch,
    Unavailable,
)

_STATES: dict[str, type[DomainError]] = {
    "TP001": Conflict,  # rows that are kept as they are
    "TP002": IllegalMove,
    "TP003": DayClosed,
    "TP004": Conflict,  # a journal that is not whole
    "TP005": Invalid,  # a bill or an order whose parts do not add up
    "TP006": Conflict,  # an allocation or credit that is not live, a bill that is not open
    "TP007": Conflict,  # receipt numbers
    "TP008": NotExplained,
}

_CONSTRAINTS: dict[str, type[DomainError]] = {
    "payment_not_overspent": TooMuch,
    "payment_not_overrefunded": TooMuch,
    "invoice_not_overpaid": TooMuch,
    "invoice_not_overrefunded": TooMuch,
    "order_not_overpaid": TooMuch,
    "credit_not_overspent": TooMuch,
    "credit_in_use": Conflict,
    "allocation_not_overrefunded": TooMuch,
    "allocation_is_refunded": Conflict,
    "allocation_undo_pkey": Conflict,  # taken back before
    "credit_undo_pkey": Conflict,
    "allocation_live_pair": Conflict,  # this money pays this bill already: undo first
    "invoice_cancelled_is_empty": Conflict,
    "refund_needs_two_people": SecondPerson,
    "refund_needs_approval": SecondPerson,
    "refund_approver_is_staff": SecondPerson,
    "refund_in_one_live_payout": Conflict,
    "refund_is_named_before_it_is_sent": Conflict,
    "payout_voider_is_staff": SecondPerson,
    "channel_merchant_is_one": MerchantTaken,
    "discrepancy_needs_two_people": SecondPerson,
    "discrepancy_needs_approval": SecondPerson,
    "discrepancy_approver_is_staff": SecondPerson,
    "day_needs_two_people": SecondPerson,
}


def refusal(error: DBAPIError) -> DomainError | None:
    """Return the domain's error for what the database refused; None when it is a bug of ours."""
    if isinstance(error, OperationalError) and error.connection_invalidated:
        return Unavailable()
    origin = error.orig
    state = getattr(origin, "sqlstate", None)
    if state is None and isinstance(error, OperationalError):
        return Unavailable()
    if state in _STATES:
        return _STATES[state]()
    name = getattr(getattr(origin, "diag", None), "constraint_name", None)
    return _CONSTRAINTS[name]() if name in _CONSTRAINTS else None
