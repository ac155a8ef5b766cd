"""Town: the billers of the cast with their clients, the test bank, and the clock of everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import text

from ops.clock import OffsetClock
from ops.config import Config
from ops.demo.calls import Json
from ops.demo.desk import Desk
from ops.demo.teller import NotAsTold, Teller
from ops.runtime import Runtime
from ops.seed import Seeded
from payments.domain.calendar import HANOI, business_day

BEGINS: Final = time(7, 0)
MORNING: Final = timedelta(hours=8)  # until then the day before yesterday is played
RETRY_SPEED: Final = 60.0  # SePay's minutes between repeats are seconds here


@dataclass(frozen=True, slots=True)
class House:
    """One biller: its program (api), its people (desk), and its account at the bank."""

    seeded: Seeded
    api: Json
    desk: Desk
    account_id: str
    covered: date | None  # the last day whose statement is in the books

    @property
    def code(self) -> str:
        """Such as TH-HS."""
        return self.seeded.cast.code

    @property
    def number(self) -> str:
        """Of its bank account."""
        return self.seeded.cast.account


@dataclass(frozen=True, slots=True)
class Town:
    """Everybody who takes part. day: the business day that is played."""

    config: Config
    runtime: Runtime
    clock: OffsetClock
    teller: Teller
    bank: Json
    web: Json
    houses: Mapping[str, House]
    day: date

    def moment(self, hour: int, minute: int = 0, *, days: int = 0) -> datetime:
        """A time of the day, or of a day after it."""
        return datetime.combine(self.day + timedelta(days=days), time(hour, minute), HANOI)

    def go_to(self, hour: int, minute: int = 0, *, days: int = 0) -> datetime:
        """Move everybody's clock on; it never goes back."""
        to = self.moment(hour, minute, days=days)
        now = self.clock.now()
        if to > now:
            self.clock.advance(to - now)
        return max(to, now)


def real_now() -> datetime:
    """The machine's own time."""
    return datetime.now(UTC)


def day_to_play(clock: OffsetClock, *, fresh: bool, real: datetime) -> date:
    """The business day that a demo plays: yesterday, or the first one that nothing is on yet.

    Yesterday's evening and this morning are over, so that in the end the clock can show the real
    time again, as browsers and authenticators do. Time never goes back: a second demo of one
    day plays the day after, and its clock stays ahead.
    """
    yesterday = business_day(real - MORNING) - timedelta(days=1)
    if fresh:
        return yesterday
    now = clock.now()
    if now <= datetime.combine(yesterday, BEGINS, HANOI):
        return yesterday
    return business_day(now) + timedelta(days=1)


def set_clock(clock: OffsetClock, day: date) -> None:
    """Begin the day; the only step of the clock that may lead back."""
    clock.advance(datetime.combine(day, BEGINS, HANOI) - clock.now())


def set_to_real_time(clock: OffsetClock) -> bool:
    """Let the clock show the real time again, unless that would lead back."""
    if clock.offset() > timedelta(0):
        return False
    clock.advance(-clock.offset())
    return True


def open_bank(bank: Json, seeded: list[Seeded], *, public_url: str) -> None:
    """Open the accounts that the bank does not have, and say where their notices go."""
    known = {one["number"] for one in bank.get("/accounts")["accounts"]}
    for one in seeded:
        cast = one.cast
        if cast.account not in known:
            opening = {"number": cast.account, "holder": cast.holder, "opening": cast.opening}
            bank.post("/accounts", opening)
        if cast.notices != "sepay":
            continue
        hook = {
            "url": f"{public_url}/webhooks/sepay/{cast.code}",
            "secret": one.webhook_secret,
            "speed": RETRY_SPEED,
        }
        bank.put(f"/accounts/{cast.account}/hook", hook)


def house(runtime: Runtime, one: Seeded, *, web: str, clock: OffsetClock) -> House:
    """The clients of one biller. Raises NotAsTold when its API does not show the account."""
    api = Json(web, prefix="/api/v1", key=one.key)
    at_bank: list[dict[str, Any]] = [
        account["bank_account"]
        for account in api.get("/accounts")["items"]
        if account["bank_account"]
    ]
    mine = [account for account in at_bank if account["number"] == one.cast.account]
    if len({account["id"] for account in mine}) != 1:
        raise NotAsTold(
            f"API của {one.cast.code} không có tài khoản {one.cast.account}",
            f"The API of {one.cast.code} does not show the account {one.cast.account}",
        )
    with runtime.sessions.begin(one.id) as db:
        covered: date | None = db.scalar(
            text("SELECT max(last_day) FROM statement WHERE biller_id = :biller AND complete"),
            {"biller": one.id},
        )
    return House(one, api, Desk(web, one, clock), mine[0]["id"], covered)
