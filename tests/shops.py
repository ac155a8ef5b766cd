"""A school in the town: its program, its payers at the gateways, its bank, and its own system.

A journey takes a fresh order of one, or opens one of its own, so that its statement and its
settlement files hold nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx
from sqlalchemy import text

from adapters import registry
from payments import access, billers
from payments.domain import ids
from payments.domain.money import Money
from payments.domain.people import KEY_SCOPES
from tests import doors
from tests.cast import a_person
from tests.plain_http import PLAIN
from tests.receivers import Listening, Told, a_listener
from tests.town import Town

AMOUNT: Final = 581_000
FEE_BPS: Final = 110
OPENING: Final = 50_000_000
"""What the school's account holds in the beginning: refunds may be more than a day's takings."""
HOLDER: Final = "TRUONG TIEU HOC HOA SEN"
HOLDERS: Final = ("vnpay", "momo", "zalopay")
"""Gateways that keep the money until they settle."""
STRAIGHT: Final = "payos"
"""Its money goes straight to the bank."""

_serial = itertools.count(1)


@dataclass(frozen=True)
class Bought:
    """An order. code: what a transfer quotes; pay_url: its page; at: when it was made."""

    id: str
    code: str
    pay_url: str
    at: datetime


@dataclass(frozen=True)
class Tried:
    """One try at a gateway. status: as it was answered."""

    id: str
    gateway: str
    status: str
    redirect_url: str | None
    reference: str


class Shop:
    """A school of its own: everything it does goes through HTTP."""

    def __init__(self, town: Town, stack: ExitStack, gateways: Sequence[str]) -> None:
        self.town = town
        self.nth = next(_serial)
        self.code = f"TH-{self.nth:05d}"
        self.account = f"9999{self.nth:06d}"
        self.opened_on: date = town.now.date()
        self.biller_id = self._open(STRAIGHT if STRAIGHT in gateways else "sepay")
        self.next_statement: date = self.opened_on
        self.next_settlement: date = self.opened_on
        self.strangers: set[str] = set()  # numbers of payments that the gateway does not know
        self.heard: Listening = stack.enter_context(a_listener())
        self.heard.answer = self._hear
        self.heard_after: list[float] = []  # seconds between the time in a header and the town's
        self.heard_badly = False
        with town.house.sessions.begin(self.biller_id) as db:
            key = access.issue_key(db, KEY_SCOPES, at=town.now)
        self.http = httpx.Client(
            base_url=f"{town.url}/api/v1",
            headers={"Authorization": f"Bearer {key}", "Accept-Language": "en"},
            timeout=30,
            verify=PLAIN,
        )
        stack.callback(self.http.close)
        town.ask("/accounts", {"number": self.account, "holder": HOLDER, "opening": OPENING})
        self.endpoint = self.post("/webhook-endpoints", {"url": self.heard.url})
        self.merchants = {gateway: self._sign_up(gateway) for gateway in gateways}

    # What its program does

    def get(self, path: str) -> Any:
        """Read."""
        answer = self.http.get(path)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()

    def post(self, path: str, body: Any, *, status: int | None = None) -> Any:
        """Send JSON under a fresh Idempotency-Key. status: what is expected; else any 2xx."""
        headers = {"Idempotency-Key": f"shop-{next(_serial)}"}
        answer = self.http.post(path, json=body, headers=headers)
        wanted = answer.is_success if status is None else answer.status_code == status
        assert wanted, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def upload(self, path: str, name: str, data: bytes, **fields: str) -> Any:
        """Hand a file over."""
        answer = self.http.post(path, data=fields, files={"file": (name, data)})
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()

    def order(self, amount: int = AMOUNT, *, days: int = 7) -> Bought:
        """Issue a bill and make an order for it."""
        at = self.town.now
        line = {"name": "Chăm sóc bán trú", "unit_price": amount, "quantity": 1, "unit": "tháng"}
        bill = doors.BILL | {"reference": f"GB-{next(_serial):08d}", "lines": [line]}
        issued = self.post("/invoices", bill)
        until = (at + timedelta(days=days)).isoformat()
        made = self.post("/payment-orders", {"invoices": [issued["id"]], "expires_at": until})
        return Bought(made["id"], made["code"], made["pay_url"], at)

    def start(self, order: Bought, gateway: str) -> Tried:
        """Start a try, as the pay page does."""
        made = self.post(f"/payment-orders/{order.id}/attempts", {"channel": gateway})
        reference = self.one(
            "SELECT merchant_reference FROM attempt WHERE id = :id", id=_uuid(made["id"])
        )
        return Tried(made["id"], gateway, made["status"], made["redirect_url"], reference)

    def refund(self, order: Bought, amount: int = AMOUNT, **told: Any) -> str:
        """Two people agree that money goes back; by the gateway unless told otherwise."""
        asked = {"amount": amount, "reason": "Đóng nhầm", "method": "gateway"} | told
        made = self.post(f"/payment-orders/{order.id}/refunds", asked)
        said = self.chief.post(f"/api/v1/refunds/{made['id']}/approve", {})
        assert said.status_code == 200, said.text
        return str(made["id"])

    def makes_payout(self, *refunds: str) -> None:
        """The chief accountant puts refunds into a file for the bank."""
        account = ids.shown("acc", self.one("SELECT id FROM bank_account"))
        chief = self.chief
        headers = {"X-CSRF-Token": chief.token, "Idempotency-Key": f"shop-{next(_serial)}"}
        told = {"account": account, "refunds": list(refunds)}
        made = chief.client.post("/api/v1/payouts", headers=headers, json=told)
        assert made.status_code == 201, made.text

    @property
    def chief(self) -> doors.Clerk:
        """The chief accountant at the API, signed in."""
        self.town.house.clock.at = self.town.now
        return doors.a_clerk(self.town.app, self.town.house, self._boss)

    # What payers do at the gateway

    def opens(self, tried: Tried) -> None:
        """The payer's browser arrives at the gateway."""
        assert tried.redirect_url is not None, f"nowhere to go: {tried}"
        page = self.town.browser.get(tried.redirect_url, follow_redirects=True)
        assert page.status_code == 200, page.text

    def pays(self, tried: Tried, *faults: object, **told: Any) -> dict[str, Any]:
        """The payer pays at the gateway; its notice comes as the faults say."""
        return self.at_gateway(tried, "pay", {"faults": list(faults)} | told)

    def at_gateway(self, tried: Tried, verb: str, told: Any = None) -> dict[str, Any]:
        """Something happens to the try at its gateway; without a verb, look at it."""
        path = f"/gateways/{tried.gateway}/orders/{tried.reference}"
        if not verb:
            found: dict[str, Any] = self.town.ask(path)
            return found
        ended: dict[str, Any] = self.town.ask(f"{path}/{verb}", told or {})
        return ended

    def presses(self, tried: Tried, verb: str, **form: str) -> str:
        """The payer presses a button of the gateway's page; where the browser is sent."""
        page = self.at_gateway(tried, "")["page"]
        answer = self.town.gateways.post(f"{page}/{verb}", data=form)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def returns(self, tried: Tried, where: str = "") -> httpx.Response:
        """The browser comes back from the gateway, to the page where the payer waits."""
        where = where or self.presses(tried, "pay")
        answer = self.town.browser.get(where, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer

    def plan(self, gateway: str, *faults: object, door: str = "", calls: int = 1) -> None:
        """The next calls of a gateway's API go wrong."""
        told = {"faults": list(faults), "calls": calls} | ({"door": door} if door else {})
        self.town.ask(f"/gateways/{gateway}/faults", told)

    # What gateways and bank send at night

    def settles(
        self, gateway: str, day: date, *faults: object, first: date | None = None
    ) -> dict[str, Any]:
        """The gateway pays the batch of a day, or of all days from the first on."""
        told = self._batch(gateway, day, first) | {"faults": list(faults)}
        paid: dict[str, Any] = self.town.ask(f"/gateways/{gateway}/settle", told)
        return paid

    def batch(self, gateway: str, day: date, *, first: date | None = None) -> dict[str, Any]:
        """The batch of a day as the simulator knows it."""
        asked = self._batch(gateway, day, first) | {"format": "json"}
        answer = self.town.gateways.get(f"/gateways/{gateway}/settlement", params=asked)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def settlement_file(
        self, gateway: str, day: date, *, first: date | None = None, faults: str | None = None
    ) -> bytes:
        """What the gateway says of a day. faults: None for the file it was paid with."""
        asked = self._batch(gateway, day, first) | ({} if faults is None else {"faults": faults})
        answer = self.town.gateways.get(f"/gateways/{gateway}/settlement", params=asked)
        assert answer.is_success, answer.text
        return answer.content

    def takes_settlement(
        self, gateway: str, day: date, *, first: date | None = None, faults: str | None = None
    ) -> dict[str, Any]:
        """The file of a day is handed over and worked on; what became of it."""
        data = self.settlement_file(gateway, day, first=first, faults=faults)
        name = f"{gateway}-{day}-{next(_serial)}.csv"
        kept = self.upload("/settlement-files", name, data, gateway=gateway)
        self.town.work()
        found: dict[str, Any] = self.get(f"/settlement-files/{kept['id']}")
        return found

    def _batch(self, gateway: str, day: date, first: date | None) -> dict[str, Any]:
        asked = {"date": day.isoformat(), "merchant": self.merchants[gateway]}
        return asked | ({"from": first.isoformat()} if first and first != day else {})

    def takes_statement(self, first: date, last: date) -> None:
        """The bank's statement of these days is handed over and worked on."""
        asked = {"from": first.isoformat(), "date": last.isoformat(), "format": "mt940"}
        answer = self.town.gateways.get(f"/accounts/{self.account}/statement", params=asked)
        assert answer.is_success, answer.text
        kept = self.upload("/statements", f"{self.account}-{last}.sta", answer.content)
        self.town.work()
        read = self.get(f"/statements/{kept['id']}")
        assert read["status"] == "read", read
        assert all(one["complete"] for one in read["statements"]), read

    # Looking

    def one(self, sql: str, **params: Any) -> Any:
        """The first value of a question to the database."""
        with self.town.house.sessions.begin(self.biller_id) as db:
            return db.scalar(text(sql), params)

    def rows(self, sql: str, **params: Any) -> list[tuple[Any, ...]]:
        """Rows of this school."""
        with self.town.house.sessions.begin(self.biller_id) as db:
            return [tuple(row) for row in db.execute(text(sql), params)]

    def _hear(self, told: Told) -> tuple[int, Mapping[str, str], bytes]:
        """The school's own system is well."""
        sent = float(told.headers["webhook-timestamp"])
        self.heard_after.append(abs(self.town.clock.now().timestamp() - sent))
        return 200, {}, b"ok"

    def _sign_up(self, gateway: str) -> str:
        """Become a merchant at the gateway, and tell Thuphi its keys."""
        told: dict[str, Any] = {"title": HOLDER, "account": self.account}
        told |= {"fee_bps": FEE_BPS} if gateway in HOLDERS else {}
        told |= {"notify_url": f"{self.town.url}/webhooks/{gateway}/{self.code}"}
        made = self.town.ask(f"/gateways/{gateway}/merchants", told)
        self.town.merchants.add((gateway, made["merchant"]))
        taken = registry.CHANNELS[gateway].settings
        settings = {one.name: made["keys"][one.name] for one in taken if one.needed}
        answer = self.http.put(f"/channels/{gateway}", json={"settings": settings})
        assert answer.is_success, answer.text
        if gateway in HOLDERS:
            terms = {"bps": FEE_BPS, "fixed": 0}
            assert self.http.put(f"/channels/{gateway}/contract", json=terms).is_success
        return str(made["merchant"])

    def _open(self, notice_source: str) -> UUID:
        """Open the school's books today; credits of its account are told by one source."""
        house, at = self.town.house, self.town.now
        house.clock.at = at
        with house.system.begin() as system:
            profile = billers.Profile(self.code, "school", "Trường Tiểu học Hoa Sen")
            biller_id = billers.add(system, profile, at=at)
            self._boss = a_person(system, biller_id, "chief_accountant", house, self.code)
        with house.sessions.begin(biller_id) as db:
            billers.open_books(db)
            billers.add_bank_account(
                db,
                bank_bin="999999",
                number=self.account,
                holder=HOLDER,
                opening_balance=Money(OPENING),
                opened_on=self.opened_on,
                at=at,
                notice_source=notice_source,
            )
        return biller_id


def _uuid(shown: str) -> UUID:
    return ids.read(shown.partition("_")[0], shown)


@contextmanager
def a_shop(town: Town, *gateways: str) -> Iterator[Shop]:
    """A fresh school that takes money by these gateways."""
    with ExitStack() as stack:
        shop = Shop(town, stack, gateways)
        stack.callback(town.merchants.difference_update, set(shop.merchants.items()))
        yield shop
