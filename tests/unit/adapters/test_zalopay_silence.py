"""A ZaloPay that answers HTML, nothing, half a JSON, 500, 200 MB, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.http import Client
from adapters.zalopay.config import ZalopayConfig
from adapters.zalopay.gateway import ZalopayGateway
from payments.domain.gateway import Checkout, Refused, Succeeded, Unknown
from tests.zalopay_asks import ASK, BACK, KNOWN, PAID, SETTINGS, START, nowhere
from tests.zalopay_server import Server, zalopay_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with zalopay_server() as running:
        yield running


@pytest.fixture
def gateway(server: Server) -> ZalopayGateway:
    server.heard.clear()
    return ZalopayGateway(ZalopayConfig(server.url), Client(seconds=5))


def every_question(gateway: ZalopayGateway) -> dict[str, object]:
    return {
        "start": gateway.start(ASK, SETTINGS),
        "look_up": gateway.look_up(KNOWN, SETTINGS),
        "refund": gateway.refund(BACK, SETTINGS),
        "look_up_refund": gateway.look_up_refund(BACK, SETTINGS),
    }


def misbehaves(server: Server, how: str) -> None:
    match how:
        case "html":
            server.says(b"<html><body>502 Bad Gateway</body></html>")
        case "empty":
            server.says(b"")
        case "a list":
            server.says([PAID])
        case "500":
            server.says(PAID | {"order_url": "https://qcgateway.zalopay.vn/x"}, status=500)
        case "redirect":
            server.says(PAID, status=302)
        case "hangs up":
            server.says_nothing()
        case "half a JSON":
            server.says(json.dumps(PAID).encode()[:40])
        case "half an answer":
            server.says_half(json.dumps(PAID).encode())
        case "200 MB":
            server.says_megabytes(200)
        case _:
            raise AssertionError(how)


@pytest.mark.parametrize(
    "how",
    [
        "html",
        "empty",
        "a list",
        "500",
        "redirect",
        "hangs up",
        "half a JSON",
        "half an answer",
        "200 MB",
    ],
)
def test_what_is_no_answer_leaves_everything_unknown(
    server: Server, gateway: ZalopayGateway, how: str
) -> None:
    misbehaves(server, how)

    said = every_question(gateway)

    assert {type(outcome) for outcome in said.values()} == {Unknown}
    assert not gateway.check(SETTINGS, START).ok


def test_silence_leaves_everything_unknown() -> None:
    with zalopay_server() as server:
        server.never_says_anything()
        gateway = ZalopayGateway(ZalopayConfig(server.url), Client(seconds=0.2))

        said = every_question(gateway)

    assert set(said.values()) == {Unknown("no_answer")}


def test_what_was_never_sent_is_refused_and_a_question_stays_open() -> None:
    said = every_question(nowhere())

    assert said == {
        "start": Refused("unreachable"),
        "look_up": Unknown("unreachable"),
        "refund": Refused("unreachable"),
        "look_up_refund": Unknown("unreachable"),
    }
    assert not nowhere().check(SETTINGS, START).ok


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the gateway keeps no state
)
@given(
    answer=st.dictionaries(
        st.sampled_from([*PAID, "sub_return_code", "refund_id", "order_url", "app_id"]),
        st.none() | st.booleans() | st.integers(-2000, 10) | st.floats() | st.text(max_size=5),
    )
)
def test_no_answer_in_the_wrong_shape_ever_raises_or_pays(
    server: Server, gateway: ZalopayGateway, answer: dict[str, Any]
) -> None:
    server.says(answer)

    said = every_question(gateway)

    assert not isinstance(said["look_up"], Succeeded)
    assert not isinstance(said["start"], Checkout)
