""" "I have paid": the look-up tells what is known, counts its tries, and never moves money."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from payments import money_in, orders, vault
from payments.domain import ids
from payments.domain.money import Money
from tests.cast import ACCOUNT, School, a_school
from tests.databases import QuickHouse
from tests.portals import Payer, an_app, an_order_of, money_comes, tree, words

FORM = {"amount": "581.000", "day": "10/03/2026", "hour": "08:55", "last_digits": "0111"}


@pytest.fixture
def school(quick_house: QuickHouse) -> School:
    return a_school(quick_house)


@pytest.fixture
def app(quick_house: QuickHouse) -> Flask:
    return an_app(quick_house)


@pytest.fixture
def order(school: School) -> orders.Order:
    return an_order_of(school, 581_000)


@pytest.fixture
def payer(app: Flask, order: orders.Order) -> Payer:
    return Payer(app, order.token)


def arrives(
    school: School, *, memo: str = "nop tien", account: str = "", amount: int = 581_000
) -> None:
    """Money that no rule could put anywhere."""
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        money_in.report(
            db,
            money_in.Incoming(
                gateway="sepay",
                reference=f"{at.timestamp():.0f}{memo}{account}",
                account_number=ACCOUNT,
                amount=Money(581_000),
                received_at=at,
                memo=memo,
                counterparty_account=account,
            ),
            key_id=vault.new_key(db, at=at),
            at=at,
        )


def noted(school: School, action: str) -> list[dict[str, Any]]:
    with school.house.sessions.begin(school.biller_id) as db:
        rows = db.connection().exec_driver_sql(
            "SELECT detail FROM audit_line WHERE action = %s ORDER BY id", (action,)
        )
        return [detail for (detail,) in rows]


def free_money(school: School) -> int:
    with school.house.sessions.begin(school.biller_id) as db:
        return int(db.connection().exec_driver_sql("SELECT sum(free) FROM payment").scalar() or 0)


def ticket(page: TestResponse) -> str:
    [said] = tree(page).xpath("//section[contains(@class, 'done')]//strong[starts-with(., 'TS-')]")
    return str(said.text_content())


def test_everything_that_is_known_is_filled_in_already(payer: Payer) -> None:
    fields = {
        box.get("name"): box.get("value") for box in tree(payer.get("/find")).xpath("//input")
    }

    assert fields["amount"] == "581.000"
    assert fields["day"] == "10/03/2026"
    assert fields["hour"] == fields["last_digits"] == ""


def test_money_that_is_on_the_bill_leads_back_to_the_page_that_shows_it(
    school: School, order: orders.Order, payer: Payer
) -> None:
    money_comes(school, 581_000, order.code)

    answer = payer.post("/find", FORM)

    assert (answer.status_code, answer.location) == (303, payer.url)


def test_money_that_is_not_here_opens_one_trace_with_a_time_to_be_answered_by(
    school: School, order: orders.Order, payer: Payer
) -> None:
    first, second = payer.post("/find", FORM), payer.post("/find", FORM)

    [trace] = noted(school, "payment.trace")
    assert "Chưa thấy khoản này" in words(first)
    assert "Đơn vị thu trả lời trước 17:00, 11/03/2026" in words(first)
    assert ticket(first) == ticket(second) == trace["ticket"]
    assert trace["payment"] is None
    with school.house.sessions.begin(school.biller_id) as db:
        rows = db.connection().exec_driver_sql(
            "SELECT body FROM message WHERE kind = 'payment.trace_opened'"
        )
        [(body,)] = rows.all()
    assert body["payment_order"] == ids.shown("ord", order.id)
    assert "0111" not in str(body)


@pytest.mark.parametrize(
    ("memo", "account"), [("nop tien hoc", "9999000111"), ("CK {code} lan hai", "")]
)
def test_money_without_a_place_is_seen_by_its_account_or_its_code_and_stays_where_it_is(
    school: School, order: orders.Order, payer: Payer, memo: str, account: str
) -> None:
    money_comes(school, 581_000, order.code)
    school.house.clock.advance(days=1)
    arrives(school, memo=memo.format(code=order.code), account=account)
    before = free_money(school)

    page = payer.post("/find", FORM | {"day": "11/03/2026"})

    assert "Đã thấy khoản tiền này" in words(page)
    assert noted(school, "payment.trace")[0]["payment"].startswith("pay_")
    assert free_money(school) == before == 581_000


@pytest.mark.parametrize(
    "other",
    [
        {"last_digits": "0112"},
        {"amount": "581.001"},
        {"hour": "05:00"},
        {"day": "09/03/2026"},
    ],
)
def test_somebody_else_s_money_is_seen_only_by_whoever_knows_all_four(
    school: School, payer: Payer, other: dict[str, str]
) -> None:
    arrives(school, account="9999000111")

    page = payer.post("/find", FORM | other)

    assert "Chưa thấy khoản này" in words(page)
    assert noted(school, "payment.trace")[0]["payment"] is None


def test_of_two_that_fit_neither_is_taken_for_the_one(school: School, payer: Payer) -> None:
    arrives(school, account="9999000111")
    arrives(school, account="8888000111")

    assert "Chưa thấy khoản này" in words(payer.post("/find", FORM))


def test_after_five_looks_within_an_hour_the_sixth_has_to_wait(
    school: School, payer: Payer
) -> None:
    looks = []
    for _ in range(6):
        looks.append(payer.post("/find", FORM))
        school.house.clock.advance(minutes=5)

    assert [look.status_code for look in looks] == [200] * 5 + [429]
    assert looks[-1].headers["Retry-After"] == str(35 * 60 + 1)
    assert "Đã tìm 5 lần trong một giờ. Tìm lại được từ 10:00" in words(looks[-1])
    assert len(noted(school, "payment.look_up")) == 5


def test_an_hour_later_one_may_look_again(school: School, payer: Payer) -> None:
    for _ in range(6):
        payer.post("/find", FORM)

    school.house.clock.advance(minutes=60)

    assert payer.post("/find", FORM).status_code == 200


def test_the_tries_of_one_link_are_not_those_of_another(
    school: School, app: Flask, payer: Payer
) -> None:
    for _ in range(6):
        payer.post("/find", FORM)

    other = Payer(app, an_order_of(school, 20_000).token)

    assert other.post("/find", FORM).status_code == 200


def test_what_cannot_be_read_is_said_field_by_field_kept_and_not_counted(
    school: School, payer: Payer
) -> None:
    typed = {"amount": "1.5", "day": "31/02/2026", "hour": "25:00", "last_digits": "12a4"}

    page = payer.post("/find", typed)

    boxes = {box.get("name"): box for box in tree(page).xpath("//main//input")}
    assert page.status_code == 422
    assert {name: boxes[name].get("value") for name in typed} == typed
    assert all(boxes[name].get("aria-invalid") == "true" for name in typed)
    assert "4 số cuối" in words(page)
    assert noted(school, "payment.look_up") == []


def test_looking_never_changes_what_is_owed(
    school: School, order: orders.Order, payer: Payer
) -> None:
    arrives(school, account="9999000111")

    payer.post("/find", FORM)

    assert payer.status() == "awaiting:0"


def test_a_new_trace_is_opened_once_the_last_one_should_have_been_answered(
    school: School, payer: Payer
) -> None:
    first = payer.post("/find", FORM)

    school.house.clock.advance(days=2)

    assert ticket(payer.post("/find", FORM)) != ticket(first)
