"""What VNPAY's machine may do instead of answering, and what a try of the credentials says."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from payments.domain.gateway import Pending, Refused, Succeeded, Unknown
from tests import vnpay_calls
from tests.vnpay_calls import (
    NOW,
    PAID,
    SETTINGS,
    Behaviour,
    answer,
    gateway_at,
    known,
    sends,
    tells,
)
from tests.vnpay_refunds import refund_ask

HTML = b"<html><body>502 Bad Gateway</body></html>"
HALF = json.dumps(answer(PAID)).encode()[:60]
SILENCES: dict[str, Behaviour] = {
    "HTML": sends(HTML),
    "HTML and 502": sends(HTML, status=502),
    "nothing": vnpay_calls.hangs_up,
    "an empty answer": sends(b""),
    "half a JSON": sends(HALF),
    "less than it claims": sends(HALF, length=5000),
    "a list": sends(b"[]"),
    "null": sends(b"null"),
    "deep": sends(b"[" * 100_000),
    "a number that has no end": sends(b'{"vnp_Amount": ' + b"9" * 10_000 + b"}"),
    "no text": sends(b'{"vnp_Message": "\xff\xfe"}'),
    "200 MB": vnpay_calls.floods,
    "elsewhere": sends(b"", status=302),
}


@pytest.mark.parametrize("behaviour", SILENCES.values(), ids=SILENCES)
def test_whatever_is_no_answer_leaves_money_in_doubt(behaviour: Behaviour) -> None:
    with vnpay_calls.pretend(behaviour) as served:
        gateway = gateway_at(served.address)

        assert gateway.look_up(known(), SETTINGS) == Unknown("no_answer")
        assert gateway.refund(refund_ask(), SETTINGS) == Unknown("no_answer")
        assert gateway.look_up_refund(refund_ask(), SETTINGS) == Unknown("no_answer")
        assert not gateway.check(SETTINGS, NOW).ok


def test_an_answer_that_is_too_slow_is_none() -> None:
    with vnpay_calls.pretend(vnpay_calls.dawdles) as served:
        gateway = gateway_at(served.address, seconds=0.5)

        assert gateway.look_up(known(), SETTINGS) == Unknown("no_answer")
        assert gateway.refund(refund_ask(), SETTINGS) == Unknown("no_answer")


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_signed_answer_is_believed_whatever_status_carries_it(status: int) -> None:
    with vnpay_calls.pretend(tells(answer(PAID), status=status)) as served:
        assert isinstance(gateway_at(served.address).look_up(known(), SETTINGS), Succeeded)


def test_an_unsigned_error_is_not_believed() -> None:
    told = {"vnp_ResponseCode": "91", "vnp_Message": "Request is not found"}

    with vnpay_calls.pretend(tells(told, status=500)) as served:
        gateway = gateway_at(served.address)

        assert gateway.look_up(known(), SETTINGS) == Unknown("answer_unsigned")
        assert gateway.refund(refund_ask(), SETTINGS) == Unknown("answer_unsigned")


def test_a_machine_that_was_never_reached_did_nothing() -> None:
    gateway = gateway_at(f"http://127.0.0.1:{_closed_port()}/api")

    assert gateway.refund(refund_ask(), SETTINGS) == Refused("unreachable")
    assert gateway.look_up(known(), SETTINGS) == Unknown("unreachable")
    assert gateway.look_up_refund(refund_ask(), SETTINGS) == Unknown("unreachable")
    assert "THUPHI_GATEWAY_VNPAY_API" in gateway.check(SETTINGS, NOW).en


@pytest.mark.parametrize("code", ["91", "00"])
def test_credentials_are_good_when_vnpay_signs_its_answer_with_them(code: str) -> None:
    found = _checked(lambda asked: answer({**_about(asked), "vnp_ResponseCode": code}))

    assert found.ok
    assert (found.vi, found.en) != ("", "")


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("97", "secret"),
        ("02", "tmn_code"),
        ("03", "tmn_code"),
        ("94", "Wait"),
        ("99", "Try again"),
        ("42", "on no list"),
        (7, "Check it"),
        (None, "Check it"),
    ],
)
@pytest.mark.parametrize("secret", [SETTINGS["hash_secret"], "X" * 32], ids=["ours", "theirs"])
def test_an_error_says_what_to_do_in_both_languages(code: object, word: str, secret: str) -> None:
    found = _checked(
        lambda asked: answer({**_about(asked), "vnp_ResponseCode": code}, secret=secret)
    )

    assert not found.ok
    assert word in found.en
    assert found.vi != found.en
    assert SETTINGS["hash_secret"] not in found.vi + found.en


def test_a_friendly_answer_with_another_signature_is_no_proof() -> None:
    found = _checked(
        lambda asked: answer({**_about(asked), "vnp_ResponseCode": "91"}, secret="X" * 32)
    )

    assert not found.ok
    assert "hash_secret" in found.en


def test_limits_that_let_nothing_through_are_noticed_before_anybody_is_asked() -> None:
    gateway = gateway_at(f"http://127.0.0.1:{_closed_port()}/api")

    found = gateway.check(SETTINGS | {"least": "20000", "most": "10000"}, NOW)

    assert not found.ok
    assert "least" in found.en


def test_what_a_try_asks_about_is_never_a_payment() -> None:
    with vnpay_calls.pretend(tells({})) as served:
        gateway = gateway_at(served.address)
        gateway.check(SETTINGS, NOW)
        gateway.check(SETTINGS, NOW)

    one, two = (body["vnp_TxnRef"] for body in served.asked)
    assert one != two
    assert one.startswith("THUPHI-TRY-")
    assert {body["vnp_Command"] for body in served.asked} == {"querydr"}


def test_a_refund_that_was_asked_before_is_waited_for() -> None:
    told = {
        "vnp_Command": "refund",
        "vnp_ResponseCode": "94",
        "vnp_TmnCode": "HSPTEST1",
        "vnp_TxnRef": PAID["vnp_TxnRef"],
    }

    with vnpay_calls.pretend(tells(answer(told, names=vnpay_calls.REFUND_ANSWERED))) as served:
        assert gateway_at(served.address).refund(refund_ask(), SETTINGS) == Pending()


def _checked(say: Any) -> Any:
    def behave(handler: Any, asked: dict[str, Any]) -> None:
        tells(say(asked))(handler, asked)

    with vnpay_calls.pretend(behave) as served:
        return gateway_at(served.address).check(SETTINGS, NOW)


def _about(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "vnp_ResponseId": "1",
        "vnp_Command": "querydr",
        "vnp_TmnCode": asked["vnp_TmnCode"],
        "vnp_TxnRef": asked["vnp_TxnRef"],
    }


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
