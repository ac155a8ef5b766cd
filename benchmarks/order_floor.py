"""The floor of row 3: a bare Flask view that does by hand what POST /payment-orders writes.

It checks the key and makes the same six inserts in one durable transaction, on the same
server. It reads nothing of the bill but its amount, validates nothing, counts no calls, writes
no log, and answers no repeat: the primary key of idempotency_answer turns one away.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from flask import Flask, Response, abort, json, request
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from payments.domain import codes, ids

app = Flask(__name__)
BILLER = UUID(os.environ["BENCH_BILLER"])
ACCOUNT = UUID(os.environ["BENCH_ACCOUNT"])
URL = os.environ["DATABASE_URL"].replace("+psycopg", "", 1)
ROUTE = "POST /payment-orders"


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


@app.post("/api/v1/payment-orders")
def create() -> Response:
    """Make an order over the bills. Any mistake in the request is a 500."""
    asked, at, order_id = request.get_json(), datetime.now(UTC), ids.new()
    bill = ids.read("inv", asked["invoices"][0])
    shown, token = ids.shown("ord", order_id), secrets.token_hex(16)
    code, expires_at = codes.generate(codes.Prefix.TUITION), at + timedelta(days=7)
    with pool().connection() as db:
        db.execute("SELECT set_config('app.biller', %s, true)", (str(BILLER),))
        actor = _checked_key(db)
        (amount,) = db.execute(
            """INSERT INTO payment_order (biller_id, id, code, bank_account_id, amount, status,
                                          created_at, expires_at)
               SELECT %s, %s, %s, %s, amount - allocated, 'created', %s, %s
               FROM invoice WHERE biller_id = %s AND id = %s RETURNING amount""",
            (BILLER, order_id, code, ACCOUNT, at, expires_at, BILLER, bill),
        ).fetchall()[0]
        db.execute(
            "INSERT INTO order_invoice (biller_id, order_id, invoice_id, amount)"
            " VALUES (%s, %s, %s, %s)",
            (BILLER, order_id, bill, amount),
        )
        db.execute(
            "INSERT INTO lookup (kind, secret_hash, biller_id, subject_id)"
            " VALUES ('pay_link', %s, %s, %s)",
            (hashlib.sha256(token.encode()).digest(), BILLER, order_id),
        )
        db.execute(
            "INSERT INTO message (biller_id, id, kind, body, at) VALUES (%s, %s, %s, %s, %s)",
            (
                BILLER,
                ids.new(),
                "payment_order.created",
                Jsonb({"payment_order": shown, "amount": amount}),
                at,
            ),
        )
        db.execute(
            "INSERT INTO audit_line (id, biller_id, actor_id, action, subject, detail, at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                ids.new(),
                BILLER,
                actor,
                "payment_order.create",
                shown,
                Jsonb({"amount": amount}),
                at,
            ),
        )
        answer = {
            "id": shown,
            "code": code,
            "amount": amount,
            "paid": 0,
            "currency": "VND",
            "status": "created",
            "payment_state": "created",
            "invoices": asked["invoices"],
            "created_at": at.isoformat(),
            "expires_at": expires_at.isoformat(),
            "pay_url": f"http://127.0.0.1/pay/{token}",
        }
        db.execute(
            "INSERT INTO idempotency_answer (biller_id, route, key, request_hash, status, body,"
            " created_at) VALUES (%s, %s, %s, %s, 201, %s, %s)",
            (
                BILLER,
                ROUTE,
                request.headers["Idempotency-Key"],
                hashlib.sha256(request.get_data()).digest(),
                Jsonb(answer),
                at,
            ),
        )
    return Response(json.dumps(answer), 201, mimetype="application/json")


def _checked_key(db: psycopg.Connection) -> UUID:
    """The program whose key the request carries."""
    secret = request.headers["Authorization"].removeprefix("Bearer ")
    found = db.execute(
        "SELECT id FROM api_key WHERE biller_id = %s AND secret_hash = %s AND revoked_at IS NULL",
        (BILLER, hashlib.sha256(secret.encode()).digest()),
    ).fetchone()
    if found is None:
        abort(401)
    actor: UUID = found[0]
    return actor
