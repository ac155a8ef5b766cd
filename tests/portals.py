"""The payer's doors on a test's own database: a browser without a screen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from lxml import html as parser
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from payments import orders, receipts
from payments.domain.errors import Conflict
from tests import doors
from tests.cast import School, a_bill, a_notice
from tests.databases import House, QuickHouse

PUBLIC: Final = "https://thuphi.example"


def an_app(house: House | QuickHouse) -> Flask:
    """The application as payers reach it: over HTTPS."""
    return doors.an_app(house, THUPHI_PUBLIC_URL=PUBLIC)


class Payer:
    """Somebody with a link."""

    def __init__(self, app: Flask, token: str) -> None:
        self.client: FlaskClient = app.test_client()
        self.url = f"/pay/{token}"

    def get(self, path: str = "", **more: Any) -> TestResponse:
        """Open the page, or something below it."""
        return self.client.get(self.url + path, base_url=PUBLIC, **more)

    def post(self, path: str, form: dict[str, str] | None = None) -> TestResponse:
        """Send a form the way a browser does: with the hidden token of its page."""
        page = self.get("/find" if path == "/find" else "")
        hidden = tree(page).xpath("//input[@name='csrf_token']/@value")
        return self.client.post(
            self.url + path,
            data=(form or {}) | {"csrf_token": "".join(hidden[:1])},
            base_url=PUBLIC,
            headers={"Referer": PUBLIC + self.url},
        )

    def status(self) -> str:
        """What the strip says: "awaiting:0"."""
        [state] = tree(self.get("/status")).xpath("//@data-state")
        return str(state)


def tree(response: TestResponse) -> Any:
    """The parsed page. Any: lxml's stubs leave xpath answers open."""
    return parser.fromstring(response.text)


def words(response: TestResponse) -> str:
    """What a person reads, blanks folded."""
    return " ".join(tree(response).get_element_by_id("main").text_content().split())


def bills_of(school: School, *amounts: int, prefix: str = "GB") -> list[UUID]:
    """Issue a bill of each amount."""
    with school.house.sessions.begin(school.biller_id) as db:
        return [
            a_bill(db, school, amount, f"{prefix}-{place}-{amount}")
            for place, amount in enumerate(amounts)
        ]


def an_order_over(school: School, bills: Sequence[UUID], days: int = 7) -> orders.Order:
    """An order over bills that exist."""
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        until = at + timedelta(days=days)
        return orders.create(db, bills, expires_at=until, by=school.accountant, at=at)


def an_order_of(school: School, *amounts: int, days: int = 7) -> orders.Order:
    """An order over new bills of these amounts."""
    return an_order_over(school, bills_of(school, *amounts), days)


def money_comes(school: School, amount: int, memo: str, reference: str = "92704") -> UUID:
    """A credit is told of, and its receipts are written; returns the payment."""
    with school.house.sessions.begin(school.biller_id) as db:
        received = a_notice(db, school, amount, memo, reference, f"FT26069{reference}")
        write_receipts(db, received.payment_id, school)
    return received.payment_id


def write_receipts(db: Session, payment_id: UUID, school: School) -> None:
    """What the worker does a moment later."""
    rows = db.connection().exec_driver_sql(
        "SELECT id FROM allocation WHERE payment_id = %s ORDER BY id", (payment_id,)
    )
    for (allocation_id,) in rows.all():
        with suppress(Conflict):  # taken back before we came to it
            receipts.issue(db, allocation_id, at=school.house.clock.now())
