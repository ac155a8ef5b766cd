"""Refunds at VNPAY: what is asked, and what an answer proves about one refund among several."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.gateway import (
    Limits,
    Pending,
    Refunded,
    RefundOutcome,
    Refused,
    Unknown,
)
from payments.domain.money import Money
from tests.vnpay_calls import REFUND_ANSWERED, SETTINGS, STARTED, answer, gateway_at, pretend, tells
from tests.vnpay_refunds import ANOTHER, OURS, refund_ask, refund_told

GATEWAY = gateway_at("https://api.example.vn/transaction")
PART = {"amount": Money(100_000)}
PART_TOLD = {"TransactionType": "03", "Amount": "10000000"}


def asked_for(told: dict[str, str], **changes: Any) -> RefundOutcome:
    signed = answer(told | {"vnp_Command": "refund"}, names=REFUND_ANSWERED)
    with pretend(tells(signed)) as served:
        return gateway_at(served.address).refund(refund_ask(**changes), SETTINGS)


def looked_up(told: dict[str, str], **changes: Any) -> RefundOutcome:
    with pretend(tells(answer(told))) as served:
        return gateway_at(served.address).look_up_refund(refund_ask(**changes), SETTINGS)


def test_all_of_a_payment_is_a_full_refund_and_less_is_a_part() -> None:
    with pretend(tells({})) as served:
        gateway = gateway_at(served.address)
        gateway.refund(refund_ask(), SETTINGS)
        gateway.refund(refund_ask(**PART), SETTINGS)

    full, part = served.asked
    assert (full["vnp_TransactionType"], full["vnp_Amount"]) == ("02", "58100000")
    assert (part["vnp_TransactionType"], part["vnp_Amount"]) == ("03", "10000000")


def test_a_refund_names_itself_the_payment_and_who_approved() -> None:
    with pretend(tells({})) as served:
        gateway_at(served.address).refund(refund_ask(), SETTINGS)

    (sent,) = served.asked
    assert sent["vnp_RequestId"] == OURS
    assert OURS in sent["vnp_OrderInfo"]
    assert sent["vnp_TransactionNo"] == "14999001"
    assert sent["vnp_TransactionDate"] == "20261121101500"
    assert sent["vnp_CreateDate"] == "20261122090000"
    assert sent["vnp_CreateBy"] == "stf_01k0000000000000000000000"


@given(st.uuids(), st.integers(1, 99_999))
def test_a_refunds_name_fits_and_differs_by_round(id_: UUID, round_: int) -> None:
    name = GATEWAY.refund_reference(id_, round_, STARTED, SETTINGS)

    assert re.fullmatch(r"[A-Z0-9]{1,32}", name)
    assert name != GATEWAY.refund_reference(id_, round_ + 1, STARTED, SETTINGS)


def test_any_amount_may_go_back() -> None:
    assert GATEWAY.refund_limits(SETTINGS) == Limits(1, 9_999_999_999)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, Refunded("14999123")),
        ({"TransactionStatus": "05"}, Pending()),
        ({"TransactionStatus": "06"}, Pending()),
        ({"TransactionStatus": "01"}, Pending()),
        ({"TransactionStatus": "09"}, Refused("refund_refused")),
        ({"TransactionStatus": "07"}, Unknown("unknown_code")),
        ({"TransactionNo": "0"}, Unknown("answer_unreadable")),
        ({"ResponseCode": "02"}, Refused("settings_refused")),
        ({"ResponseCode": "03"}, Refused("request_refused")),
        ({"ResponseCode": "91"}, Refused("not_found")),
        ({"ResponseCode": "94"}, Pending()),
        ({"ResponseCode": "95"}, Refused("not_refundable")),
        ({"ResponseCode": "97"}, Refused("settings_refused")),
        ({"ResponseCode": "99"}, Unknown("gateway_error")),
        ({"ResponseCode": "42"}, Unknown("unknown_code")),
        ({"Amount": "58000000"}, Unknown("answer_about_another")),
        ({"TransactionType": "03"}, Unknown("answer_about_another")),
        ({"TxnRef": "HP-2"}, Unknown("answer_about_another")),
        ({"TmnCode": "HSPTEST2"}, Unknown("answer_about_another")),
    ],
    ids=str,
)
def test_the_answer_to_a_request_is_read_by_the_table(
    changes: dict[str, str], outcome: RefundOutcome
) -> None:
    assert asked_for(refund_told(**changes)) == outcome


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("00", Refunded("14999123")),
        ("05", Pending()),
        ("06", Pending()),
        ("09", Refused("refund_refused")),
        ("42", Unknown("unknown_code")),
    ],
)
@pytest.mark.parametrize("part", [False, True], ids=["full", "part"])
def test_a_record_that_carries_our_name_is_ours(
    status: str, outcome: RefundOutcome, part: bool
) -> None:
    told = refund_told(OrderInfo=f"Hoan tien {OURS}", TransactionStatus=status)
    told |= {f"vnp_{name}": value for name, value in PART_TOLD.items()} if part else {}

    assert looked_up(told, **(PART if part else {})) == outcome


@pytest.mark.parametrize("status", ["00", "05", "09"])
def test_a_record_that_carries_another_refunds_name_says_nothing(status: str) -> None:
    told = refund_told(OrderInfo=f"Hoan tien {ANOTHER}", TransactionStatus=status)

    assert looked_up(told) == Unknown("another_refund_shown")


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, Refunded("14999123")),
        ({"TransactionStatus": "05"}, Pending()),
        ({"TransactionStatus": "09"}, Refused("refund_refused")),
        ({"TransactionStatus": "09", "PayDate": "20261122085959"}, Unknown("refund_older")),
        ({"TransactionStatus": "09", "PayDate": ""}, Unknown("refund_older")),
    ],
    ids=str,
)
def test_a_full_refund_without_a_name_can_only_be_the_one_there_is(
    changes: dict[str, str], outcome: RefundOutcome
) -> None:
    assert looked_up(refund_told(**changes)) == outcome


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("00", Unknown("one_of_several")),
        ("09", Unknown("one_of_several")),
        ("06", Pending()),
    ],
)
def test_a_part_without_a_name_may_be_another_of_the_same_amount(
    status: str, outcome: RefundOutcome
) -> None:
    told = refund_told(**PART_TOLD, TransactionStatus=status)

    assert looked_up(told, **PART) == outcome


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"TransactionType": "01"}, Unknown("refund_not_shown")),
        ({"TransactionType": ""}, Unknown("refund_not_shown")),
        ({"TransactionType": "01", "TransactionStatus": "05"}, Pending()),
        ({"TransactionType": "01", "TransactionStatus": "09"}, Unknown("refund_not_shown")),
        ({"TransactionType": "03"}, Unknown("another_refund_shown")),
        ({"Amount": "100"}, Unknown("another_refund_shown")),
        ({"Amount": "x"}, Unknown("another_refund_shown")),
        ({"ResponseCode": "91"}, Unknown("not_found")),
        ({"ResponseCode": "99"}, Unknown("gateway_error")),
        ({"TxnRef": "HP-2"}, Unknown("answer_about_another")),
    ],
    ids=str,
)
def test_what_querydr_does_not_show_is_left_to_a_person(
    changes: dict[str, str], outcome: RefundOutcome
) -> None:
    assert looked_up(refund_told(**changes)) == outcome


def test_a_refund_is_looked_up_by_its_payment_and_without_the_payments_number() -> None:
    with pretend(tells({})) as served:
        gateway_at(served.address).look_up_refund(refund_ask(), SETTINGS)

    (sent,) = served.asked
    assert sent["vnp_TxnRef"] == refund_ask().payment_reference
    assert sent["vnp_TransactionDate"] == "20261121101500"
    assert "vnp_TransactionNo" not in sent
