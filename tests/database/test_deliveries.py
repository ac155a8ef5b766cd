"""Every event reaches every endpoint that wants it, at least once, each with its position."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from payments.domain import ids
from payments.domain.errors import Conflict, Invalid, NotFound
from payments.queries import events
from tests.cast import School, a_school
from tests.databases import House
from tests.hooks import HOOK, OTHER, Town
from webhooks import delivery, endpoints


@pytest.fixture
def town(house: House) -> Town:
    return Town(house)


@pytest.fixture
def school(town: Town) -> School:
    return a_school(town.house)


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
