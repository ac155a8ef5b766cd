"""Messages to be handled, and answers given before."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    FetchedValue,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from payments.store.base import METADATA, TZ, XID8

message = Table(
    "message",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("drain", Text),
    Column("body", JSONB, nullable=False),
    Column("at", TZ, nullable=False),
    Column("due_at", TZ),
    Column("attempts", Integer, FetchedValue(), nullable=False),
    Column("leased_until", TZ),
    Column("last_error", Text),
    Column("xid", XID8, FetchedValue(), nullable=False),
)

message_position = Table(
    "message_position",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("message_id", UUID, nullable=False),
)

idempotency_answer = Table(
    "idempotency_answer",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("created_at", TZ, nullable=False),
)
