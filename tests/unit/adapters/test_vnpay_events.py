"""VNPAY's notice: whose it is, what it tells, how it is answered; what a browser brings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.vnpay.events import VnpayEvents
from adapters.vnpay.returns import Returned, returned
from payments.domain.gateway import Ending
from payments.domain.money import Money
from tests.vnpay_calls import NOTICE, NOW, REFERENCE, SETTINGS, notice, query_of
from webhooks.event import Answer, Call, Event, EventSource, Finding, Forged, Kind

SOURCE: EventSource = VnpayEvents()


def verdict(query: str, settings: dict[str, str] = SETTINGS) -> Any:
    return SOURCE.verify(Call({}, b"", query, "GET"), settings, now=NOW)


def event_of(query: str) -> Event:
    found = verdict(query)
    assert not isinstance(found, Forged)
    (event,) = found
    assert isinstance(event, Event)
    return event


def code(answer: Answer) -> str:
    assert (answer.status, answer.content_type) == (200, "application/json")
    said = json.loads(answer.body)
    assert set(said) == {"RspCode", "Message"}
    return str(said["RspCode"])


def test_a_payment_is_told_with_vnpays_number_and_our_name() -> None:
    event = event_of(notice())

    assert event == Event(
        event_id=f"{REFERENCE}:14999001:58100000:00:00",
        kind=Kind.PAID,
        account_number="",
        amount=Money(581_000),
        at=datetime(2026, 11, 21, 3, 17, 33, tzinfo=UTC),
        memo="HP7K2M9QX4TW",
        bank_reference="VNP14999001",
        merchant_reference=REFERENCE,
        provider_reference="14999001",
        reason="paid",
    )
    assert Event.read(event.fields()) == event


@pytest.mark.parametrize(
    ("response", "status", "number", "kind", "reason", "ending"),
    [
        ("24", "02", "0", Kind.ENDED, "cancelled_by_payer", "cancelled"),
        ("11", "02", "0", Kind.ENDED, "expired", "expired"),
        ("51", "02", "14999001", Kind.ENDED, "insufficient_funds", "failed"),
        ("07", "07", "14999001", Kind.DOUBT, "suspected_fraud", "failed"),
        ("00", "01", "14999001", Kind.DOUBT, "not_completed", "failed"),
        ("00", "04", "14999001", Kind.DOUBT, "debited_not_credited", "failed"),
        ("51", "00", "14999001", Kind.DOUBT, "codes_contradict", "failed"),
        ("00", "77", "14999001", Kind.DOUBT, "unknown_code", "failed"),
        ("00", "00", "0", Kind.DOUBT, "no_number", "failed"),
        ("00", "00", "abc", Kind.DOUBT, "no_number", "failed"),
    ],
)
def test_what_is_not_paid_is_told_as_over_or_as_a_doubt(
    response: str, status: str, number: str, kind: Kind, reason: str, ending: str
) -> None:
    told = {"ResponseCode": response, "TransactionStatus": status, "TransactionNo": number}

    event = event_of(notice(**told))

    assert (event.kind, event.reason, event.ending) == (kind, reason, ending)
    assert event.provider_reference == (number if number == "14999001" else "")


def test_a_notice_that_leaves_out_its_status_is_a_doubt() -> None:
    fields = {name: value for name, value in NOTICE.items() if name != "vnp_TransactionStatus"}

    assert event_of(query_of(fields)).kind is Kind.DOUBT


def test_the_same_news_has_one_id_and_other_news_another() -> None:
    again = event_of("&".join(reversed(notice().split("&")))).event_id
    told = [
        {},
        {"TransactionNo": "14999002"},
        {"ResponseCode": "07"},
        {"TransactionStatus": "07"},
        {"TxnRef": "HP-2"},
        {"Amount": "5810000000"},
    ]

    ids = [event_of(notice(**changes)).event_id for changes in told]

    assert again == ids[0]
    assert len(set(ids)) == len(told)


@pytest.mark.parametrize("when", ["", "x", "20261399000000", "2026112110173"])
def test_a_notice_that_does_not_say_when_is_taken_for_now(when: str) -> None:
    assert event_of(notice(PayDate=when)).at == NOW


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (Finding.FIRST, "00"),
        (Finding.REPEATED, "02"),
        (Finding.OVER, "02"),
        (Finding.UNKNOWN_ORDER, "01"),
        (Finding.WRONG_AMOUNT, "04"),
        (Finding.NOTHING, "00"),
    ],
)
@pytest.mark.parametrize("changes", [{}, {"ResponseCode": "24"}, {"TransactionStatus": "01"}])
def test_the_answer_says_what_we_knew_and_not_how_the_payment_went(
    finding: Finding, expected: str, changes: dict[str, str]
) -> None:
    assert code(SOURCE.accepted(event_of(notice(**changes)), finding)) == expected


def test_every_finding_has_an_answer() -> None:
    event = event_of(notice())

    assert all(code(SOURCE.accepted(event, finding)) for finding in Finding)
    assert code(SOURCE.failed()) == "99"


def test_a_call_in_another_terminals_name_is_refused() -> None:
    found = verdict(notice(TmnCode="HSPTEST2"))

    assert found == Forged("another terminal")
    assert code(SOURCE.refused(found)) == "97"


def test_another_billers_secret_is_refused() -> None:
    found = verdict(notice(), SETTINGS | {"hash_secret": "X" * 32})

    assert found == Forged("wrong signature")
    assert code(SOURCE.refused(found)) == "97"


@pytest.mark.parametrize(
    "amount", ["", "0x10", "58100001", "-100", "1e9", "5810000000000000", "٥٠٠"]
)
def test_a_signed_amount_that_is_no_amount_is_refused_as_one(amount: str) -> None:
    found = verdict(notice(Amount=amount))

    assert isinstance(found, Forged)
    assert code(SOURCE.refused(found)) == "04"


@pytest.mark.parametrize("reference", ["", "x" * 101])
def test_a_signed_call_about_no_payment_is_an_error_and_not_a_wrong_signature(
    reference: str,
) -> None:
    found = verdict(notice(TxnRef=reference))

    assert isinstance(found, Forged)
    assert code(SOURCE.refused(found)) == "99"


def test_the_body_and_the_headers_decide_nothing() -> None:
    call = Call({"x-forwarded-for": "198.51.100.1"}, b"vnp_Amount=1", notice(), "GET")

    assert SOURCE.verify(call, SETTINGS, now=NOW) == (event_of(notice()),)
    assert SOURCE.signed_parts(call) == SOURCE.signed_parts(Call({}, b"", notice(), "GET"))
    assert tuple(SOURCE.methods) == ("GET",)


@given(st.text(max_size=80))
def test_free_text_comes_through_and_fits_the_database(text: str) -> None:
    event = event_of(query_of(NOTICE | {"vnp_OrderInfo": text}))

    assert event.memo == text.replace("\0", " ")


@given(st.text(max_size=2000))
def test_no_call_brings_the_source_down(query: str) -> None:
    found = verdict(query)

    assert isinstance(found, Forged)
    assert code(SOURCE.refused(found)) == "97"


def test_a_signed_nul_never_reaches_a_row() -> None:
    event = event_of(notice(TxnRef="a\0b", BankTranNo="c\0d", ResponseCode="0\0"))

    assert "\0" not in json.dumps(event.fields(), ensure_ascii=False)
    assert event.merchant_reference == "a b"


def test_a_browser_brings_back_what_vnpay_showed() -> None:
    assert returned(notice(), SETTINGS) == Returned(
        REFERENCE, Money(581_000), paid=True, reason="paid", ending=None
    )
    cancelled = returned(notice(ResponseCode="24", TransactionStatus="02"), SETTINGS)
    doubtful = returned(notice(ResponseCode="07", TransactionStatus="07"), SETTINGS)
    assert cancelled is not None
    assert (cancelled.paid, cancelled.ending) == (False, Ending.CANCELLED)
    assert doubtful is not None
    assert (doubtful.paid, doubtful.ending) == (False, None)


@pytest.mark.parametrize(
    "query",
    ["", notice()[:-1], notice(TmnCode="HSPTEST2"), notice(Amount="1"), f"{notice()}&vnp_Amount=1"],
)
def test_a_browser_that_brings_back_anything_else_is_shown_nothing(query: str) -> None:
    assert returned(query, SETTINGS) is None
