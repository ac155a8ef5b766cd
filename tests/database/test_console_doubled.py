"""The work queue about a bill that was paid twice: where the second payment goes back to."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from payments import attempts, channels, money_in
from payments.domain.gateway import Succeeded
from payments.domain.money import Money
from payments.domain.people import SERVICE
from reconciliation import verdicts
from tests.cast import a_notice
from tests.consoles import Desk, Office, an_office, words
from tests.databases import QuickHouse
from tests.refund_gateway import NAME, PLACES, SETTINGS, PretendGateway

ACCOUNT = {"to_name": "LE VAN THINH", "to_bank": "MB", "to_account": "9999001122"}


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    """With one order that was paid at Cổng Thử after SePay had told of it."""
    made, at = an_office(quick_house), quick_house.clock.now()
    gateway = PretendGateway()
    order = made.order(581_000)
    with made.begin() as db:
        channels.put(db, NAME, SETTINGS, by=SERVICE, at=at)
        channels.open_accounts(db, NAME, gateway.label)
        started = attempts.begin(db, order.id, gateway, SETTINGS, PLACES, by=SERVICE, at=at)
        a_notice(db, made.school, 581_000, order.code)
        paid = money_in.take(db, started.id, Succeeded("GD-1", Money(581_000), at), at=at)
        verdicts.explain_doubled(db, paid.payment_id, at=at)
    return made


def propose(desk: Desk, url: str, **form: str) -> TestResponse:
    told = {"way": "refund_credit", "reason": "Trả trùng"} | form
    return desk.post(f"{url}/propose", told, of=url)


def test_the_page_names_the_usual_way_and_what_it_would_book(office: Office) -> None:
    page = words(office.accountant.get(office.url()))

    assert "Hoàn lại phần trả trùng cho người nộp" in page
    assert "Để trống thì tiền về theo cổng thanh toán đã nhận" in page
    assert "Bút toán đề nghị" in page


def test_a_named_account_is_asked_for_where_no_gateway_can_give_it_back(office: Office) -> None:
    url = office.url()

    bare = propose(office.accountant, url)
    half = propose(office.accountant, url, to_name="LE VAN THINH")
    whole = propose(office.accountant, url, **ACCOUNT)
    done = office.chief.post(f"{url}/approve", of=url)

    assert (bare.status_code, half.status_code) == (422, 422)
    assert "hãy ghi tên và số tài khoản nhận" in words(bare)
    assert "Số tài khoản gồm 4 đến 34" in words(half)
    assert (whole.status_code, done.status_code) == (303, 303)
    assert office.one("SELECT method FROM refund") == "bank_payout"
    assert office.one("SELECT status FROM discrepancy") == "resolved"
    assert office.balance("credit") == 0
