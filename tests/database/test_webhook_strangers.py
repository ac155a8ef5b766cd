"""Strangers and bad input at the doors of the gateways: refused or parked, kept, never booked."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote_plus

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from payments import channels, orders
from payments.domain.people import SERVICE
from tests import knocks
from tests.cast import a_notice, a_school
from tests.databases import QuickHouse
from tests.knocks import Knock
from tests.streets import GATEWAYS, Street, a_knock
from tests.tries import OWED
from tests.vnpay_calls import query_of
from web.limits import Limits
from webhooks import views


@pytest.fixture
def street(quick_house: QuickHouse) -> Street:
    return Street(quick_house)


def code(response: TestResponse) -> str:
    """VNPAY's RspCode."""
    assert response.status_code == 200
    return str(json.loads(response.text)["RspCode"])


# Strangers


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_flood_of_forgeries_takes_no_genuine_calls_place(street: Street, gateway: str) -> None:
    order, reference = street.a_try(gateway)
    genuine = a_knock(gateway, reference)
    if gateway == "vnpay":
        data, _, _ = genuine.query.partition("&vnp_SecureHash=")
        forged = [replace(genuine, query=f"{data}&vnp_SecureHash={n:0128x}") for n in range(50)]
    else:
        forged = [a_knock(gateway, reference, key=f"ke-gia-mao-{n}") for n in range(50)]

    for knock in forged:
        street.hear(gateway, knock)
    street.hear(gateway, genuine)
    street.work()

    assert street.till(gateway).state(order) == "paid"
    assert street.paid() == [OWED]


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_forged_calls_are_counted_against_their_address(
    quick_house: QuickHouse, gateway: str
) -> None:
    street = Street(quick_house, limits=Limits(refused="5 per minute"))
    if gateway == "vnpay":
        told = {"vnp_TxnRef": "x", "vnp_Amount": "100"}
        forged = Knock("GET", query=query_of(told, secret="ke-gia-mao"))
    else:
        forged = a_knock(gateway, "260310123456", key="ke-gia-mao")

    heard = [street.hear(gateway, forged).status_code for _ in range(7)]

    assert heard[5:] == [429, 429]
    assert street.rows("SELECT times FROM inbound_call")[0].times == 5


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_call_of_another_billers_merchant_is_not_believed_at_our_door(
    street: Street, gateway: str
) -> None:
    """B's secrets do not open A's door, even where both have the same try by chance."""
    other = a_school(street.house, code="TH-KHAC", number="9999000777")
    with street.house.sessions.begin(other.biller_id) as db:
        theirs = {name: value[::-1] if name.endswith(("key", "key2", "secret")) else value
                  for name, value in knocks.SETTINGS[gateway].items()}  # fmt: skip
        merchant = {"tmn_code": "KHAC0001", "partner_code": "KHAC", "app_id": "909002",
                    "client_id": "khac-khac-khac"}  # fmt: skip
        theirs |= {name: value for name, value in merchant.items() if name in theirs}
        channels.put(db, gateway, theirs, by=SERVICE, at=street.house.clock.now())
    _, reference = street.a_try(gateway)

    a_knock(gateway, reference).at(street.client, gateway, "TH-KHAC")
    street.work()

    assert street.paid() == []
    with street.house.sessions.begin(other.biller_id) as db:
        found = db.execute(text("SELECT verified, status FROM inbound_call")).all()
    assert [tuple(row) for row in found] == [(False, "refused")]


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_channel_that_was_switched_off_still_hears_of_what_was_begun(
    street: Street, gateway: str
) -> None:
    order, reference = street.a_try(gateway)
    till = street.till(gateway)
    with till.begin() as db:
        channels.switch(db, gateway, on=False, by=SERVICE, at=till.now)

    street.hear(gateway, a_knock(gateway, reference))
    street.work()

    assert till.state(order) == "paid"


def test_a_door_that_is_nobodys_is_not_there(street: Street) -> None:
    knock = knocks.vnpay("x", OWED)

    assert knock.at(street.client, "vnpay", "NOBODY").status_code == 404
    assert knock.at(street.client, "paypal").status_code == 404
    assert replace(knock, method="POST").at(street.client, "vnpay").status_code == 405
    assert replace(knock, method="HEAD").at(street.client, "vnpay").status_code == 405
    assert knocks.momo("x", 1).at(street.client, "vnpay").status_code == 405


# Bad input


BEYOND_WORDS: Final = "a+b & c% d=e; Đặng Thị Ốc 🎒 \u202e \\ \" ' <b>"


def test_words_of_any_kind_come_through_every_door(street: Street) -> None:
    told = {}
    for gateway, changes in {
        "vnpay": {"OrderInfo": BEYOND_WORDS, "BankTranNo": "a+b&c%d"},
        "momo": {"orderInfo": BEYOND_WORDS, "message": BEYOND_WORDS},
        "zalopay": {"embed_data": BEYOND_WORDS, "item": BEYOND_WORDS},
        "payos": {"description": BEYOND_WORDS, "counterAccountName": BEYOND_WORDS},
    }.items():
        order, reference = street.a_try(gateway)
        told_words: dict[str, Any] = changes
        street.hear(gateway, a_knock(gateway, reference, OWED, **told_words))
        told[gateway] = order
    street.work()

    assert {gateway: street.till(gateway).state(order) for gateway, order in told.items()} == (
        dict.fromkeys(GATEWAYS, "paid")
    )


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_extra_parameters_change_nothing_and_do_not_make_another_call(
    street: Street, gateway: str
) -> None:
    order, reference = street.a_try(gateway)
    genuine = a_knock(gateway, reference)
    if gateway == "vnpay":
        extra = replace(genuine, query=f"utm_source=x&{genuine.query}&lang=%F0%9F%8E%92")
    else:
        body = json.loads(genuine.body) | {"extra": "x", "more": [1, 2]}
        extra = replace(genuine, body=json.dumps(body).encode())

    street.hear(gateway, extra)
    street.hear(gateway, genuine)
    street.work()

    assert street.paid() == [OWED]
    assert street.till(gateway).state(order) == "paid"


@pytest.mark.parametrize("field", ["vnp_Amount", "vnp_TxnRef", "vnp_TransactionStatus"])
def test_a_repeated_parameter_is_refused(street: Street, field: str) -> None:
    _, reference = street.a_try("vnpay")
    genuine = knocks.vnpay(reference, OWED)

    for query in (f"{field}=1&{genuine.query}", f"{genuine.query}&{field}=1"):
        assert code(street.hear("vnpay", replace(genuine, query=query))) == "97"
    street.work()

    assert street.paid() == []
    assert {status for status, _ in street.calls()} == {"refused"}


@pytest.mark.parametrize("missing", ["vnp_Amount", "vnp_TxnRef", "vnp_TmnCode"])
def test_a_signed_call_that_lacks_what_it_needs_is_refused_and_kept(
    street: Street, missing: str
) -> None:
    _, reference = street.a_try("vnpay")
    bare = missing.removeprefix("vnp_")
    response = street.hear("vnpay", knocks.vnpay(reference, OWED, **{bare: ""}))
    street.work()

    assert code(response) in {"04", "97", "99"}
    assert [status for status, _ in street.calls()] == ["refused"]
    assert street.paid() == []


@pytest.mark.parametrize("gateway", ["vnpay", "momo", "zalopay"])
def test_a_signature_in_upper_case_is_as_good(street: Street, gateway: str) -> None:
    order, reference = street.a_try(gateway)
    genuine = a_knock(gateway, reference)
    if gateway == "vnpay":
        data, mark, digest = genuine.query.partition("&vnp_SecureHash=")
        loud = replace(genuine, query=data + mark + digest.upper())
    else:
        name = "signature" if gateway == "momo" else "mac"
        body = json.loads(genuine.body)
        loud = replace(genuine, body=json.dumps(body | {name: body[name].upper()}).encode())

    street.hear(gateway, loud)
    street.hear(gateway, genuine)
    street.work()

    assert street.till(gateway).state(order) == "paid"
    assert street.paid() == [OWED]


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("fate", ["cancelled", "expired", "paid"])
def test_news_of_money_for_an_order_that_is_over_is_booked_and_explained(
    street: Street, gateway: str, fate: str
) -> None:
    till = street.till(gateway)
    order = till.order()
    reference = till.reference(till.try_(order.id))
    with till.begin() as db:
        if fate == "cancelled":
            orders.cancel(db, order.id, reason="Thử", by=SERVICE, at=till.now)
        elif fate == "paid":
            a_notice(db, street.school, OWED, order.code, bank_reference="KHAC")
        else:
            street.house.clock.at += timedelta(days=8)
            orders.expire_due(db, at=till.now)

    street.hear(gateway, a_knock(gateway, reference))
    street.work()

    kinds = [row.kind for row in street.rows("SELECT kind FROM discrepancy")]
    assert (till.state(order.id), kinds) == {
        "cancelled": ("cancelled", ["ORDER_CLOSED"]),
        "expired": ("late_paid", []),
        "paid": ("paid", ["DUPLICATE_PAYMENT"]),
    }[fate]
    assert till.unexplained() == 0
    assert [status for status, _ in street.calls()] == ["booked"]


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}" * 100, b'{"a":' * 5_000, b"0" * 200_000]
)
def test_no_body_breaks_a_door_or_is_believed(street: Street, gateway: str, body: bytes) -> None:
    method = "GET" if gateway == "vnpay" else "POST"
    query = quote_plus(body[:4_000]) if method == "GET" else ""

    response = street.hear(gateway, Knock(method, body, query, knocks.JSON))

    assert response.status_code in {200, 401, 403}
    assert [status for status, _ in street.calls()] == ["refused"]
    assert street.paid() == []


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(street: Street) -> None:
    response = street.hear(
        "momo", Knock("POST", b"x" * (views.MOST_BYTES + 1), headers=knocks.JSON)
    )

    assert response.status_code == 413
    assert street.calls() == []


def test_a_repeated_call_leaves_no_key_behind(street: Street) -> None:
    _, reference = street.a_try("vnpay")
    knock = knocks.vnpay(reference, OWED)
    street.hear("vnpay", knock)
    [before] = street.rows("SELECT count(*) AS keys FROM data_key")

    for _ in range(20):
        street.hear("vnpay", knock)

    [after] = street.rows("SELECT count(*) AS keys FROM data_key")
    assert after.keys == before.keys
    assert street.rows("SELECT times FROM inbound_call")[0].times == 21
