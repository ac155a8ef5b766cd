"""Payment orders, tries at a gateway, and where the money is asked to go."""

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

bank_account = Table(
    "bank_account",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("bank_bin", Text, nullable=False),
    Column("account_number", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("notice_source", Text),
    Column("opened_on", Date, nullable=False),
    Column("opening_balance", BigInteger, FetchedValue(), nullable=False),
    Column("created_at", TZ, nullable=False),
)

channel = Table(
    "channel",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("enabled", Boolean, FetchedValue(), nullable=False),
    Column("updated_at", TZ, nullable=False),
    Column("merchant_hash", LargeBinary),
    Column("checked_at", TZ),
    Column("check_ok", Boolean),
    Column("check_vi", Text),
    Column("check_en", Text),
)

payment_order = Table(
    "payment_order",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("code", Text, nullable=False),
    Column("payer_id", UUID),
    Column("bank_account_id", UUID, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("allocated", BigInteger, FetchedValue(), nullable=False),
    Column("created_at", TZ, nullable=False),
    Column("expires_at", TZ, nullable=False),
    Column("closed_at", TZ),
    Column("payment_state", Text, FetchedValue(), nullable=False),
)

order_invoice = Table(
    "order_invoice",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("order_id", UUID, primary_key=True),
    Column("invoice_id", UUID, primary_key=True),
    Column("amount", BigInteger, nullable=False),
)

attempt = Table(
    "attempt",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("order_id", UUID, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("qr_text", Text),
    Column("redirect_url", Text),
    Column("provider_reference", Text),
    Column("reason", Text),
    Column("merchant_reference", Text),
    Column("expires_at", TZ),
    Column("looks", Integer, FetchedValue(), nullable=False),
    Column("created_at", TZ, nullable=False),
    Column("updated_at", TZ, nullable=False),
)
