"""A refund of a payment at VNPAY, and VNPAY's answers about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from payments.domain.gateway import RefundAsk
from payments.domain.money import Money
from tests.vnpay_calls import PAID, REFERENCE, STARTED

OURS: Final = "RAGP6MBD4FZ7XPCQ2WJ5XH2KZ3E01"
ANOTHER: Final = "RAGP6MBD4FZ7XPCQ2WJ5XH2KZ3F01"
ASKED: Final = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def refund_ask(**changes: Any) -> RefundAsk:
    """All of 581.000 ₫, asked on the next morning at nine in Hanoi."""
    told: dict[str, Any] = {
        "refund_id": UUID(int=9),
        "reference": OURS,
        "payment_reference": REFERENCE,
        "provider_reference": "14999001",
        "paid": Money(581_000),
        "amount": Money(581_000),
        "payment_started_at": STARTED,
        "asked_at": ASKED,
        "reason": "paid twice",
        "operator": "stf_01k0000000000000000000000",
        "now": ASKED,
    }
    return RefundAsk(**(told | changes))


def refund_told(**changes: str) -> dict[str, str]:
    """VNPAY's record of that refund, unsigned; keyword TxnRef stands for vnp_TxnRef."""
    told = PAID | {
        "vnp_TransactionType": "02",
        "vnp_TransactionNo": "14999123",
        "vnp_PayDate": "20261122090012",
        "vnp_OrderInfo": "",
    }
    return told | {f"vnp_{name}": value for name, value in changes.items()}
