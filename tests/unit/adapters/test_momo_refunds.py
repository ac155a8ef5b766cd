"""MoMo: giving money back. Only a certain answer is final, whichever source gives it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from adapters.momo import signing
from payments.domain.gateway import (
    Limits,
    Pending,
    RefundAsk,
    Refunded,
    RefundOutcome,
    Refused,
    Unknown,
)
from payments.domain.money import Money
from tests.momo_server import (
    NOW,
    QUERY,
    REFERENCE,
    REFUND,
    REFUND_QUERY,
    SETTINGS,
    Answers,
    MomoServer,
    a_momo,
    echo,
    gateway,
    raw,
)

REFUND_ID = UUID(int=9)
OURS = f"RF-{REFUND_ID.hex}-1"
ASK = RefundAsk(
    REFUND_ID,
    reference=OURS,
    payment_reference=REFERENCE,
    provider_reference="4088878653",
    paid=Money(581_000),
    amount=Money(200_000),
    payment_started_at=NOW - timedelta(days=1),
    asked_at=NOW,
    reason="Trả lại cho Trần Thị B",
    operator="stf_1",
    now=NOW + timedelta(minutes=2),
)
NEXT_DAY = replace(ASK, now=NOW + timedelta(hours=24))
WENT = {"orderId": OURS, "amount": 200_000, "resultCode": 0, "transId": 4088900001}
OTHERS = {"orderId": "RF-other", "amount": 1_000, "resultCode": 0, "transId": 4088900000}
NO_SUCH_PAGE = raw(b"<html>404</html>", 404)


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


def sent(momo: MomoServer, ask: RefundAsk = ASK) -> RefundOutcome:
    return gateway(momo.url).refund(ask, SETTINGS)


def looked_up(
    momo: MomoServer, direct: Answers, listed: Answers, ask: RefundAsk = ASK
) -> RefundOutcome:
    momo.says[REFUND_QUERY], momo.says[QUERY] = direct, listed
    return gateway(momo.url).look_up_refund(ask, SETTINGS)


def own(code: object = 0, **more: Any) -> Answers:
    """The refund's own query, answered without rows."""
    return echo(**{"amount": 200_000, "resultCode": code, "transId": 4088900001, **more})


def payment(*rows: object, **more: Any) -> Answers:
    """The payment's query with its list of refunds."""
    fields = {"amount": 581_000, "transId": 4088878653, "refundTrans": list(rows)}
    return echo(**fields, **more)


def test_a_refund_that_momo_made_has_its_number(momo: MomoServer) -> None:
    momo.says[REFUND] = echo(transId=4088900001)

    assert sent(momo) == Refunded("4088900001")


def test_what_is_asked_for_is_signed_whole_and_names_nobody(momo: MomoServer) -> None:
    momo.says[REFUND] = echo(transId=4088900001)

    sent(momo)
    sent(momo)

    body, again = momo.bodies(REFUND)
    assert body == again
    signature = body.pop("signature")
    assert body == {
        "partnerCode": "MOMO",
        "orderId": OURS,
        "requestId": OURS,
        "amount": 200_000,
        "transId": 4088878653,
        "description": "",
        "lang": "vi",
    }
    assert signing.agrees(signing.REFUND, body, signature, SETTINGS)


def test_a_refund_asked_again_by_a_second_person_has_another_name() -> None:
    momo = gateway("https://payment.momo.vn")
    refund = uuid4()

    names = [momo.refund_reference(refund, round_, NOW, SETTINGS) for round_ in (1, 2, 99)]

    assert len(set(names)) == 3
    assert max(map(len, names)) <= 50


def test_limits_follow_the_way_to_pay() -> None:
    momo = gateway("https://payment.momo.vn")

    assert momo.refund_limits(SETTINGS) == Limits(1_000, 50_000_000)
    by_card = SETTINGS | {"request_type": "payWithATM"}
    assert momo.refund_limits(by_card) == Limits(10_000, 50_000_000)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (7000, Pending()),
        (7002, Pending()),
        (1000, Pending()),
        (13, Refused("settings_refused")),
        (20, Refused("request_refused")),
        (22, Refused("amount_refused")),
        (42, Refused("payment_not_found")),
        (1081, Refused("refund_refused")),
        (1088, Refused("not_refundable")),
        (10, Unknown("maintenance")),
        (40, Unknown("already_asked")),
        (41, Unknown("already_asked")),
        (43, Unknown("conflict")),
        (99, Unknown("gateway_error")),
        (1001, Unknown("balance")),
        (1080, Unknown("refund_failed")),
        (9000, Unknown("unclear")),
        (8000, Unknown("unknown_code")),
    ],
)
def test_what_momo_says_to_a_refund(momo: MomoServer, code: int, outcome: RefundOutcome) -> None:
    momo.says[REFUND] = echo(resultCode=code, transId=4088900001)

    assert sent(momo) == outcome


@pytest.mark.parametrize(
    "change",
    [
        *({"orderId": REFERENCE}, {"requestId": "x"}, {"amount": 581_000}, {"partnerCode": "y"}),
        {"amount": "200.000"},
    ],
    ids=str,
)
@pytest.mark.parametrize("code", [0, 1081, 7000])
def test_an_answer_about_another_refund_is_no_answer(
    momo: MomoServer, change: dict[str, Any], code: int
) -> None:
    momo.says[REFUND] = echo(resultCode=code, transId=4088900001, **change)

    assert sent(momo) == Unknown("other_order")


@pytest.mark.parametrize("number", [None, 0, "", True])
def test_a_refund_without_a_number_is_looked_up(momo: MomoServer, number: object) -> None:
    momo.says[REFUND] = echo(transId=number)

    assert sent(momo) == Unknown("unclear")


@pytest.mark.parametrize("reference", ["", "abc", "0", "-5", "1.5"])
def test_a_payment_that_momo_never_numbered_cannot_be_given_back(
    momo: MomoServer, reference: str
) -> None:
    assert sent(momo, replace(ASK, provider_reference=reference)) == Refused("not_refundable")
    assert not momo.heard


def test_a_refund_that_was_not_answered_may_have_gone(momo: MomoServer) -> None:
    momo.says[REFUND] = raw(b"<html></html>", 504)

    assert sent(momo) == Unknown("no_answer")


def test_a_refund_that_never_left_did_not_go() -> None:
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        momo = gateway(f"http://127.0.0.1:{taken.getsockname()[1]}")

        assert momo.refund(ASK, SETTINGS) == Refused("unreachable")
        assert momo.look_up_refund(NEXT_DAY, SETTINGS) == Unknown("unreachable")


@pytest.mark.parametrize(
    ("direct", "listed", "found"),
    [
        pytest.param(own(), NO_SUCH_PAGE, Refunded("4088900001"), id="its own query says so"),
        pytest.param(
            echo(refundTrans=[OTHERS, WENT]), NO_SUCH_PAGE, Refunded("4088900001"), id="as a row"
        ),
        pytest.param(
            NO_SUCH_PAGE, payment(OTHERS, WENT), Refunded("4088900001"), id="the payment lists it"
        ),
        pytest.param(echo(resultCode=42), payment(WENT), Refunded("4088900001"), id="only listed"),
        pytest.param(own(1080), payment(), Refused("refund_failed"), id="failed, not listed"),
        pytest.param(
            NO_SUCH_PAGE,
            payment(WENT | {"resultCode": 1080}),
            Refused("refund_failed"),
            id="listed as failed",
        ),
        pytest.param(
            own(1080), NO_SUCH_PAGE, Unknown("no_answer"), id="failed, and the payment is silent"
        ),
        pytest.param(own(1001), payment(), Refused("refund_failed"), id="no money to give back"),
        pytest.param(own(7002), payment(), Pending(), id="on its way"),
        pytest.param(
            NO_SUCH_PAGE, payment(WENT | {"resultCode": 7002}), Pending(), id="listed on its way"
        ),
        pytest.param(own(1081), payment(WENT), Unknown("contradiction"), id="one says it went"),
        pytest.param(
            own(1081),
            payment(WENT | {"resultCode": 7000}),
            Unknown("contradiction"),
            id="one says it is on its way",
        ),
        pytest.param(
            own(transId=4088878653), payment(), Unknown("paid"), id="0 with the payment's number"
        ),
        pytest.param(NO_SUCH_PAGE, NO_SUCH_PAGE, Unknown("no_answer"), id="neither answers"),
        pytest.param(NO_SUCH_PAGE, payment(OTHERS), Unknown("no_answer"), id="one is silent"),
        pytest.param(own(amount=581_000), NO_SUCH_PAGE, Unknown("no_answer"), id="another amount"),
        pytest.param(
            NO_SUCH_PAGE,
            payment(WENT | {"amount": 581_000}),
            Unknown("other_order"),
            id="listed with another amount",
        ),
        pytest.param(NO_SUCH_PAGE, payment(WENT, WENT), Unknown("other_order"), id="listed twice"),
        pytest.param(
            NO_SUCH_PAGE,
            payment(WENT, orderId="HP-other"),
            Unknown("unclear"),
            id="another payment's list",
        ),
        pytest.param(
            NO_SUCH_PAGE, payment(WENT | {"transId": 0}), Unknown("paid"), id="without a number"
        ),
        pytest.param(echo(resultCode=42), payment("?"), Unknown("unclear"), id="unreadable rows"),
        pytest.param(
            echo(resultCode=42), echo(amount=581_000, transId=1), Unknown("unclear"), id="no list"
        ),
        pytest.param(own(10), payment(), Unknown("maintenance"), id="maintenance"),
        pytest.param(own("0"), payment(), Unknown("unknown_code"), id="a code that is none"),
    ],
)
def test_what_became_of_a_refund(
    momo: MomoServer, direct: Answers, listed: Answers, found: RefundOutcome
) -> None:
    assert looked_up(momo, direct, listed, NEXT_DAY) == found


def test_a_refund_that_is_nowhere_is_lost_only_after_a_day(momo: MomoServer) -> None:
    assert looked_up(momo, echo(resultCode=42), payment(OTHERS)) == Unknown("not_found")
    assert looked_up(momo, echo(resultCode=42), payment(OTHERS), NEXT_DAY) == Refused("not_found")


def test_the_last_look_comes_after_a_lost_refund_counts_as_lost() -> None:
    last = max(gateway("https://payment.momo.vn").refund_look_ups)

    assert last >= NEXT_DAY.now - ASK.asked_at


def test_both_questions_are_signed_and_new_every_time(momo: MomoServer) -> None:
    for _ in range(2):
        looked_up(momo, echo(resultCode=42), payment())

    asked = [*momo.bodies(REFUND_QUERY), *momo.bodies(QUERY)]
    assert [body["orderId"] for body in asked] == [OURS, OURS, REFERENCE, REFERENCE]
    assert len({body["requestId"] for body in asked}) == 4
    for body in asked:
        assert signing.agrees(signing.QUERY, body, body["signature"], SETTINGS)
