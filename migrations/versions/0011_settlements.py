"""Settlements: what gateways report and pay, against what the ledger holds at them.

A row of a gateway's file is kept once, in its batch, wherever it was seen; a batch is paid by
lines of bank statements. After a row is booked, the ledger's account of the gateway holds what
the row says: its net amount, until the batch is paid.
"""

from __future__ import annotations

from alembic import op

from migrations.guards import (
    append_only,
    biller_table,
    guarded_status,
    insert_without,
    never_deleted,
)
from migrations.unexplained_0011 import UNEXPLAINED

revision = "0011"
down_revision = "0010"

TABLES = """
CREATE TABLE channel_contract (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    gateway text NOT NULL CHECK (length(gateway) BETWEEN 2 AND 20),
    from_day date NOT NULL,     -- of the payments it is for
    bps int NOT NULL CHECK (bps BETWEEN 0 AND 10000),
    fixed bigint NOT NULL CHECK (fixed BETWEEN 0 AND 999999999999),
    rounding text NOT NULL
        CHECK (rounding IN ('half up per row', 'down per row', 'up per row')),
    set_at timestamptz NOT NULL,
    set_by uuid NOT NULL REFERENCES actor,
    PRIMARY KEY (biller_id, id)
);
CREATE INDEX channel_contract_day ON channel_contract (biller_id, gateway, from_day);

CREATE TABLE settlement_file (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    gateway text NOT NULL CHECK (length(gateway) BETWEEN 2 AND 20),
    name text NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    size bigint NOT NULL,
    profile text CHECK (length(profile) <= 65536),
    profile_sha256 bytea NOT NULL CHECK (length(profile_sha256) = 32),
    status text NOT NULL,
    problems jsonb NOT NULL DEFAULT '[]',
    error_vi text,
    error_en text,
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,      -- the bytes as they came
    received_at timestamptz NOT NULL,
    received_by uuid REFERENCES actor,
    PRIMARY KEY (biller_id, id),
    -- A file that was read with the wrong columns may be read again with others.
    UNIQUE (biller_id, gateway, sha256, profile_sha256),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id)
);

CREATE TABLE settlement_batch (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    gateway text NOT NULL CHECK (length(gateway) BETWEEN 2 AND 20),
    reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 60),  -- the gateway's
    settle_date date NOT NULL,
    row_count int NOT NULL DEFAULT 0 CHECK (row_count >= 0),
    due bigint NOT NULL DEFAULT 0,   -- what its rows add up to
    came bigint NOT NULL DEFAULT 0,  -- what statement lines paid of it
    standing text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN came = due THEN 'paid'
             WHEN came = 0 THEN 'awaited'
             WHEN came < due THEN 'short'
             ELSE 'over' END) STORED,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, gateway, reference)
);
CREATE INDEX settlement_batch_open ON settlement_batch (biller_id, settle_date)
    WHERE came <> due;

CREATE TABLE settlement_row (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    batch_id uuid NOT NULL,
    file_id uuid NOT NULL,      -- where it was seen first
    line_no int NOT NULL CHECK (line_no >= 1),
    kind text NOT NULL CHECK (kind IN ('payment', 'refund', 'chargeback')),
    txn_id text NOT NULL CHECK (length(txn_id) BETWEEN 1 AND 120),
    merchant_ref text NOT NULL CHECK (length(merchant_ref) <= 200),
    request_ref text NOT NULL CHECK (length(request_ref) <= 200),
    -- Two refunds of one payment may share its number; two payments never do.
    row_key text NOT NULL GENERATED ALWAYS AS (
        CASE kind WHEN 'payment' THEN txn_id
             ELSE txn_id || '|' || merchant_ref || '|' || request_ref END) STORED,
    paid_at timestamptz,
    gross bigint NOT NULL CHECK (gross <> 0 AND abs(gross) <= 999999999999),
    fee bigint NOT NULL CHECK (abs(fee) <= 999999999999),
    net bigint NOT NULL,
    status text NOT NULL,
    fee_due bigint,             -- what the contract says; none without a contract
    payment_id uuid,            -- the payment that it settles
    refund_id uuid,             -- the refund that it shows
    original_id uuid,           -- the row that settled the same before
    suspended bigint NOT NULL DEFAULT 0,  -- what of it nobody has explained, as on the row
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, batch_id, kind, row_key),
    FOREIGN KEY (biller_id, batch_id) REFERENCES settlement_batch (biller_id, id),
    FOREIGN KEY (biller_id, file_id) REFERENCES settlement_file (biller_id, id),
    FOREIGN KEY (biller_id, payment_id) REFERENCES payment (biller_id, id),
    FOREIGN KEY (biller_id, refund_id) REFERENCES refund (biller_id, id),
    FOREIGN KEY (biller_id, original_id) REFERENCES settlement_row (biller_id, id),
    CHECK (net = gross - fee),
    CHECK ((kind = 'payment') = (gross > 0)),
    CHECK (payment_id IS NULL OR kind = 'payment'),
    CHECK (refund_id IS NULL OR kind = 'refund'),
    CHECK (original_id <> id),
    CONSTRAINT settlement_row_read CHECK (status <> 'read'
        OR (suspended = 0 AND num_nonnulls(payment_id, refund_id, original_id) = 0)),
    CONSTRAINT settlement_row_booked CHECK (status <> 'booked'
        OR (suspended = 0 AND num_nonnulls(payment_id, refund_id, original_id) > 0)),
    CONSTRAINT settlement_row_suspended CHECK (status NOT IN ('suspended', 'resolved')
        OR suspended <> 0)
);
-- A payment is settled once, a refund shown once; whatever comes again waits for a person.
CREATE UNIQUE INDEX settlement_row_settles_once ON settlement_row (biller_id, payment_id)
    WHERE payment_id IS NOT NULL;
CREATE UNIQUE INDEX settlement_row_shows_once ON settlement_row (biller_id, refund_id)
    WHERE refund_id IS NOT NULL;
CREATE INDEX settlement_row_todo ON settlement_row (biller_id, id) WHERE status = 'read';
CREATE INDEX settlement_row_txn ON settlement_row (biller_id, txn_id);

-- Each time a row was seen: in how many files, how often in one.
CREATE TABLE settlement_sighting (
    biller_id uuid NOT NULL,
    file_id uuid NOT NULL,
    line_no int NOT NULL CHECK (line_no >= 1),
    row_id uuid NOT NULL,
    PRIMARY KEY (biller_id, file_id, line_no),
    FOREIGN KEY (biller_id, file_id) REFERENCES settlement_file (biller_id, id),
    FOREIGN KEY (biller_id, row_id) REFERENCES settlement_row (biller_id, id)
);
CREATE INDEX settlement_sighting_row ON settlement_sighting (biller_id, row_id);

-- What people decided about money at a gateway: a difference written off, a payment that the
-- gateway never had. amount: what the account of the gateway grew by.
CREATE TABLE settlement_correction (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    gateway text NOT NULL,
    batch_id uuid,
    payment_id uuid,
    amount bigint NOT NULL CHECK (amount <> 0 AND abs(amount) <= 999999999999),
    journal_id uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, journal_id),
    FOREIGN KEY (biller_id, batch_id) REFERENCES settlement_batch (biller_id, id),
    FOREIGN KEY (biller_id, payment_id) REFERENCES payment (biller_id, id),
    FOREIGN KEY (biller_id, journal_id) REFERENCES journal (biller_id, id),
    CHECK (num_nonnulls(batch_id, payment_id) = 1)
);
CREATE INDEX settlement_correction_batch ON settlement_correction (biller_id, batch_id);

ALTER TABLE bank_line
    ADD COLUMN settlement_batch_id uuid,
    ADD FOREIGN KEY (biller_id, settlement_batch_id) REFERENCES settlement_batch (biller_id, id),
    ADD CONSTRAINT bank_line_of_batch_is_booked
        CHECK (settlement_batch_id IS NULL OR journal_id IS NOT NULL);
CREATE INDEX bank_line_batch ON bank_line (biller_id, settlement_batch_id)
    WHERE settlement_batch_id IS NOT NULL;

ALTER TABLE discrepancy
    ADD COLUMN gateway text,
    ADD COLUMN settlement_row_id uuid,
    ADD COLUMN settlement_batch_id uuid,
    ADD COLUMN gap bigint NOT NULL DEFAULT 0,  -- of a batch: due and not come, signed
    ADD FOREIGN KEY (biller_id, settlement_row_id) REFERENCES settlement_row (biller_id, id),
    ADD FOREIGN KEY (biller_id, settlement_batch_id) REFERENCES settlement_batch (biller_id, id),
    ADD CONSTRAINT discrepancy_gap_of_batch CHECK (gap = 0 OR settlement_batch_id IS NOT NULL);
CREATE UNIQUE INDEX discrepancy_one_per_row ON discrepancy (biller_id, settlement_row_id)
    WHERE settlement_row_id IS NOT NULL AND status NOT IN ('resolved', 'auto_resolved');
CREATE UNIQUE INDEX discrepancy_one_per_batch ON discrepancy (biller_id, settlement_batch_id)
    WHERE settlement_batch_id IS NOT NULL AND status NOT IN ('resolved', 'auto_resolved');
"""

# With the owner's rights and a fixed search_path, for the reason given in 0002.
COUNTERS = """
CREATE FUNCTION count_settlement_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE settlement_batch b SET due = b.due + n.net, row_count = b.row_count + n.rows
    FROM (SELECT biller_id, batch_id, sum(net) AS net, count(*) AS rows FROM new_rows
          GROUP BY biller_id, batch_id) n
    WHERE b.biller_id = n.biller_id AND b.id = n.batch_id;
    RETURN NULL;
END $$;
CREATE TRIGGER settlement_row_counts AFTER INSERT ON settlement_row
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_settlement_rows();

CREATE FUNCTION count_batch_line() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE settlement_batch SET came = came + NEW.amount
        WHERE biller_id = NEW.biller_id AND id = NEW.settlement_batch_id;
    RETURN NULL;
END $$;
CREATE TRIGGER bank_line_counts AFTER UPDATE OF settlement_batch_id ON bank_line FOR EACH ROW
    WHEN (NEW.settlement_batch_id IS NOT NULL AND OLD.settlement_batch_id IS NULL)
    EXECUTE FUNCTION count_batch_line();
CREATE TRIGGER bank_line_counts_at_birth AFTER INSERT ON bank_line FOR EACH ROW
    WHEN (NEW.settlement_batch_id IS NOT NULL) EXECUTE FUNCTION count_batch_line();

-- What a line paid is not paid with it again.
CREATE FUNCTION guard_batch_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'line % has paid a batch: that is not changed', OLD.id USING ERRCODE = 'TP001';
END $$;
CREATE TRIGGER bank_line_paid_batch BEFORE UPDATE ON bank_line FOR EACH ROW
    WHEN (OLD.settlement_batch_id IS NOT NULL
        AND NEW.settlement_batch_id IS DISTINCT FROM OLD.settlement_batch_id)
    EXECUTE FUNCTION guard_batch_line();

-- A row is kept as it was read. What it settles is said when it is booked, and once more only
-- when a refund that nobody knew of turns out to be ours.
CREATE FUNCTION guard_settlement_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- row_key is made of the others, and is not yet made when this runs.
    said text[] := ARRAY['row_key', 'status', 'fee_due', 'payment_id', 'refund_id', 'original_id',
                         'suspended'];
BEGIN
    IF to_jsonb(NEW) - said <> to_jsonb(OLD) - said
        OR (OLD.status <> 'read'
            AND NOT (OLD.status = 'suspended' AND NEW.status = 'booked')
            AND to_jsonb(NEW) - said[1:2] <> to_jsonb(OLD) - said[1:2]) THEN
        RAISE EXCEPTION 'row % is %: what it settles is not changed', OLD.id, OLD.status
            USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settlement_row_is_kept BEFORE UPDATE ON settlement_row
    FOR EACH ROW EXECUTE FUNCTION guard_settlement_row();

REVOKE EXECUTE ON FUNCTION count_settlement_rows(), count_batch_line() FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(COUNTERS)
    op.execute(UNEXPLAINED)
    for table in ("channel_contract", "settlement_sighting", "settlement_correction"):
        op.execute(biller_table(table, app="SELECT, INSERT", system="SELECT"))
        op.execute(append_only(table))
    op.execute(biller_table("settlement_file", app="SELECT, INSERT", system="SELECT"))
    op.execute("""GRANT UPDATE (status, problems, error_vi, error_en)
        ON settlement_file TO thuphi_app""")
    op.execute(biller_table("settlement_batch", app="SELECT", system="SELECT"))
    op.execute(insert_without("settlement_batch", "row_count", "due", "came"))
    op.execute(biller_table("settlement_row", app="SELECT, INSERT", system="SELECT"))
    op.execute("""GRANT UPDATE (status, fee_due, payment_id, refund_id, original_id, suspended)
        ON settlement_row TO thuphi_app""")
    op.execute("GRANT UPDATE (settlement_batch_id) ON bank_line TO thuphi_app")
    op.execute("GRANT UPDATE (gap) ON discrepancy TO thuphi_app")
    for table in ("settlement_file", "settlement_batch", "settlement_row"):
        op.execute(never_deleted(table))
    op.execute(
        guarded_status(
            "settlement_file",
            births=["received"],
            moves=[("received", "read"), ("received", "refused")],
        )
    )
    op.execute(
        guarded_status(
            "settlement_row",
            births=["read"],
            moves=[
                ("read", "booked"),
                ("read", "suspended"),
                ("suspended", "booked"),
                ("suspended", "resolved"),
                ("resolved", "suspended"),
            ],
        )
    )
