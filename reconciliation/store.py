"""Statement files, lines, matches, discrepancies and runs."""

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
    Table,
    Text,
    Time,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from payments.store.base import METADATA, TZ, XID8

statement_file = Table(
    "statement_file",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("format", Text),
    Column("status", Text, nullable=False),
    Column("problems", JSONB, FetchedValue(), nullable=False),
    Column("error_vi", Text),
    Column("error_en", Text),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("received_at", TZ, nullable=False),
    Column("received_by", UUID),
    Column("profile", Text),
)

statement = Table(
    "statement",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("file_id", UUID, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("bank_account_id", UUID, nullable=False),
    Column("currency", Text, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("opening", BigInteger),
    Column("closing", BigInteger),
    Column("line_count", Integer, nullable=False),
    Column("closes", Boolean, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("proven", BigInteger, nullable=False, server_default="0"),
    Column("why_not", Text),
)

bank_line = Table(
    "bank_line",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("statement_id", UUID, nullable=False),
    Column("bank_account_id", UUID, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("line_key", LargeBinary, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("booking_date", Date, nullable=False),
    Column("value_date", Date),
    Column("txn_time", Time),
    Column("amount", BigInteger, nullable=False),
    Column("bank_reference", Text),
    Column("balance_after", BigInteger),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("payment_id", UUID),
    Column("refund_id", UUID),
    Column("journal_id", UUID),
    Column("settlement_batch_id", UUID),
)

line_match = Table(
    "line_match",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("line_id", UUID),
    Column("payment_id", UUID, nullable=False),
    Column("allocation_id", UUID),
    Column("rule", Text, nullable=False),
    Column("score", Numeric, nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("at", TZ, nullable=False),
)

discrepancy = Table(
    "discrepancy",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("payment_id", UUID),
    Column("line_id", UUID),
    Column("refund_id", UUID),
    Column("holds", BigInteger, FetchedValue(), nullable=False),
    Column("key_id", UUID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("proposal", JSONB),
    Column("assigned_to", UUID),
    Column("proposed_by", UUID),
    Column("proposed_at", TZ),
    Column("approved_by", UUID),
    Column("resolved_at", TZ),
    Column("resolution", Text),
    Column("reason", Text),
    Column("opened_at", TZ, nullable=False),
    Column("gateway", Text),
    Column("settlement_row_id", UUID),
    Column("settlement_batch_id", UUID),
    Column("gap", BigInteger, FetchedValue(), nullable=False),
    Column("candidates", Integer, FetchedValue(), nullable=False),
    Column("at_stake", BigInteger, FetchedValue()),
)

discrepancy_standing = Table(
    "discrepancy_standing",  # written by a trigger alone
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("discrepancy_id", UUID, primary_key=True),
    Column("seq", BigInteger, FetchedValue(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("payment_id", UUID),
    Column("amount", BigInteger, nullable=False),
    Column("holds", BigInteger, nullable=False),
    Column("xid", XID8, FetchedValue(), nullable=False),
)

discrepancy_event = Table(
    "discrepancy_event",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("discrepancy_id", UUID, nullable=False),
    Column("what", Text, nullable=False),
    Column("actor_id", UUID, nullable=False),
    Column("journal_id", UUID),
    Column("note", Text),
    Column("sealed", LargeBinary),
    Column("at", TZ, nullable=False),
)

run = Table(
    "run",
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("bank_account_id", UUID, nullable=False),
    Column("day", Date, nullable=False),
    Column("attempt", Integer, FetchedValue(), nullable=False),
    Column("started_at", TZ, nullable=False),
    Column("finished_at", TZ),
    Column("counts", JSONB),
    Column("error", Text),
    Column("step", Text),  # this and the next four: reconciliation/progress.py
    Column("done", Integer, FetchedValue(), nullable=False),
    Column("total", Integer, FetchedValue(), nullable=False),
    Column("told_at", TZ),
    Column("error_vi", Text),
)

first_night = Table(
    "first_night",  # see first_nights.py
    METADATA,
    Column("biller_id", UUID, primary_key=True),
    Column("statement_id", UUID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("run_id", UUID, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("automatic", Integer, nullable=False),
)
