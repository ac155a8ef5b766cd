"""Commit, call, commit: a process may die between any two, and a look-up finds the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from ops import calling, jobs
from payments import attempts, channels, outbox
from payments.domain.gateway import Known, Outcome, Unknown
from payments.domain.people import SERVICE
from tests.cast import a_notice
from tests.databases import House, QuickHouse
from tests.tries import NAME, OWED, Killed, Till, a_till
from web.app import create_app


@pytest.fixture
def till(quick_house: QuickHouse) -> Till:
    return a_till(quick_house)


def test_a_process_that_dies_before_the_call_leaves_a_try_that_ends_by_itself(till: Till) -> None:
    order = till.order()
    with pytest.raises(Killed):
        till.try_(order.id, "kills_before")
    attempt = till.one("SELECT id FROM attempt")
    dead = till.status(attempt)

    till.later(seconds=31)
    asked = till.status(attempt)
    till.to_the_end()

    assert (dead, asked, till.status(attempt)) == ("created", "pending", "expired")
    assert till.status(till.try_(order.id)) == "redirected"


@pytest.mark.parametrize("mood", ["kills", "loses_answer", "breaks"])
def test_a_try_that_the_gateway_has_and_we_did_not_hear_of_is_found_and_paid(
    till: Till, mood: str
) -> None:
    order = till.order()
    try:
        till.try_(order.id, mood)
    except Killed:
        assert mood == "kills"
    attempt = till.one("SELECT id FROM attempt")
    number = till.far.pay(till.reference(attempt))

    till.later(seconds=31)

    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")
    assert till.payments() == [(number, OWED)]


def test_a_doubt_that_was_cleared_up_lets_the_payer_try_again(till: Till) -> None:
    order = till.order()
    first = till.try_(order.id, "loses_answer")
    till.far.end(till.reference(first), "failed")

    till.later(seconds=31)
    second = till.try_(order.id)

    assert (till.status(first), till.status(second)) == ("failed", "redirected")


@pytest.mark.parametrize(("mood", "reason"), [
    ("unreachable", "unreachable"), ("refuses", "amount_refused"),
])  # fmt: skip
def test_a_try_that_the_gateway_never_had_is_over_at_once(
    till: Till, mood: str, reason: str
) -> None:
    order = till.order()
    first = till.try_(order.id, mood)

    [row] = till.rows("SELECT status, reason FROM attempt")
    assert (row.status, row.reason) == ("failed", reason)
    assert till.try_(order.id) != first


def test_a_try_that_nobody_hears_of_is_asked_about_while_the_payer_waits(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    till.far.pay(till.reference(attempt))

    till.later(minutes=1)

    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")


def test_a_try_whose_time_is_over_expires_by_the_gateways_word(till: Till) -> None:
    attempt = till.try_(till.order().id)

    till.to_the_end()

    assert till.status(attempt) == "expired"
    asked = [
        round((known.now - known.started_at).total_seconds() / 60) for known in till.far.looked
    ]
    assert asked == [0, 2, 5, 10, 16, 30]
    assert till.one("SELECT count(*) FROM message WHERE drain = 'lookups'") == len(asked)


def test_a_switched_off_channel_is_still_asked_about_what_was_begun(till: Till) -> None:
    attempt = till.try_(till.order().id)
    till.far.pay(till.reference(attempt))
    with till.begin() as db:
        channels.switch(db, NAME, on=False, by=till.school.chief, at=till.now)

    till.later(minutes=1)

    assert till.status(attempt) == "succeeded"


def test_a_gateway_that_this_installation_no_longer_has_leaves_the_try_in_doubt(
    till: Till,
) -> None:
    attempt = till.try_(till.order().id)
    till.runtime.__dict__["gateways"] = {}

    till.to_the_end()

    assert till.status(attempt) == "unknown"
    assert till.one("SELECT reason FROM attempt") == "no_settings"
    assert till.one("SELECT count(*) FROM message WHERE kind = 'attempt.unresolved'") == 1


def test_a_look_up_that_breaks_is_put_off_and_asked_again(till: Till) -> None:
    attempt = till.try_(till.order().id)
    till.far.pay(till.reference(attempt))
    till.far.tells = "breaks"
    till.later(minutes=1)
    broken = till.status(attempt)
    till.far.tells = "truth"

    till.later(minutes=1)

    assert (broken, till.status(attempt)) == ("redirected", "succeeded")


def test_what_is_known_goes_with_the_question(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    with till.begin() as db:
        attempts.record(db, attempt, Unknown("x"), at=till.now)

    till.later(seconds=31)

    known = till.far.looked[0]
    assert (known.attempt_id, known.amount.amount) == (attempt, OWED)
    assert known.reference == f"{order.code}-{attempt.hex}"
    assert known.expires_at - known.started_at == till.far.lifetime


def test_a_look_up_about_what_was_told_meanwhile_asks_nobody(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    till.hear(till.call(attempt))
    till.work("inbox")

    till.to_the_end()

    assert till.far.looked == []
    assert till.status(attempt) == "succeeded"


def test_news_between_question_and_answer_is_not_undone_by_the_answer(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)

    class Slow(type(till.far)):  # type: ignore[misc]  # the very class of this till's company
        def look_up(self, known: Known, settings: object) -> Outcome:
            till.hear(till.call(attempt))
            till.work("inbox")
            return Unknown("no_answer")

    till.far.__class__ = Slow
    till.later(seconds=31)

    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")


def test_an_order_paid_while_the_payer_is_at_the_gateway_is_paid_twice_and_owed_back(
    till: Till,
) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    with till.begin() as db:
        a_notice(db, till.school, OWED, order.code)
    till.far.pay(till.reference(attempt))

    till.later(minutes=1)

    assert till.one("SELECT sum(amount) FROM credit WHERE live") == OWED
    assert till.one("SELECT kind FROM discrepancy") == "DUPLICATE_PAYMENT"
    assert till.unexplained() == 0


# The job that asks, with threads and leases of its own


@pytest.fixture
def busy(house: House) -> Till:
    return a_till(house)


class Hanging(threading.Event):
    """A company that answers about one try only when it is let go."""


def ask_all(till: Till) -> None:
    """Make every question due."""
    till.school.house.clock.advance(seconds=31)
    jobs.use(till.runtime)


@pytest.fixture
def hung(busy: Till) -> Iterator[tuple[Till, Hanging, list[str]]]:
    """Twelve tries, and a company that does not answer about the first of them."""
    order_ids = [busy.order().id for _ in range(12)]
    tries = [busy.try_(order_id) for order_id in order_ids]
    first, go = busy.reference(tries[0]), Hanging()

    class HangsOnce(type(busy.far)):  # type: ignore[misc]  # the very class of this till's company
        def look_up(self, known: Known, settings: object) -> Outcome:
            if known.reference == first and not go.wait(60):
                return Unknown("no_answer")
            return super().look_up(known, settings)  # type: ignore[no-any-return]  # as above

    for attempt in tries:
        busy.far.pay(busy.reference(attempt))
    busy.far.__class__ = HangsOnce
    try:
        yield busy, go, [first, *(busy.reference(one) for one in tries[1:])]
    finally:
        go.set()


def states(till: Till, references: Sequence[str]) -> list[str]:
    found = {row.name: row.status for row in till.rows(
        "SELECT merchant_reference AS name, status FROM attempt"
    )}  # fmt: skip
    return [found[reference] for reference in references]


def test_a_call_that_hangs_holds_up_no_other(
    hung: tuple[Till, Hanging, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    till, go, references = hung
    monkeypatch.setattr(jobs, "CALLS_SECONDS", 5.0)
    monkeypatch.setattr(jobs, "CALLS_PATIENCE", 0.5)
    ask_all(till)

    jobs.drain_calls("lookups")

    assert states(till, references) == ["redirected"] + ["succeeded"] * 11
    assert not go.is_set()


def test_a_call_that_hangs_is_asked_again_when_its_process_is_gone(
    hung: tuple[Till, Hanging, list[str]], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    till, go, references = hung
    monkeypatch.setattr(jobs, "CALLS_SECONDS", 1.0)
    monkeypatch.setattr(jobs, "CALLS_PATIENCE", 0.1)
    ask_all(till)
    jobs.drain_calls("lookups")

    go.set()
    over = "UPDATE message SET leased_until = now() - interval '1 s' WHERE leased_until > now()"
    house.psql("admin", over)
    monkeypatch.setattr(jobs, "CALLS_SECONDS", 20.0)
    jobs.drain_calls("lookups")

    assert states(till, references) == ["succeeded"] * 12
    assert len(till.payments()) == 12


def test_the_lease_of_a_slow_call_is_kept_alive(
    busy: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LEASE", outbox.LEASE / 30)  # half a second, renewed twice in it
    attempt = busy.try_(busy.order().id)
    with busy.school.house.system.begin() as db:
        busy.school.house.clock.advance(seconds=31)
        [message] = outbox.claim(db, "lookups", now=busy.now, lease=outbox.LEASE)
    seen: list[int] = []

    def slow(runtime: object, claimed: outbox.Claimed) -> None:
        until = time.monotonic() + 5 * outbox.LEASE.total_seconds()
        while time.monotonic() < until:
            with busy.school.house.system.begin() as db:
                seen.append(len(outbox.claim(db, "lookups", now=busy.now)))
            time.sleep(0.05)

    jobs._act(busy.runtime, slow, message)

    assert sum(seen) == 0
    assert busy.one("SELECT due_at FROM message WHERE id = :id", id=message.id) is None
    assert busy.status(attempt) == "redirected"


def test_several_workers_share_the_questions_and_each_is_asked_once(busy: Till) -> None:
    order_ids = [busy.order().id for _ in range(20)]
    for attempt in [busy.try_(order_id) for order_id in order_ids]:
        busy.far.pay(busy.reference(attempt))
    ask_all(busy)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(jobs.drain_calls, ["lookups"] * 3))

    assert len(busy.far.looked) == 20
    assert len(busy.payments()) == 20


def test_a_job_with_nothing_to_do_ends_at_once(busy: Till) -> None:
    jobs.use(busy.runtime)

    jobs.drain_calls("lookups")

    assert busy.far.looked == []


def test_the_check_of_a_channel_is_kept_and_says_what_was_found(till: Till) -> None:
    found = calling.check(till.runtime, till.school.biller_id, NAME, by=SERVICE)

    with till.begin() as db:
        [channel] = channels.listed(db)
    assert found.ok
    assert channel.check == found
    assert channel.checked_at == till.now


def test_the_figures_tell_how_many_tries_at_a_gateway_are_in_doubt(till: Till) -> None:
    till.try_(till.order().id, "loses_answer")
    till.try_(till.order().id)

    figures = create_app(till.runtime).test_client().get("/metrics").text

    assert 'thuphi_attempts{gateway="vnpay",status="unknown"} 1.0' in figures
    assert 'thuphi_attempts{gateway="vnpay",status="redirected"} 1.0' in figures
