"""MoMo as a way to pay, against a real server that says what MoMo may say, and what it must not."""

from __future__ import annotations

import itertools
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.momo import signing
from payments.domain.gateway import (
    Ask,
    Checkout,
    Ending,
    Gateway,
    Limits,
    Outcome,
    Pending,
    Refunding,
    Refused,
    Unknown,
)
from tests.momo_server import (
    ASK,
    CREATE,
    LONG_AFTER,
    NOW,
    PAGE,
    QUERY,
    REFERENCE,
    SETTINGS,
    MomoServer,
    Raw,
    a_momo,
    echo,
    gateway,
    raw,
)


@pytest.fixture(scope="module")
def server() -> Iterator[MomoServer]:
    with a_momo() as running:
        yield running


@pytest.fixture
def momo(server: MomoServer) -> MomoServer:
    server.heard.clear()
    server.says.clear()
    server.status = 200
    return server


def started(momo: MomoServer, ask: Ask = ASK, **settings: str) -> Checkout | Outcome:
    return gateway(momo.url).start(ask, SETTINGS | settings)


def test_it_is_a_gateway_that_can_give_money_back() -> None:
    made: Gateway = gateway("https://payment.momo.vn")

    assert isinstance(made, Refunding)
    assert (made.name, made.label, made.holds_money) == ("momo", "MoMo", True)


@given(st.uuids(), st.from_regex(r"[HVL]P[0-9AC-Y]{10}", fullmatch=True))
def test_a_reference_is_an_order_id_that_momo_takes(attempt: UUID, code: str) -> None:
    name = gateway("https://payment.momo.vn").reference(attempt, code, NOW)

    assert code in name
    assert len(name) <= 50  # it is the requestId as well
    assert re.fullmatch(r"[0-9a-zA-Z]([-_.]*[0-9a-zA-Z]+)*", name)


def test_the_payer_is_sent_to_momos_page(momo: MomoServer) -> None:
    momo.says[CREATE] = echo(payUrl=PAGE, qrCodeUrl="momo://app?x=1", deeplink="momo://y")

    assert started(momo) == Checkout(redirect_url=PAGE)


def test_what_is_asked_for_is_signed_whole_and_names_no_person(momo: MomoServer) -> None:
    momo.says[CREATE] = echo(payUrl=PAGE)

    started(momo)

    (body,) = momo.bodies(CREATE)
    signature = body.pop("signature")
    assert body == {
        "partnerCode": "MOMO",
        "requestId": REFERENCE,
        "orderId": REFERENCE,
        "amount": 581_000,
        "orderInfo": "Thanh toán HP7K2M9QX4TC",
        "redirectUrl": ASK.return_url,
        "ipnUrl": ASK.notify_url,
        "requestType": "captureWallet",
        "extraData": "",
        "lang": "vi",
        "autoCapture": True,
    }
    assert signing.agrees(signing.CREATE, body, signature, SETTINGS)


def test_asking_twice_sends_the_same_twice(momo: MomoServer) -> None:
    momo.says[CREATE] = echo(payUrl=PAGE)

    started(momo)
    started(momo)

    first, second = momo.bodies(CREATE)
    assert first == second


def test_the_biller_chooses_the_way_and_the_payer_the_language(momo: MomoServer) -> None:
    momo.says[CREATE] = echo(payUrl=PAGE)

    started(momo, replace(ASK, language="en"), request_type="payWithATM")

    (body,) = momo.bodies(CREATE)
    assert (body["requestType"], body["lang"]) == ("payWithATM", "en")
    assert body["orderInfo"] == "Payment HP7K2M9QX4TC"


@pytest.mark.parametrize(
    ("chosen", "limits"),
    [
        ({}, Limits(1_000, 50_000_000)),
        ({"request_type": "payWithATM"}, Limits(10_000, 50_000_000)),
        ({"request_type": "payWithCC"}, Limits(1_000, 10_000_000)),
        ({"request_type": "payWithMethod"}, Limits(1_000, 50_000_000)),
    ],
)
def test_limits_follow_the_way_to_pay(chosen: dict[str, str], limits: Limits) -> None:
    assert gateway("https://payment.momo.vn").limits(SETTINGS | chosen) == limits


@pytest.mark.parametrize("signature", ["", "0" * 64, 5, None])
def test_a_signature_of_the_answer_that_we_cannot_check_decides_nothing(
    momo: MomoServer, signature: object
) -> None:
    momo.says[CREATE] = echo(payUrl=PAGE, signature=signature)

    assert started(momo) == Checkout(redirect_url=PAGE)


@pytest.mark.parametrize(
    "page",
    [
        *(None, "", 5, "javascript:alert(1)", "http://payment.momo.vn/x", "//momo.vn", "https://"),
        *("http://127.0.0.1.evil.vn/", "https://momo.vn@evil.vn/", "https://momo.vn/ x"),
        *("https://[x/", "https://momo.vn/\n", "momo://app", "https://" + "x" * 2001),
    ],
)
def test_a_page_that_is_no_https_address_is_never_opened(momo: MomoServer, page: object) -> None:
    momo.says[CREATE] = echo(payUrl=page)

    assert started(momo) == Unknown("no_link")


def test_a_page_on_this_machine_is_the_simulators(momo: MomoServer) -> None:
    momo.says[CREATE] = echo(payUrl="http://127.0.0.1:8080/momo/pay/1")

    assert started(momo) == Checkout(redirect_url="http://127.0.0.1:8080/momo/pay/1")


@pytest.mark.parametrize(
    "change",
    [
        *({"orderId": "HP-other"}, {"requestId": "r"}, {"amount": 581_001}, {"amount": 581_000.0}),
        *({"partnerCode": "OTHER"}, {"amount": None}, {"amount": True}, {"orderId": None}),
    ],
    ids=str,
)
@pytest.mark.parametrize("code", [0, 1006, 13, 42])
def test_an_answer_about_something_else_is_no_answer(
    momo: MomoServer, change: dict[str, Any], code: int
) -> None:
    momo.says[CREATE] = echo(payUrl=PAGE, resultCode=code, **change)

    assert started(momo) == Unknown("other_order")


@pytest.mark.parametrize("missing", ["orderId", "requestId", "amount", "partnerCode"])
def test_a_page_for_an_order_that_the_answer_does_not_name_is_not_opened(
    momo: MomoServer, missing: str
) -> None:
    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        said = echo(payUrl=PAGE)(asked)
        assert isinstance(said, dict)
        return {name: value for name, value in said.items() if name != missing}

    momo.says[CREATE] = answer

    assert started(momo) == Unknown("no_link")


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (9000, Unknown("paid")),
        (1000, Pending()),
        (7000, Pending()),
        (7002, Pending()),
        (10, Refused("maintenance")),
        (11, Refused("settings_refused")),
        (12, Refused("settings_refused")),
        (13, Refused("settings_refused")),
        (20, Refused("request_refused")),
        (21, Refused("amount_refused")),
        (22, Refused("amount_refused")),
        (40, Unknown("already_asked")),
        (41, Unknown("already_asked")),
        (43, Unknown("conflict")),
        (98, Unknown("qr_failed")),
        (99, Unknown("gateway_error")),
        (1005, Refused("expired", Ending.EXPIRED)),
        (1006, Refused("cancelled", Ending.CANCELLED)),
        (4001, Refused("account_restricted")),
        (1080, Unknown("refund_failed")),
        (8000, Unknown("unknown_code")),
        ("0", Unknown("unknown_code")),
        (None, Unknown("unknown_code")),
        (True, Unknown("unknown_code")),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_what_momo_says_to_a_new_try(
    momo: MomoServer, code: object, outcome: Outcome, status: int
) -> None:
    momo.status = status
    momo.says[CREATE] = echo(resultCode=code)

    said = started(momo)

    # A success that comes as "you did something wrong" is not believed.
    assert said == (Unknown("http_error") if (status, code) == (400, 9000) else outcome)


@pytest.mark.parametrize("status", [201, 302, 400, 500, 503])
def test_a_page_is_only_believed_with_2xx(momo: MomoServer, status: int) -> None:
    momo.status = status
    momo.says[CREATE] = echo(payUrl=PAGE)

    said = started(momo)

    assert said == (Checkout(redirect_url=PAGE) if status == 201 else Unknown("http_error"))


def huge() -> Iterator[bytes]:
    return itertools.repeat(b'{"a": "' + b"x" * 2**20, 200)


def silence() -> Iterator[bytes]:
    time.sleep(1.5)
    yield b"{}"


BROKEN = {
    "HTML": raw(b"<html><body>502 Bad Gateway</body></html>"),
    "HTML with 500": raw(b"<html></html>", 500),
    "nothing": raw(b""),
    "half a JSON": raw(b'{"resultCode": 0, "payUrl": "https://pay'),
    "a list": raw(b"[]"),
    "not text": raw(b"\xff\xfe\x00"),
    "deep": raw(b"[" * 200_000),
    "cut off": lambda asked: Raw(lambda: iter([b'{"resultCode"']), length=500),
    "200 MB": lambda asked: Raw(huge),
    "slow": lambda asked: Raw(silence),
}


@pytest.mark.parametrize("how", BROKEN)
def test_an_answer_that_is_none_leaves_the_try_in_doubt(momo: MomoServer, how: str) -> None:
    momo.says[CREATE] = momo.says[QUERY] = BROKEN[how]
    asked = gateway(momo.url, seconds=0.5)

    assert asked.start(ASK, SETTINGS) == Unknown("no_answer")
    assert asked.look_up(LONG_AFTER, SETTINGS) == Unknown("no_answer")
    assert not asked.check(SETTINGS, NOW).ok


def test_a_momo_that_cannot_be_reached_was_never_asked() -> None:
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        asked = gateway(f"http://127.0.0.1:{taken.getsockname()[1]}")

        assert asked.start(ASK, SETTINGS) == Refused("unreachable")
        assert asked.look_up(LONG_AFTER, SETTINGS) == Unknown("unreachable")
        assert not asked.check(SETTINGS, NOW).ok
