"""Tables of settlements: contracts, files, batches, rows, and what people did about them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, FetchedValue, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from payments.store.base import METADATA, TZ

channel_contract = Table(
    "channel_contract",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("from_day", Date, nullable=False),
    Column("bps", Integer, nullable=False),
    Column("fixed", BigInteger, nullable=False),
    Column("rounding", Text, nullable=False),
    Column("set_at", TZ, nullable=False),
    Column("set_by", UUID, nullable=False),
)

settlement_file = Table(
    "settlement_file",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("profile", Text),
    Column("profile_sha256", LargeBinary, nullable=False),
    Column("status", Text, nullable=False),
    Column("problems", JSONB, FetchedValue(), nullable=False),
    Column("error_vi", Text),
    Column("error_en", Text),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("received_at", TZ, nullable=False),
    Column("received_by", UUID),
)

settlement_batch = Table(
    "settlement_batch",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("settle_date", Date, nullable=False),
    Column("row_count", Integer, FetchedValue(), nullable=False),
    Column("due", BigInteger, FetchedValue(), nullable=False),
    Column("came", BigInteger, FetchedValue(), nullable=False),
    Column("standing", Text, FetchedValue(), nullable=False),
    Column("created_at", TZ, nullable=False),
)

settlement_row = Table(
    "settlement_row",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("batch_id", UUID, nullable=False),
    Column("file_id", UUID, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("txn_id", Text, nullable=False),
    Column("merchant_ref", Text, nullable=False),
    Column("request_ref", Text, nullable=False),
    Column("row_key", Text, FetchedValue(), nullable=False),
    Column("paid_at", TZ),
    Column("gross", BigInteger, nullable=False),
    Column("fee", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("fee_due", BigInteger),
    Column("payment_id", UUID),
    Column("refund_id", UUID),
    Column("original_id", UUID),
    Column("suspended", BigInteger, FetchedValue(), nullable=False),
)

settlement_sighting = Table(
    "settlement_sighting",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("file_id", UUID, primary_key=True),
    Column("line_no", Integer, primary_key=True),
    Column("row_id", UUID, nullable=False),
)

settlement_correction = Table(
    "settlement_correction",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("batch_id", UUID),
    Column("payment_id", UUID),
    Column("amount", BigInteger, nullable=False),
    Column("journal_id", UUID, nullable=False),
    Column("at", TZ, nullable=False),
)

batch_undo = Table(
    "batch_undo",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("line_id", UUID, primary_key=True),
    Column("nth", Integer, primary_key=True),
    Column("batch_id", UUID, nullable=False),
    Column("paid_by", UUID, nullable=False),
    Column("undone_by", UUID, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor_id", UUID, nullable=False),
    Column("at", TZ, nullable=False),
)
