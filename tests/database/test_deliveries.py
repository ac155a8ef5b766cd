"""Every event reaches every endpoint that wants it, at least once, each with its position."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from payments import outbox, sealing
from payments.domain import ids
from payments.domain.errors import Conflict, Invalid, NotFound
from payments.domain.people import SERVICE
from payments.queries import events
from tests.cast import School, a_school
from tests.databases import RING, House
from tests.receivers import BROKEN, GONE, WELL, Receivers, Told
from webhooks import backoff, delivery, endpoints, rounds
from webhooks.endpoints import Made
from webhooks.rounds import Claimed
from webhooks.sender import Failure, Heard

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


@pytest.fixture
def town(house: House) -> Town:
    return Town(house)


@pytest.fixture
def school(town: Town) -> School:
    return a_school(town.house)


def failing(_: Told) -> Heard:
    return BROKEN


def test_an_event_is_told_with_its_position_and_once(town: Town, school: School) -> None:
    town.listen(school)
    town.happen(school, 3)

    town.work()
    again = town.work()

    assert town.receivers.positions(HOOK) == town.expected(school)[-3:]
    assert again == 0
    told = [one.event for one in town.receivers.told]
    assert {one["type"] for one in told} == {"invoice.issued"}
    assert sorted(one["data"]["invoice"] for one in told) == ["inv_0", "inv_1", "inv_2"]
    assert town.troubles == []


def test_the_id_of_a_call_is_that_of_the_event_in_the_list(town: Town, school: School) -> None:
    town.listen(school)
    town.happen(school)

    town.work()

    with town.house.sessions.begin(school.biller_id) as db:
        [event] = events.events(db, after=0, limit=10_000)[-1:]
    assert town.receivers.told[0].headers["webhook-id"] == ids.shown("evt", event.id)


def test_positions_are_given_at_once_when_somebody_listens_and_nobody_seals(
    town: Town, school: School
) -> None:
    town.work()
    before = town.expected(school)
    town.happen(school)
    town.house.wait_for_others()

    with town.house.system.begin() as db:
        assert not delivery.waiting(db, town.house.clock.now())
    town.listen(school)
    with town.house.system.begin() as db:
        assert delivery.waiting(db, town.house.clock.now())
    town.work()

    assert len(town.expected(school)) > len(before)
    with town.house.system.begin() as db:
        assert not delivery.waiting(db, town.house.clock.now())


def test_what_was_numbered_between_seals_is_not_numbered_again(town: Town, school: School) -> None:
    town.listen(school)
    town.happen(school, 2)
    town.work()
    town.happen(school, 2)

    town.house.wait_for_others()
    town.seal()
    town.work()

    positions = town.receivers.positions(HOOK)
    assert positions == town.expected(school)[-4:]
    assert len(set(positions)) == 4


def test_a_new_endpoint_hears_nothing_of_the_past(town: Town, school: School) -> None:
    town.happen(school, 5)
    town.house.wait_for_others()
    town.seal()

    town.listen(school)
    town.work()
    assert town.receivers.told == []

    town.happen(school)
    town.work()
    assert town.receivers.positions(HOOK) == town.expected(school)[-1:]


def test_an_endpoint_hears_what_it_chose(town: Town, school: School) -> None:
    town.listen(school, HOOK, chosen=["refund.*", "invoice.issued"])
    town.listen(school, OTHER, chosen=["day.signed_off"])
    for kind in ("invoice.issued", "invoice.cancelled", "refund.done", "refund.failed"):
        town.happen(school, kind=kind)

    town.work()

    heard = {one.event["type"] for one in town.receivers.told if one.url == HOOK}
    assert heard == {"invoice.issued", "refund.done", "refund.failed"}
    assert town.receivers.positions(OTHER) == []


def test_our_own_messages_are_told_to_nobody(town: Town, school: School) -> None:
    town.listen(school)
    for kind in sorted(events.INTERNAL):
        town.happen(school, kind=kind)

    town.work()

    assert town.receivers.told == []


def test_a_choice_that_means_nothing_is_refused(town: Town, school: School) -> None:
    for chosen in ([], ["refunds.*"], ["invoice.paid"], ["inbound.received"], ["x"]):
        with pytest.raises(Invalid):
            town.listen(school, chosen=chosen)


def test_billers_hear_of_themselves_only(town: Town, school: School) -> None:
    other = a_school(town.house, code="TH-HH", number="9999018460")
    town.listen(school, HOOK)
    town.listen(other, OTHER)
    town.happen(school, 2)
    town.happen(other, 3)

    town.work()

    assert town.receivers.positions(HOOK) == town.expected(school)[-2:]
    assert town.receivers.positions(OTHER) == town.expected(other)[-3:]


def test_a_system_that_is_down_for_two_days_gets_every_event_once_it_is_back(
    town: Town, school: School
) -> None:
    made = town.listen(school)
    town.receivers.answers[HOOK] = failing
    for _ in range(16):
        town.happen(school, 4)
        town.live(hours=3, every_minutes=20)
    tried_while_down = len(town.receivers.told)

    town.receivers.answers[HOOK] = lambda _: WELL
    town.receivers.told.clear()
    town.live(hours=0.2)

    assert town.receivers.positions(HOOK) == town.expected(school)[-64:]
    assert town.statuses(made) == {"delivered": 64}
    assert town.row(made, "disabled_at") is None
    # It was tried by one call at a time, not by every event again and again.
    assert tried_while_down < 64 * 4


def test_one_poisonous_event_does_not_hold_up_the_others(town: Town, school: School) -> None:
    made = town.listen(school)

    def poisoned(told: Told) -> Heard:
        return BROKEN if told.event["data"] == {"invoice": "inv_3"} else WELL

    town.receivers.answers[HOOK] = poisoned
    town.happen(school, 10)

    town.work()

    assert town.statuses(made) == {"delivered": 9, "pending": 1}
    for _ in range(80):
        town.happen(school, 1)
        town.live(hours=1, every_minutes=60)
    assert town.statuses(made) == {"delivered": 89, "failed": 1}
    assert town.row(made, "disabled_at") is None
    tries = [t for t in town.receivers.told if t.event["data"] == {"invoice": "inv_3"}]
    assert len({one.headers["webhook-id"] for one in tries}) == 1
    assert 8 <= len(tries) <= 10


def test_a_slow_endpoint_does_not_hold_up_another(town: Town, school: School) -> None:
    other = a_school(town.house, code="TH-HH", number="9999018460")
    told_other = threading.Event()

    def slow(_: Told) -> Heard:
        # Answers only after the other school has heard.
        assert told_other.wait(60)
        return WELL

    def quick(_: Told) -> Heard:
        told_other.set()
        return WELL

    town.receivers.answers |= {HOOK: slow, OTHER: quick}
    town.listen(school, HOOK)
    town.listen(other, OTHER)
    town.happen(school, 30)
    town.happen(other, 1)

    town.work()

    assert town.receivers.positions(OTHER) == town.expected(other)[-1:]
    assert town.troubles == []


def test_an_endpoint_is_called_by_a_few_at_a_time(town: Town, school: School) -> None:
    town.listen(school)
    now, most, lock = [0], [0], threading.Lock()
    together = threading.Barrier(delivery.CALLS_AT_ONCE)

    def counted(_: Told) -> Heard:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait(60)
        with lock:
            now[0] -= 1
        return WELL

    town.receivers.answers[HOOK] = counted
    town.happen(school, delivery.CALLS_AT_ONCE * 3)

    town.work()

    assert most[0] == delivery.CALLS_AT_ONCE


def test_gone_disables_at_once_and_tells_the_others(town: Town, school: School) -> None:
    made = town.listen(school, HOOK)
    town.listen(school, OTHER)
    town.receivers.answers[HOOK] = lambda _: GONE
    town.happen(school)

    town.work()
    town.work()

    assert town.row(made, "disabled_why") == "gone"
    told = [t.event for t in town.receivers.told if t.url == OTHER]
    assert told[-1]["type"] == "endpoint.disabled"
    assert told[-1]["data"] == {"endpoint": ids.shown("end", made.endpoint_id), "why": "gone"}
    audit = town.house.psql("admin", "SELECT action, detail ->> 'why' FROM audit_line")
    assert ("endpoint.disable", "gone") in audit


def test_an_endpoint_that_only_failed_for_three_days_is_disabled(
    town: Town, school: School
) -> None:
    made = town.listen(school)
    town.receivers.answers[HOOK] = failing
    town.happen(school)

    town.live(hours=71, every_minutes=30)
    assert town.row(made, "disabled_at") is None
    town.live(hours=8, every_minutes=30)

    assert town.row(made, "disabled_why") == "failing"


def test_enabling_resumes_with_everything_that_waited_or_was_given_up(
    town: Town, school: School
) -> None:
    made = town.listen(school)
    town.receivers.answers[HOOK] = failing
    town.happen(school, 2)
    town.live(hours=80, every_minutes=30)
    assert town.row(made, "disabled_why") == "failing"
    town.happen(school, 3)
    town.work()

    town.receivers.answers[HOOK] = lambda _: WELL
    town.receivers.told.clear()
    town.act(school, endpoints.enable, made.endpoint_id)
    town.work()

    told = [one.event for one in town.receivers.told]
    assert [one["type"] for one in told].count("invoice.issued") == 5
    assert {one["position"] for one in told} == set(town.expected(school)[-6:])
    assert set(town.statuses(made)) == {"delivered"}


def test_retry_after_is_honoured(town: Town, school: School) -> None:
    made = town.listen(school)
    town.receivers.answers[HOOK] = lambda _: Heard(Failure.STATUS, 503, retry_after="7200")
    town.happen(school)

    town.work()

    due, at = town.row(made, "due_at", "delivery"), town.house.clock.now()
    assert due == at + timedelta(hours=2)


def test_too_many_requests_slows_the_whole_endpoint_down_but_not_for_ever(
    town: Town, school: School
) -> None:
    made = town.listen(school)
    town.receivers.answers[HOOK] = lambda _: Heard(Failure.STATUS, 429, retry_after="999999")
    town.happen(school, 40)

    town.work()

    assert len(town.receivers.told) <= delivery.CALLS_AT_ONCE
    until = town.row(made, "rests_until")
    assert until == town.house.clock.now() + backoff.LONGEST_SLOWING


def test_a_call_that_was_made_and_not_recorded_is_made_again(town: Town, school: School) -> None:
    """The worker dies between the call and its record."""
    made = town.listen(school)
    town.happen(school)

    class Killed(BaseException):
        """Nothing of us runs after this."""

    def die(_: Told) -> Heard:
        raise Killed

    town.receivers.answers[HOOK] = die
    town.house.wait_for_others()
    with town.house.system.begin() as db:
        sealing.number(db)
    [claimed] = town.claim()
    with pytest.raises(Killed):
        delivery.serve(town.house.sessions, claimed, town.receivers, clock=town.house.clock)
    town.receivers.answers.clear()
    assert town.work() == 0  # the lease of the dead one runs
    town.house.psql("admin", "UPDATE endpoint SET leased_until = now()")
    town.work()

    assert len(town.receivers.positions(HOOK)) == 2
    assert len(set(town.receivers.positions(HOOK))) == 1
    assert town.statuses(made) == {"delivered": 1}


@pytest.mark.parametrize("step", ["claimed", "written", "called"])
def test_whatever_step_a_worker_dies_at_nothing_is_lost(
    town: Town, school: School, step: str
) -> None:
    made = town.listen(school)
    town.happen(school, 4)
    town.house.wait_for_others()
    with town.house.system.begin() as db:
        sealing.number(db)

    [claimed] = town.claim()
    if step != "claimed":
        with town.house.sessions.begin(school.biller_id) as db:
            batch = rounds.next_batch(db, claimed, at=town.house.clock.now())
        assert batch is not None
        if step == "called":
            for call in batch.calls:
                town.receivers.send(HOOK, {}, b'{"position": %d}' % call.position)
    town.house.psql("admin", "UPDATE endpoint SET leased_until = now()")
    town.work()

    assert set(town.receivers.positions(HOOK)) == set(town.expected(school)[-4:])
    assert town.statuses(made) == {"delivered": 4}


def test_whoever_lost_the_lease_records_nothing_twice(town: Town, school: School) -> None:
    made = town.listen(school)
    town.happen(school)
    town.house.wait_for_others()
    with town.house.system.begin() as db:
        sealing.number(db)
    [late] = town.claim()

    def overtaken(_: Told) -> Heard:
        town.receivers.answers.clear()
        town.house.psql("admin", "UPDATE endpoint SET leased_until = now()")
        town.work()
        return BROKEN

    town.receivers.answers[HOOK] = overtaken
    delivery.serve(town.house.sessions, late, town.receivers, clock=town.house.clock)

    assert town.statuses(made) == {"delivered": 1}
    assert town.row(made, "attempts, answer", "delivery") == (1, 200)
    assert town.row(made, "failures") == 0


def test_an_event_that_comes_while_an_endpoint_is_looked_after_is_not_forgotten(
    town: Town, school: School
) -> None:
    town.listen(school)
    town.happen(school)

    def meanwhile(told: Told) -> Heard:
        if len(town.receivers.told) == 1:
            town.happen(school)
            town.house.wait_for_others()
            with town.house.system.begin() as db:
                sealing.number(db)
        return WELL

    town.receivers.answers[HOOK] = meanwhile
    town.work()

    assert town.receivers.positions(HOOK) == town.expected(school)[-2:]


def test_leaving_keeps_the_wake_up_of_a_position_given_meanwhile(
    town: Town, school: School
) -> None:
    made = town.listen(school)
    town.happen(school)
    town.house.wait_for_others()
    with town.house.system.begin() as db:
        sealing.number(db)
    [claimed] = town.claim()
    town.happen(school)
    town.house.wait_for_others()
    with town.house.system.begin() as db:
        sealing.number(db)

    with town.house.sessions.begin(school.biller_id) as db:
        rounds.leave(db, claimed)

    assert town.row(made, "due_at") == endpoints.SOON
    assert town.row(made, "leased_until") is None


def test_a_disabled_endpoint_is_not_called_and_loses_nothing(town: Town, school: School) -> None:
    made = town.listen(school)
    town.act(school, endpoints.disable, made.endpoint_id)
    town.happen(school, 2)
    town.work()
    assert town.receivers.told == []
    with pytest.raises(Conflict):
        town.act(school, endpoints.test, made.endpoint_id)

    town.act(school, endpoints.enable, made.endpoint_id)
    town.work()

    assert town.receivers.positions(HOOK) == town.expected(school)[-2:]
    audit = town.house.psql("admin", "SELECT action FROM audit_line ORDER BY at, id")
    assert audit[-3:] == [("endpoint.add",), ("endpoint.disable",), ("endpoint.enable",)]


def test_a_test_event_goes_to_the_endpoint_it_names_alone(town: Town, school: School) -> None:
    made = town.listen(school, HOOK, chosen=["day.signed_off"])
    town.listen(school, OTHER)

    town.act(school, endpoints.test, made.endpoint_id)
    town.work()

    [told] = town.receivers.told
    assert told.url == HOOK
    assert told.event["type"] == "endpoint.tested"
    assert told.event["data"] == {"endpoint": ids.shown("end", made.endpoint_id)}


def test_sending_again_by_hand_keeps_the_id_and_is_logged(town: Town, school: School) -> None:
    made = town.listen(school)
    town.happen(school)
    town.work()
    delivery_id: UUID = town.row(made, "id", "delivery")

    town.act(school, endpoints.replay, made.endpoint_id, delivery_id)
    town.work()

    first, again = town.receivers.told
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    log = town.house.psql("admin", "SELECT number, answer FROM delivery_attempt ORDER BY number")
    assert log == [(1, 200), (2, 200)]
    with pytest.raises(NotFound):
        town.act(school, endpoints.replay, ids.new(), delivery_id)


def test_a_biller_has_at_most_ten_endpoints_that_are_called(town: Town, school: School) -> None:
    made = [town.listen(school, f"{HOOK}/{number}") for number in range(endpoints.MOST)]
    with pytest.raises(Conflict):
        town.listen(school)

    town.act(school, endpoints.disable, made[0].endpoint_id)
    town.listen(school)

    with pytest.raises(Conflict):
        town.act(school, endpoints.enable, made[0].endpoint_id)


def test_the_log_of_calls_is_kept_for_a_year(town: Town, school: School) -> None:
    town.listen(school)
    town.happen(school)
    town.work()

    def forget() -> int:
        with town.house.system.begin() as db:
            return delivery.forget_old(db, at=town.house.clock.now())

    assert forget() == 0
    town.house.clock.advance(days=366)
    assert forget() == 1


def test_a_school_that_cannot_be_served_holds_up_no_other(town: Town, school: School) -> None:
    other = a_school(town.house, code="TH-HH", number="9999018460")
    town.listen(school, HOOK)
    town.listen(other, OTHER)
    with town.house.sessions.begin(school.biller_id) as db:
        db.execute(text("UPDATE data_key SET wrapped = 'x' WHERE biller_id = :b"),
                   {"b": school.biller_id})  # fmt: skip
    town.happen(school)
    town.happen(other)

    town.work()

    assert town.receivers.positions(OTHER) == town.expected(other)[-1:]
    assert len(town.troubles) == 1
