"""What the API refuses, each for its own reason, and without repeating what was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from payments import access
from payments.domain.people import Permission
from tests.cast import School, a_school
from tests.databases import House, a_clone
from tests.doors import Program, a_bill, a_program, an_app
from tests.servers import Addresses

LINE = {"name": "Học phí", "unit_price": 1_000}
PAYEE = {"name": "NGUYEN THI MINH HANG", "bank": "999999", "account": "9999001122"}


@pytest.fixture(scope="module")
def shared(addresses: Addresses) -> Iterator[House]:
    """One database for all: what is refused leaves nothing behind."""
    with a_clone(addresses) as made:
        yield made


@pytest.fixture(scope="module")
def school(shared: House) -> School:
    return a_school(shared)


@pytest.fixture(scope="module")
def app(shared: House) -> Flask:
    return an_app(shared)


@pytest.fixture(scope="module")
def program(app: Flask, shared: House, school: School) -> Program:
    return a_program(app, shared, school.biller_id)


@pytest.fixture(scope="module")
def stranger(app: Flask, shared: House) -> Program:
    """A program of another biller."""
    other = a_school(shared, code="TH-KHAC", number="9999018453")
    return a_program(app, shared, other.biller_id)


def pointers(problem: dict[str, Any]) -> list[str]:
    return [one.get("pointer", one.get("parameter")) for one in problem.get("errors", [])]


@pytest.mark.parametrize(
    ("lines", "pointer"),
    [
        ([], "/lines"),
        ([LINE | {"unit_price": -1}], "/lines/0/unit_price"),
        ([LINE | {"unit_price": 10**15}], "/lines/0/unit_price"),
        ([LINE | {"unit_price": 1.5}], "/lines/0/unit_price"),
        ([LINE | {"unit_price": 1_000.0}], "/lines/0/unit_price"),
        ([LINE | {"unit_price": "581000"}], "/lines/0/unit_price"),
        ([LINE | {"unit_price": True}], "/lines/0/unit_price"),
        ([LINE | {"unit_price": None}], "/lines/0/unit_price"),
        ([LINE, LINE | {"quantity": 0}], "/lines/1/quantity"),
        ([LINE | {"name": ""}], "/lines/0/name"),
        ([LINE | {"name": "   "}], "/lines/0/name"),
        ([LINE | {"name": "a\x00b"}], "/lines/0/name"),
        ([LINE | {"name": "x" * 201}], "/lines/0/name"),
        ([LINE | {"kind": "discount"}], "/lines/0/kind"),
        ([LINE | {"tax": 10}], "/lines/0/tax"),
        ([{"name": "Học phí"}], "/lines/0/unit_price"),
        ("none", "/lines"),
    ],
)
def test_a_bill_with_a_wrong_line_is_refused_at_that_line(
    program: Program, lines: Any, pointer: str
) -> None:
    said = program.post("/api/v1/invoices", a_bill(lines=lines))

    assert (said.status_code, said.json["code"]) == (422, "invalid")
    assert pointers(said.json) == [pointer]
    assert {"vi", "en"} <= set(said.json["errors"][0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "USD"),
        ("kind", "food"),
        ("period", "2026-13"),
        ("due_on", "31/01/2026"),
        ("due_on", 20260131),
        ("reference", "x" * 61),
        ("beneficiary", None),
        ("amount", 581_000),
    ],
)
def test_a_bill_with_a_wrong_field_is_refused_at_that_field(
    program: Program, field: str, value: Any
) -> None:
    said = program.post("/api/v1/invoices", a_bill(**{field: value}))

    assert said.status_code == 422
    assert pointers(said.json) == [f"/{field}"]


def test_reductions_beyond_the_charges_are_refused(program: Program) -> None:
    lines = [LINE, LINE | {"unit_price": 1_001, "kind": "reduction"}]

    said = program.post("/api/v1/invoices", a_bill(lines=lines))

    assert (said.status_code, said.json["code"]) == (422, "invalid")
    assert "errors" not in said.json


def test_a_reference_that_stands_for_another_bill_is_refused(program: Program) -> None:
    first = program.post("/api/v1/invoices", a_bill("GB-SAME"))
    same = program.post("/api/v1/invoices", a_bill("GB-SAME"))
    other = program.post("/api/v1/invoices", a_bill("GB-SAME", lines=[LINE]))

    assert first.json["id"] == same.json["id"]
    assert (other.status_code, other.json["code"]) == (409, "repeated")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "unreadable"),
        (b"{", 400, "unreadable"),
        (b"[]", 400, "unreadable"),
        (b'"{}"', 400, "unreadable"),
        (b'{"reference": NaN}', 400, "unreadable"),
        (b'{"reference": "a", "reference": "b"}', 400, "unreadable"),
        (b'{"reference": "\xff"}', 400, "unreadable"),
        (b'{"reference": "\\ud800"}', 400, "unreadable"),
        (b'{"\\ud800": 1}', 400, "unreadable"),
        (b'{"amount": ' + b"9" * 5_000 + b"}", 400, "unreadable"),
        (b"[" * 30_000, 400, "unreadable"),
        (b'{"a":' * 9_000, 400, "unreadable"),
        (b'{"reference": "' + b"x" * 65_536 + b'"}', 413, "too-large"),
    ],
)
def test_a_body_that_is_no_json_object_of_decent_size_is_refused(
    program: Program, body: bytes, status: int, code: str
) -> None:
    said = program.post("/api/v1/invoices", data=body, content_type="application/json")

    assert (said.status_code, said.json["code"]) == (status, code)
    assert said.headers["Content-Type"] == "application/problem+json"


def test_a_body_of_another_type_is_refused(program: Program) -> None:
    text = json.dumps(a_bill())

    for kind in ("text/plain", "application/x-www-form-urlencoded", "text/json"):
        said = program.post("/api/v1/invoices", data=text, content_type=kind)
        assert (said.status_code, said.json["code"]) == (415, "wrong-type")


def test_an_unknown_channel_is_refused(program: Program) -> None:
    invoice = program.post("/api/v1/invoices", a_bill()).json["id"]
    order = program.post("/api/v1/payment-orders", {"invoices": [invoice]}).json["id"]

    said = program.post(f"/api/v1/payment-orders/{order}/attempts", {"channel": "paypal"})

    assert (said.status_code, said.json["code"]) == (422, "unknown-channel")
    assert "vietqr" in said.json["detail"]


def test_an_amount_no_instant_transfer_carries_gets_no_qr(program: Program) -> None:
    invoice = program.post(
        "/api/v1/invoices", a_bill("GB-LARGE", lines=[LINE | {"unit_price": 500_000_000}])
    ).json["id"]
    order = program.post("/api/v1/payment-orders", {"invoices": [invoice]}).json["id"]

    said = program.post(f"/api/v1/payment-orders/{order}/attempts", {"channel": "vietqr"})

    assert said.status_code == 422
    assert program.get(f"/api/v1/payment-orders/{order}").json["status"] == "created"


@pytest.mark.parametrize(
    "body",
    [
        {"invoices": []},
        {"invoices": ["GB-2026-01-0001"]},
        {"invoices": ["ord_06f00000000000000000000000"]},
        {"invoices": "inv_06f00000000000000000000000"},
        {"invoices": ["inv_06f00000000000000000000000"], "expires_at": "tomorrow"},
        {"invoices": ["inv_06f00000000000000000000000"], "expires_at": "2026-04-01T00:00:00"},
        {"invoices": ["inv_06f00000000000000000000000"], "amount": 1},
    ],
)
def test_an_order_with_a_wrong_field_is_refused(program: Program, body: dict[str, Any]) -> None:
    said = program.post("/api/v1/payment-orders", body)

    assert (said.status_code, said.json["code"]) == (422, "invalid")


def test_an_order_expires_in_the_future_and_within_a_year(program: Program) -> None:
    invoice = program.post("/api/v1/invoices", a_bill()).json["id"]

    for moment in ("2026-03-10T08:59:59+07:00", "9999-12-31T23:59:59-12:00"):
        body = {"invoices": [invoice], "expires_at": moment}
        said = program.post("/api/v1/payment-orders", body)
        assert (said.status_code, said.json["code"]) == (422, "invalid")


@pytest.mark.parametrize("amount", [0, -1, 1.5, "1000", True, 10**12])
def test_a_refund_of_no_real_amount_is_refused(program: Program, amount: Any) -> None:
    invoice = program.post("/api/v1/invoices", a_bill()).json["id"]
    order = program.post("/api/v1/payment-orders", {"invoices": [invoice]}).json["id"]

    said = program.post(
        f"/api/v1/payment-orders/{order}/refunds",
        {"amount": amount, "reason": "Thử", "payee": PAYEE},
    )

    assert (said.status_code, pointers(said.json)) == (422, ["/amount"])


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/invoices/{invoice}",
        "/api/v1/payment-orders/{order}",
        "/api/v1/payment-orders/{order}/attempts",
        "/api/v1/invoices/inv_06f00000000000000000000000",
        "/api/v1/invoices/inv_",
        "/api/v1/invoices/ord_06f00000000000000000000000",
        "/api/v1/invoices/1",
        "/api/v1/receipts/BN01-2026-0000001",
        "/api/v1/receipts/1",
        "/api/v1/channels/sepay",
        "/api/v1/nothing",
    ],
)
def test_what_is_not_yours_is_not_there(program: Program, stranger: Program, path: str) -> None:
    invoice = program.post("/api/v1/invoices", a_bill()).json["id"]
    order = program.post("/api/v1/payment-orders", {"invoices": [invoice]}).json["id"]

    said = stranger.get(path.format(invoice=invoice, order=order))

    assert said.status_code == 404
    assert said.json["code"] in ("not-found", "no-route")


def test_another_billers_bill_cannot_be_ordered_or_cancelled(
    program: Program, stranger: Program
) -> None:
    invoice = program.post("/api/v1/invoices", a_bill()).json["id"]

    ordered = stranger.post("/api/v1/payment-orders", {"invoices": [invoice]})
    cancelled = stranger.post(f"/api/v1/invoices/{invoice}/cancel", {"reason": "Thử"})

    assert (ordered.status_code, cancelled.status_code) == (404, 404)
    assert program.get(f"/api/v1/invoices/{invoice}").json["status"] == "issued"


@pytest.mark.parametrize(
    ("query", "code", "where"),
    [
        ("after=abc", "bad-cursor", []),
        ("after=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "bad-cursor", []),
        ("after=%F0%9F%98%80", "bad-cursor", []),
        ("limit=0", "invalid", ["limit"]),
        ("limit=201", "invalid", ["limit"]),
        ("limit=1.0", "invalid", ["limit"]),
        ("limit=%2B1", "invalid", ["limit"]),
        ("state=lost", "invalid", ["state"]),
        ("sort=amount", "invalid", ["sort"]),
    ],
)
def test_a_list_is_asked_for_rightly_or_refused(
    program: Program, query: str, code: str, where: list[str]
) -> None:
    said = program.get(f"/api/v1/invoices?{query}")

    assert (said.status_code, said.json["code"]) == (422, code)
    assert pointers(said.json) == where


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "khóa"])
def test_an_idempotency_key_is_visible_ascii(program: Program, key: str) -> None:
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}

    said = program.post("/api/v1/invoices", a_bill(), idempotency_key=None, headers=headers)

    assert (said.status_code, said.json["code"]) == (422, "invalid")


def test_a_stranger_is_told_nothing_about_his_request(app: Flask, program: Program) -> None:
    client = app.test_client()
    for authorization in (
        "",
        "Bearer thp_unknown",
        "Basic dGhwOng=",
        "Bearer",
        "Bearer " + "x" * 300,
    ):
        said = client.post("/api/v1/invoices", data=b"{", headers={"Authorization": authorization})
        assert said.status_code == 401
        assert said.headers["WWW-Authenticate"].startswith("Bearer")
        assert (said.json or {})["code"] == "needs-key"


def test_a_key_without_the_scope_is_told_which_one_it_lacks(
    app: Flask, shared: House, school: School
) -> None:
    reader = a_program(app, shared, school.biller_id, Permission.READ)

    said = reader.post("/api/v1/invoices", {"nonsense": True})

    assert (said.status_code, said.json["code"]) == (403, "lacks-scope")
    assert "bills" in said.json["detail"]


def test_a_revoked_key_opens_nothing_even_where_it_was_known(house: House) -> None:
    school = a_school(house)
    program = a_program(an_app(house), house, school.biller_id)
    assert program.get("/api/v1/invoices").status_code == 200

    house.psql("system", "UPDATE api_key SET revoked_at = now()")

    assert program.get("/api/v1/invoices").status_code == 401
    assert program.post("/api/v1/invoices", a_bill()).status_code == 401
    with house.sessions.begin(school.biller_id) as db:
        assert access.biller_of_key(db, program.key) == school.biller_id


def test_a_problem_speaks_the_language_asked_for_and_both(program: Program) -> None:
    path = "/api/v1/invoices/inv_06f00000000000000000000000"
    headers = {"Authorization": f"Bearer {program.key}", "Accept-Language": "vi-VN,en;q=0.5"}

    english = program.get(path).json
    vietnamese = program.client.get(path, headers=headers).get_json()

    assert (english["title"], vietnamese["title"]) == ("Not found", "Không tìm thấy")
    assert english["vi"] == vietnamese["vi"]
    assert english["en"]["title"] == "Not found"
    assert english["type"] == "/problems/not-found"
    assert english["instance"] == path
    assert len(english["request_id"]) == 32


def test_nothing_that_was_sent_is_repeated(program: Program) -> None:
    secret = "4111-1111-1111-1111"
    body = a_bill(lines=[LINE | {"unit_price": secret}], title=[secret])

    said = program.post("/api/v1/invoices", body, headers={"X-Card": secret, "Cookie": secret})

    assert said.status_code == 422
    assert secret not in said.text
