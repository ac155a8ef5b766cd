"""Billers' systems that want to hear of events, and the worker that tells them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from payments import outbox, sealing
from payments.domain.people import SERVICE
from payments.queries import events
from tests.cast import School
from tests.databases import RING, House
from tests.receivers import BROKEN, Receivers, Told
from webhooks import delivery, endpoints, rounds
from webhooks.endpoints import Made
from webhooks.rounds import Claimed
from webhooks.sender import Heard

HOOK = "https://erp.hoasen.example.vn/thuphi"
OTHER = "https://app.hoasen.example.vn/thuphi"


class Town:
    """A house with schools whose systems want to hear, and a worker that can be told to work."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.receivers = Receivers()
        self.troubles: list[Exception] = []
        self.seal()

    def seal(self) -> None:
        """What happens every minute."""
        assert RING.signing is not None
        sealing.seal_all(self.house.system, key=RING.signing, at=self.house.clock.now())

    def listen(self, school: School, url: str = HOOK, *, chosen: Sequence[str] = ("*",)) -> Made:
        with self.house.sessions.begin(school.biller_id) as db:
            return endpoints.add(
                db,
                url=url,
                chosen=chosen,
                description="",
                anywhere=False,
                by=SERVICE,
                at=self.house.clock.now(),
            )

    def happen(self, school: School, count: int = 1, kind: str = "invoice.issued") -> None:
        with self.house.sessions.begin(school.biller_id) as db:
            bodies = [{"invoice": f"inv_{number}"} for number in range(count)]
            outbox.emit_many(db, kind, bodies, at=self.house.clock.now())

    def work(self) -> int:
        """One job of a worker."""
        self.house.wait_for_others()
        return delivery.drain(
            self.house.sessions,
            self.house.system,
            self.receivers,
            clock=self.house.clock,
            trouble=lambda _, error: self.troubles.append(error),
        )

    def live(self, *, hours: float, every_minutes: float = 5) -> None:
        """Let time pass, with the worker at work."""
        until = self.house.clock.now() + timedelta(hours=hours)
        while self.house.clock.now() < until:
            self.house.clock.advance(minutes=every_minutes)
            self.work()

    def claim(self) -> list[Claimed]:
        with self.house.system.begin() as db:
            return rounds.claim(
                db, now=self.house.clock.now(), limit=10, lease=timedelta(seconds=60)
            )

    def expected(self, school: School) -> list[int]:
        """The positions of what a biller may hear."""
        with self.house.sessions.begin(school.biller_id) as db:
            return [one.position for one in events.events(db, after=0, limit=10_000)]

    def row(self, made: Made, columns: str, table: str = "endpoint") -> Any:
        key = "id" if table == "endpoint" else "endpoint_id"
        rows = self.house.psql(
            "admin", f"SELECT {columns} FROM {table} WHERE {key} = %s", (made.endpoint_id,)
        )
        assert len(rows) == 1
        return rows[0] if len(rows[0]) > 1 else rows[0][0]

    def statuses(self, made: Made) -> dict[str, int]:
        rows = self.house.psql(
            "admin",
            "SELECT status, count(*) FROM delivery WHERE endpoint_id = %s GROUP BY 1",
            (made.endpoint_id,),
        )
        return {str(status): int(count) for status, count in rows}

    def act(self, school: School, verb: Callable[..., Any], *given: Any, **named: Any) -> Any:
        with self.house.sessions.begin(school.biller_id) as db:
            return verb(db, *given, by=SERVICE, at=self.house.clock.now(), **named)


def failing(_: Told) -> Heard:
    return BROKEN
