"""Calls one by one: what is kept, what is answered, and what is booked from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from adapters.sepay.events import SepayEvents
from payments import channels, invoices, orders, vault
from payments.domain.errors import NotFound
from payments.domain.people import SERVICE
from tests.cast import ACCOUNT, School, a_bill, a_school, an_order
from tests.databases import QuickHouse
from tests.sepay_calls import REFUSED, SECRET, SUCCESS, Notice, a_call, with_key
from webhooks import dispatch, inbox
from webhooks.event import Answer, Call

SOURCE = SepayEvents()


@pytest.fixture
def school(quick_house: QuickHouse) -> School:
    made = a_school(quick_house)
    set_channel(made, {"secret": SECRET})
    return made


def set_channel(school: School, settings: Mapping[str, str]) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        channels.put(db, "sepay", settings, by=SERVICE, at=school.house.clock.now())


def a_notice(school: School, memo: str = "nop tien") -> Notice:
    return Notice(92704, ACCOUNT, 581_000, memo, school.house.clock.now(), reference="FT1")


def hear(school: School, call: Call) -> Answer:
    with school.house.sessions.begin(school.biller_id) as db:
        return inbox.receive(db, SOURCE, call, at=school.house.clock.now())


def rows(school: School, sql: str) -> list[Any]:
    with school.house.sessions.begin(school.biller_id) as db:
        return list(db.execute(text(sql)).all())


def book(school: School) -> None:
    for message in rows(school, "SELECT body FROM message WHERE kind = 'inbound.received'"):
        with school.house.sessions.begin(school.biller_id) as db:
            dispatch.handle(db, message.body, at=school.house.clock.now())


def booked(school: School) -> list[tuple[str, int]]:
    found = rows(school, "SELECT provider_reference, amount FROM payment ORDER BY id")
    return [(row.provider_reference, row.amount) for row in found]


@pytest.mark.parametrize("way", ["secret", "api_key"])
def test_a_call_that_was_refused_for_our_own_mistake_is_taken_when_it_comes_again(
    school: School, way: str
) -> None:
    """The same bytes: a mistyped secret is put right between two of SePay's tries."""
    body, at = a_notice(school).body(), school.house.clock.now()
    call = a_call(body, at=at) if way == "secret" else Call(with_key(), body)
    set_channel(school, {way: "nhap nham"})
    first = hear(school, call)
    set_channel(school, {way: SECRET})

    again = hear(school, call)
    book(school)

    assert (first.status, again.status) == (401, 200)
    assert booked(school) == [("92704", 581_000)]


def test_a_call_that_came_too_early_by_a_wrong_clock_of_ours_is_taken_later(
    school: School,
) -> None:
    call = a_call(a_notice(school).body(), at=school.house.clock.now() + timedelta(seconds=400))
    first = hear(school, call)
    school.house.clock.advance(seconds=200)

    again = hear(school, call)
    book(school)

    assert (first.status, again.status) == (401, 200)
    assert booked(school) == [("92704", 581_000)]


def test_a_call_whose_type_was_changed_on_the_way_does_not_stand_in_for_the_genuine_one(
    school: School,
) -> None:
    """The signature does not cover Content-Type, so the same signed bytes may come misread."""
    genuine = a_call(a_notice(school).body(), at=school.house.clock.now())
    as_form = {"content-type": "application/x-www-form-urlencoded"}
    first = hear(school, replace(genuine, headers={**genuine.headers, **as_form}))

    second = hear(school, genuine)
    book(school)

    assert (first.status, second.status) == (401, 200)
    assert booked(school) == [("92704", 581_000)]


def test_a_repeat_is_counted_on_the_first_call_and_leaves_nothing_else(school: School) -> None:
    notice = a_notice(school)
    answers = []
    for seconds in (0, 0, 60):
        school.house.clock.advance(seconds=seconds)
        answers.append(hear(school, a_call(notice.body(), at=school.house.clock.now())))

    book(school)
    book(school)

    assert {(answer.status, answer.body) for answer in answers} == {(200, SUCCESS)}
    assert booked(school) == [("92704", 581_000)]
    [kept] = rows(school, "SELECT times, reason FROM inbound_call")
    assert (kept.times, kept.reason) == (3, None)
    assert len(rows(school, "SELECT id FROM message WHERE kind = 'inbound.received'")) == 1


def test_the_same_event_with_other_content_is_noted_and_the_first_stays(school: School) -> None:
    notice, at = a_notice(school), school.house.clock.now()
    hear(school, a_call(notice.body(), at=at))

    answer = hear(school, a_call(replace(notice, amount=999_000).body(), at=at))
    book(school)

    assert (answer.status, answer.body) == (200, SUCCESS)
    assert booked(school) == [("92704", 581_000)]
    [kept] = rows(school, "SELECT times, reason, status FROM inbound_call")
    assert (kept.times, kept.reason, kept.status) == (2, "told again with other content", "booked")


def test_why_a_call_is_parked_and_that_it_was_told_otherwise_are_both_kept(
    school: School,
) -> None:
    notice, at = replace(a_notice(school), account="9999000000"), school.house.clock.now()
    hear(school, a_call(notice.body(), at=at))
    hear(school, a_call(replace(notice, amount=1_000).body(), at=at))
    book(school)

    hear(school, a_call(replace(notice, amount=2_000).body(), at=at))

    [kept] = rows(school, "SELECT times, reason, status FROM inbound_call")
    assert (kept.times, kept.status) == (3, "parked")
    assert kept.reason.startswith("not-found: ")
    assert kept.reason.count("told again with other content") == 1


def test_a_forged_call_is_kept_for_a_look_and_books_nothing(school: School) -> None:
    notice, at = a_notice(school), school.house.clock.now()

    answer = hear(school, a_call(notice.body(), at=at, secret="ke gia mao"))
    book(school)

    assert (answer.status, answer.body) == (401, REFUSED)
    [kept] = rows(school, "SELECT * FROM inbound_call")
    assert (kept.status, kept.refusal, kept.event_id) == ("refused", "wrong signature", None)
    assert booked(school) == []
    with school.house.sessions.begin(school.biller_id) as db:
        opened = vault.unseal(db, kept.key_id, kept.sealed, context=f"call:{kept.id}")
    assert opened["event"] is None
    assert opened["headers"]["x-sepay-timestamp"] == str(int(at.timestamp()))


def test_a_memo_cut_in_the_middle_of_a_sign_is_still_a_memo(school: School) -> None:
    """A sender that cuts UTF-16 text leaves half a sign: legal in JSON, not in a database."""
    with school.house.sessions.begin(school.biller_id) as db:
        order = an_order(db, school, a_bill(db, school))
    fields = json.loads(a_notice(school).body()) | {"content": f"{order.code} Bao \ud83d"}
    body = json.dumps(fields).encode()

    answer = hear(school, a_call(body, at=school.house.clock.now()))
    book(school)

    assert (answer.status, answer.body) == (200, SUCCESS)
    [order_row] = rows(school, "SELECT payment_state FROM payment_order")
    assert order_row.payment_state == "paid"


def test_numbers_that_no_gateway_uses_are_refused_and_kept(school: School) -> None:
    fields = json.loads(a_notice(school).body()) | {"id": 10**4000}
    body = json.dumps(fields).encode()

    answer = hear(school, a_call(body, at=school.house.clock.now()))

    assert answer.status == 401
    assert len(rows(school, "SELECT id FROM inbound_call WHERE NOT verified")) == 1


def test_a_biller_without_the_channel_is_not_found(quick_house: QuickHouse) -> None:
    school = a_school(quick_house)

    with pytest.raises(NotFound):
        hear(school, a_call(a_notice(school).body(), at=school.house.clock.now()))


@pytest.mark.parametrize("whole", [False, True], ids=["order", "order and bill"])
def test_money_for_what_was_cancelled_meanwhile_is_booked_and_stays_free(
    school: School, whole: bool
) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school)
        order = an_order(db, school, bill)
        orders.cancel(db, order.id, reason="Thử", by=SERVICE, at=at)
        if whole:
            invoices.cancel(db, bill, reason="Thử", by=SERVICE, at=at)

    hear(school, a_call(a_notice(school, order.code).body(), at=at))
    book(school)

    assert booked(school) == [("92704", 581_000)]
    [call] = rows(school, "SELECT status FROM inbound_call")
    assert call.status == "booked"
