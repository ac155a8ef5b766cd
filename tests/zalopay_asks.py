"""What tests ask of ZaloPay: one try, what is known of it, its refund, an answer that pays it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from adapters.http import Client
from adapters.zalopay.config import ZalopayConfig
from adapters.zalopay.gateway import ZalopayGateway
from payments.domain.calendar import HANOI
from payments.domain.gateway import Ask, Known, Receiver, RefundAsk
from payments.domain.money import Money

KEY1: Final = "a-first-key-of-a-made-up-app"
SETTINGS: Final = {"app_id": "909001", "key1": KEY1, "key2": "never-sent-anywhere"}
START: Final = datetime(2026, 11, 21, 10, 17, 33, 123_000, HANOI)
END: Final = START + timedelta(minutes=15)
NAME: Final = "261121_HP7K2M9QX4TW_0123456789abcdef0123"
ATTEMPT: Final = UUID("019aa000-0000-7000-8000-000000000001")
REFUND: Final = UUID("019aa000-0000-7000-8000-000000000002")

ASK: Final = Ask(
    attempt_id=ATTEMPT,
    code="HP7K2M9QX4TW",
    amount=Money(581_000),
    receiver=Receiver("999999", "9999018452", "TRUONG TIEU HOC HOA SEN"),
    expires_at=END,
    reference=NAME,
    started_at=START,
    return_url="https://pay.example.edu.vn/pay/abc/return?a=1&b=2",
    notify_url="https://pay.example.edu.vn/webhooks/zalopay/TH-HS",
)
KNOWN: Final = Known(
    ATTEMPT, NAME, None, Money(581_000), START, END, now=START + timedelta(minutes=2)
)
PAID: Final[dict[str, Any]] = {
    "return_code": 1,
    "return_message": "ok",
    "is_processing": False,
    "amount": 581_000,
    "discount_amount": 0,
    "zp_trans_id": 261121000000389,
    "server_time": 1795232299999,
}
BACK: Final = RefundAsk(
    refund_id=REFUND,
    reference="261121_909001_12345678901234567801",
    payment_reference=NAME,
    provider_reference="261121000000389",
    paid=Money(581_000),
    amount=Money(181_000),
    payment_started_at=START,
    asked_at=START + timedelta(hours=1),
    reason="Nghỉ học 4 ngày",
    operator="stf_1",
    now=START + timedelta(hours=1),
)


def nowhere() -> ZalopayGateway:
    """A gateway whose machine is switched off: port 9 of this one has no listener."""
    return ZalopayGateway(ZalopayConfig("http://127.0.0.1:9"), Client(seconds=5))


def mac_of(*parts: object) -> str:
    text = "|".join(str(part) for part in parts)
    return hmac.new(KEY1.encode(), text.encode(), hashlib.sha256).hexdigest()


def failed(code: int) -> dict[str, Any]:
    return {"return_code": 2, "return_message": "", "sub_return_code": code}
