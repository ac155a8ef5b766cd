"""Numbered receipts, and their places in the seals."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, FetchedValue, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from payments.store.base import METADATA, TZ, XID8

receipt = Table(
    "receipt",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("form", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("invoice_id", UUID, nullable=False),
    Column("allocation_id", UUID),
    Column("amount", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("replaces_id", UUID),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("issued_at", TZ, nullable=False),
    Column("cancelled_at", TZ),
    Column("cancel_reason", Text),
    Column("xid", XID8, FetchedValue(), nullable=False),
)

receipt_leaf = Table(
    "receipt_leaf",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("seal", BigInteger, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("receipt_id", UUID, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
)
