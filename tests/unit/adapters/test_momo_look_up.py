"""MoMo: what became of a try, and whether the credentials are good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.momo import signing
from payments.domain.gateway import Ending, Known, Outcome, Pending, Refused, Succeeded, Unknown
from payments.domain.money import Money
from tests.momo_server import (
    KNOWN,
    LONG_AFTER,
    NOW,
    PAID_AT_MS,
    QUERY,
    SETTINGS,
    MomoServer,
    a_momo,
    echo,
    gateway,
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


def looked_up(momo: MomoServer, known: Known = KNOWN) -> Outcome:
    return gateway(momo.url).look_up(known, SETTINGS)


def paid(**more: Any) -> Any:
    return echo(**{"amount": 581_000, "transId": 4088878653, "payType": "qr", **more})


@pytest.mark.parametrize("code", [0, 9000])
def test_a_paid_try_is_found_with_its_number_and_time(momo: MomoServer, code: int) -> None:
    momo.says[QUERY] = paid(resultCode=code, extraData="", refundTrans=[])

    found = looked_up(momo)

    at = datetime.fromtimestamp(PAID_AT_MS // 1000, UTC) + timedelta(milliseconds=123)
    assert found == Succeeded("4088878653", Money(581_000), paid_at=at)


def test_a_query_is_signed_and_never_asks_with_an_old_request_id(momo: MomoServer) -> None:
    momo.says[QUERY] = paid()

    looked_up(momo)
    looked_up(momo)

    first, second = momo.bodies(QUERY)
    assert first["requestId"] != second["requestId"]
    assert len(first["requestId"]) <= 50
    assert signing.agrees(signing.QUERY, first, first["signature"], SETTINGS)


@pytest.mark.parametrize(
    "change",
    [{"amount": 581_001}, {"orderId": "x"}, {"partnerCode": "y"}, {"amount": None}],
    ids=str,
)
@pytest.mark.parametrize("code", [0, 1006, 7000, 99])
def test_an_answer_about_another_payment_is_no_answer(
    momo: MomoServer, change: dict[str, Any], code: int
) -> None:
    momo.says[QUERY] = paid(resultCode=code, **change)

    assert looked_up(momo, LONG_AFTER) == Unknown("other_order")


@pytest.mark.parametrize("number", [None, 0, -1, True, 1.5, "x", "", "0", 10**18, "１２"])
def test_a_payment_without_a_number_is_not_believed(momo: MomoServer, number: object) -> None:
    momo.says[QUERY] = paid(transId=number)

    assert looked_up(momo) == Unknown("no_number")


@pytest.mark.parametrize("time_", [None, 0, -5, 1795232253, "1795232253123", 10**20, True, 1e12])
def test_a_payment_with_a_time_that_is_none_has_none(momo: MomoServer, time_: object) -> None:
    momo.says[QUERY] = paid(responseTime=time_)

    assert looked_up(momo) == Succeeded("4088878653", Money(581_000), paid_at=None)


@pytest.mark.parametrize(
    ("code", "early", "late"),
    [
        (1000, Pending(), Pending()),
        (7000, Pending(), Pending()),
        (7002, Pending(), Pending()),
        (42, Pending(), Refused("expired", Ending.EXPIRED)),
        (1005, Refused("expired", Ending.EXPIRED), Refused("expired", Ending.EXPIRED)),
        (1001, Refused("balance"), Refused("balance")),
        (98, Unknown("qr_failed"), Refused("qr_failed")),
        (99, Unknown("gateway_error"), Refused("gateway_error")),
        (10, Unknown("maintenance"), Unknown("maintenance")),
        (13, Unknown("settings_refused"), Unknown("settings_refused")),
        (20, Unknown("request_refused"), Unknown("request_refused")),
        (41, Unknown("already_asked"), Unknown("already_asked")),
        (43, Unknown("conflict"), Unknown("conflict")),
        (8000, Unknown("unknown_code"), Unknown("unknown_code")),
    ],
)
def test_what_momo_says_of_a_try_while_it_runs_and_after(
    momo: MomoServer, code: int, early: Outcome, late: Outcome
) -> None:
    momo.says[QUERY] = echo(amount=581_000, resultCode=code, transId=0)

    assert looked_up(momo) == early
    assert looked_up(momo, LONG_AFTER) == late


@pytest.mark.parametrize("code", [1006, 99, 0])
def test_a_final_word_that_does_not_name_the_amount_is_not_final(
    momo: MomoServer, code: int
) -> None:
    momo.says[QUERY] = echo(resultCode=code, transId=4088878653)

    assert isinstance(looked_up(momo, LONG_AFTER), Unknown)


def test_momo_cannot_forget_what_it_gave_a_number(momo: MomoServer) -> None:
    momo.says[QUERY] = echo(resultCode=42)

    found = looked_up(momo, replace(LONG_AFTER, provider_reference="4088878653"))

    assert found == Unknown("not_found")


@pytest.mark.parametrize(
    ("code", "word"),
    [
        *((42, "accepts"), (13, "Partner Code"), (11, "M4B"), (12, "v2"), (20, "Secret Key")),
        *((10, "maintenance"), (0, "code 0"), (7777, "code 7777"), (None, "address")),
    ],
)
def test_a_try_of_the_credentials_says_what_to_do(
    momo: MomoServer, code: object, word: str
) -> None:
    momo.says[QUERY] = echo(resultCode=code)

    found = gateway(momo.url).check(SETTINGS, NOW)

    assert found.ok is (code == 42)
    assert word in found.en
    assert "MoMo" in found.vi
    assert not any(SETTINGS[name] in found.vi + found.en for name in ("access_key", "secret_key"))
