"""Tries at gateways over the API: once for a key, whatever happens in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from payments import attempts, channels
from payments.domain import ids
from payments.domain.gateway import Ending, Refused
from payments.domain.people import SERVICE, Permission
from tests.cast import a_school
from tests.databases import House, QuickHouse
from tests.doors import Program, a_program
from tests.tries import NAME, OWED, Killed, Till, a_till
from web.app import create_app

ASK = {"channel": NAME}


class Counter:
    """A biller's program at the till."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.app = create_app(till.runtime)
        self.program: Program = a_program(self.app, till.school.house, till.school.biller_id)  # type: ignore[arg-type]  # a House or a QuickHouse, as the fixtures make it

    def url(self, amount: int = OWED) -> str:
        order = self.till.order(amount)
        return f"/api/v1/payment-orders/{ids.shown('ord', order.id)}/attempts"


@pytest.fixture
def counter(quick_house: QuickHouse) -> Counter:
    return Counter(a_till(quick_house))


def test_a_try_at_a_gateway_answers_with_where_to_send_the_payer(counter: Counter) -> None:
    said = counter.program.post(counter.url(), ASK)

    reference = counter.till.one("SELECT merchant_reference FROM attempt")
    assert said.status_code == 201
    assert said.json["status"] == "redirected"
    assert said.json["redirect_url"] == f"https://cong.example/{reference}"
    assert (said.json["amount"], said.json["currency"]) == (OWED, "VND")
    assert said.json["expires_at"].endswith("+07:00")


@pytest.mark.parametrize(("mood", "status", "reason"), [
    ("loses_answer", "unknown", "no_answer"),
    ("breaks", "unknown", "failed_here"),
    ("unreachable", "failed", "unreachable"),
])  # fmt: skip
def test_what_the_gateway_did_not_do_is_told_and_is_no_error_of_the_program(
    counter: Counter, mood: str, status: str, reason: str
) -> None:
    counter.till.far.mood = mood

    said = counter.program.post(counter.url(), ASK)

    assert (said.status_code, said.json["status"], said.json["reason"]) == (201, status, reason)


def test_a_repeat_shows_the_try_as_it_stands_now_and_calls_nobody(counter: Counter) -> None:
    url = counter.url()
    first = counter.program.post(url, ASK, idempotency_key="k-1")
    attempt = ids.read("att", first.json["id"])
    with counter.till.begin() as db:
        attempts.record(db, attempt, Refused("balance", Ending.FAILED), at=counter.till.now)

    again = counter.program.post(url, ASK, idempotency_key="k-1")

    assert (again.status_code, again.json["id"]) == (201, first.json["id"])
    assert (again.json["status"], again.json["reason"]) == ("failed", "balance")
    assert len(counter.till.far.started) == 1


def test_a_repeat_after_a_crash_finds_the_try_and_never_makes_a_second_one(
    counter: Counter,
) -> None:
    url = counter.url()
    counter.till.far.mood = "kills"
    with pytest.raises(Killed):
        counter.program.post(url, ASK, idempotency_key="k-1")
    counter.till.far.mood = "fine"

    again = counter.program.post(url, ASK, idempotency_key="k-1")
    other_key = counter.program.post(url, ASK, idempotency_key="k-2")

    assert (again.status_code, again.json["status"]) == (201, "created")
    assert other_key.status_code == 409
    assert len(counter.till.far.started) == 1


def test_a_second_try_with_another_key_gets_the_checkout_that_stands(counter: Counter) -> None:
    url = counter.url()

    first, second = (counter.program.post(url, ASK).json for _ in range(2))

    assert first["id"] == second["id"]
    assert len(counter.till.far.started) == 1


def test_a_key_that_was_used_for_another_channel_is_refused(counter: Counter) -> None:
    url = counter.url()
    counter.program.post(url, ASK, idempotency_key="k-1")

    said = counter.program.post(url, {"channel": "vietqr"}, idempotency_key="k-1")

    assert (said.status_code, said.json["type"]) == (422, "/problems/key-reused")


def test_parallel_calls_with_one_key_are_one_try(house: House) -> None:
    counter = Counter(a_till(house))
    url = counter.url()

    def start(_: int) -> Any:
        program = Program(counter.app.test_client(), counter.program.key)
        return program.post(url, ASK, idempotency_key="k-1")

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(start, range(8)))
    later = counter.program.post(url, ASK, idempotency_key="k-1")

    codes = [one.status_code for one in said]
    assert set(codes) <= {201, 409}
    assert 201 in codes
    assert all(one.headers["Retry-After"] for one in said if one.status_code == 409)
    assert len(counter.till.far.started) == 1
    assert counter.till.one("SELECT count(*) FROM attempt") == 1
    assert (later.status_code, later.json["status"]) == (201, "redirected")


def test_parallel_calls_with_many_keys_are_one_try_all_the_same(house: House) -> None:
    counter = Counter(a_till(house))
    url = counter.url()

    def start(turn: int) -> int:
        program = Program(counter.app.test_client(), counter.program.key)
        return program.post(url, ASK, idempotency_key=f"k-{turn}").status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(start, range(8)))

    assert set(codes) <= {201, 409}
    assert counter.till.one("SELECT count(*) FROM attempt") == 1
    assert len(counter.till.far.started) == 1


@pytest.mark.parametrize(("ask", "slug"), [
    ({"channel": "paypal"}, "unknown-channel"),
    ({"channel": "../x"}, "invalid"),
    ({"channel": ""}, "invalid"),
    ({"channel": NAME, "payer_address": "not an address"}, "invalid"),
    ({"channel": NAME, "payer_address": "fe80::1%25eth0&vnp_Amount=1"}, "invalid"),
    ({"channel": NAME, "language": "fr"}, "invalid"),
    ({"channel": NAME, "amount": 1}, "invalid"),
    ({}, "invalid"),
])  # fmt: skip
def test_an_ask_that_makes_no_sense_is_refused_and_nothing_is_written(
    counter: Counter, ask: dict[str, Any], slug: str
) -> None:
    said = counter.program.post(counter.url(), ask)

    assert (said.status_code, said.json["type"]) == (422, f"/problems/{slug}")
    assert counter.till.one("SELECT count(*) FROM attempt") == 0


def test_an_amount_outside_the_limits_a_channel_that_is_off_and_a_missing_key_are_refused(
    counter: Counter,
) -> None:
    small = counter.program.post(counter.url(4_999), ASK)
    keyless = counter.program.post(counter.url(), ASK, idempotency_key=None)
    with counter.till.begin() as db:
        channels.switch(db, NAME, on=False, by=SERVICE, at=counter.till.now)
    off = counter.program.post(counter.url(), ASK)

    assert [one.json["type"].rpartition("/")[2] for one in (small, keyless, off)] == [
        "invalid", "key-missing", "channel-off",
    ]  # fmt: skip
    assert [one.status_code for one in (small, keyless, off)] == [422, 422, 409]


def test_another_billers_order_is_not_there(counter: Counter) -> None:
    house = counter.till.school.house
    other = a_school(house, code="TH-KHAC", number="9999000777")
    program = a_program(counter.app, house, other.biller_id)  # type: ignore[arg-type]  # as above
    with house.sessions.begin(other.biller_id) as db:
        channels.put(db, NAME, {"tmn_code": "KHAC"}, by=SERVICE, at=counter.till.now)
    url = counter.url()

    assert program.post(url, ASK).status_code == 404
    assert program.get(url).status_code == 404
    assert counter.till.one("SELECT count(*) FROM attempt") == 0


def test_a_key_without_the_scope_starts_nothing(counter: Counter) -> None:
    house, school = counter.till.school.house, counter.till.school
    reader = a_program(counter.app, house, school.biller_id, Permission.READ)  # type: ignore[arg-type]  # as above

    assert reader.post(counter.url(), ASK).status_code == 403


def test_the_list_shows_every_try_oldest_first_and_no_secret(counter: Counter) -> None:
    url = counter.url()
    counter.program.post(url, {"channel": "vietqr"})
    counter.till.school.house.clock.advance(seconds=1)
    counter.program.post(url, ASK)

    said = counter.program.get(url)

    assert [one["channel"] for one in said.json["items"]] == ["vietqr", NAME]
    assert "hash_secret" not in said.text
    assert "merchant_reference" not in said.text
