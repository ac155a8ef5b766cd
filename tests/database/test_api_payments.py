"""The path of money over HTTP: a bill, an order, a QR, a transfer told by SePay, paid."""

from __future__ import annotations

import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from adapters.vietqr import qr
from payments import channels
from payments.domain.people import SERVICE
from reconciliation import runs
from reconciliation.progress import Stopped
from tests.cast import ACCOUNT, School, a_school
from tests.databases import House
from tests.doors import Program, a_bill, a_program, an_app
from webhooks import dispatch

SECRET = "sepay-webhook-secret-0001"


@pytest.fixture
def school(house: House) -> School:
    return a_school(house)


@pytest.fixture
def app(house: House) -> Flask:
    return an_app(house)


@pytest.fixture
def program(app: Flask, house: House, school: School) -> Program:
    return a_program(app, house, school.biller_id)


def an_order(program: Program, reference: str = "GB-2026-01-0001") -> dict[str, object]:
    invoice = program.post("/api/v1/invoices", a_bill(reference))
    assert invoice.status_code == 201, invoice.text
    order = program.post("/api/v1/payment-orders", {"invoices": [invoice.json["id"]]})
    assert order.status_code == 201, order.text
    made: dict[str, object] = order.json
    return made


def tell_sepay(school: School, program: Program, *, memo: object, amount: int, id_: int) -> int:
    """Call the webhook as SePay does, then let the drain handle what is due."""
    at = school.house.clock.now()
    body = json.dumps(
        {
            "id": id_,
            "transactionDate": at.strftime("%Y-%m-%d %H:%M:%S"),
            "accountNumber": ACCOUNT,
            "transferType": "in",
            "transferAmount": amount,
            "content": f"CT DEN {memo}",
            "referenceCode": f"FT{id_}",
        }
    ).encode()
    stamp = str(int(at.timestamp()))
    signed = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    heard = program.client.post(
        "/webhooks/sepay/TH-HS",
        data=body,
        content_type="application/json",
        headers={"X-SePay-Timestamp": stamp, "X-SePay-Signature": f"sha256={signed}"},
    )
    with school.house.sessions.begin(school.biller_id) as db:
        due = db.execute(
            text("SELECT body FROM message WHERE kind = 'inbound.received' AND due_at IS NOT NULL")
        ).scalars()
        for message in due.all():
            dispatch.handle(db, message, at=at)
    return heard.status_code


def set_sepay_up(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        at = school.house.clock.now()
        channels.put(db, "sepay", {"secret": SECRET}, by=SERVICE, at=at)


def test_a_bill_is_paid_by_the_qr_of_its_order(school: School, program: Program) -> None:
    set_sepay_up(school)
    order = an_order(program)

    attempt = program.post(f"/api/v1/payment-orders/{order['id']}/attempts", {"channel": "vietqr"})
    code = qr.parse(attempt.json["qr_text"])
    heard = tell_sepay(school, program, memo=code.purpose, amount=code.amount or 0, id_=92704)
    paid = program.get(f"/api/v1/payment-orders/{order['id']}").json
    [payment] = program.get("/api/v1/payments").json["items"]
    whole = program.get(f"/api/v1/payments/{payment['id']}").json

    assert (attempt.status_code, heard) == (201, 200)
    assert (code.bank_bin, code.account, code.amount) == ("999999", ACCOUNT, 581_000)
    assert code.purpose == order["code"]
    assert (paid["payment_state"], paid["paid"]) == ("paid", 581_000)
    assert (payment["amount"], payment["free"]) == (581_000, 0)
    assert order["code"] in whole["memo"]
    assert [one["payment_order"] for one in whole["allocations"]] == [order["id"]]


def test_five_equal_calls_make_one_order(school: School, app: Flask, program: Program) -> None:
    invoice = program.post("/api/v1/invoices", a_bill()).json["id"]

    def order(_: int) -> tuple[int, str]:
        mine = Program(app.test_client(), program.key)
        said = mine.post("/api/v1/payment-orders", {"invoices": [invoice]}, idempotency_key="k-1")
        return said.status_code, said.json.get("id", said.json.get("code"))

    with ThreadPoolExecutor(5) as five:
        said = list(five.map(order, range(5)))

    made = {id_ for status, id_ in said if status == 201}
    assert len(made) == 1
    assert {one for one in said if one[0] != 201} <= {(409, "key-in-use")}
    assert [one["id"] for one in program.get("/api/v1/payment-orders").json["items"]] == list(made)


def test_the_same_key_gets_the_same_answer_to_the_byte(program: Program) -> None:
    invoice = program.post("/api/v1/invoices", a_bill()).json["id"]
    body = {"invoices": [invoice]}

    first = program.post("/api/v1/payment-orders", body, idempotency_key="k-1")
    again = program.post("/api/v1/payment-orders", body, idempotency_key="k-1")
    other = program.post(
        "/api/v1/payment-orders", body | {"payer": {"name": "Ai đó"}}, idempotency_key="k-1"
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert first.headers["Location"] == f"/api/v1/payment-orders/{first.json['id']}"
    assert (other.status_code, other.json["code"]) == (422, "key-reused")


def test_an_order_needs_an_idempotency_key(program: Program) -> None:
    said = program.post("/api/v1/payment-orders", {"invoices": []}, idempotency_key=None)
    invoice = program.post("/api/v1/invoices", a_bill()).json["id"]
    without = program.post("/api/v1/payment-orders", {"invoices": [invoice]}, idempotency_key=None)

    assert said.json["code"] == "invalid"
    assert (without.status_code, without.json["code"]) == (422, "key-missing")


def test_a_refused_create_may_be_corrected_under_its_key(program: Program) -> None:
    refused = program.post("/api/v1/invoices", a_bill(lines=[]), idempotency_key="k-1")
    mended = program.post("/api/v1/invoices", a_bill(), idempotency_key="k-1")

    assert (refused.status_code, mended.status_code) == (422, 201)


def test_an_attempt_shows_the_code_to_the_payer_once_it_is_over_no_more(
    school: School, program: Program
) -> None:
    order = an_order(program)
    path = f"/api/v1/payment-orders/{order['id']}"

    program.post(f"{path}/attempts", {"channel": "vietqr"})
    opened = program.get(path).json["status"]
    cancelled = program.post(f"{path}/cancel", {"reason": "Nhầm học sinh"})
    late = program.post(f"{path}/attempts", {"channel": "vietqr"})
    attempts = program.get(f"{path}/attempts").json["items"]

    assert opened == "awaiting"
    assert cancelled.json["status"] == "cancelled"
    assert (late.status_code, late.json["code"]) == (409, "conflict")
    assert [one["status"] for one in attempts] == ["pending"]


def test_a_refund_is_asked_for_by_a_program_and_approved_only_by_staff(
    school: School, program: Program
) -> None:
    set_sepay_up(school)
    order = an_order(program)
    tell_sepay(school, program, memo=order["code"], amount=600_000, id_=1)
    payee = {"name": "NGUYEN THI MINH HANG", "bank": "999999", "account": "9999001122"}
    path = f"/api/v1/payment-orders/{order['id']}/refunds"

    too_much = program.post(path, {"amount": 581_001, "reason": "Thử", "payee": payee})
    paid = program.post(path, {"amount": 81_000, "reason": "Nghỉ 2 ngày", "payee": payee})
    credit = program.post(
        path, {"amount": 19_000, "reason": "Nộp thừa", "payee": payee, "of": "credit"}
    )
    approved = program.post(f"/api/v1/refunds/{paid.json['id']}/approve")
    refused = program.post(f"/api/v1/refunds/{paid.json['id']}/refuse", {"reason": "Không"})
    listed = program.get("/api/v1/refunds?status=requested").json["items"]

    assert (too_much.status_code, too_much.json["code"]) == (409, "too-much")
    assert "581.000" in too_much.json["vi"]["detail"]
    assert (paid.status_code, credit.status_code) == (201, 201)
    assert paid.json["payee"]["account"] == "9999001122"
    assert [(s.status_code, s.json["code"]) for s in (approved, refused)] == [
        (403, "staff-only"),
        (403, "staff-only"),
    ]
    assert {one["amount"] for one in listed} == {81_000, 19_000}
    assert all(one["payee"] is None for one in listed)


def test_a_forged_call_books_nothing(school: School, program: Program) -> None:
    set_sepay_up(school)
    forged = program.client.post(
        "/webhooks/sepay/TH-HS", data=b"{}", headers={"X-SePay-Signature": "sha256=00"}
    )

    assert forged.status_code == 401
    assert program.get("/api/v1/payments").json["items"] == []


def test_the_books_are_shown_balanced(school: School, program: Program) -> None:
    set_sepay_up(school)
    order = an_order(program)
    tell_sepay(school, program, memo=order["code"], amount=581_000, id_=7)

    balance = program.get("/api/v1/trial-balance").json
    accounts = {one["code"]: one for one in program.get("/api/v1/accounts").json["items"]}

    assert balance["balanced"]
    assert balance["debits"] == balance["credits"] > 0
    assert accounts[f"in_transit:{ACCOUNT}"]["balance"] == 581_000
    assert accounts["receivable"]["balance"] == 0
    assert accounts[f"bank:{ACCOUNT}"]["bank_account"]["number"] == ACCOUNT


def test_a_run_is_asked_for_and_taken_by_a_worker(school: School, program: Program) -> None:
    accounts = program.get("/api/v1/accounts").json["items"]
    [account] = [one["bank_account"]["id"] for one in accounts if one["bank_account"]]

    asked = program.post("/api/v1/reconciliation-runs", {"account": account, "day": "2026-03-09"})
    ahead = program.post("/api/v1/reconciliation-runs", {"account": account, "day": "2026-03-11"})

    with school.house.sessions.begin(school.biller_id) as db:
        [message] = db.execute(
            text("SELECT body FROM message WHERE kind = 'run.requested' AND due_at IS NOT NULL")
        ).scalars()
    assert (asked.status_code, ahead.status_code) == (202, 422)
    assert message == {"account": account, "day": "2026-03-09"}
    assert UUID(int=0) != asked.json["request"]


def test_how_far_a_run_is_can_be_read(school: School, program: Program) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        account_id = db.scalar(text("SELECT id FROM bank_account"))
    house, day = school.house, date(2026, 3, 9)
    with suppress(Stopped):
        runs.run(
            house.sessions,
            school.biller_id,
            account_id,
            day,
            clock=house.clock.now,
            stop=lambda: True,
        )
    [cut] = program.get("/api/v1/reconciliation-runs?day=2026-03-09").json["items"]
    runs.run(house.sessions, school.biller_id, account_id, day, clock=house.clock.now)
    after = program.get(f"/api/v1/reconciliation-runs/{cut['id']}").json

    assert (cut["state"], cut["step"], cut["finished_at"]) == ("running", "settle", None)
    assert (after["state"], after["done"], after["total"]) == ("finished", 0, 0)
    assert (after["attempt"], after["failed"], after["error_en"]) == (2, False, None)
    assert program.get("/api/v1/reconciliation-runs?day=2026-03-08").json["items"] == []
