"""A message is handled once, by one, and a poisonous one holds up nobody."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from payments import outbox
from payments.domain.errors import Conflict
from payments.outbox import Claimed
from tests.databases import House

EXPIRED = timedelta(microseconds=1)  # over before anybody can look


def a_biller(house: House) -> UUID:
    biller_id = uuid4()
    with house.system.begin() as db:
        db.execute(
            text("""INSERT INTO biller (id, code, kind, name, created_at)
                    VALUES (:id, :code, 'school', 'Trường thử', :at)"""),
            {"id": biller_id, "code": biller_id.hex[:8].upper(), "at": house.clock.now()},
        )
    return biller_id


def emitted(house: House, biller_id: UUID, count: int = 1) -> list[UUID]:
    with house.sessions.begin(biller_id) as db:
        bodies = [{"number": number} for number in range(count)]
        return outbox.emit_many(db, "payment.received", bodies, at=house.clock.now())


def claimed(house: House, *, lease: timedelta = outbox.LEASE, limit: int = 500) -> list[Claimed]:
    with house.system.begin() as db:
        return outbox.claim(db, "explain", now=house.clock.now(), limit=limit, lease=lease)


def due(house: House) -> list[str]:
    with house.system.begin() as db:
        return outbox.due(db, house.clock.now())


def test_a_message_with_a_drain_is_due_until_it_is_done(house: House) -> None:
    biller_id = a_biller(house)
    [message_id] = emitted(house, biller_id)
    assert due(house) == ["explain"]

    [message] = claimed(house)
    with house.sessions.begin(biller_id) as db:
        assert outbox.hold(db, message)
        outbox.done(db, message.id)

    assert message.id == message_id
    assert (message.biller_id, message.kind, message.body) == (
        biller_id,
        "payment.received",
        {"number": 0},
    )
    assert due(house) == []
    assert claimed(house) == []


def test_an_event_for_billers_is_never_due(house: House) -> None:
    biller_id = a_biller(house)

    with house.sessions.begin(biller_id) as db:
        outbox.emit(db, "invoice.issued", {"invoice": uuid4()}, at=house.clock.now())

    assert due(house) == []
    at = house.clock.now()
    with house.sessions.begin(biller_id) as db, pytest.raises(ValueError, match="nobody acts"):
        outbox.emit(db, "invoice.issued", {}, at=at, due_at=at)


def test_a_message_lives_and_dies_with_the_transaction_that_emits_it(house: House) -> None:
    biller_id = a_biller(house)

    def emit_and_fail() -> None:
        with house.sessions.begin(biller_id) as db:
            outbox.emit(db, "payment.received", {}, at=house.clock.now())
            raise Conflict

    with pytest.raises(Conflict):
        emit_and_fail()

    assert due(house) == []


def test_a_delayed_message_waits_for_its_moment(house: House) -> None:
    biller_id, at = a_biller(house), house.clock.now()
    with house.sessions.begin(biller_id) as db:
        outbox.emit(db, "payment.received", {}, at=at, due_at=at + timedelta(hours=1))

    assert claimed(house) == []

    house.clock.advance(hours=1)
    assert len(claimed(house)) == 1


def test_a_fact_that_is_named_is_emitted_once(house: House) -> None:
    biller_id, other = a_biller(house), a_biller(house)

    def ask(of: UUID, day: str) -> UUID:
        with house.sessions.begin(of) as db:
            body = {"day": day}
            return outbox.emit(db, "run.requested", body, at=house.clock.now(), once=day)

    first, again, next_day = (ask(biller_id, d) for d in ("2026-03-01", "2026-03-01", "2026-03-02"))

    assert first == again
    assert len({first, next_day, ask(other, "2026-03-01")}) == 3
    [(count,)] = house.psql("admin", "SELECT count(*) FROM message")
    assert count == 3


def test_a_body_carries_ids_and_dates_as_text_and_nothing_unknown(house: House) -> None:
    biller_id, payment_id = a_biller(house), uuid4()

    with house.sessions.begin(biller_id) as db:
        outbox.emit(db, "payment.received", {"payment": payment_id}, at=house.clock.now())
        with pytest.raises(TypeError, match="bytes"):
            outbox.emit(db, "payment.received", {"raw": b"x"}, at=house.clock.now())

    [message] = claimed(house)
    assert message.body == {"payment": str(payment_id)}


def test_two_workers_never_claim_the_same_message(house: House) -> None:
    emitted(house, a_biller(house), 20)
    with house.system.begin() as one, house.system.begin() as other:
        at = house.clock.now()

        first = outbox.claim(one, "explain", now=at, limit=8)
        second = outbox.claim(other, "explain", now=at, limit=500)

    assert (len(first), len(second)) == (8, 12)
    assert not {m.id for m in first} & {m.id for m in second}


def test_one_claim_takes_messages_of_every_biller_oldest_first(house: House) -> None:
    early, late = a_biller(house), a_biller(house)
    emitted(house, late, 2)
    house.clock.advance(minutes=-5)
    emitted(house, early, 2)
    house.clock.advance(minutes=5)

    batch = claimed(house)

    assert [message.biller_id for message in batch] == [early, early, late, late]


def test_a_lease_that_ran_out_cannot_be_held_after_somebody_else_took_over(house: House) -> None:
    biller_id = a_biller(house)
    emitted(house, biller_id)
    [mine] = claimed(house, lease=EXPIRED)
    [theirs] = claimed(house)

    with house.sessions.begin(biller_id) as db:
        assert not outbox.hold(db, mine)
        assert outbox.hold(db, theirs)


def test_only_one_of_two_transactions_holds_a_message(house: House) -> None:
    biller_id = a_biller(house)
    emitted(house, biller_id)
    [message] = claimed(house)

    with house.sessions.begin(biller_id) as one, house.sessions.begin(biller_id) as other:
        assert outbox.hold(one, message)
        assert not outbox.hold(other, message)


def test_a_message_that_somebody_works_on_is_not_claimed_even_when_its_lease_is_over(
    house: House,
) -> None:
    biller_id = a_biller(house)
    emitted(house, biller_id)
    [message] = claimed(house, lease=EXPIRED)

    with house.sessions.begin(biller_id) as db:
        assert outbox.hold(db, message)
        assert claimed(house) == []


def test_what_was_not_begun_is_given_back_at_once(house: House) -> None:
    emitted(house, a_biller(house), 3)
    batch = claimed(house)

    with house.system.begin() as db:
        outbox.release(db, batch[1:])

    again = claimed(house)
    assert {m.id for m in again} == {m.id for m in batch[1:]}
    assert [m.attempts for m in again] == [0, 0]


def test_a_failure_is_noted_and_comes_back_after_a_growing_pause(house: House) -> None:
    biller_id = a_biller(house)
    emitted(house, biller_id)
    waits = []

    for _ in range(4):
        [message] = claimed(house)
        with house.sessions.begin(biller_id) as db:
            outbox.failed(db, message.id, "unavailable: the gateway is down", house.clock.now())
        [(due_at, error)] = house.psql("admin", "SELECT due_at, last_error FROM message")
        assert error == "unavailable: the gateway is down"
        waits.append((due_at - house.clock.now()).total_seconds())
        assert claimed(house) == []
        house.clock.at = due_at

    assert waits == [2, 4, 8, 16]


def test_a_failure_after_the_work_was_done_changes_nothing(house: House) -> None:
    biller_id = a_biller(house)
    [message_id] = emitted(house, biller_id)

    with house.sessions.begin(biller_id) as db:
        outbox.done(db, message_id)
        assert outbox.failed(db, message_id, "too late", house.clock.now()) == 0

    assert due(house) == []


def test_of_messages_whose_worker_died_one_comes_back_at_a_time_behind_the_fresh(
    house: House,
) -> None:
    biller_id = a_biller(house)
    lost = set(emitted(house, biller_id, 3))
    claimed(house, lease=EXPIRED)
    house.clock.advance(seconds=1)
    fresh = set(emitted(house, biller_id, 2))

    batch = claimed(house)

    assert {m.id for m in batch[:2]} == fresh
    assert batch[2].id in lost
    assert batch[2].attempts == 1
    assert len(batch) == 3


def test_a_message_that_kills_every_worker_does_not_hold_up_the_others(house: House) -> None:
    poison, *others = emitted(house, a_biller(house), 4)
    handled: set[UUID] = set()

    for _ in range(12):  # rounds of a worker that dies as soon as it touches the poison
        with house.system.begin() as db:
            at = house.clock.now()
            batch = outbox.claim(db, "explain", now=at, lease=timedelta(milliseconds=1))
        for message in batch:
            if message.id == poison:
                break
            with house.sessions.begin(message.biller_id) as db:
                if outbox.hold(db, message):
                    outbox.done(db, message.id)
                    handled.add(message.id)

    assert handled == set(others)
    [(attempts,)] = house.psql("admin", "SELECT attempts FROM message WHERE due_at IS NOT NULL")
    assert attempts >= 1


def test_a_lease_is_renewed_by_whoever_has_it_only(house: House) -> None:
    emitted(house, a_biller(house))
    [mine] = claimed(house)

    with house.system.begin() as db:
        longer = outbox.renew(db, mine, lease=timedelta(minutes=5))
    with house.system.begin() as db:
        late = outbox.renew(db, mine)

    assert longer is not None
    assert longer.leased_until > mine.leased_until
    assert late is None


def test_one_biller_cannot_touch_the_message_of_another(house: House) -> None:
    biller_id, stranger = a_biller(house), a_biller(house)
    emitted(house, biller_id)
    [message] = claimed(house)

    with house.sessions.begin(stranger) as db:
        assert not outbox.hold(db, message)
        outbox.done(db, message.id)

    house.psql("admin", "UPDATE message SET leased_until = NULL")
    assert due(house) == ["explain"]


def test_the_age_of_a_queue_is_how_long_its_oldest_message_has_been_due(house: House) -> None:
    biller_id = a_biller(house)
    emitted(house, biller_id, 2)
    house.clock.advance(seconds=90)
    house.psql("admin", "UPDATE message SET attempts = 12 WHERE body->>'number' = '1'")

    with house.system.begin() as db:
        ages = {age.drain: age for age in outbox.queue_ages(db, house.clock.now())}

    assert ages.keys() == outbox.NAMES
    assert (ages["explain"].due, ages["explain"].stuck) == (2, 1)
    assert ages["explain"].oldest_seconds == pytest.approx(90)
    assert (ages["inbox"].due, ages["inbox"].oldest_seconds) == (0, 0)
