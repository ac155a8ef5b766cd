"""The floor of the row `notices`: a bare Flask view that keeps a signed notice by hand.

It checks SePay's signature on the raw bytes, encrypts the call under a key of its own, and makes
the same three inserts (key, call, message) in one durable transaction, on the same server. It
finds the biller and the secret by two reads, as the real thing must, but unseals nothing, knows
no repeats but by the unique keys, decides no answer, counts no calls and writes no log.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, Response, abort, json, request
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from payments.access import fingerprint
from payments.domain import ids

app = Flask(__name__)
URL = os.environ["DATABASE_URL"].replace("+psycopg", "", 1)
SECRET = os.environ["BENCH_SECRET"].encode()


def pool() -> ConnectionPool:
    """The connections of this process, opened on first use: after the fork."""
    if "pool" not in app.extensions:
        size = int(os.environ["THUPHI_WEB_THREADS"])
        app.extensions["pool"] = ConnectionPool(URL, min_size=size, max_size=size, open=True)
    found: ConnectionPool = app.extensions["pool"]
    return found


@app.get("/health/live")
def live() -> Response:
    """Answer, so that the benchmark knows when to begin."""
    with pool().connection():
        return Response("ok")


@app.post("/webhooks/sepay/<code>")
def hear(code: str) -> Response:
    """Keep one notice. Any mistake in it is a 500."""
    body, at = request.get_data(), datetime.now(UTC)
    stamp = request.headers["X-SePay-Timestamp"]
    digest = hmac.new(SECRET, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"sha256={digest}", request.headers["X-SePay-Signature"]):
        abort(401)
    told = json.loads(body)
    call_id, key_id, plain = ids.new(), ids.new(), secrets.token_bytes(32)
    sealed = AESGCM(plain).encrypt(bytes(12), body, call_id.bytes)
    with pool().connection() as db:
        biller_id = _biller(db, code)
        db.execute("SELECT set_config('app.biller', %s, true)", (str(biller_id),))
        db.execute("SELECT sealed FROM channel WHERE gateway = 'sepay'").fetchone()
        db.execute(
            "INSERT INTO data_key (biller_id, id, ring_key, wrapped, created_at)"
            " VALUES (%s, %s, 'k1', %s, %s)",
            (biller_id, key_id, secrets.token_bytes(60), at),
        )
        db.execute(
            """INSERT INTO inbound_call (biller_id, id, source, call_hash, received_at, verified,
                    event_id, status, key_id, sealed, answer_status, answer_body)
               VALUES (%s, %s, 'sepay', %s, %s, true, %s, 'received', %s, %s, 200, %s)
               ON CONFLICT DO NOTHING""",
            (
                biller_id,
                call_id,
                hashlib.sha256(stamp.encode() + body).digest(),
                at,
                str(told["id"]),
                key_id,
                sealed,
                '{"success": true}',
            ),
        )
        # No drain: nothing of the floor's is to be booked while the other side is measured.
        db.execute(
            "INSERT INTO message (biller_id, id, kind, body, at) VALUES (%s, %s, %s, %s, %s)",
            (biller_id, ids.new(), "inbound.received", Jsonb({"call": str(call_id)}), at),
        )
    return Response('{"success": true}', 200, mimetype="application/json")


def _biller(db: psycopg.Connection, code: str) -> UUID:
    found = db.execute(
        "SELECT biller_id FROM lookup WHERE kind = 'biller' AND secret_hash = %s",
        (fingerprint(code),),
    ).fetchone()
    if found is None:
        abort(404)
    biller_id: UUID = found[0]
    return biller_id
