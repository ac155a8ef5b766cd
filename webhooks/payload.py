"""What is sent: the event as JSON, and the headers by which its receiver believes it. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from payments.domain import ids
from payments.domain.calendar import HANOI
from webhooks import signing
from webhooks.rounds import Call

AGENT: Final = "Thuphi"


def body(call: Call) -> bytes:
    """The event: type, when it happened, its data (ids and amounts) and its position."""
    told = {
        "type": call.kind,
        "timestamp": call.at.astimezone(HANOI).isoformat(timespec="milliseconds"),
        "data": dict(call.body),
        "position": call.position,
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def headers(secrets: Sequence[str], call: Call, sent: bytes, *, at: datetime) -> dict[str, str]:
    """Of one call. webhook-id is the event's id, the same as in `GET /events`."""
    said = {"content-type": "application/json", "user-agent": AGENT}
    return said | signing.headers(secrets, ids.shown("evt", call.event_id), sent, at=at)
