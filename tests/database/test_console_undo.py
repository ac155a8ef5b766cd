"""Everything is undone by new journals: a decision, a match, what the bank took back."""

from __future__ import annotations

from datetime import date

import pytest
from werkzeug.test import TestResponse

from payments import days
from payments.domain import ids
from reconciliation import verdicts
from tests.cast import ACCOUNT
from tests.consoles import Desk, Office, a_person, actions, an_office, tree, words
from tests.databases import QuickHouse
from tests.statement_files import Entry

LIST = "/console/discrepancies"


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return an_office(quick_house)


def propose(desk: Desk, url: str, **form: str) -> TestResponse:
    return desk.post(f"{url}/propose", {"reason": "Phụ huynh gọi điện"} | form, of=url)


def test_a_decision_is_taken_back_and_another_may_follow(office: Office) -> None:
    office.night([Entry(100_000, "khong ro", "FT1"), Entry(-22_000, "Phi dich vu SMS", "FT2")])
    url = office.url("NON_ORDER")
    propose(office.accountant, url, way="bank_charge")
    office.chief.post(f"{url}/approve", of=url)
    assert office.balance("bank_charges") == 22_000

    bare = office.accountant.post(f"{url}/undo", of=url)
    office.accountant.post(f"{url}/undo", {"reason": "Không phải phí"}, of=url)

    assert bare.status_code == 422
    assert office.balance("bank_charges") == 0
    assert office.balance("suspense") == 22_000
    assert office.one("SELECT status FROM bank_line WHERE amount < 0") == "discrepancy"
    assert office.gaps() == []
    propose(office.accountant, url, way="other_expense")
    office.chief.post(f"{url}/approve", of=url)
    assert office.balance("other_expense") == 22_000
    assert office.balance("suspense") == 0
    assert office.gaps() == []


def test_applied_money_and_its_rest_are_taken_back_together(office: Office) -> None:
    order = office.order(300_000)
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()
    propose(office.accountant, url, way="apply", candidate=ids.shown("ord", order.id))
    office.chief.post(f"{url}/approve", of=url)
    assert office.balance("credit") == 100_000

    office.accountant.post(f"{url}/undo", {"reason": "Nhầm học sinh"}, of=url)

    assert office.balance("credit") == 0
    assert office.balance("unapplied") == 400_000
    assert office.one("SELECT payment_state FROM invoice") == "unpaid"
    assert office.one("SELECT holds FROM discrepancy") == 400_000
    assert office.gaps() == []


def test_a_refund_that_was_approved_keeps_its_discrepancy_closed(office: Office) -> None:
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()
    propose(office.accountant, url, way="refund", to_name="LE VAN THINH", to_account="9999001122")
    office.chief.post(f"{url}/approve", of=url)
    refund = f"/console/refunds/{ids.shown('ref', office.one('SELECT id FROM refund'))}"
    own = office.chief.post(f"{refund}/approve", of=refund)
    assert own.status_code == 403  # the chief asked, by approving the decision

    third = a_person(office.school.house, "Nga Tran", (office.school.biller_id, "chief_accountant"))
    Desk(office.chief.app, office.chief.clock).sign_in(third).post(f"{refund}/approve", of=refund)
    answer = office.accountant.post(f"{url}/undo", {"reason": "Nhầm"}, of=url)

    assert answer.status_code == 409
    assert "Lệnh hoàn tiền đã được duyệt" in words(answer)


def test_a_match_is_taken_apart_from_its_bill_and_the_money_waits(office: Office) -> None:
    order = office.order(581_000)
    office.night([Entry(581_000, f"{order.code} NGUYEN VAN A", "FT1")])
    assert office.one("SELECT payment_state FROM invoice") == "paid"
    bill = f"/console/bills/{ids.shown('inv', office.one('SELECT id FROM invoice'))}"
    [undo] = actions(office.accountant.get(bill))

    bare = office.accountant.post(undo, of=bill)
    answer = office.accountant.post(undo, {"reason": "Nhầm học sinh cùng tên"}, of=bill)

    assert bare.status_code == 422
    assert answer.headers["Location"] == office.url()
    assert office.one("SELECT payment_state FROM invoice") == "unpaid"
    assert office.one("SELECT status FROM bank_line") == "discrepancy"
    assert office.one("SELECT holds FROM discrepancy") == 581_000
    assert office.gaps() == []
    assert "NGUYEN VAN A" in words(office.accountant.get(office.url()))
    assert "Đã gỡ" in words(office.accountant.get(bill))


def test_an_undone_pair_is_never_matched_by_itself_again(office: Office) -> None:
    order = office.order(581_000)
    office.night([Entry(581_000, order.code, "FT1")])
    bill = f"/console/bills/{ids.shown('inv', office.one('SELECT id FROM invoice'))}"
    [undo] = actions(office.accountant.get(bill))
    office.accountant.post(undo, {"reason": "Nhầm"}, of=bill)

    with office.school.house.sessions.begin(office.school.biller_id) as db:
        verdicts.explain_free_money(db, at=office.school.house.clock.now())
    office.night([], opening=581_000, day=date(2026, 3, 11))

    assert office.one("SELECT payment_state FROM invoice") == "unpaid"
    assert office.one("SELECT count(*) FROM discrepancy WHERE status = 'open'") == 1
    url = office.url()
    propose(office.accountant, url, way="apply", candidate=ids.shown("ord", order.id))
    office.chief.post(f"{url}/approve", of=url)
    assert office.one("SELECT payment_state FROM invoice") == "paid"  # a person may
    assert office.one("SELECT status FROM bank_line WHERE amount > 0") == "resolved"
    assert office.gaps() == []


def test_money_under_a_waiting_proposal_is_not_moved(office: Office) -> None:
    order = office.order(300_000)
    other = office.order(50_000, "GB-2")
    office.night([Entry(400_000, "chuc mung", "FT1")])
    url = office.url()
    propose(office.accountant, url, way="apply", candidate=ids.shown("ord", order.id))
    office.chief.post(f"{url}/approve", of=url)
    paid = office.one("SELECT id FROM invoice WHERE allocated > 0")
    bill = f"/console/bills/{ids.shown('inv', paid)}"
    [undo] = actions(office.accountant.get(bill))
    office.accountant.post(undo, {"reason": "Nhầm"}, of=bill)
    again = f"{LIST}/" + ids.shown(
        "dis", office.one("SELECT id FROM discrepancy WHERE status = 'open'")
    )
    propose(office.accountant, again, way="apply", candidate=ids.shown("ord", other.id))

    refused = office.accountant.post(f"{url}/undo", {"reason": "Nhầm"}, of=url)

    assert refused.status_code == 409
    assert "Đã có chênh lệch khác đang mở" in words(refused)
    assert office.gaps() == []


def test_what_the_bank_took_back_is_undone_at_its_bill(office: Office) -> None:
    order = office.order(581_000)
    office.night([Entry(581_000, order.code, "FT1")])
    office.night(
        [Entry(-581_000, "HOAN TRA GD NHAM", "FT9")], day=date(2026, 3, 11), opening=581_000
    )
    url = office.url("REVERSAL")
    page = office.accountant.get(url)
    [payment] = tree(page).xpath("//input[@name='candidate']/@value")

    propose(office.accountant, url, way="take_back", candidate=payment)
    office.chief.post(f"{url}/approve", of=url)

    assert office.one("SELECT payment_state FROM invoice") == "unpaid"
    assert office.balance(f"bank:{ACCOUNT}") == 0
    assert office.balance("suspense") == 0
    with office.school.house.sessions.begin(office.school.biller_id) as db:
        assert [one for one in days.unexplained(db, date(2026, 3, 11)) if one.gap] == []
