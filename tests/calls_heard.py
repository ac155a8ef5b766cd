"""Calls of gateways on a test's database: heard, gone over, and where the console shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import text

from adapters.sepay.events import SepayEvents
from payments import channels
from payments.domain import ids
from payments.domain.people import SERVICE
from tests.cast import ACCOUNT, School
from tests.consoles import Office, an_office
from tests.databases import House, QuickHouse
from tests.sepay_calls import SECRET, Notice, a_call
from webhooks import dispatch, inbox
from webhooks.event import Answer, Call

LIST: Final = "/console/calls"
ELSEWHERE: Final = "9999000000"
"""An account that is nobody's here."""


def a_listening_office(house: House | QuickHouse) -> Office:
    """The school and its people; SePay tells of its account."""
    made = an_office(house)
    set_channel(made.school, "sepay", {"secret": SECRET})
    return made


def set_channel(school: School, name: str, settings: dict[str, str]) -> None:
    """Keep settings, as somebody who may."""
    with school.house.sessions.begin(school.biller_id) as db:
        channels.put(db, name, settings, by=SERVICE, at=school.house.clock.now())


def hear(office: Office, call: Call, source: Any = None) -> Answer:
    """A gateway calls; SePay, unless its source says otherwise."""
    with office.begin() as db:
        at = office.school.house.clock.now()
        return inbox.receive(db, source or SepayEvents(), call, at=at)


def told(office: Office, memo: str = "nop tien", **more: Any) -> Notice:
    """SePay tells of a credit on the school's account, and the worker goes over it."""
    at = office.school.house.clock.now()
    said = replace(Notice(92704, ACCOUNT, 581_000, memo, at, reference="FT1"), **more)
    hear(office, a_call(said.body(), at=at))
    work(office)
    return said


def work(office: Office) -> None:
    """What the workers do about every call so far."""
    with office.begin() as db:
        rows = db.execute(text("SELECT body FROM message WHERE kind = 'inbound.received'")).all()
    for row in rows:
        with office.begin() as db:
            dispatch.handle(db, row.body, at=office.school.house.clock.now())


def url(office: Office, which: str = "true") -> str:
    """The page of the only call."""
    return f"{LIST}/{ids.shown('cal', office.one(f'SELECT id FROM inbound_call WHERE {which}'))}"
