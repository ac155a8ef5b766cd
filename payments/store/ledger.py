"""The ledger and its seals; the guards are triggers in migration 0002."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    FetchedValue,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from payments.store.base import METADATA, TZ, XID8

account = Table(
    "account",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("book_code", Text, nullable=False),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
)

business_day = Table(
    "business_day",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("status", Text, nullable=False),
    Column("version", Integer, FetchedValue(), nullable=False),
    Column("totals", JSONB),
    Column("reconciled_at", TZ),
    Column("reconciled_by", UUID),
    Column("signed_off_at", TZ),
    Column("signed_off_by", UUID),
)

day_check = Table(
    "day_check",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("checked_by", UUID, primary_key=True),
    Column("checked_at", TZ, nullable=False),
)

day_correction = Table(
    "day_correction",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("prepared_by", UUID, primary_key=True),
    Column("prepared_at", TZ, nullable=False),
    Column("reason", Text, nullable=False),
)

day_sheet = Table(
    "day_sheet",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("sheet", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("seal_number", BigInteger),
    Column("seal_root", LargeBinary),
    Column("reason", Text),
    Column("prepared_by", UUID, FetchedValue(), nullable=False),
    Column("prepared_at", TZ),
    Column("signed_by", UUID, nullable=False),
    Column("signed_at", TZ, nullable=False),
)

journal = Table(
    "journal",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("event_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("business_day", Date, nullable=False),
    Column("fact_day", Date, nullable=False),
    Column("posted_at", TZ, nullable=False),
    Column("actor_id", UUID),
    Column("reverses_journal_id", UUID),
    Column("transfers", SmallInteger, nullable=False),
    Column("xid", XID8, FetchedValue(), nullable=False),
)

transfer = Table(
    "transfer",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("journal_id", UUID, primary_key=True),
    Column("seq", SmallInteger, primary_key=True),
    Column("debit_account", Text, nullable=False),
    Column("credit_account", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
)

journal_position = Table(
    "journal_position",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("journal_id", UUID, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
)

seal = Table(
    "seal",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("first_position", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("chained", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sealed_at", TZ, nullable=False),
)

balance_snapshot = Table(
    "balance_snapshot",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("debits", Numeric, nullable=False),
    Column("credits", Numeric, nullable=False),
    Column("position", BigInteger, nullable=False),
)

sealer_mark = Table(
    "sealer_mark",
    METADATA,
    Column("one", Boolean, FetchedValue(), primary_key=True),
    Column("sealed_below", XID8, nullable=False),
    Column("cluster", Text, nullable=False),
    Column("numbered_below", XID8),
)
