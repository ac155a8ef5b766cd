"""Whatever a worker dies at, and whoever else works beside it, each event is told and kept once."""

from __future__ import annotations

import pytest

from payments import sealing
from tests.cast import School, a_school
from tests.databases import House
from tests.hooks import HOOK, Town
from tests.receivers import BROKEN, WELL, Told
from webhooks import delivery, endpoints, rounds
from webhooks.sender import Heard


@pytest.fixture
def town(house: House) -> Town:
    return Town(house)


@pytest.fixture
def school(town: Town) -> School:
    return a_school(town.house)


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
