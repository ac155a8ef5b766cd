"""Who is billed, and for what."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    FetchedValue,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import UUID

from payments.store.base import METADATA, TZ

payer = Table(
    "payer",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("phone_index", LargeBinary),
    Column("created_at", TZ, nullable=False),
)

beneficiary = Table(
    "beneficiary",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("payer_id", UUID),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", TZ, nullable=False),
)

invoice = Table(
    "invoice",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("period", Text),
    Column("beneficiary_id", UUID, nullable=False),
    Column("due_on", Date),
    Column("amount", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("allocated", BigInteger, FetchedValue(), nullable=False),
    Column("refunded", BigInteger, FetchedValue(), nullable=False),
    Column("created_at", TZ, nullable=False),
    Column("issued_at", TZ),
    Column("cancelled_at", TZ),
    Column("payment_state", Text, FetchedValue(), nullable=False),
)

invoice_line = Table(
    "invoice_line",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("invoice_id", UUID, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("fee_code", Text),
    Column("name", Text, nullable=False),
    Column("quantity", Integer, FetchedValue(), nullable=False),
    Column("unit", Text),
    Column("unit_price", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("note", Text),
    Column("signed_amount", BigInteger, FetchedValue(), nullable=False),
)
