""" "I have paid": reads the form, looks for the money, opens a trace when it is not there.

Nothing here applies money: finding a payment shows it, and a person or a rule has put it, or
will put it, where it belongs. Every look is counted in the audit, so the limit holds on any
number of machines.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from payments import audit, outbox
from payments.domain import ids
from payments.domain.calendar import HANOI, business_day
from payments.domain.codes import ALPHABET
from payments.domain.money import MOST, grouped
from payments.domain.people import SERVICE
from payments.queries import traces
from web.language import Both
from web.pages import FieldError

TRIES: Final = 5
WITHIN: Final = timedelta(hours=1)
LOOKED: Final = "payment.look_up"
OPENED: Final = "payment.trace"

_OLDEST: Final = timedelta(days=180)
_ANSWER_AT: Final = time(17, 0)
_SATURDAY: Final = 5
_NEAR: Final = timedelta(hours=2)
_AMOUNT: Final = re.compile(r"[0-9]{1,3}([., \u00a0][0-9]{3})+|[0-9]{1,12}")
_DAY: Final = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
_HOUR: Final = re.compile(r"([0-9]{1,2})(?:[:h.]([0-9]{1,2})?)?")
_DIGITS: Final = re.compile(r"[0-9]{4}")


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it was sent, or as it is offered."""

    amount: str = ""
    day: str = ""
    hour: str = ""
    last_digits: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Typed:
        """Take what was sent; nobody types more than forty characters here."""
        fields = ("amount", "day", "hour", "last_digits")
        return cls(**{name: form.get(name, "").strip()[:40] for name in fields})


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for. amount: đồng; at: about when the transfer left; account: last digits."""

    amount: int
    at: datetime
    account: str


@dataclass(frozen=True, slots=True)
class Found:
    """It came and is on the bills: the pay page shows it."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A trace is open. seen: the money is here and waits to be put where it belongs."""

    ticket: str
    answer_by: datetime
    seen: bool


@dataclass(frozen=True, slots=True)
class TooMany:
    """The tries of this hour are used up. again_at: when the next one is possible."""

    again_at: datetime


def offered(amount: int, now: datetime) -> Typed:
    """What is known already: nobody types it twice."""
    return Typed(amount=grouped(amount), day=now.astimezone(HANOI).strftime("%d/%m/%Y"))


def read(typed: Typed, now: datetime) -> Search | list[FieldError]:
    """The search, or everything that has to be corrected."""
    amount, day = _amount(typed.amount), _day(typed.day)
    hour = _hour(typed.hour)
    wrong = []
    if amount is None:
        wrong.append(
            FieldError("amount", Both("Nhập số tiền, ví dụ 581.000", "Enter an amount: 581.000"))
        )
    if day is None or not timedelta(0) <= business_day(now) - day <= _OLDEST:
        wrong.append(
            FieldError(
                "day",
                Both(
                    "Nhập ngày chuyển trong 180 ngày qua, ví dụ 09/01/2026",
                    "Enter a day of the last 180 days, such as 09/01/2026",
                ),
            )
        )
    if hour is None:
        wrong.append(
            FieldError("hour", Both("Nhập giờ, ví dụ 19:40", "Enter the time, such as 19:40"))
        )
    if not _DIGITS.fullmatch(typed.last_digits):
        wrong.append(
            FieldError(
                "last_digits",
                Both(
                    "Nhập đúng 4 số cuối của tài khoản đã chuyển",
                    "Enter the last 4 digits of the account you paid from",
                ),
            )
        )
    if wrong or amount is None or day is None or hour is None:
        return wrong
    return Search(amount, datetime.combine(day, hour, HANOI), typed.last_digits)


def look(
    db: Session, order_id: UUID, code: str, search: Search, *, now: datetime
) -> Found | Traced | TooMany:
    """Look once. What is not on the bills is traced, and a trace that is open is kept.

    code: the order's payment code, which proves a payment that quotes it.
    """
    subject = ids.shown("ord", order_id)
    traces.take_turn(db, order_id)
    tries = traces.noted(db, LOOKED, subject, since=now - WITHIN)
    if len(tries) >= TRIES:
        return TooMany(tries[-TRIES].at + WITHIN)
    # Neither account nor name: an audit line holds no personal field.
    what = {"amount": search.amount, "at": search.at.isoformat(timespec="minutes")}
    audit.note(db, LOOKED, subject, by=SERVICE, at=now, detail=what)
    day = business_day(search.at)
    if traces.on_the_bills(db, order_id, search.amount, day):
        return Found()
    waiting = traces.waiting(
        db, code, search.amount, at=search.at, within=_NEAR, account=search.account
    )
    open_now = [
        one
        for one in traces.noted(db, OPENED, subject, since=now - timedelta(days=7))
        if datetime.fromisoformat(one.detail["answer_by"]) > now
    ]
    if open_now:
        said = open_now[-1].detail
        answer_by = datetime.fromisoformat(said["answer_by"])
        return Traced(said["ticket"], answer_by, seen=waiting is not None)
    ticket, answer_by = _ticket(), answer_time(now)
    paid = None if waiting is None else ids.shown("pay", waiting)
    trace = what | {"ticket": ticket, "answer_by": answer_by.isoformat(), "payment": paid}
    audit.note(db, OPENED, subject, by=SERVICE, at=now, detail=trace)
    outbox.emit(db, "payment.trace_opened", {"payment_order": subject} | trace, at=now)
    return Traced(ticket, answer_by, seen=waiting is not None)


def answer_time(now: datetime) -> datetime:
    """17:00 of the next working day, in Hanoi; Saturday and Sunday are none."""
    day = business_day(now) + timedelta(days=1)
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return datetime.combine(day, _ANSWER_AT, HANOI)


def _ticket() -> str:
    return "TS-" + "".join(secrets.choice(ALPHABET) for _ in range(6))


def _amount(typed: str) -> int | None:
    plain = typed.removesuffix("₫").removesuffix("đ").strip()
    if not _AMOUNT.fullmatch(plain):
        return None
    amount = int(re.sub(r"[^0-9]", "", plain))
    return amount if 1 <= amount <= MOST else None


def _day(typed: str) -> date | None:
    found = _DAY.fullmatch(typed)
    if found is None:
        return None
    day, month, year = (int(part) for part in found.groups())
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _hour(typed: str) -> time | None:
    found = _HOUR.fullmatch(typed)
    if found is None:
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None
