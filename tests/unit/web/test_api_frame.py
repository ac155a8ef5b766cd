"""The frame around every view: headers, numbers, sizes, limits, health; no database is there."""

from __future__ import annotations

import re

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ops.errors import StartError
from payments.domain.errors import Unavailable
from tests.doors import a_bare_app as an_app
from web.auth.marks import public
from web.limits import Limits


@pytest.fixture(scope="module")
def app() -> Flask:
    return an_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize(
    "path", ["/health/live", "/api/docs", "/openapi.json", "/api/v1/invoices", "/nothing"]
)
def test_every_answer_is_guarded_and_numbered(client: FlaskClient, path: str) -> None:
    said = client.get(path)

    csp = said.headers["Content-Security-Policy"]
    assert csp.startswith("default-src 'none'; style-src 'self'; script-src 'self'")
    assert "unsafe" not in csp
    assert said.headers["X-Content-Type-Options"] == "nosniff"
    assert said.headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in said.headers
    assert re.fullmatch("[0-9a-f]{32}", said.headers["X-Request-Id"])
    assert said.headers["Cache-Control"] == "no-store"


def test_over_https_browsers_are_told_to_stay_there() -> None:
    client = an_app(THUPHI_PUBLIC_URL="https://thuphi.example").test_client()

    said = client.get("/health/live")

    assert said.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [("order-42-try-1", True), ("x" * 65, False), ("a b c d e", False), ("<script>", False)],
)
def test_a_callers_own_number_is_echoed_if_it_is_one(
    client: FlaskClient, given: str, is_kept: bool
) -> None:
    said = client.get("/api/v1/invoices", headers={"X-Request-Id": given})

    assert (said.headers["X-Request-Id"] == given) is is_kept
    assert (said.get_json()["request_id"] == given) is is_kept


def test_programs_get_problems_and_people_get_pages(client: FlaskClient) -> None:
    program = client.get("/api/v1/nothing")
    person = client.get("/nothing", headers={"Accept-Language": "en"})

    assert (program.status_code, program.content_type) == (404, "application/problem+json")
    assert (person.status_code, person.mimetype) == (404, "text/html")
    assert "There is nothing at this address" in person.text


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    said = client.get("/api/v1/invoices/batch")

    assert (said.status_code, said.get_json()["code"]) == (405, "wrong-method")
    assert "POST" in said.headers["Allow"]
    assert "GET" not in said.headers["Allow"]


def test_without_a_database_money_is_said_to_be_safe(client: FlaskClient) -> None:
    said = client.get("/api/v1/invoices", headers={"Authorization": "Bearer thp_x"})

    assert (said.status_code, said.get_json()["code"]) == (503, "unavailable")
    assert "Money is safe" in said.get_json()["en"]["detail"]
    assert "Idempotency-Key" in said.get_json()["en"]["detail"]
    assert said.headers["Retry-After"] == "5"
    assert "127.0.0.1" not in said.text


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (PoolTimeout("QueuePool limit of size 5 overflow 10 reached"), 503, "unavailable"),
        (Unavailable(), 503, "unavailable"),
        (RuntimeError("secret-4711 at /etc/passwd"), 500, "internal"),
        (StartError("THUPHI_KEY_RING thiếu", "THUPHI_KEY_RING 4711"), 500, "internal"),
        (ZeroDivisionError(), 500, "internal"),
    ],
)
def test_whatever_goes_wrong_inside_stays_inside(raised: Exception, status: int, code: str) -> None:
    app = an_app()

    @public("raises whatever happens")
    def failing() -> str:
        raise raised

    app.view_functions["health.live"] = failing

    said = app.test_client().get("/health/live")

    assert (said.status_code, said.get_json()["code"]) == (status, code)
    assert "4711" not in said.text
    assert "QueuePool" not in said.text


def test_a_view_without_a_mark_is_closed() -> None:
    app = an_app()
    app.add_url_rule("/forgotten", "forgotten", lambda: "open to all")

    said = app.test_client().get("/forgotten")

    assert said.status_code == 500
    assert "open to all" not in said.text


def test_a_call_of_a_gateway_may_be_larger_than_json_but_not_huge(client: FlaskClient) -> None:
    usual = client.post("/webhooks/unknown/TH-HS", data=b"x" * 100_000)
    huge = client.post("/webhooks/sepay/TH-HS", data=b"x" * 300_000)

    assert usual.status_code == 404
    assert (huge.status_code, huge.get_json()["code"]) == (413, "too-large")


def test_wrong_keys_from_one_address_are_slowed_down_and_honest_use_is_not() -> None:
    app = an_app(Limits(refused="3 per minute"))
    client = app.test_client()

    wrong = [client.get("/api/v1/invoices").status_code for _ in range(4)]
    others = client.get("/health/live").status_code
    elsewhere = client.get("/api/v1/invoices", environ_base={"REMOTE_ADDR": "10.0.0.2"})

    assert wrong == [401, 401, 401, 429]
    assert others == 200
    assert elsewhere.status_code == 401


def test_a_key_has_a_limit_of_its_own_and_is_told_when_to_come_back() -> None:
    app = an_app(Limits(key="2 per minute", refused="1000 per minute"))
    client = app.test_client()
    one, two = {"Authorization": "Bearer thp_one"}, {"Authorization": "Bearer thp_two"}

    first = [client.get("/api/v1/invoices", headers=one).status_code for _ in range(2)]
    third = client.get("/api/v1/invoices", headers=one)
    other = client.get("/api/v1/invoices", headers=two)

    assert first == [503, 503]
    assert (third.status_code, third.get_json()["code"]) == (429, "too-often")
    assert 1 <= int(third.headers["Retry-After"]) <= 60
    assert other.status_code == 503


def test_passwords_cannot_be_tried_at_any_speed() -> None:
    client = an_app(Limits(sign_in="2 per minute")).test_client()

    looked = [client.get("/console/sign-in") for _ in range(5)]
    [token] = re.findall(r'name="csrf_token" value="([^"]+)"', looked[-1].text)
    blind = [client.post("/console/sign-in").status_code for _ in range(3)]
    tried = [client.post("/console/sign-in", data={"csrf_token": token}) for _ in range(3)]

    assert [said.status_code for said in looked] == [200] * 5
    assert blind == [400] * 3  # without the form's token nothing is even tried
    assert [said.status_code for said in tried] == [503, 503, 429]


def test_ready_says_what_is_wrong(client: FlaskClient) -> None:
    said = client.get("/health/ready")

    assert said.status_code == 503
    assert said.get_json()["checks"]["database"].startswith("down")
    assert said.get_json()["checks"]["redis"].startswith("degraded")


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.0.0.2", {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "10.0.0.2"}, 404),
    ],
)
def test_metrics_are_for_the_machine_itself(
    client: FlaskClient, address: str, headers: dict[str, str], status: int
) -> None:
    said = client.get("/metrics", environ_base={"REMOTE_ADDR": address}, headers=headers)

    assert said.status_code == status


def test_a_trusted_proxy_says_who_asks_and_nobody_else_does() -> None:
    seen: list[str | None] = []
    for hops in ("0", "1"):
        app = an_app(THUPHI_PROXY_HOPS=hops)
        app.after_request(lambda response, app=app: _note(response, seen))
        app.test_client().get("/health/live", headers={"X-Forwarded-For": "10.9.9.9"})

    assert seen == ["127.0.0.1", "10.9.9.9"]


def _note(response: Response, seen: list[str | None]) -> Response:
    seen.append(request.remote_addr)
    return response


def test_the_description_is_openapi_and_holds_what_was_promised(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").get_json()
    order = spec["paths"]["/api/v1/payment-orders"]["post"]
    line = spec["components"]["schemas"]["LineAsk"]

    assert spec["openapi"].startswith("3.1")
    assert order["security"] == [{"key": ["orders"]}]
    assert [p["required"] for p in order["parameters"] if p["name"] == "Idempotency-Key"] == [True]
    assert set(order["responses"]) >= {
        "201",
        "401",
        "403",
        "404",
        "409",
        "413",
        "422",
        "429",
        "503",
    }
    assert set(order["responses"]["409"]["content"]) == {"application/problem+json"}
    price = line["properties"]["unit_price"]
    assert (price["type"], price["minimum"], price["maximum"]) == ("integer", 0, 999_999_999_999)
    assert line["additionalProperties"] is False


def test_every_amount_in_the_description_stands_beside_its_currency(client: FlaskClient) -> None:
    schemas = client.get("/openapi.json").get_json()["components"]["schemas"]
    whole = {"InvoiceAnswer", "AccountAnswer", "TrialBalance", "PaymentAnswer", "RefundAnswer"}
    whole |= {"OrderAnswer", "AttemptAnswer", "ReceiptAnswer", "DiscrepancyAnswer"}
    whole |= {"AllocationAnswer", "InvoiceAsk", "RefundAsk"}

    for name in whole:
        assert schemas[name]["properties"]["currency"]["const"] == "VND", name


def test_the_docs_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/api/docs").text

    assert "POST /api/v1/payment-orders" in page
    assert "<script" not in page
    assert "style=" not in page
    assert re.findall(r'(?:src|href)="(?![/#])', page) == []
