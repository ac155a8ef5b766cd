"""Refunds and payout files over the API: who may, what is said, and clear refusals."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from ops.runtime import Runtime
from payments.domain import ids
from payments.domain.people import Permission
from tests.cast import a_bill, a_notice, an_order
from tests.databases import QuickHouse
from tests.doors import Clerk, Program, a_clerk, a_program
from tests.refund_gateway import Desk, a_desk
from web.app import create_app

PAYEE = {"name": "NGUYEN THI MINH HANG", "bank": "999999", "account": "9999001122"}


@pytest.fixture
def desk(quick_house: QuickHouse) -> Desk:
    return a_desk(quick_house)


@pytest.fixture
def app(desk: Desk) -> Flask:
    runtime: Runtime = desk.runtime
    return create_app(runtime)


@pytest.fixture
def program(app: Flask, quick_house: QuickHouse, desk: Desk) -> Program:
    return a_program(app, quick_house, desk.school.biller_id)


@pytest.fixture
def chief(app: Flask, quick_house: QuickHouse, desk: Desk) -> Clerk:
    return a_clerk(app, quick_house, desk.school.chief)


def refunds_of(order: Any) -> str:
    return f"/api/v1/payment-orders/{ids.shown('ord', order.id)}/refunds"


def by_transfer(desk: Desk) -> Any:
    with desk.begin() as db:
        order = an_order(db, desk.school, a_bill(db, desk.school))
        a_notice(db, desk.school, 581_000, order.code)
    return order


def approved(desk: Desk, program: Program, chief: Clerk) -> str:
    """A bank payout that two people agreed on."""
    asked = {"amount": 81_000, "reason": "Nghỉ 2 ngày", "payee": PAYEE}
    shown: str = program.post(refunds_of(by_transfer(desk)), asked).json["id"]
    assert chief.post(f"/api/v1/refunds/{shown}/approve").status_code == 200
    return shown


def account(program: Program) -> str:
    items = program.get("/api/v1/accounts").json["items"]
    [found] = {one["bank_account"]["id"] for one in items if one["bank_account"]}
    return str(found)


def test_a_refund_goes_back_by_the_gateway_and_says_where_it_is(
    desk: Desk, program: Program, chief: Clerk
) -> None:
    asked = {"amount": 81_000, "reason": "Nghỉ 2 ngày", "method": "gateway"}

    made = program.post(refunds_of(desk.paid()), asked)
    chief.post(f"/api/v1/refunds/{made.json['id']}/approve")
    desk.work()
    seen = program.get(f"/api/v1/refunds/{made.json['id']}").json

    assert (made.status_code, made.json["payee"]) == (201, None)
    assert (seen["status"], seen["gateway"]) == ("done", "congthu")
    assert seen["gateway_reference"].startswith("R-")
    assert seen["provider_reference"] == "HT000001"


def test_a_failure_says_why_and_what_to_do_in_both_languages(
    desk: Desk, program: Program, chief: Clerk
) -> None:
    desk.gateway.mood = "refuses"
    asked = {"amount": 81_000, "reason": "Nghỉ 2 ngày", "method": "gateway"}
    shown = program.post(refunds_of(desk.paid()), asked).json["id"]
    chief.post(f"/api/v1/refunds/{shown}/approve")
    desk.work()

    failure = program.get(f"/api/v1/refunds/{shown}").json["failure"]

    assert failure["vi"] == "Cổng không cho hoàn giao dịch này."
    assert failure["todo_en"] == "Ask for a new refund by bank transfer."


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"amount": 999}, 409, "not-this-way"),
        ({"payee": PAYEE}, 422, "invalid"),
        ({"method": "bank_payout"}, 422, "invalid"),
        ({"allocation": "alc_00000000000000000000000000"}, 404, "not-found"),
        ({"amount": 581_001}, 409, "too-much"),
    ],
)
def test_what_cannot_go_back_that_way_is_refused_clearly(
    desk: Desk, program: Program, change: dict[str, Any], status: int, code: str
) -> None:
    asked = {"amount": 81_000, "reason": "Nghỉ 2 ngày", "method": "gateway"} | change

    said = program.post(refunds_of(desk.paid()), asked)

    assert (said.status_code, said.json["code"]) == (status, code)
    assert said.json["vi"]["detail"]


def test_a_transfer_does_not_go_back_by_a_gateway(desk: Desk, program: Program) -> None:
    asked = {"amount": 81_000, "reason": "Nghỉ 2 ngày", "method": "gateway"}

    said = program.post(refunds_of(by_transfer(desk)), asked)

    assert (said.status_code, said.json["code"]) == (409, "not-this-way")
    assert "bank transfer" in said.json["en"]["detail"]


def test_a_program_makes_a_file_and_downloads_it_exactly(
    desk: Desk, program: Program, chief: Clerk
) -> None:
    refund = approved(desk, program, chief)

    made = program.post("/api/v1/payouts", {"account": account(program), "refunds": [refund]})
    one = program.get(f"/api/v1/payouts/{made.json['id']}/files/csv")
    two = program.get(f"/api/v1/payouts/{made.json['id']}/files/csv")
    sheet = program.get(f"/api/v1/payouts/{made.json['id']}/files/xlsx")

    assert made.status_code == 201
    assert (made.json["total"], made.json["refunds"]) == (81_000, 1)
    assert one.data == two.data
    assert made.json["lines"][0]["code"].encode() in one.data
    assert sheet.data.startswith(b"PK")
    assert "attachment" in one.headers["Content-Disposition"]
    assert one.headers["Cache-Control"] == "no-store"
    seen = program.get(f"/api/v1/refunds/{refund}").json
    assert (seen["status"], seen["payout"]) == ("sent", made.json["id"])
    assert seen["memo_code"] == made.json["lines"][0]["code"]
    listed = program.get("/api/v1/payouts").json["items"]
    assert [one["id"] for one in listed] == [made.json["id"]]


def test_the_same_request_again_makes_no_second_file(
    desk: Desk, program: Program, chief: Clerk
) -> None:
    body = {"account": account(program), "refunds": [approved(desk, program, chief)]}

    first = program.post("/api/v1/payouts", body, idempotency_key="once")
    again = program.post("/api/v1/payouts", body, idempotency_key="once")
    other = program.post("/api/v1/payouts", body)

    assert first.data == again.data
    assert (other.status_code, other.json["code"]) == (409, "not-for-payout")


def test_a_key_without_the_scope_makes_and_reads_no_file(
    app: Flask, desk: Desk, program: Program, chief: Clerk
) -> None:
    refund = approved(desk, program, chief)
    reader = a_program(app, desk.school.house, desk.school.biller_id, Permission.READ)  # type: ignore[arg-type]  # both houses have these doors
    body = {"account": account(program), "refunds": [refund]}

    refused = reader.post("/api/v1/payouts", body)
    made = program.post("/api/v1/payouts", body)
    hidden = reader.get(f"/api/v1/payouts/{made.json['id']}/files/csv")

    assert (refused.status_code, refused.json["code"]) == (403, "lacks-scope")
    assert (hidden.status_code, hidden.json["code"]) == (403, "forbidden")
    assert b"9999001122" not in hidden.data


def test_only_people_void_a_file(desk: Desk, program: Program, chief: Clerk) -> None:
    refund = approved(desk, program, chief)
    body = {"account": account(program), "refunds": [refund]}
    url = f"/api/v1/payouts/{program.post('/api/v1/payouts', body).json['id']}"

    refused = program.post(f"{url}/void", {"reason": "Sai ngày"})
    voided = chief.post(f"{url}/void", {"reason": "Sai ngày"})

    assert (refused.status_code, refused.json["code"]) == (403, "second-person")
    assert (voided.status_code, voided.json["status"]) == (200, "voided")
    assert program.get(f"/api/v1/refunds/{refund}").json["failure"]["en"].startswith("The payout")
    assert program.get(f"{url}/files/csv").status_code == 409


@pytest.mark.parametrize("path", ["files/pdf", "files/..%2f"])
def test_a_form_that_was_not_made_is_not_there(
    desk: Desk, program: Program, chief: Clerk, path: str
) -> None:
    body = {"account": account(program), "refunds": [approved(desk, program, chief)]}
    made = program.post("/api/v1/payouts", body)

    assert program.get(f"/api/v1/payouts/{made.json['id']}/{path}").status_code == 404
