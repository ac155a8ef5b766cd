"""What payOS says of a link when it is asked, and what we make of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from adapters.http import Client
from adapters.payos.config import PayosConfig
from adapters.payos.events import PayosEvents
from adapters.payos.gateway import PayosGateway
from payments.domain.gateway import Ending, Known, Pending, Refused, Succeeded, Unknown
from payments.domain.money import Money
from tests import payos_server as pretend
from tests.payos_server import LINK, REFERENCE, SETTINGS, PayosServer, Said
from webhooks.event import Call, Event

ORDER = 887_000_000_123_456
START = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)
END = START + timedelta(minutes=30)
PAID = pretend.link(ORDER, "PAID", pretend.transaction())


@pytest.fixture
def payos() -> Iterator[PayosServer]:
    with pretend.a_payos() as server:
        yield server


def look_up(payos: PayosServer, said: Said, *, now: datetime = START) -> object:
    payos.answer = lambda _: said
    known = Known(UUID(int=1), str(ORDER), LINK, Money(1_500_000), START, END, now)
    return PayosGateway(PayosConfig(payos.url), Client(seconds=5)).look_up(known, SETTINGS)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("PENDING", Pending()),
        ("PROCESSING", Pending()),
        ("CANCELLED", Refused("cancelled", Ending.CANCELLED)),
        ("EXPIRED", Refused("expired", Ending.EXPIRED)),
        ("FAILED", Refused("failed")),
        ("PAID", Unknown("paid_without_transaction")),
        ("UNDERPAID", Unknown("paid_without_transaction")),
        ("SOMETHING", Unknown("unreadable")),
    ],
)
def test_each_state_of_a_link_without_money_has_one_meaning(
    payos: PayosServer, status: str, outcome: object
) -> None:
    assert look_up(payos, pretend.signed(pretend.link(ORDER, status))) == outcome


def test_a_paid_link_is_the_same_payment_that_the_webhook_tells(payos: PayosServer) -> None:
    one = pretend.transaction()
    call = {
        "orderCode": ORDER,
        "paymentLinkId": LINK,
        "code": "00",
        "currency": "VND",
        **one,
        "transactionDateTime": "2026-11-21 10:17:33",
    }
    body = {"code": "00", "success": True, "data": call, "signature": pretend.sign(call)}

    found = look_up(payos, pretend.signed(PAID))
    (event,) = PayosEvents().verify(Call({}, json.dumps(body).encode()), SETTINGS, now=START)  # type: ignore[misc]  # Forged cannot be unpacked, and would fail here

    assert isinstance(event, Event)
    assert found == Succeeded(
        event.transaction,
        event.amount,
        paid_at=event.at,
        account_number=event.account_number,
        bank_reference=event.bank_reference,
    )
    assert event.transaction == f"{LINK}:{REFERENCE}"


@pytest.mark.parametrize("status", ["PAID", "CANCELLED", "EXPIRED", "FAILED"])
def test_money_in_full_counts_whatever_became_of_the_link(payos: PayosServer, status: str) -> None:
    found = look_up(
        payos, pretend.signed(pretend.link(ORDER, status, pretend.transaction(1_600_000)))
    )

    assert isinstance(found, Succeeded)
    assert found.amount == Money(1_600_000)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pretend.link(ORDER, "UNDERPAID", pretend.transaction(500_000)), "underpaid"),
        (pretend.link(ORDER, "PENDING", pretend.transaction(500_000)), "underpaid"),
        (pretend.link(ORDER, "EXPIRED", pretend.transaction(500_000)), "underpaid"),
        (
            pretend.link(
                ORDER,
                "PAID",
                pretend.transaction(500_000),
                pretend.transaction(1_000_000, "FT26325123456790"),
            ),
            "paid_in_parts",
        ),
        (PAID | {"amountPaid": 1_499_999}, "sums_differ"),
        (PAID | {"orderCode": ORDER + 1}, "another_order"),
        (PAID | {"amount": 1_400_000}, "another_order"),
        (pretend.link(ORDER, "PAID", pretend.transaction(reference="")), "no_bank_reference"),
        (PAID | {"amountPaid": "1500000"}, "unreadable"),
        (PAID | {"transactions": None}, "unreadable"),
        (PAID | {"transactions": ["x"]}, "unreadable"),
        (PAID | {"transactions": [{}], "amountPaid": 0}, "unreadable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_one_outcome_cannot_say_stays_unknown_with_its_reason(
    payos: PayosServer, data: dict[str, Any], reason: str
) -> None:
    assert look_up(payos, pretend.signed(data)) == Unknown(reason)


def test_money_that_payos_has_not_finished_with_is_waited_for(payos: PayosServer) -> None:
    data = pretend.link(ORDER, "PROCESSING", pretend.transaction())

    assert look_up(payos, pretend.signed(data)) == Pending()


@pytest.mark.parametrize("said", [pretend.error("101"), pretend.error("404", 404)])
def test_a_link_that_payos_never_heard_of_is_waited_for_until_its_end(
    payos: PayosServer, said: Said
) -> None:
    late = END + timedelta(minutes=5)

    assert look_up(payos, said) == Pending()
    assert look_up(payos, said, now=late) == Refused("expired", Ending.EXPIRED)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (pretend.signed(PAID, signature="0" * 64), "wrong_signature"),
        (pretend.told({"code": "00", "data": PAID}), "wrong_signature"),
        (pretend.error("20"), "request_refused"),
        (pretend.error("231"), "asked_before"),
        (pretend.error("401", 401), "credentials"),
        (pretend.error("00", 404), "unknown_code"),
        (pretend.told({"message": "Not found"}, 404), "unreadable"),
    ],
)
def test_a_question_that_was_not_answered_says_nothing_about_the_money(
    payos: PayosServer, said: Said, reason: str
) -> None:
    assert look_up(payos, said) == Unknown(reason)
