"""Calls that gateways made to us."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    FetchedValue,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import UUID

from payments.store.base import METADATA, TZ

inbound_call = Table(
    "inbound_call",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("source", Text, nullable=False),
    Column("call_hash", LargeBinary, nullable=False),
    Column("received_at", TZ, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("refusal", Text),
    Column("event_id", Text),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("finding", Text),
    Column("part_of", UUID),
    Column("payment_id", UUID),
    Column("times", Integer, FetchedValue(), nullable=False),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("answer_status", SmallInteger, nullable=False),
    Column("answer_body", Text, nullable=False),
)
