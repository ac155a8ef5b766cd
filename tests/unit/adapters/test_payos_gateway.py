"""payOS's API over a real connection: what is asked, what is believed, and what is not known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http import Client
from adapters.payos import config, signing
from adapters.payos.config import PayosConfig
from adapters.payos.gateway import PayosGateway
from payments.domain import ids
from payments.domain.channels import checked, merchant_of
from payments.domain.errors import Invalid
from payments.domain.gateway import (
    Ask,
    Checkout,
    Gateway,
    Known,
    Pending,
    Receiver,
    Refunding,
    Refused,
    Unknown,
)
from payments.domain.money import Money
from tests import payos_server as pretend
from tests.payos_server import LINK, SETTINGS, Heard, PayosServer, Said

ORDER = 887_000_000_123_456
ATTEMPT = UUID("01939d3a-5e70-7abc-8def-0123456789ab")
START = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)
ASK = Ask(
    attempt_id=ATTEMPT,
    code="HP7K2M9QX4TW",
    amount=Money(1_500_000),
    receiver=Receiver("999999", "9999001234567", "TRUONG THU NGHIEM"),
    expires_at=START + timedelta(minutes=30),
    reference=str(ORDER),
    started_at=START,
    return_url="https://thuphi.example.vn/pay/abc?a=1&b=+%25",
)


@pytest.fixture
def payos() -> Iterator[PayosServer]:
    with pretend.a_payos() as server:
        yield server


def gateway(payos: PayosServer, *, seconds: float = 5.0) -> PayosGateway:
    return PayosGateway(PayosConfig(payos.url), Client(seconds=seconds))


def known(now: datetime = START + timedelta(minutes=5)) -> Known:
    return Known(ATTEMPT, str(ORDER), LINK, ASK.amount, START, ASK.expires_at, now)


def test_it_is_a_gateway_that_keeps_no_money_and_cannot_refund(payos: PayosServer) -> None:
    made: Gateway = gateway(payos)

    assert not made.holds_money
    assert not isinstance(made, Refunding)
    assert made.limits(SETTINGS).most < 500_000_000


def test_a_link_is_asked_for_once_with_its_signature_and_its_end(payos: PayosServer) -> None:
    payos.answer = pretend.created

    found = gateway(payos).start(ASK, SETTINGS)

    (asked,) = payos.heard
    assert (asked.method, asked.path) == ("POST", "/v2/payment-requests")
    assert asked.headers["x-client-id"] == SETTINGS["client_id"]
    assert asked.headers["x-api-key"] == SETTINGS["api_key"]
    five = {
        "orderCode": ORDER,
        "amount": 1_500_000,
        "description": "HP7K2M9QX",
        "cancelUrl": ASK.return_url,
        "returnUrl": ASK.return_url,
    }
    signature = signing.sign_request(five, SETTINGS["checksum_key"])
    assert asked.fields == five | {"expiredAt": 1795232700, "signature": signature}
    assert found == Checkout(
        qr_text="00020101021238570010A000000727",
        redirect_url=f"https://pay.example.vn/web/{LINK}",
        reference=LINK,
    )


@pytest.mark.parametrize(
    ("length", "memo"), [("9", "HP7K2M9QX"), ("12", ASK.code), ("25", ASK.code)]
)
def test_the_memo_holds_what_the_channel_allows_of_the_code(
    payos: PayosServer, length: str, memo: str
) -> None:
    payos.answer = pretend.created

    gateway(payos).start(ASK, SETTINGS | {"memo_length": length})

    assert payos.heard[0].fields["description"] == memo


@pytest.mark.parametrize(
    "change",
    [
        {"orderCode": ORDER + 1},
        {"orderCode": str(ORDER)},
        {"amount": 1_500_001},
        {"amount": True},
        {"currency": "USD"},
        {"checkoutUrl": "javascript:alert(1)"},
        {"checkoutUrl": None},
        {"checkoutUrl": "https://pay.example.vn/\n"},
        {"paymentLinkId": ""},
        {"qrCode": 5},
    ],
    ids=str,
)
def test_an_answer_about_something_else_is_not_shown_to_the_payer(
    payos: PayosServer, change: dict[str, Any]
) -> None:
    payos.answer = lambda asked: pretend.created(asked, **change)

    assert isinstance(gateway(payos).start(ASK, SETTINGS), Unknown)


def test_only_an_installation_that_is_told_of_a_simulator_opens_its_plain_pages() -> None:
    with pretend.a_payos() as payos:
        payos.answer = lambda asked: pretend.created(asked, checkoutUrl="http://127.0.0.1:1/web/1")
        assert isinstance(gateway(payos).start(ASK, SETTINGS), Checkout)
        data = {"orderCode": ORDER, "amount": 1_500_000, "paymentLinkId": LINK, "qrCode": "0002"}
        real = PayosGateway(PayosConfig("https://api-merchant.payos.vn"), Client())

        with pytest.raises(ValueError, match="checkoutUrl"):
            real._checkout(data | {"checkoutUrl": "http://pay.example.vn/1"}, ASK)


def test_a_picture_instead_of_a_qr_text_leaves_the_page_of_payos(payos: PayosServer) -> None:
    payos.answer = lambda asked: pretend.created(asked, qrCode="x" * 5_000)

    found = gateway(payos).start(ASK, SETTINGS)

    assert isinstance(found, Checkout)
    assert (found.qr_text, found.reference) == (None, LINK)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (pretend.error("20"), Refused("request_refused")),
        (pretend.error("201"), Refused("credentials")),
        (pretend.error("214"), Refused("channel_closed")),
        (pretend.error("231"), Unknown("asked_before")),
        (pretend.error("401", 401), Refused("credentials")),
        (pretend.error("x", 403), Refused("credentials")),
        (pretend.error("429", 429), Refused("busy")),
        (pretend.error("999"), Unknown("unknown_code")),
        (pretend.error("20", 500), Unknown("gateway_error")),
        (pretend.error("00", 502), Unknown("gateway_error")),
        (pretend.told({"code": "00", "data": None}), Unknown("unreadable")),
        (pretend.told({"code": 0, "data": {}}), Unknown("unreadable")),
        (pretend.told({"code": "00", "data": {"a": 1}}), Unknown("wrong_signature")),
        (pretend.signed({"a": 1}, signature="0" * 64), Unknown("wrong_signature")),
        (pretend.signed({"a": 1}), Unknown("unreadable")),
    ],
)
def test_each_answer_to_create_has_one_meaning(
    payos: PayosServer, said: Said, outcome: object
) -> None:
    payos.answer = lambda _: said

    assert gateway(payos).start(ASK, SETTINGS) == outcome


def slowly() -> Iterator[bytes]:
    yield b"{"
    time.sleep(2)


def endlessly() -> Iterator[bytes]:
    yield b'{"code": "'
    for _ in range(200):
        yield b"x" * 1024 * 1024


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(pretend.raw(b"<html>502</html>", 502), id="html"),
        pytest.param(pretend.raw(b"<html>ok</html>"), id="html with 200"),
        pytest.param(pretend.raw(b""), id="nothing"),
        pytest.param(pretend.raw(b'{"code": "00", "da'), id="half"),
        pytest.param(Said(lambda: [b'{"code"'], 200, 500), id="cut off"),
        pytest.param(pretend.raw(b"[" * 200_000), id="deep"),
        pytest.param(pretend.raw(b'["00"]'), id="a list"),
        pytest.param(pretend.raw(b"", 302), id="elsewhere"),
        pytest.param(Said(endlessly), id="200 MB"),
        pytest.param(Said(slowly), id="slow"),
    ],
)
def test_an_answer_that_is_none_leaves_the_try_unknown(payos: PayosServer, said: Said) -> None:
    payos.answer = lambda _: said
    asked = gateway(payos, seconds=0.5)

    assert isinstance(asked.start(ASK, SETTINGS), Unknown)
    assert isinstance(asked.look_up(known(), SETTINGS), Unknown)
    assert not asked.check(SETTINGS, START).ok
    assert not asked.confirm_webhook("https://thuphi.example.vn/webhooks/payos/X", SETTINGS).ok
    assert len(payos.heard) == 4  # asked once each: nothing is tried again by itself


def test_a_payos_that_cannot_be_reached_knows_of_nothing() -> None:
    with pretend.a_payos() as gone:
        asked = gateway(gone)

    assert asked.start(ASK, SETTINGS) == Refused("unreachable")
    assert asked.look_up(known(), SETTINGS) == Unknown("unreachable")
    assert not asked.check(SETTINGS, START).ok


def test_a_link_that_was_made_without_an_answer_is_found_and_not_made_again(
    payos: PayosServer,
) -> None:
    made: list[Heard] = []

    def answer(asked: Heard) -> Said:
        if asked.method == "POST":
            made.append(asked)
            return Said(slowly)
        return pretend.signed(pretend.link(ORDER, "PENDING"))

    payos.answer = answer
    asked = gateway(payos, seconds=0.5)

    assert asked.start(ASK, SETTINGS) == Unknown("no_answer")
    assert asked.look_up(known(), SETTINGS) == Pending()
    assert payos.heard[-1].path == f"/v2/payment-requests/{ORDER}"
    assert len(made) == 1


@pytest.mark.parametrize(
    ("said", "ok", "word"),
    [
        (pretend.error("101"), True, "checksum"),
        (pretend.signed(pretend.link(123, "PAID")), True, "signature"),
        (pretend.signed({"id": "x"}, signature="0" * 64), False, "checksum"),
        (pretend.error("401", 401), False, "client id"),
        (pretend.error("214"), False, "paused"),
        (pretend.error("429", 429), False, "limits"),
        (pretend.error("999"), False, "readably"),
    ],
)
def test_trying_the_credentials_says_which_of_them_is_wrong(
    payos: PayosServer, said: Said, ok: bool, word: str
) -> None:
    payos.answer = lambda _: said

    found = gateway(payos).check(SETTINGS, START)

    assert (found.ok, payos.heard[0].method) == (ok, "GET")
    assert word in found.en
    assert SETTINGS["api_key"] not in found.vi + found.en


@pytest.mark.parametrize(
    ("said", "ok"),
    [(pretend.signed({"webhookUrl": "x"}), True), (pretend.error("20"), False)],
)
def test_the_webhook_is_registered_by_its_address(payos: PayosServer, said: Said, ok: bool) -> None:
    payos.answer = lambda _: said
    url = "https://thuphi.example.vn/webhooks/payos/TH-HS"

    found = gateway(payos).confirm_webhook(url, SETTINGS)

    assert found.ok is ok
    assert (payos.heard[0].path, payos.heard[0].fields) == ("/confirm-webhook", {"webhookUrl": url})


@given(st.uuids())
def test_an_order_code_is_an_integer_of_javascript_and_never_that_of_the_sample(id_: UUID) -> None:
    made = PayosGateway(PayosConfig("http://127.0.0.1"), Client())

    number = int(made.reference(id_, "HP7K2M9QX4TW", START))

    assert 123 < number < 2**53
    assert str(number) == made.reference(id_, "VP7K2M9QX4TW", START + timedelta(days=1))


def test_order_codes_of_many_attempts_differ() -> None:
    made = PayosGateway(PayosConfig("http://127.0.0.1"), Client())
    moment = 1_795_232_253_000

    numbers = {
        made.reference(UUID(int=(moment + at // 4096) << 80 | at % 4096 << 64), "", START)
        for at in range(10_000)
    }

    assert len(numbers) == 10_000
    assert made.reference(ids.new(), "", START) != made.reference(ids.new(), "", START)


def test_the_settings_name_the_biller_and_keep_what_is_secret() -> None:
    assert checked("payos", config.SETTINGS, SETTINGS) == SETTINGS
    assert merchant_of(config.SETTINGS, SETTINGS) == SETTINGS["client_id"]
    assert {one.name for one in config.SETTINGS if one.secret} == {"api_key", "checksum_key"}
    assert PayosConfig.read({}).api_url == "https://api-merchant.payos.vn"


@pytest.mark.parametrize("length", ["8", "26", "0", "", "chin"])
def test_a_memo_length_that_no_channel_has_is_refused(length: str) -> None:
    with pytest.raises(Invalid):
        checked("payos", config.SETTINGS, SETTINGS | {"memo_length": length})
