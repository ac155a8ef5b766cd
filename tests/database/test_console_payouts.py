"""Refunds and payout files at the console: chosen, made, downloaded, voided, asked about."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from payments import channels, refunds
from payments.domain import ids
from payments.domain.money import Money
from payments.refunds import Payee, Source
from tests.cast import a_bill, a_notice, an_order
from tests.consoles import Office, actions, an_office, tree, words
from tests.databases import QuickHouse
from tests.refund_gateway import NAME, SETTINGS, Desk, PretendGateway

LIST = "/console/refunds"
PAYEE = Payee("NGUYEN THI MINH HANG", "999999", "9999007731")


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return an_office(quick_house)


@pytest.fixture
def desk(office: Office) -> Desk:
    """The gateway beside the office; both work with the same runtime."""
    gateway = PretendGateway()
    runtime = office.app.extensions["thuphi.runtime"]
    runtime.__dict__["gateways"] = {NAME: gateway}
    school = office.school
    with office.begin() as db:
        channels.put(db, NAME, SETTINGS, by=school.chief, at=school.house.clock.now())
        channels.open_accounts(db, NAME, gateway.label)
    return Desk(school, gateway, runtime)


def approved(office: Office, number: int = 1) -> str:
    """A bank payout that two people agreed on."""
    school, at = office.school, office.school.house.clock.now()
    with office.begin() as db:
        order = an_order(db, school, a_bill(db, school, 581_000, f"GB-{number}"))
        got = a_notice(db, school, 581_000, order.code, f"N{number}")
        allocation = db.scalar(
            text("SELECT id FROM allocation WHERE payment_id = :id"), {"id": got.payment_id}
        )
        refund = refunds.request(
            db,
            Source(got.payment_id, allocation_id=allocation),
            Money(45_000),
            reason="Nghỉ 3 bữa",
            to=PAYEE,
            by=school.accountant,
            at=at,
        )
        refunds.approve(db, refund, by=school.chief, at=at)
    return ids.shown("ref", refund)


def account(office: Office) -> str:
    return ids.shown("acc", office.one("SELECT id FROM bank_account"))


def test_chosen_refunds_become_a_file_that_can_be_downloaded_again(office: Office) -> None:
    one, two = approved(office, 1), approved(office, 2)
    page = office.accountant.get(LIST)
    assert set(tree(page).xpath("//input[@name='refund']/@value")) == {one, two}

    made = office.accountant.post(
        "/console/payouts", {"refund": [one, two], "account": account(office)}, of=LIST
    )
    seen = office.accountant.get(made.location)
    links = [str(link) for link in tree(seen).xpath("//a[contains(@href, '/files/')]/@href")]
    files = [office.accountant.get(link) for link in links]

    assert made.status_code == 303
    assert "90.000" in words(seen)
    assert [file.status_code for file in files] == [200, 200]
    assert b"9999007731" in files[0].data
    assert files[0].headers["Cache-Control"] == "no-store"
    assert "attachment" in files[0].headers["Content-Disposition"]
    assert "Đang hoàn tiền" in words(office.accountant.get(f"{LIST}/{one}"))
    assert "0/2" in words(office.accountant.get("/console/payouts"))


def test_nothing_chosen_is_said_beside_the_list(office: Office) -> None:
    approved(office)

    answer = office.accountant.post("/console/payouts", {"account": account(office)}, of=LIST)

    assert answer.status_code == 422
    assert "Chọn ít nhất một lệnh hoàn" in words(answer)


def test_a_viewer_sees_files_and_takes_none(office: Office) -> None:
    refund = approved(office)
    made = office.accountant.post(
        "/console/payouts", {"refund": [refund], "account": account(office)}, of=LIST
    )

    page = office.viewer.get(made.location)

    assert page.status_code == 200
    assert tree(page).xpath("//a[contains(@href, '/files/')]") == []
    assert actions(page) == []
    assert office.viewer.get(f"{made.location}/files/csv").status_code == 403
    assert tree(office.viewer.get(LIST)).xpath("//input[@name='refund']") == []


def test_a_file_is_voided_with_a_reason_and_its_refunds_say_what_to_do(office: Office) -> None:
    refund = approved(office)
    made = office.accountant.post(
        "/console/payouts", {"refund": [refund], "account": account(office)}, of=LIST
    )
    url = made.location

    without = office.accountant.post(f"{url}/void", {"reason": " "}, of=url)
    voided = office.accountant.post(f"{url}/void", {"reason": "Sai ngày chi"}, of=url)

    assert (without.status_code, voided.status_code) == (422, 303)
    assert "Sai ngày chi" in words(office.chief.get(url))
    seen = words(office.chief.get(f"{LIST}/{refund}"))
    assert "Tệp chi đã được hủy trước khi ngân hàng chi." in seen
    assert "Đề nghị hoàn lại" in seen


def test_filters_of_refunds_live_in_the_address(office: Office) -> None:
    approved(office)

    by_gateway = office.accountant.get(f"{LIST}?method=gateway")
    by_bank = office.accountant.get(f"{LIST}?method=bank_payout&status=approved")

    assert "Bộ lọc không thấy lệnh nào" in words(by_gateway)
    assert "45.000" in words(by_bank)


def test_a_refund_at_a_gateway_is_asked_about_and_not_settled_by_hand(
    office: Office, desk: Desk
) -> None:
    desk.gateway.mood = "loses_answer"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()
    url = f"{LIST}/{ids.shown('ref', refund)}"
    page = office.accountant.get(url)
    assert "Chưa rõ" in words(page)
    assert f"R-{refund.hex}-1" in words(page)
    assert f"{url}/sent" not in actions(page)

    answer = office.accountant.post(f"{url}/ask", of=url)
    desk.work("lookups")

    assert answer.status_code == 303
    assert desk.status(refund) == "done"
    assert "Tiền đã về người nhận" in words(office.accountant.get(url))


def test_a_refusal_of_a_gateway_is_told_in_the_readers_language(office: Office, desk: Desk) -> None:
    desk.gateway.mood = "refuses"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()
    office.accountant.language = "en"

    seen = words(office.accountant.get(f"{LIST}/{ids.shown('ref', refund)}"))

    assert "The gateway does not give this payment back." in seen
    assert "Ask for a new refund by bank transfer." in seen
