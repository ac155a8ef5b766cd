"""Staff at the API: what only people may decide, by the session of the console."""

from __future__ import annotations

import pytest
from flask import Flask

from payments.domain import ids
from tests.cast import School, a_bill, a_notice, a_school, an_order
from tests.databases import QuickHouse
from tests.doors import Program, a_clerk, a_program, an_app

PAYEE = {"name": "NGUYEN THI MINH HANG", "bank": "999999", "account": "9999001122"}


@pytest.fixture
def school(quick_house: QuickHouse) -> School:
    return a_school(quick_house)


@pytest.fixture
def app(quick_house: QuickHouse) -> Flask:
    return an_app(quick_house)


@pytest.fixture
def program(app: Flask, quick_house: QuickHouse, school: School) -> Program:
    return a_program(app, quick_house, school.biller_id)


def a_refund(school: School, program: Program) -> str:
    with school.house.sessions.begin(school.biller_id) as db:
        order = an_order(db, school, a_bill(db, school))
        a_notice(db, school, 581_000, order.code)
    path = f"/api/v1/payment-orders/{ids.shown('ord', order.id)}/refunds"
    said = program.post(path, {"amount": 81_000, "reason": "Nghỉ 2 ngày", "payee": PAYEE})
    shown: str = said.json["id"]
    return shown


def test_a_chief_approves_what_a_program_asked_for(
    app: Flask, quick_house: QuickHouse, school: School, program: Program
) -> None:
    refund = a_refund(school, program)
    chief = a_clerk(app, quick_house, school.chief)

    approved = chief.post(f"/api/v1/refunds/{refund}/approve")
    refused = chief.post(f"/api/v1/refunds/{refund}/refuse", {"reason": "Đổi ý"})

    assert (approved.status_code, approved.json["status"]) == (200, "approved")
    assert (refused.status_code, refused.json["code"]) == (409, "illegal-move")


def test_a_chief_refuses_and_the_money_is_where_it_was(
    app: Flask, quick_house: QuickHouse, school: School, program: Program
) -> None:
    refund = a_refund(school, program)

    refused = a_clerk(app, quick_house, school.chief).post(
        f"/api/v1/refunds/{refund}/refuse", {"reason": "Chưa đủ giấy tờ"}
    )

    assert refused.json["status"] == "refused"
    assert program.get("/api/v1/trial-balance").json["balanced"]


def test_an_accountant_lacks_the_right_to_approve(
    app: Flask, quick_house: QuickHouse, school: School, program: Program
) -> None:
    refund = a_refund(school, program)

    said = a_clerk(app, quick_house, school.accountant).post(f"/api/v1/refunds/{refund}/approve")

    assert (said.status_code, said.json["code"]) == (403, "lacks-scope")


@pytest.mark.parametrize("token", [None, "forged"])
def test_a_cookie_alone_decides_nothing(
    app: Flask, quick_house: QuickHouse, school: School, program: Program, token: str | None
) -> None:
    refund = a_refund(school, program)
    chief = a_clerk(app, quick_house, school.chief)

    said = chief.post(f"/api/v1/refunds/{refund}/approve", token=token)

    assert (said.status_code, said.json["code"]) == (400, "form-too-old")
    assert program.get(f"/api/v1/refunds/{refund}").json["status"] == "requested"


def test_a_session_that_is_over_is_none(
    app: Flask, quick_house: QuickHouse, school: School
) -> None:
    chief = a_clerk(app, quick_house, school.chief)
    first = chief.client.get("/api/v1/payments").status_code
    quick_house.clock.advance(hours=11)

    said = chief.client.get("/api/v1/payments")

    assert first == 200
    assert (said.status_code, said.get_json()["code"]) == (401, "needs-sign-in")
