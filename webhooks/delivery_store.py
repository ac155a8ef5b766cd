"""Where billers' systems are called, and what became of each event on its way there."""

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
from sqlalchemy.dialects.postgresql import UUID

from payments.store.base import METADATA, TEXTS, TZ

endpoint = Table(
    "endpoint",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("url", Text, nullable=False),
    Column("description", Text, FetchedValue(), nullable=False),
    Column("kinds", TEXTS, nullable=False),
    Column("created_at", TZ, nullable=False),
    Column("created_by", UUID, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("disabled_at", TZ),
    Column("disabled_why", Text),
    Column("due_at", TZ),
    Column("leased_until", TZ),
    Column("failures", Integer, FetchedValue(), nullable=False),
    Column("failing_since", TZ),
    Column("rests_until", TZ),
    Column("tried_at", TZ),
    Column("delivered_at", TZ),
)

endpoint_secret = Table(
    "endpoint_secret",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("endpoint_id", UUID, nullable=False),
    Column("created_at", TZ, nullable=False),
    Column("expires_at", TZ),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

delivery = Table(
    "delivery",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("endpoint_id", UUID, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", TZ, nullable=False),
    Column("due_at", TZ),
    Column("attempts", Integer, FetchedValue(), nullable=False),
    Column("started_at", TZ),
    Column("tried_at", TZ),
    Column("answer", SmallInteger),
    Column("reason", Text),
)

delivery_attempt = Table(
    "delivery_attempt",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("delivery_id", UUID, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", TZ, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("address", Text),
    Column("answer", SmallInteger),
    Column("reason", Text),
    Column("excerpt", Text, FetchedValue(), nullable=False),
)
