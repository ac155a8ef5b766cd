"""ZaloPay starts a try and is asked what became of it, over a real connection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.http import Client
from adapters.zalopay.config import ZalopayConfig
from adapters.zalopay.gateway import ZalopayGateway
from payments.domain.gateway import Checkout, Ending, Pending, Refused, Succeeded, Unknown
from payments.domain.money import Money
from tests.zalopay_asks import (
    ASK,
    ATTEMPT,
    END,
    KEY1,
    KNOWN,
    NAME,
    PAID,
    SETTINGS,
    START,
    failed,
    mac_of,
)
from tests.zalopay_server import Server, zalopay_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with zalopay_server() as running:
        yield running


@pytest.fixture
def gateway(server: Server) -> ZalopayGateway:
    server.heard.clear()
    return ZalopayGateway(ZalopayConfig(server.url), Client(seconds=5))


def test_an_order_is_asked_for_with_everything_signed_as_it_is_sent(
    server: Server, gateway: ZalopayGateway
) -> None:
    server.says({"return_code": 1, "order_url": "https://qcgateway.zalopay.vn/openinapp?order=x"})

    outcome = gateway.start(ASK, SETTINGS)

    assert outcome == Checkout(redirect_url="https://qcgateway.zalopay.vn/openinapp?order=x")
    (heard,) = server.heard
    sent = heard.fields
    embed = '{"redirecturl":"https://pay.example.edu.vn/pay/abc/return?a=1&b=2"}'
    assert heard.path == "/v2/create"
    assert sent.pop("mac") == mac_of(909001, NAME, ATTEMPT.hex, 581000, 1795231053123, embed, "[]")
    assert sent == {
        "app_id": 909001,
        "app_trans_id": NAME,
        "app_user": ATTEMPT.hex,
        "app_time": 1795231053123,
        "amount": 581_000,
        "item": "[]",
        "embed_data": embed,
        "description": "HP7K2M9QX4TW TRUONG TIEU HOC HOA SEN",
        "bank_code": "",
        "expire_duration_seconds": 900,
        "callback_url": "https://pay.example.edu.vn/webhooks/zalopay/TH-HS",
    }


@pytest.mark.parametrize(("lives", "seconds"), [(60, 300), (301, 301), (10**8, 2_592_000)])
def test_an_order_lives_as_long_as_the_try_within_zalopays_limits(
    server: Server, gateway: ZalopayGateway, lives: int, seconds: int
) -> None:
    server.says(failed(-500))

    gateway.start(replace(ASK, expires_at=START + timedelta(seconds=lives)), SETTINGS)

    assert server.heard[0].fields["expire_duration_seconds"] == seconds


def test_an_order_needs_neither_a_way_back_nor_a_call(
    server: Server, gateway: ZalopayGateway
) -> None:
    server.says(failed(-500))

    gateway.start(replace(ASK, return_url="", notify_url=""), SETTINGS)

    assert server.heard[0].fields["embed_data"] == "{}"
    assert "callback_url" not in server.heard[0].fields


def test_a_try_without_a_start_is_a_mistake_of_ours(gateway: ZalopayGateway) -> None:
    with pytest.raises(ValueError, match="started"):
        gateway.start(replace(ASK, started_at=None), SETTINGS)


@pytest.mark.parametrize(
    "answer",
    [
        {"return_code": 1},
        {"return_code": 1, "order_url": ""},
        {"return_code": 1, "order_url": 5},
        {"return_code": 1, "order_url": "http://qcgateway.zalopay.vn/x"},
        {"return_code": 1, "order_url": "javascript:alert(1)"},
        {"return_code": 1, "order_url": "https://"},
        {"return_code": 1, "order_url": "https://[bad"},
        {"return_code": 1, "order_url": "https://qcgateway.zalopay.vn/a b"},
        {"return_code": 1, "order_url": "https://qcgateway.zalopay.vn/\r\nX: y"},
        {"return_code": 1, "order_url": "//qcgateway.zalopay.vn/x"},
        {"return_code": 3},
        {"return_code": 3, "order_url": "https://qcgateway.zalopay.vn/x"},
        failed(-68),
        failed(-54),
        failed(-500),
        failed(-12345),
        {"return_code": 2},
        {"return_code": 2, "sub_return_code": "-401"},
        {"return_code": "1", "order_url": "https://qcgateway.zalopay.vn/x"},
        {"return_code": True, "order_url": "https://qcgateway.zalopay.vn/x"},
        {"return_code": 0},
        {},
    ],
    ids=repr,
)
def test_an_answer_that_leaves_a_doubt_is_looked_up(
    server: Server, gateway: ZalopayGateway, answer: dict[str, Any]
) -> None:
    server.says(answer)

    assert isinstance(gateway.start(ASK, SETTINGS), Unknown)


def test_an_order_that_is_still_being_made_is_looked_up_for_that_reason(
    server: Server, gateway: ZalopayGateway
) -> None:
    server.says({"return_code": 3})

    assert gateway.start(ASK, SETTINGS) == Unknown("processing")


def test_the_simulator_may_send_the_payer_to_this_machine(
    server: Server, gateway: ZalopayGateway
) -> None:
    server.says({"return_code": 1, "order_url": "http://127.0.0.1:8100/zalopay/pay/1"})

    outcome = gateway.start(ASK, SETTINGS)

    assert outcome == Checkout(redirect_url="http://127.0.0.1:8100/zalopay/pay/1")


@pytest.mark.parametrize("answer", [failed(-402), {"return_code": -402}, failed(-53)], ids=repr)
def test_an_order_that_was_stopped_at_the_door_is_refused(
    server: Server, gateway: ZalopayGateway, answer: dict[str, Any]
) -> None:
    server.says(answer)

    assert gateway.start(ASK, SETTINGS) == Refused("credentials")


def test_a_paid_order_is_told_with_zalopays_number_and_its_time(
    server: Server, gateway: ZalopayGateway
) -> None:
    server.says(PAID | {"discount_amount": 50_000})

    outcome = gateway.look_up(KNOWN, SETTINGS)

    at = datetime(2026, 11, 21, 3, 38, 19, 999_000, UTC)
    assert outcome == Succeeded("261121000000389", Money(581_000), at)
    (heard,) = server.heard
    assert heard.path == "/v2/query"
    assert heard.fields == {
        "app_id": 909001,
        "app_trans_id": NAME,
        "mac": mac_of(909001, NAME, KEY1),
    }
    assert KEY1.encode() not in heard.body


@pytest.mark.parametrize("when", [None, 0, -1, "1795232299999", 10**17, True])
def test_a_payment_without_a_readable_time_is_a_payment(
    server: Server, gateway: ZalopayGateway, when: object
) -> None:
    server.says(PAID | {"server_time": when})

    assert gateway.look_up(KNOWN, SETTINGS) == Succeeded("261121000000389", Money(581_000), None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": 580_000}, "amount"),
        ({"amount": "581000"}, "amount"),
        ({"amount": 581_000.0}, "amount"),
        ({"amount": None}, "amount"),
        ({"zp_trans_id": None}, "unreadable"),
        ({"zp_trans_id": 0}, "unreadable"),
        ({"app_id": 909002}, "another_order"),
        ({"app_trans_id": "261121_HP0000000000_x"}, "another_order"),
        ({"return_code": "1"}, "unseen_code"),
        ({"return_code": 9}, "unseen_code"),
        ({"return_code": None}, "unseen_code"),
    ],
    ids=repr,
)
def test_an_answer_that_does_not_fit_the_order_books_nothing(
    server: Server, gateway: ZalopayGateway, change: dict[str, Any], reason: str
) -> None:
    server.says(PAID | change)

    assert gateway.look_up(KNOWN, SETTINGS) == Unknown(reason)


def test_an_answer_that_names_our_order_is_ours(server: Server, gateway: ZalopayGateway) -> None:
    server.says(PAID | {"app_id": 909001, "app_trans_id": NAME})

    assert isinstance(gateway.look_up(KNOWN, SETTINGS), Succeeded)


@pytest.mark.parametrize(
    "answer",
    [{"return_code": 3}, PAID | {"is_processing": True}, failed(-217) | {"is_processing": True}],
    ids=repr,
)
def test_an_order_in_progress_is_pending(
    server: Server, gateway: ZalopayGateway, answer: dict[str, Any]
) -> None:
    server.says(answer)

    assert gateway.look_up(KNOWN, SETTINGS) == Pending()


@pytest.mark.parametrize(
    ("code", "ending"),
    [(-54, Ending.EXPIRED), (-49, Ending.CANCELLED), (-217, Ending.FAILED), (-1342, Ending.FAILED)],
)
def test_an_order_that_moved_no_money_ends_as_zalopay_says(
    server: Server, gateway: ZalopayGateway, code: int, ending: Ending
) -> None:
    server.says(failed(code))

    outcome = gateway.look_up(KNOWN, SETTINGS)

    assert isinstance(outcome, Refused)
    assert outcome.ending is ending


def test_too_little_in_the_wallet_can_be_topped_up_until_the_order_ends(
    server: Server, gateway: ZalopayGateway
) -> None:
    server.says(failed(-63))

    assert gateway.look_up(KNOWN, SETTINGS) == Pending()
    assert gateway.look_up(replace(KNOWN, now=END), SETTINGS) == Refused("balance")


@pytest.mark.parametrize("code", [-101, -92])
def test_an_order_that_zalopay_never_heard_of_expires_with_its_try(
    server: Server, gateway: ZalopayGateway, code: int
) -> None:
    server.says(failed(code))
    later = replace(KNOWN, now=END + timedelta(minutes=6))
    too_late = replace(KNOWN, now=START + timedelta(hours=48))

    assert gateway.look_up(KNOWN, SETTINGS) == Pending()
    assert gateway.look_up(later, SETTINGS) == Refused("expired", Ending.EXPIRED)
    assert gateway.look_up(too_late, SETTINGS) == Unknown("too_late_to_ask")


def test_the_last_look_up_comes_while_zalopay_still_answers() -> None:
    last = ZalopayGateway.lifetime + max(ZalopayGateway.look_ups)

    assert last < timedelta(hours=48)
    assert list(ZalopayGateway.look_ups) == sorted(ZalopayGateway.look_ups)


@pytest.mark.parametrize("code", [-2, -53, -401, -402, -429, -500, -999, -12345])
def test_a_question_that_was_not_answered_decides_nothing(
    server: Server, gateway: ZalopayGateway, code: int
) -> None:
    for answer in (failed(code), {"return_code": code}):
        server.says(answer)

        assert isinstance(gateway.look_up(KNOWN, SETTINGS), Unknown)
