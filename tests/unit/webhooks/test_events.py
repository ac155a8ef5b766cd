"""Events: what is written beside a call is what is read from it, and every kind is acted on."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from payments.domain.calendar import HANOI
from payments.domain.money import Money
from webhooks import dispatch
from webhooks.event import Event, Kind

TEXTS = st.text(max_size=40)
EVENTS = st.builds(
    Event,
    event_id=st.text(min_size=1, max_size=20),
    kind=st.sampled_from(Kind),
    account_number=TEXTS,
    amount=st.integers(1, 999_999_999_999).map(Money),
    at=st.datetimes(timezones=st.sampled_from([UTC, HANOI])),
    memo=TEXTS,
    bank_reference=st.none() | TEXTS,
    counterparty_name=TEXTS,
    counterparty_account=TEXTS,
    merchant_reference=TEXTS,
    provider_reference=TEXTS,
)


@given(EVENTS)
def test_an_event_comes_back_from_json_as_it_was(event: Event) -> None:
    assert Event.read(json.loads(json.dumps(event.fields()))) == event


def test_two_events_that_differ_in_anything_are_told_apart() -> None:
    """What decides whether a repeat was "told again with other content"."""
    first = Event("1", Kind.CREDIT, "9999018452", Money(1_000), datetime(2026, 3, 10, tzinfo=HANOI))
    changes = {
        "event_id": "2", "kind": "debit", "account_number": "9999018453", "amount": 2_000,
        "at": "2026-03-11T00:00:00+07:00", "memo": "x", "bank_reference": "FT1",
        "counterparty_name": "x", "counterparty_account": "x", "merchant_reference": "x",
        "provider_reference": "x", "reason": "x", "ending": "expired",
    }  # fmt: skip

    others = [Event.read(first.fields() | {name: value}) for name, value in changes.items()]

    assert set(changes) == set(first.fields())
    assert all(other.fields() != first.fields() for other in others)


def test_every_kind_of_event_has_its_verb() -> None:
    assert set(dispatch.VERBS) == set(Kind)
