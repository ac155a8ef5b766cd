"""The application on a test's database, and programs that call it with a key."""

from __future__ import annotations

import base64
import itertools
import json
import tempfile
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from ops.config import Config
from ops.runtime import Runtime
from payments import access
from payments.domain.people import KEY_SCOPES, Actor, Permission
from tests.databases import RING, House, QuickHouse
from web.app import create_app
from web.limits import USUAL, Limits

SECRET: Final = "a web secret that only these tests know"
_serial = itertools.count(1)


ENVIRONMENT: Final = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",  # nobody is there: paying never needs it
    "THUPHI_WEB_SECRET": SECRET,
    "THUPHI_KEY_RING": f"test:{base64.b64encode(b'k' * 32).decode()}",
    "THUPHI_PUBLIC_URL": "http://thuphi.example",
    "THUPHI_HOME": tempfile.gettempdir(),
    "THUPHI_DEMO": "1",
}
"""Where there is no server at all."""


def a_bare_app(limits: Limits = USUAL, **told: str) -> Flask:
    """The whole application, without a database. told: environment."""
    return create_app(Runtime(Config.from_env(ENVIRONMENT | told)), limits_=limits)


def a_runtime(house: House | QuickHouse, **told: str) -> Runtime:
    """What a process of the web holds, on the house's database and clock. told: environment."""
    urls = {
        "DATABASE_URL": getattr(house, "app_url", ENVIRONMENT["DATABASE_URL"]),
        "THUPHI_SYSTEM_URL": getattr(house, "system_url", ENVIRONMENT["DATABASE_URL"]),
    }
    runtime = Runtime(Config.from_env(ENVIRONMENT | urls | told))
    runtime.clock = house.clock
    runtime.sessions = house.sessions
    runtime.system = house.system
    runtime.ring = RING
    return runtime


def an_app(house: House | QuickHouse, *, limits: Limits = USUAL, **told: str) -> Flask:
    """The whole application; errors are answered as in production, not raised."""
    return create_app(a_runtime(house, **told), limits_=limits)


@dataclass(frozen=True)
class Said:
    """An answer."""

    response: TestResponse

    @property
    def status_code(self) -> int:
        return self.response.status_code

    @property
    def json(self) -> Any:
        return self.response.get_json(force=True)

    @property
    def data(self) -> bytes:
        return self.response.get_data()

    @property
    def text(self) -> str:
        return self.response.text

    @property
    def headers(self) -> Headers:
        return self.response.headers


@dataclass
class Program:
    """A biller's program: sends its key and JSON, and a new Idempotency-Key with each POST."""

    client: FlaskClient
    key: str

    def get(self, path: str, **values: Any) -> Said:
        """Ask."""
        return Said(self.client.get(path, headers=self._headers(), **values))

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        idempotency_key: str | None = "",
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> Said:
        """Send a body as JSON. idempotency_key: "" makes a new one, None sends none."""
        sent = self._headers() | (headers or {})
        if idempotency_key is not None:
            sent["Idempotency-Key"] = idempotency_key or f"test-{next(_serial)}"
        if body is not None:
            values |= {"data": json.dumps(body), "content_type": "application/json"}
        return Said(self.client.post(path, headers=sent, **values))

    def put(self, path: str, body: Any) -> Said:
        """Replace."""
        return Said(self.client.put(path, headers=self._headers(), json=body))

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Accept-Language": "en"}


def a_program(
    app: Flask, house: House | QuickHouse, biller_id: UUID, *scopes: Permission
) -> Program:
    """A program of the biller; with every scope a key can have unless some are named."""
    with house.sessions.begin(biller_id) as db:
        key = access.issue_key(db, scopes or KEY_SCOPES, at=house.clock.now())
    return Program(app.test_client(), key)


BILL: Final[dict[str, Any]] = {
    "reference": "GB-2026-01-0001",
    "kind": "tuition",
    "title": "Khoản thu tháng 01/2026",
    "period": "2026-01",
    "due_on": "2026-01-31",
    "beneficiary": {
        "kind": "student",
        "code": "HS-0001",
        "name": "Trần Gia Bảo",
        "group": "lớp 4A2",
    },
    "lines": [
        {"name": "Chăm sóc bán trú", "unit_price": 35_000, "quantity": 18, "unit": "ngày"},
        {"name": "Miễn giảm", "unit_price": 49_000, "kind": "exemption"},
    ],
    "currency": "VND",
}
"""A bill of 581,000 đồng."""


@dataclass
class Clerk:
    """A member of staff whose script calls the API: the console's session and its token."""

    client: FlaskClient
    token: str

    def post(self, path: str, body: Any = None, *, token: str | None = "") -> Said:
        """Send a body as JSON. token: "" sends the right one, None none."""
        headers = {} if token is None else {"X-CSRF-Token": token or self.token}
        return Said(self.client.post(path, headers=headers, json=body))


def a_clerk(app: Flask, house: House | QuickHouse, who: Actor) -> Clerk:
    """Sign a member of staff in, without the two forms."""
    with house.sessions.begin(None) as db:
        session = access.start_session(db, who.id, at=house.clock.now())
    client = app.test_client()
    client.set_cookie("thuphi", session)
    with client.session_transaction() as form:
        form["csrf_token"] = "f" * 40
    token = URLSafeTimedSerializer(SECRET, salt="wtf-csrf-token").dumps("f" * 40)
    return Clerk(client, str(token))


def a_bill(reference: str = "GB-2026-01-0001", **fields: Any) -> dict[str, Any]:
    """The body of a bill, with other fields where they are given."""
    return BILL | {"reference": reference} | fields
