"""Refunds under way: their names at gateways, and the files that pay them out by a bank."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, FetchedValue, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from payments.store.base import METADATA, TZ

refund_try = Table(
    "refund_try",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("refund_id", UUID, primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("merchant_reference", Text, nullable=False),
    Column("at", TZ, nullable=False),
)

payout = Table(
    "payout",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("bank_account_id", UUID, nullable=False),
    Column("status", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("refunds", Integer, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("made_by", UUID, nullable=False),
    Column("made_at", TZ, nullable=False),
    Column("voided_by", UUID),
    Column("voided_at", TZ),
    Column("void_reason", Text),
)

payout_line = Table(
    "payout_line",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("payout_id", UUID, primary_key=True),
    Column("refund_id", UUID, primary_key=True),
    Column("line_no", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("live", Boolean, FetchedValue(), nullable=False),
)

payout_file = Table(
    "payout_file",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("payout_id", UUID, primary_key=True),
    Column("format", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
