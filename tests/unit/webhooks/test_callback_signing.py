"""Signatures are those of Standard Webhooks: the project's own library believes them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from standardwebhooks import Webhook, WebhookVerificationError

from payments.domain import ids
from webhooks import payload, signing
from webhooks.rounds import Call

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _it_is_now() -> Iterator[None]:
    """Receivers look at the clock: a call is believed for five minutes."""
    with time_machine.travel(NOW, tick=False):
        yield


def a_call() -> Call:
    return Call(ids.new(), 0, ids.new(), 42, "payment.received", NOW, {"amount": 581_000})


def test_a_receiver_that_knows_the_standard_believes_the_call() -> None:
    secret, call = signing.new_secret(), a_call()
    body = payload.body(call)

    told = Webhook(secret).verify(body, payload.headers([secret], call, body, at=NOW))

    assert told["type"] == "payment.received"
    assert told["data"] == {"amount": 581_000}
    assert told["position"] == 42
    assert datetime.fromisoformat(told["timestamp"]) == NOW.replace(
        microsecond=NOW.microsecond // 1000 * 1000
    )


def test_while_a_secret_is_replaced_either_is_believed() -> None:
    new, old, call = signing.new_secret(), signing.new_secret(), a_call()
    body = payload.body(call)

    headers = payload.headers([new, old], call, body, at=NOW)

    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (new, old):
        assert Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.new_secret()).verify(body, headers)


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "body"])
def test_nothing_that_is_signed_can_be_changed(part: str) -> None:
    secret, call = signing.new_secret(), a_call()
    body = payload.body(call)
    headers = payload.headers([secret], call, body, at=NOW)

    if part == "body":
        body = body.replace(b"581000", b"581001")
    elif part == "webhook-id":
        headers[part] = "evt_other"
    else:
        headers[part] = str(int(headers[part]) + 1)

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


def test_a_call_that_is_kept_and_sent_later_is_too_old() -> None:
    secret, call = signing.new_secret(), a_call()
    body = payload.body(call)
    headers = payload.headers([secret], call, body, at=NOW - timedelta(minutes=6))

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


def test_the_id_and_the_body_are_the_same_at_every_retry() -> None:
    secret, call = signing.new_secret(), a_call()

    first = payload.headers([secret], call, payload.body(call), at=NOW)
    later = payload.headers([secret], call, payload.body(call), at=NOW + timedelta(hours=5))

    assert first["webhook-id"] == later["webhook-id"] == ids.shown("evt", call.event_id)
    assert first["webhook-timestamp"] != later["webhook-timestamp"]


def test_a_secret_has_the_strength_and_form_of_the_standard() -> None:
    secrets = {signing.new_secret() for _ in range(100)}

    assert len(secrets) == 100
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
