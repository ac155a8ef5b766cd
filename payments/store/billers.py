"""Billers, those who act for them, and the keys that open their doors."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, FetchedValue, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from payments.store.base import METADATA, TEXTS, TZ

biller = Table(
    "biller",
    METADATA,
    Column("id", UUID, primary_key=True),
    Column("code", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("tax_code", Text),
    Column("address", Text),
    Column("contact", Text),
    Column("parent_id", UUID),
    Column("approval_limit", BigInteger, FetchedValue(), nullable=False),
    Column("created_at", TZ, nullable=False),
)

actor = Table(
    "actor",
    METADATA,
    Column("id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
)

staff = Table(
    "staff",
    METADATA,
    Column("id", UUID, primary_key=True),
    Column("kind", Text, FetchedValue(), nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("totp_sealed", LargeBinary, nullable=False),
    Column("totp_last_step", BigInteger, FetchedValue(), nullable=False),
    Column("failures", Integer, FetchedValue(), nullable=False),
    Column("locked_until", TZ),
    Column("disabled_at", TZ),
    Column("created_at", TZ, nullable=False),
)

staff_role = Table(
    "staff_role",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("staff_id", UUID, primary_key=True),
    Column("role", Text, nullable=False),
    Column("granted_at", TZ, nullable=False),
    Column("revoked_at", TZ),
)

api_key = Table(
    "api_key",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("kind", Text, FetchedValue(), nullable=False),
    Column("prefix", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("scopes", TEXTS, nullable=False),
    Column("created_at", TZ, nullable=False),
    Column("last_used_on", Date),
    Column("revoked_at", TZ),
)

lookup = Table(
    "lookup",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("biller_id", UUID, primary_key=True),
    Column("subject_id", UUID, nullable=False),
)

session = Table(
    "session",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("staff_id", UUID, nullable=False),
    Column("biller_id", UUID),
    Column("created_at", TZ, nullable=False),
    Column("expires_at", TZ, nullable=False),
)

data_key = Table(
    "data_key",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("ring_key", Text, nullable=False),
    Column("wrapped", LargeBinary),
    Column("created_at", TZ, nullable=False),
    Column("erased_at", TZ),
)

audit_line = Table(
    "audit_line",
    METADATA,
    Column("id", UUID, primary_key=True),
    Column("biller_id", UUID),
    Column("actor_id", UUID),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSONB, FetchedValue(), nullable=False),
    Column("request_id", Text),
    Column("at", TZ, nullable=False),
)
