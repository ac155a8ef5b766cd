"""Money goes back through ZaloPay: asked for once, looked up until it is done or failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.http import Client
from adapters.zalopay.config import ZalopayConfig
from adapters.zalopay.gateway import ZalopayGateway
from payments.domain.gateway import Pending, Refunded, Refused, Unknown
from tests.zalopay_asks import BACK, SETTINGS, failed, mac_of, nowhere
from tests.zalopay_server import Server, zalopay_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with zalopay_server() as running:
        yield running


@pytest.fixture
def gateway(server: Server) -> ZalopayGateway:
    server.heard.clear()
    return ZalopayGateway(ZalopayConfig(server.url), Client(seconds=5))


def test_a_refund_is_asked_for_and_mostly_pending(server: Server, gateway: ZalopayGateway) -> None:
    server.says({"return_code": 3, "refund_id": 77})

    assert gateway.refund(BACK, SETTINGS) == Pending()
    (heard,) = server.heard
    sent = heard.fields
    at = 1795231053123 + 3_600_000
    assert heard.path == "/v2/refund"
    assert sent.pop("mac") == mac_of(909001, "261121000000389", 181000, "Nghỉ học 4 ngày", at)
    assert sent == {
        "app_id": 909001,
        "m_refund_id": "261121_909001_12345678901234567801",
        "zp_trans_id": "261121000000389",
        "amount": 181_000,
        "timestamp": at,
        "description": "Nghỉ học 4 ngày",
    }


def test_a_refund_that_is_done_has_zalopays_number_where_it_is_told(
    server: Server, gateway: ZalopayGateway
) -> None:
    server.says({"return_code": 1, "refund_id": 261121000000077})
    asked = gateway.refund(BACK, SETTINGS)
    server.says({"return_code": 1, "sub_return_code": 1})
    looked_up = gateway.look_up_refund(BACK, SETTINGS)

    assert asked == Refunded("261121000000077")
    assert looked_up == Refunded(BACK.reference)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (failed(-13), Refused("too_late")),
        (failed(-14), Refused("amount")),
        (failed(-25), Refused("reference")),
        (failed(-101), Refused("payment_not_found")),
        (failed(-32), Refused("not_refundable")),
        (failed(-3), Refused("credentials")),
        ({"return_code": -429}, Refused("rate_limited")),
        (failed(-23), Unknown("asked_before")),
        (failed(-11), Unknown("refunded_before")),
        (failed(-500), Unknown("gateway_error")),
        (failed(-777), Unknown("unseen_code")),
        ({"return_code": 2}, Unknown("unseen_code")),
        ({"return_code": 0}, Unknown("unseen_code")),
        ({}, Unknown("unseen_code")),
    ],
    ids=repr,
)
def test_a_refund_that_is_refused_says_why_and_a_doubtful_one_is_looked_up(
    server: Server, gateway: ZalopayGateway, answer: dict[str, Any], outcome: object
) -> None:
    server.says(answer)

    assert gateway.refund(BACK, SETTINGS) == outcome


def test_a_refusal_of_a_second_request_proves_nothing_about_the_first(
    server: Server, gateway: ZalopayGateway
) -> None:
    server.says(failed(-25))
    after_midnight = replace(BACK, now=BACK.asked_at + timedelta(hours=14))

    assert gateway.refund(after_midnight, SETTINGS) == Unknown("asked_before")
    assert nowhere().refund(after_midnight, SETTINGS) == Unknown("asked_before")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"return_code": 3, "sub_return_code": 2}, Pending()),
        ({"return_code": 3}, Pending()),
        ({"return_code": 3, "sub_return_code": -1}, Unknown("with_gateway_staff")),
        (failed(0), Refused("refund_failed")),
        (failed(-13), Refused("too_late")),
        (failed(-402), Unknown("credentials")),
        (failed(-3), Unknown("credentials")),
        (failed(-777), Unknown("unseen_code")),
        ({"return_code": 0}, Unknown("unseen_code")),
        ({"return_code": -500}, Unknown("gateway_error")),
    ],
    ids=repr,
)
def test_a_refund_is_asked_about_until_it_is_done_or_failed(
    server: Server, gateway: ZalopayGateway, answer: dict[str, Any], outcome: object
) -> None:
    server.says(answer)

    assert gateway.look_up_refund(BACK, SETTINGS) == outcome
    (heard,) = server.heard
    at = 1795231053123 + 3_600_000
    assert heard.path == "/v2/query_refund"
    assert heard.fields == {
        "app_id": 909001,
        "m_refund_id": BACK.reference,
        "timestamp": at,
        "mac": mac_of(909001, BACK.reference, at),
    }


def test_a_refund_that_is_not_found_may_still_arrive_until_its_request_is_too_old(
    server: Server, gateway: ZalopayGateway
) -> None:
    server.says(failed(-101))
    later = replace(BACK, now=BACK.asked_at + timedelta(minutes=20))

    assert gateway.look_up_refund(BACK, SETTINGS) == Unknown("not_seen_yet")
    assert gateway.look_up_refund(later, SETTINGS) == Refused("never_arrived")


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the gateway keeps no state
)
@given(reason=st.text(st.characters(), max_size=150))
def test_any_reason_reaches_zalopay_signed_as_it_is_sent(
    server: Server, gateway: ZalopayGateway, reason: str
) -> None:
    server.says({"return_code": 3})
    server.heard.clear()

    assert gateway.refund(replace(BACK, reason=reason), SETTINGS) == Pending()
    sent = server.heard[0].fields
    said = sent["description"]
    assert 1 <= len(said) <= 100
    assert said.isprintable()
    assert sent["mac"] == mac_of(909001, "261121000000389", 181000, said, sent["timestamp"])
    if reason.isprintable() and reason.strip():
        assert said == reason.strip()[:100].strip()
