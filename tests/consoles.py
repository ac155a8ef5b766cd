"""The staff's doors on a test's own database: a browser without a screen, for each person."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from flask import Flask
from flask.testing import FlaskClient
from lxml import html as parser
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from adapters.registry import STATEMENT_READERS
from payments import access, days, ledger, orders
from payments.access import STEP_SECONDS
from payments.domain import ids
from payments.domain.people import SERVICE
from reconciliation import intake, runs
from tests.cast import ACCOUNT, PASSWORD, AHouse, a_bill, a_school, an_order
from tests.databases import House, QuickHouse, SettableClock
from tests.doors import an_app
from tests.statement_files import Entry, an_mt940

DAY: Final = date(2026, 3, 10)
"""The business day of the tests' clock."""


@dataclass(frozen=True)
class Person:
    """Somebody with a password and an authenticator."""

    id: UUID
    email: str
    secret: bytes

    def code(self, clock: SettableClock) -> str:
        """The six digits that the authenticator shows now."""
        step = int(clock.now().timestamp()) // STEP_SECONDS
        totp = TOTP(self.secret, 6, SHA1(), STEP_SECONDS)  # noqa: S303  # what authenticators speak
        return totp.generate(step * STEP_SECONDS).decode()


def a_person(house: AHouse, name: str, *roles: tuple[UUID, str]) -> Person:
    """Add a member of staff with a role at each of the billers."""
    at = house.clock.now()
    email = f"{'.'.join(name.lower().split())}@vidu.example".encode("ascii", "ignore").decode()
    with house.system.begin() as system:
        added = access.add_staff(system, email=email, name=name, password=PASSWORD, at=at)
        for biller_id, role in roles:
            access.grant(system, added.id, biller_id, role, at=at)
    return Person(
        added.id, email, base64.b32decode(added.totp_secret + "=" * (-len(added.totp_secret) % 8))
    )


@dataclass
class Desk:
    """A browser in which somebody works at the console."""

    app: Flask
    clock: SettableClock
    language: str = "vi"
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def get(self, url: str = "/console", **more: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(url, headers={"Accept-Language": self.language}, **more)

    def token(self, url: str = "/console") -> str:
        """The hidden token of the forms on a page."""
        hidden = tree(self.get(url)).xpath("//input[@name='csrf_token']/@value")
        return str(hidden[0])

    def post(
        self, url: str, form: dict[str, Any] | None = None, *, of: str = "/console", **more: Any
    ) -> TestResponse:
        """Send a form as a browser does. of: the page that it stands on."""
        data = (form or {}) | {"csrf_token": self.token(of)}
        headers = {"Accept-Language": self.language}
        return self.client.post(url, data=data, headers=headers, **more)

    def password(self, email: str, password: str = PASSWORD, **more: str) -> TestResponse:
        """The first step."""
        form = {"email": email, "password": password} | more
        return self.post("/console/sign-in", form, of="/console/sign-in")

    def six_digits(self, code: str, **more: str) -> TestResponse:
        """The second step."""
        form = {"code": code} | more
        return self.post("/console/sign-in/code", form, of="/console/sign-in/code")

    def sign_in(self, person: Person) -> Desk:
        """Both steps, a moment after the last code of this person."""
        self.clock.advance(seconds=STEP_SECONDS)
        assert self.password(person.email).status_code == 303
        assert self.six_digits(person.code(self.clock)).status_code == 303
        return self


class Office:
    """A school whose accountant, chief accountant and a viewer work at the console.

    Each signs in when first needed; whoever was in before a night signs in again after it.
    """

    def __init__(self, house: House | QuickHouse) -> None:
        self.school = a_school(house)
        self.app = an_app(house)
        here = self.school.biller_id
        self.people = {
            "accountant": a_person(house, "Ha Vu", (here, "accountant")),
            "chief": a_person(house, "Hung Dang", (here, "chief_accountant")),
            "viewer": a_person(house, "Mai Ho", (here, "viewer")),
        }
        self._desks: dict[str, Desk] = {}

    @property
    def accountant(self) -> Desk:
        """Proposes."""
        return self._desk("accountant")

    @property
    def chief(self) -> Desk:
        """Approves and signs."""
        return self._desk("chief")

    @property
    def viewer(self) -> Desk:
        """May only look."""
        return self._desk("viewer")

    def order(self, amount: int = 581_000, reference: str = "GB-1") -> orders.Order:
        """An order over one new bill."""
        with self.begin() as db:
            return an_order(db, self.school, a_bill(db, self.school, amount, reference))

    def night(self, entries: Sequence[Entry], day: date = DAY, opening: int = 0) -> None:
        """A statement is read and its day reconciled, as the workers do after midnight."""
        clock = self.school.house.clock
        with self.begin() as db:
            data = an_mt940(ACCOUNT, day, opening, entries)
            kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=clock.now())
            intake.read(db, kept.file_id, STATEMENT_READERS["auto"])
        if clock.now().date() <= day:
            self.sleep()
        self.run(day)

    def run(self, day: date = DAY) -> None:
        """Reconcile the one account's day."""
        house, biller_id = self.school.house, self.school.biller_id
        account_id = self.one("SELECT id FROM bank_account")
        runs.run(house.sessions, biller_id, account_id, day, clock=house.clock)

    def check(self, day: date = DAY) -> TestResponse:
        """The accountant signs a day first."""
        url = f"/console/days/{day}"
        return self.accountant.post(f"{url}/check", of=url)

    def close(self, day: date = DAY) -> TestResponse:
        """Two people sign: the accountant has checked the day, the chief locks it."""
        self.check(day)
        url = f"/console/days/{day}"
        return self.chief.post(f"{url}/sign", of=url)

    def sleep(self) -> None:
        """The next morning; sessions are over."""
        self.school.house.clock.advance(days=1)
        self._desks.clear()

    def begin(self) -> AbstractContextManager[Session]:
        """A transaction of the school."""
        return self.school.house.sessions.begin(self.school.biller_id)

    def one(self, sql: str) -> Any:
        """The first value that a query gives."""
        with self.begin() as db:
            return db.scalar(text(sql))

    def balance(self, account: str) -> int:
        """What a ledger account holds."""
        with self.begin() as db:
            return ledger.balance(db, account)

    def gaps(self, day: date = DAY) -> list[days.Compared]:
        """What is not explained."""
        with self.begin() as db:
            return [one for one in days.unexplained(db, day) if one.gap]

    def url(self, kind: str = "") -> str:
        """The page of the only discrepancy, or of the only one of a kind."""
        sql = "SELECT id FROM discrepancy" + (f" WHERE kind = '{kind}'" if kind else "")
        return f"/console/discrepancies/{ids.shown('dis', self.one(sql))}"

    def _desk(self, name: str) -> Desk:
        if name not in self._desks:
            desk = Desk(self.app, self.school.house.clock)
            self._desks[name] = desk.sign_in(self.people[name])
        return self._desks[name]


def an_office(house: House | QuickHouse) -> Office:
    """The school and its people, on a test's database."""
    return Office(house)


def tree(response: TestResponse) -> Any:
    """The parsed page. Any: lxml's stubs leave xpath answers open."""
    return parser.fromstring(response.text)


def words(response: TestResponse) -> str:
    """What a person reads, blanks folded."""
    return " ".join(" ".join(tree(response).get_element_by_id("main").itertext()).split())


def actions(response: TestResponse) -> list[str]:
    """Where the forms of the page itself lead: what may be done on it."""
    return [str(one) for one in tree(response).xpath("//main//form[@method='post']/@action")]
