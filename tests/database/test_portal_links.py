"""What a pay link keeps to itself: guesses, logs, caches and other people's papers."""

from __future__ import annotations

import json

import pytest
import structlog
from flask import Flask
from structlog.testing import capture_logs

from payments.domain import ids
from tests.cast import School, a_school
from tests.databases import QuickHouse
from tests.portals import PUBLIC, Payer, an_app, an_order_of, money_comes, words


@pytest.fixture
def school(quick_house: QuickHouse) -> School:
    return a_school(quick_house)


@pytest.fixture
def app(quick_house: QuickHouse) -> Flask:
    return an_app(quick_house)


BELOW = ("", "/status", "/qr.png", "/find", "/receipts/0000001", "/receipts/rcp_" + "0" * 26)


@pytest.mark.parametrize(
    "token", ["x", "a" * 32, "đ" * 32, "A" * 400, "%00" * 10, "ord_" + "0" * 26]
)
def test_an_unknown_link_is_answered_alike_whatever_is_asked_of_it(app: Flask, token: str) -> None:
    answers = [Payer(app, token).get(below) for below in BELOW]

    assert {answer.status_code for answer in answers} == {404}
    assert len({words(answer).split("Số yêu cầu")[0] for answer in answers}) == 1
    assert "Đường dẫn không dùng được" in words(answers[0])


def test_a_token_that_is_nearly_right_opens_nothing(school: School, app: Flask) -> None:
    token = an_order_of(school, 581_000).token

    other = "b" if token.endswith("a") else "a"
    for near in (token[:-1], token.upper(), token[:-1] + other, f" {token}"):
        assert Payer(app, near).get().status_code == 404


def test_guessing_is_stopped_and_honest_payers_behind_the_address_are_not_counted(
    school: School, app: Flask
) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)

    honest = {payer.get("/status").status_code for _ in range(130)}
    guesses = [Payer(app, f"{guess:032d}").get().status_code for guess in range(125)]

    assert honest == {200}
    assert guesses[0] == 404
    assert guesses[-1] == 429


@pytest.mark.parametrize("below", ["", "/find", "/qr.png"])
def test_personal_pages_are_kept_by_nobody_and_tell_no_other_site(
    school: School, app: Flask, below: str
) -> None:
    page = Payer(app, an_order_of(school, 581_000).token).get(below)

    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"]


def test_a_page_without_a_form_sets_no_cookie(school: School, app: Flask) -> None:
    payer = Payer(app, an_order_of(school, 581_000).token)

    assert "Set-Cookie" not in payer.get().headers
    assert "Set-Cookie" in payer.get("/find").headers


def test_the_secret_of_a_link_is_in_no_log_line(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)

    with capture_logs() as lines:
        structlog.get_logger().info("witness")
        for below in BELOW:
            payer.get(below)
        payer.post("/find", {"amount": "x"})

    logged = json.dumps(lines, default=str)
    assert "witness" in logged
    assert "/pay/<token>" in logged
    assert order.token not in logged
    assert "Bảo" not in logged


def test_the_strip_is_not_sent_again_while_nothing_moves(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)
    first = payer.get("/status")

    same = payer.get("/status", headers={"If-None-Match": first.headers["ETag"]})
    money_comes(school, 581_000, order.code)
    moved = payer.get("/status", headers={"If-None-Match": first.headers["ETag"]})

    assert (same.status_code, same.data) == (304, b"")
    assert moved.status_code == 200
    assert moved.headers["ETag"] != first.headers["ETag"]
    # A browser that keeps nothing could not ask whether it is still the same.
    assert first.headers["Cache-Control"] == "private, no-cache"


def test_each_language_has_a_strip_of_its_own(school: School, app: Flask) -> None:
    payer = Payer(app, an_order_of(school, 581_000).token)
    vietnamese = payer.get("/status").headers["ETag"]

    english = payer.get("/status?lang=en", headers={"If-None-Match": vietnamese})

    assert english.status_code == 200
    assert "I have paid" in english.text


def test_the_language_that_was_chosen_is_remembered(school: School, app: Flask) -> None:
    payer = Payer(app, an_order_of(school, 581_000).token)

    payer.get("?lang=en")

    assert "Awaiting payment" in words(payer.get())
    assert 'href="' + payer.url + '?lang=vi"' in payer.get().text


def test_a_link_opens_the_receipts_of_its_own_bills_only(school: School, app: Flask) -> None:
    ours, theirs = an_order_of(school, 581_000), an_order_of(school, 20_000)
    money_comes(school, 581_000, ours.code)
    money_comes(school, 20_000, theirs.code, "92705")
    with school.house.sessions.begin(school.biller_id) as db:
        rows = db.connection().exec_driver_sql("SELECT id FROM receipt ORDER BY number").all()
    [mine, other] = [ids.shown("rcp", row[0]) for row in rows]
    payer = Payer(app, ours.token)

    opened = [payer.get(f"/receipts/{name}").status_code for name in (mine, "0000001")]
    refused = [payer.get(f"/receipts/{name}").status_code for name in (other, "0000002")]

    assert opened == [200, 200]
    assert refused == [404, 404]


def test_a_link_of_another_biller_opens_nothing_here(
    school: School, quick_house: QuickHouse, app: Flask
) -> None:
    other = a_school(quick_house, code="THPT-TLX", number="9999018453")
    ours, theirs = an_order_of(school, 581_000), an_order_of(other, 20_000)
    money_comes(school, 581_000, ours.code)

    assert "20.000 ₫" in words(Payer(app, theirs.token).get())
    assert Payer(app, theirs.token).get("/receipts/0000001").status_code == 404


def test_a_form_that_is_not_ours_changes_nothing(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000, days=1)
    payer = Payer(app, order.token)
    school.house.clock.advance(days=1)

    forged = payer.client.post(f"{payer.url}/renew", base_url=PUBLIC)

    assert forged.status_code == 400
    with school.house.sessions.begin(school.biller_id) as db:
        rows = db.connection().exec_driver_sql("SELECT count(*) FROM payment_order")
        assert rows.scalar() == 1
