"""Money received and the places it is in; counters are moved by triggers in migration 0004."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    FetchedValue,
    Integer,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import UUID

from payments.store.base import METADATA, TZ

payment = Table(
    "payment",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("provider_reference", Text, nullable=False),
    Column("bank_account_id", UUID),  # none: the gateway holds it
    Column("attempt_id", UUID),
    Column("bank_reference", Text),
    Column("amount", BigInteger, nullable=False),
    Column("received_at", TZ, nullable=False),
    Column("fact_day", Date, nullable=False),
    Column("is_notice", Boolean, nullable=False),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("allocated", BigInteger, FetchedValue(), nullable=False),
    Column("kept", BigInteger, FetchedValue(), nullable=False),
    Column("refunded_free", BigInteger, FetchedValue(), nullable=False),
    Column("refunded", BigInteger, FetchedValue(), nullable=False),
    Column("reversed", BigInteger, FetchedValue(), nullable=False),
    Column("free", BigInteger, FetchedValue(), nullable=False),
    Column("created_at", TZ, nullable=False),
)

credit = Table(
    "credit",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("payment_id", UUID, nullable=False),
    Column("beneficiary_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("used", BigInteger, FetchedValue(), nullable=False),
    Column("refunded", BigInteger, FetchedValue(), nullable=False),
    Column("live", Boolean, FetchedValue(), nullable=False),
    Column("created_at", TZ, nullable=False),
)

credit_undo = Table(
    "credit_undo",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("credit_id", UUID, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("actor_id", UUID, nullable=False),
    Column("at", TZ, nullable=False),
)

allocation = Table(
    "allocation",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("payment_id", UUID, nullable=False),
    Column("credit_id", UUID),
    Column("invoice_id", UUID, nullable=False),
    Column("order_id", UUID),
    Column("amount", BigInteger, nullable=False),
    Column("refunded", BigInteger, FetchedValue(), nullable=False),
    Column("live", Boolean, FetchedValue(), nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("rule", Text, nullable=False),
    Column("actor_id", UUID, nullable=False),
    Column("at", TZ, nullable=False),
)

allocation_undo = Table(
    "allocation_undo",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("allocation_id", UUID, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("actor_id", UUID, nullable=False),
    Column("at", TZ, nullable=False),
)

payment_reversal = Table(
    "payment_reversal",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("payment_id", UUID, nullable=False),
    Column("amount", BigInteger, nullable=False),  # below 0: takes back the one it `undoes`
    Column("event_key", Text, nullable=False),
    Column("undoes", UUID),
    Column("at", TZ, nullable=False),
)

refund = Table(
    "refund",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("payment_id", UUID, nullable=False),
    Column("allocation_id", UUID),
    Column("credit_id", UUID),
    Column("amount", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("requested_by", UUID, nullable=False),
    Column("requested_at", TZ, nullable=False),
    Column("approved_by", UUID),
    Column("approved_at", TZ),
    Column("refused_by", UUID),
    Column("provider_reference", Text),
    Column("merchant_reference", Text),
    Column("sent_at", TZ),
    Column("looks", Integer, FetchedValue(), nullable=False),
    Column("failure", Text),
    Column("updated_at", TZ, nullable=False),
)
