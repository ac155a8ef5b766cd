"""What gateways told and could not be booked: why it waits, and how it is tried again."""

from __future__ import annotations

from datetime import date

import pytest

from adapters.vnpay.events import VnpayEvents
from payments import billers
from tests.calls_heard import (
    ELSEWHERE,
    LIST,
    a_listening_office,
    hear,
    set_channel,
    told,
    url,
    work,
)
from tests.consoles import Desk, Office, a_person, actions, tree, words
from tests.databases import QuickHouse
from tests.doors import an_app
from tests.tries import a_till
from tests.vnpay_calls import SETTINGS, notice
from webhooks.event import Call


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return a_listening_office(quick_house)


def listed(desk: Desk, query: str = "") -> list[str]:
    """The rows of the list."""
    page = tree(desk.get(LIST + query))
    return [" ".join(" ".join(row.itertext()).split()) for row in page.xpath("//main//tbody/tr")]


def test_a_parked_call_says_why_and_is_one_row_of_the_work_of_today(office: Office) -> None:
    told(office, account=ELSEWHERE)
    told(office, number=92705, account=ELSEWHERE, reference="FT2")
    office.school.house.clock.advance(days=2)

    page = tree(office.accountant.get("/console"))
    [row] = page.xpath("//section[@aria-labelledby='queue-title']//tbody/tr")
    waiting = office.accountant.get(row.xpath(".//a/@href")[0])

    said = " ".join(" ".join(row.itertext()).split())
    assert "2 tin của cổng chờ người xem SePay" in said
    assert "2 ngày" in said
    assert row.xpath("td[contains(@class, 'tone-warn')]")
    assert page.xpath("//h2[@id='queue-title']/span/text()") == ["2"]
    assert len(tree(waiting).xpath("//main//tbody/tr")) == 2
    assert "Tài khoản nhận tiền không thuộc đơn vị này." in words(waiting)
    office.accountant.language = "en"
    one = f"{LIST}?status=parked"
    assert "The receiving account is not this biller's." in words(office.accountant.get(one))


def test_without_parked_calls_today_has_no_row_for_them(office: Office) -> None:
    told(office, office.order(581_000).code)

    page = office.accountant.get("/console")

    assert "tin của cổng" not in words(page)
    assert "Không có chênh lệch nào." in words(page)


def test_a_parked_call_is_tried_again_by_hand_and_booked_when_it_can_be(office: Office) -> None:
    told(office, account=ELSEWHERE)
    page = url(office)
    with office.begin() as db:
        billers.add_bank_account(
            db,
            bank_bin="999999",
            number=ELSEWHERE,
            holder="TRUONG TIEU HOC HOA SEN",
            opened_on=date(2026, 1, 1),
            at=office.school.house.clock.now(),
        )

    answer = office.accountant.post(f"{page}/again", of=page)
    waits = office.accountant.get(answer.headers["Location"])
    work(office)
    after = office.accountant.get(page)

    assert answer.status_code == 303
    assert "Đã gửi đi thử lại." in words(waits)
    assert f"{page}/again" in actions(waits)
    assert "Đã ghi" in words(after)
    assert "Thử lại Ha Vu" in words(after)
    assert "không thuộc đơn vị này" not in words(after)
    assert actions(after) == []
    assert office.one("SELECT amount FROM payment") == 581_000
    noted = "SELECT count(*) FROM audit_line WHERE action = 'call.again'"
    assert office.one(noted) == 1


def test_trying_again_twice_books_once_and_too_late_says_so(office: Office) -> None:
    told(office, office.order().code)
    page = url(office)

    late = office.accountant.post(f"{page}/again", of="/console")
    work(office)

    said = words(office.accountant.get(late.headers["Location"]))
    assert "không còn chờ nữa" in said
    assert office.one("SELECT count(*) FROM payment") == 1
    assert office.one("SELECT count(*) FROM audit_line WHERE action = 'call.again'") == 0


def test_only_who_resolves_may_try_again_and_only_from_our_form(office: Office) -> None:
    told(office, account=ELSEWHERE)
    page = url(office)
    messages = "SELECT count(*) FROM message WHERE kind = 'inbound.received'"
    before = office.one(messages)

    seen = office.viewer.get(page)
    viewer = office.viewer.post(f"{page}/again", of="/console")
    forged = office.accountant.client.post(f"{page}/again")

    assert actions(seen) == []
    assert (viewer.status_code, forged.status_code) == (403, 400)
    assert office.one(messages) == before


def test_a_try_that_nobody_made_is_parked_under_its_reference(office: Office) -> None:
    set_channel(office.school, "vnpay", SETTINGS)
    hear(office, Call({}, b"", notice(), "GET"), VnpayEvents())
    work(office)

    page = office.accountant.get(url(office))

    said = words(page)
    assert "Không có lần thanh toán nào mang mã mà cổng thanh toán báo" in said
    assert "HP7K2M9QX4TW-AGP6MBD4FZ7XPCQ2WJ5XH2KZ3E" in said
    assert "không có mã này" in said
    assert '"RspCode"' in page.text.replace("&#34;", '"')


def test_another_amount_than_was_asked_for_waits_with_its_reason(
    quick_house: QuickHouse,
) -> None:
    till = a_till(quick_house)
    person = a_person(quick_house, "Lan Do", (till.school.biller_id, "accountant"))
    desk = Desk(an_app(quick_house), quick_house.clock).sign_in(person)
    attempt = till.try_(till.order().id)
    till.hear(till.call(attempt, Amount="1000000"))
    till.work("inbox")

    [row] = listed(desk)

    assert "Chờ người xem" in row
    assert "10.000" in row
    assert "Cổng thanh toán báo số tiền khác" in row
