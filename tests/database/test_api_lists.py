"""What the API shows: lists by cursor, events, receipts, channels, files, many bills at once."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from payments import receipts, sealing
from tests.cast import School, a_school
from tests.databases import RING, House
from tests.doors import Program, a_bill, a_program, an_app
from web.api import invoice_batches


@pytest.fixture
def school(house: House) -> School:
    return a_school(house)


@pytest.fixture
def app(house: House) -> Flask:
    return an_app(house)


@pytest.fixture
def program(app: Flask, house: House, school: School) -> Program:
    return a_program(app, house, school.biller_id)


def issue(program: Program, count: int) -> list[str]:
    bills = [a_bill(f"GB-{number:04d}") for number in range(count)]
    said = program.post("/api/v1/invoices/batch", {"invoices": bills})
    assert said.json["issued"] == count
    return [row["invoice"] for row in said.json["rows"]]


def test_a_list_is_read_to_its_end_without_gap_or_repeat(program: Program) -> None:
    ids, seen = issue(program, 7), []
    page = program.get("/api/v1/invoices?limit=3").json

    while True:
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        issue_late = program.post("/api/v1/invoices", a_bill(f"LATE-{len(seen)}"))
        assert issue_late.status_code == 201
        page = program.get(f"/api/v1/invoices?limit=3&after={page['next']}").json

    assert seen == ids[::-1]


def test_a_cursor_belongs_to_its_list_and_biller(
    app: Flask, house: House, program: Program
) -> None:
    issue(program, 2)
    cursor = program.get("/api/v1/invoices?limit=1").json["next"]
    other = a_school(house, code="TH-KHAC", number="9999018453")
    stranger = a_program(app, house, other.biller_id)

    for said in (
        program.get(f"/api/v1/payments?after={cursor}"),
        stranger.get(f"/api/v1/invoices?after={cursor}"),
        program.get(f"/api/v1/invoices?after={cursor[:-1]}"),
    ):
        assert (said.status_code, said.json["code"]) == (422, "bad-cursor")


def test_bills_are_found_by_what_a_clerk_knows(program: Program) -> None:
    issue(program, 3)
    pupil = {"kind": "student", "code": "HS-0002", "name": "Nguyễn An"}
    program.post("/api/v1/invoices", a_bill("GB-9", beneficiary=pupil, period="2026-02"))

    def found(query: str) -> list[str]:
        items = program.get(f"/api/v1/invoices?{query}").json["items"]
        return [one["reference"] for one in items]

    assert found("reference=GB-0001") == ["GB-0001"]
    assert found("beneficiary=HS-0002") == ["GB-9"]
    assert found("period=2026-02") == ["GB-9"]
    assert found("state=paid") == []
    assert len(found("state=unpaid&kind=tuition")) == 4


def test_a_bill_shows_its_lines_and_whom_it_is_about(program: Program) -> None:
    made = program.post("/api/v1/invoices", a_bill()).json

    shown = program.get(f"/api/v1/invoices/{made['id']}").json

    assert shown == made
    assert (shown["amount"], shown["currency"], shown["payment_state"]) == (
        581_000,
        "VND",
        "unpaid",
    )
    assert [line["amount"] for line in shown["lines"]] == [630_000, -49_000]
    assert shown["beneficiary"]["name"] == "Trần Gia Bảo"
    assert shown["issued_at"] == "2026-03-10T09:00:00.000+07:00"


def test_a_bill_is_withdrawn_once_and_its_order_asks_for_nothing_new(program: Program) -> None:
    invoice = program.post("/api/v1/invoices", a_bill()).json["id"]

    first = program.post(f"/api/v1/invoices/{invoice}/cancel", {"reason": "Sai lớp"})
    again = program.post(f"/api/v1/invoices/{invoice}/cancel", {"reason": "Sai lớp"})
    ordered = program.post("/api/v1/payment-orders", {"invoices": [invoice]})

    assert first.json["status"] == again.json["status"] == "cancelled"
    assert (ordered.status_code, ordered.json["code"]) == (409, "conflict")


def test_in_a_batch_good_rows_are_kept_and_bad_ones_named(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoice_batches, "CHUNK", 2)
    rows: list[Any] = [
        a_bill("A-1"),
        a_bill("A-2", lines=[]),
        "no bill",
        a_bill("A-1", title="Khoản khác", lines=[{"name": "Khác", "unit_price": 1}]),
        a_bill("A-3"),
    ]

    said = program.post("/api/v1/invoices/batch", {"invoices": rows}, idempotency_key="b-1")
    again = program.post("/api/v1/invoices/batch", {"invoices": rows}, idempotency_key="b-1")
    references = {one["reference"] for one in program.get("/api/v1/invoices").json["items"]}

    assert (said.json["issued"], said.json["refused"]) == (2, 3)
    assert [row["status"] for row in said.json["rows"]] == [
        "issued",
        "refused",
        "refused",
        "refused",
        "issued",
    ]
    assert [row["index"] for row in said.json["rows"]] == [0, 1, 2, 3, 4]
    assert said.json["rows"][1]["problem"]["errors"][0]["pointer"] == "/lines"
    assert said.json["rows"][3]["problem"]["code"] == "repeated"
    assert said.data == again.data
    assert references == {"A-1", "A-3"}


@pytest.mark.parametrize("count", [0, 1_001])
def test_a_batch_has_one_to_a_thousand_rows(program: Program, count: int) -> None:
    said = program.post("/api/v1/invoices/batch", {"invoices": [None] * count})

    assert said.status_code == 422
    assert said.json["errors"][0]["pointer"] == "/invoices"


def test_events_are_read_by_position_once_they_are_sealed(
    house: House, school: School, program: Program
) -> None:
    issue(program, 3)
    before = program.get("/api/v1/events").json
    assert RING.signing is not None
    sealing.seal_all(house.system, key=RING.signing, at=house.clock.now())

    first = program.get("/api/v1/events?limit=2").json
    rest = program.get(f"/api/v1/events?after={first['after']}").json
    end = program.get(f"/api/v1/events?after={rest['after']}").json

    assert before == {"items": [], "after": 0}
    assert [one["kind"] for one in first["items"] + rest["items"]] == ["invoice.issued"] * 3
    assert [one["position"] for one in first["items"] + rest["items"]] == [1, 2, 3]
    assert first["items"][0]["data"]["amount"] == 581_000
    assert end == {"items": [], "after": 3}


def test_our_own_wake_up_calls_are_no_events(
    house: House, school: School, program: Program
) -> None:
    with house.sessions.begin(school.biller_id) as db:
        account = program.get("/api/v1/accounts").json["items"]
        ids = [one["bank_account"]["id"] for one in account if one["bank_account"]]
        assert db.scalar(text("SELECT count(*) FROM message")) == 0
    program.post("/api/v1/reconciliation-runs", {"account": ids[0], "day": "2026-03-09"})
    assert RING.signing is not None
    sealing.seal_all(house.system, key=RING.signing, at=house.clock.now())

    assert program.get("/api/v1/events").json["items"] == []


def test_a_receipt_is_found_by_number_and_by_id(
    house: House, school: School, program: Program
) -> None:
    free = a_bill(lines=[{"name": "Bản sao", "unit_price": 0}], kind="administrative")
    invoice = program.post("/api/v1/invoices", free).json
    with house.sessions.begin(school.biller_id) as db:
        invoice_id = db.scalar(text("SELECT id FROM invoice"))
        receipts.confirm(db, invoice_id, at=house.clock.now())

    by_number = program.get("/api/v1/receipts/XN01-2026-0000001").json
    by_id = program.get(f"/api/v1/receipts/{by_number['id']}").json

    assert invoice["payment_state"] == "paid"
    assert by_number == by_id
    assert (by_number["number"], by_number["amount"]) == ("0000001", 0)
    assert by_number["invoice"] == invoice["id"]
    assert by_number["check_url"].endswith(by_number["code"])
    assert by_number["file"]["format"] == "thuphi-receipt-1"


def test_the_settings_of_a_channel_are_replaced_and_never_shown(program: Program) -> None:
    secret = "whsec-0123456789-abcd"

    put = program.put("/api/v1/channels/sepay", {"settings": {"secret": secret}})
    got = program.get("/api/v1/channels/sepay")
    unknown = program.put("/api/v1/channels/paypal", {"settings": {"secret": secret}})
    field = program.put("/api/v1/channels/sepay", {"settings": {"password": secret}})
    short = program.put("/api/v1/channels/sepay", {"settings": {"secret": "123"}})

    shown = {"gateway": "sepay", "enabled": True, "settings": {"secret": "••••abcd"}}
    assert put.json == got.json == shown
    assert unknown.status_code == 404
    assert (field.status_code, short.status_code) == (422, 422)
    assert secret not in put.text + got.text + field.text


def test_a_statement_file_is_kept_once(program: Program) -> None:
    def hand_over(data: bytes) -> Any:
        return program.post(
            "/api/v1/statements",
            data={"file": (io.BytesIO(data), "sao-ke.csv")},
            content_type="multipart/form-data",
        )

    first, again, empty = hand_over(b"a;b\n1;2\n"), hand_over(b"a;b\n1;2\n"), hand_over(b"")
    none = program.post("/api/v1/statements", data={}, content_type="multipart/form-data")
    shown = program.get(f"/api/v1/statements/{first.json['id']}").json

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["id"] == again.json["id"]
    assert (shown["status"], shown["size"], shown["name"]) == ("received", 8, "sao-ke.csv")
    assert (empty.status_code, none.status_code) == (422, 422)
    assert [one["id"] for one in program.get("/api/v1/statements").json["items"]] == [shown["id"]]


def test_a_statement_file_beyond_its_limit_is_not_even_read(program: Program) -> None:
    said = program.post(
        "/api/v1/statements",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(60 * 1024 * 1024)},
    )

    assert (said.status_code, said.json["code"]) == (413, "too-large")


def test_the_order_and_the_attempt_say_when_in_hanois_time(program: Program) -> None:
    invoice = program.post("/api/v1/invoices", a_bill()).json["id"]

    order = program.post("/api/v1/payment-orders", {"invoices": [invoice]}).json
    shown = program.get(f"/api/v1/payment-orders/{order['id']}").json

    assert shown == order
    assert order["expires_at"] == "2026-03-17T09:00:00.000+07:00"
    assert order["pay_url"].startswith("http://thuphi.example/pay/")
    assert order["invoices"] == [invoice]
