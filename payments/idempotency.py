"""Idempotency: the same key and the same request get the same answer, once.

`recall` takes a lock that lives as long as the transaction. Two calls with one key at the
same moment: one works, the other hears KeyInUse and asks again. A process that dies leaves
neither lock nor answer, so the next call does the work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.domain.errors import KeyInUse, KeyReused
from payments.store.sessions import biller_of

KEPT = timedelta(days=30)


_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 11))")
# Apart from the lock: a statement's snapshot is older than a lock it takes, and would miss the
# answer of whoever held it until a moment ago.
_RECALL = text("""
SELECT request_hash, status, body FROM idempotency_answer
WHERE biller_id = :biller AND route = :route AND key = :key
""")
_REMEMBER = text("""
INSERT INTO idempotency_answer (biller_id, route, key, request_hash, status, body, created_at)
VALUES (:biller, :route, :key, :hash, :status, CAST(:body AS jsonb), :at)
""")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered before: an HTTP status and a JSON body."""

    status: int
    body: dict[str, Any]


def recall(db: Session, *, route: str, key: str, request: Mapping[str, Any]) -> Answer | None:
    """Return the answer given before, or None when the work is now the caller's to do.

    request: the request's parsed content; another content under the same key is refused.
    Raises KeyInUse while another transaction works on the key, KeyReused for other content.
    """
    biller_id = biller_of(db)
    got = db.scalar(_LOCK, {"name": f"{biller_id} {route} {key}"})
    if not got:
        raise KeyInUse()
    before = db.execute(_RECALL, {"biller": biller_id, "route": route, "key": key}).one_or_none()
    if before is None:
        return None
    if bytes(before.request_hash) != _hash(request):
        raise KeyReused()
    return Answer(before.status, before.body)


def remember(
    db: Session, answer: Answer, *, route: str, key: str, request: Mapping[str, Any], at: datetime
) -> None:
    """Keep the answer beside the work, in the same transaction."""
    db.execute(
        _REMEMBER,
        {
            "biller": biller_of(db),
            "route": route,
            "key": key,
            "hash": _hash(request),
            "status": answer.status,
            "body": json.dumps(answer.body),
            "at": at,
        },
    )


def forget_old(system: Session, *, at: datetime) -> int:
    """Drop answers older than thirty days; return how many. Run as the system role."""
    gone = system.execute(
        text("DELETE FROM idempotency_answer WHERE created_at < :limit RETURNING 1"),
        {"limit": at - KEPT},
    )
    return len(gone.all())


def _hash(request: Mapping[str, Any]) -> bytes:
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).digest()
