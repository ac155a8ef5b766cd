"""Endpoints that fail, are slow or gone: nothing is lost, and nobody else waits for them."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from payments.domain import ids
from payments.domain.errors import Conflict
from tests.cast import School, a_school
from tests.databases import House
from tests.hooks import HOOK, OTHER, Town, failing
from tests.receivers import BROKEN, GONE, WELL, Told
from webhooks import backoff, delivery, endpoints
from webhooks.sender import Failure, Heard


@pytest.fixture
def town(house: House) -> Town:
    return Town(house)


@pytest.fixture
def school(town: Town) -> School:
    return a_school(town.house)


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
