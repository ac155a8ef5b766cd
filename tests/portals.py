"""The payer's doors on a test's own database: a browser without a screen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from lxml import html as parser
from werkzeug.test import TestResponse

from ops.config import Config
from ops.runtime import Runtime
from payments import orders, receipts
from payments.domain.errors import Conflict
from tests.cast import AHouse, School, a_bill, a_notice
from web.app import create_app

PUBLIC = "https://thuphi.example"


def an_app(house: AHouse, folder: Path) -> Flask:
    """The application on the test's database and clock. folder: where it may keep files."""
    config = Config.from_env(
        {
            "DATABASE_URL": "postgresql://nobody@127.0.0.1/nowhere",
            "REDIS_URL": "redis://127.0.0.1:9/0",  # nobody listens: paying does not need it
            "THUPHI_HOME": str(folder),
            "THUPHI_PUBLIC_URL": PUBLIC,
            "THUPHI_WEB_SECRET": "a text that signs the cookies of tests",
            "THUPHI_DEMO": "1",
        }
    )
    runtime = Runtime(config)
    runtime.clock = house.clock
    runtime.sessions = house.sessions
    runtime.system = house.system
    return create_app(runtime)


class Payer:
    """Somebody with a link."""

    def __init__(self, app: Flask, token: str) -> None:
        self.client: FlaskClient = app.test_client()
        self.url = f"/pay/{token}"

    def get(self, path: str = "", **more: Any) -> TestResponse:
        """Open the page, or something below it."""
        return self.client.get(self.url + path, base_url=PUBLIC, **more)

    def post(self, path: str, form: dict[str, str]) -> TestResponse:
        """Send a form the way a browser does: with the hidden token of its page."""
        page = self.get("/find" if path == "/find" else "")
        [token] = tree(page).xpath("//input[@name='csrf_token']/@value")[:1]
        return self.client.post(
            self.url + path,
            data=form | {"csrf_token": token},
            base_url=PUBLIC,
            headers={"Referer": PUBLIC + self.url},
        )


def tree(response: TestResponse) -> Any:
    """The parsed page. Any: lxml's stubs leave xpath answers open."""
    return parser.fromstring(response.text)


def words(response: TestResponse) -> str:
    """What a person reads, blanks folded."""
    return " ".join(tree(response).get_element_by_id("main").text_content().split())


def an_order_of(school: School, *amounts: int, days: int = 7) -> orders.Order:
    """An order over bills of these amounts."""
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        bills = [
            a_bill(db, school, amount, f"GB-{at:%d%H%M%S}-{place}-{amount}")
            for place, amount in enumerate(amounts)
        ]
        return make(db, bills, school, days)


def make(db: Any, bills: Sequence[Any], school: School, days: int = 7) -> orders.Order:
    """An order over bills that exist."""
    at = school.house.clock.now()
    until = at + timedelta(days=days)
    return orders.create(db, bills, expires_at=until, by=school.accountant, at=at)


def money_comes(school: School, amount: int, memo: str, reference: str = "92704") -> None:
    """A credit is told of, and its receipts are written."""
    with school.house.sessions.begin(school.biller_id) as db:
        received = a_notice(db, school, amount, memo, reference, f"FT26069{reference}")
        rows = db.connection().exec_driver_sql(
            "SELECT id FROM allocation WHERE payment_id = %s ORDER BY id", (received.payment_id,)
        )
        for (allocation_id,) in rows.all():
            with suppress(Conflict):
                receipts.issue(db, allocation_id, at=school.house.clock.now())
