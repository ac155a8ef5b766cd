"""A street of doors: one school, every company that calls it, and the application they call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from payments import channels
from payments.domain.people import SERVICE
from tests import knocks
from tests.cast import ACCOUNT, a_school
from tests.databases import House, QuickHouse
from tests.doors import a_runtime
from tests.knocks import Knock
from tests.tries import OWED, FarCompany, Till
from web.app import create_app
from web.limits import Limits

GATEWAYS: Final = ("vnpay", "momo", "zalopay", "payos")


class Street:
    """One school, every company that calls it, and the application they call."""

    def __init__(self, house: House | QuickHouse, *, limits: Limits | None = None) -> None:
        self.house = house
        self.school = a_school(house)
        self.runtime = a_runtime(house)
        self.far = {name: FarCompany(name=name, label=name) for name in GATEWAYS}
        self.runtime.__dict__["gateways"] = self.far
        with house.sessions.begin(self.school.biller_id) as db:
            for name, settings in knocks.SETTINGS.items():
                channels.put(db, name, settings, by=SERVICE, at=house.clock.now())
            for name in GATEWAYS[:3]:
                channels.open_accounts(db, name, name)
            db.execute(text("UPDATE bank_account SET notice_source = NULL"))
        self.app = create_app(self.runtime, limits_=limits or Limits(refused="9999 per minute"))
        self.client: FlaskClient = self.app.test_client()

    def till(self, gateway: str) -> Till:
        return Till(self.school, self.far[gateway], self.runtime)

    def a_try(self, gateway: str, amount: int = OWED) -> tuple[UUID, str]:
        """(the order, our name for a try to pay it)."""
        till = self.till(gateway)
        order = till.order(amount)
        return order.id, till.reference(till.try_(order.id))

    def hear(self, gateway: str, knock: Knock) -> TestResponse:
        return knock.at(self.client, gateway)

    def work(self) -> None:
        self.till("vnpay").work()

    def rows(self, sql: str, **values: Any) -> list[Any]:
        return self.till("vnpay").rows(sql, **values)

    def calls(self) -> list[tuple[str, str | None]]:
        """(status, the slug of the reason) of every call that was kept."""
        found = self.rows("SELECT status, coalesce(reason, refusal) AS why FROM inbound_call "
                          "ORDER BY received_at, id")  # fmt: skip
        return [(row.status, row.why.partition(":")[0] if row.why else None) for row in found]

    def paid(self) -> list[int]:
        return [row.amount for row in self.rows("SELECT amount FROM payment ORDER BY amount")]


def a_knock(gateway: str, reference: str, amount: int = OWED, **changes: Any) -> Knock:
    """The company's usual news of a payment."""
    if gateway == "payos":
        return knocks.payos(reference, amount, account=ACCOUNT, **changes)
    made: Callable[..., Knock] = getattr(knocks, gateway)
    return made(reference, amount, **changes)
