"""Signed sheets of business days: the bytes that were signed, every version, kept for ever.

Signing a day is writing its sheet: the trigger closes the day in the same statement, so there is
no signed day without the bytes and their hash, and the application can no longer close one by
an UPDATE. A corrected sheet is a further version with a reason, prepared by one person and
signed by another. What each discrepancy stood at is kept from now on, so that a sheet can be
drawn up again later as of the moment it was signed.
"""

from __future__ import annotations

import hashlib
import json

from alembic import op
from sqlalchemy import text

from migrations.guards import append_only, biller_table

revision = "0013"
down_revision = "0012"

TABLES = """
CREATE TABLE day_correction (
    biller_id uuid NOT NULL,
    day date NOT NULL,
    version int NOT NULL CHECK (version >= 2),
    prepared_by uuid NOT NULL REFERENCES actor,
    prepared_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (length(btrim(reason)) BETWEEN 1 AND 500),
    PRIMARY KEY (biller_id, day, version, prepared_by),
    FOREIGN KEY (biller_id, day) REFERENCES business_day (biller_id, day)
);

CREATE TABLE day_sheet (
    biller_id uuid NOT NULL,
    day date NOT NULL,
    version int NOT NULL CHECK (version >= 1),
    sheet bytea NOT NULL,       -- canonical JSON, byte for byte as it was signed
    sha256 bytea NOT NULL,
    seal_number bigint,         -- the latest seal then; none before the first
    seal_root bytea,
    reason text,
    prepared_by uuid NOT NULL REFERENCES actor,
    prepared_at timestamptz,
    signed_by uuid NOT NULL REFERENCES staff,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, day, version),
    FOREIGN KEY (biller_id, day) REFERENCES business_day (biller_id, day),
    FOREIGN KEY (biller_id, seal_number) REFERENCES seal (biller_id, number),
    FOREIGN KEY (biller_id, signed_by) REFERENCES staff_role (biller_id, staff_id),
    CONSTRAINT day_sheet_hash CHECK (sha256 = sha256(sheet)),
    CONSTRAINT day_needs_two_people CHECK (signed_by <> prepared_by),
    CHECK ((version = 1) = (reason IS NULL)),
    CHECK ((seal_number IS NULL) = (seal_root IS NULL))
);

-- What each discrepancy stood at, change by change; written by the trigger alone.
CREATE TABLE discrepancy_standing (
    biller_id uuid NOT NULL,
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    discrepancy_id uuid NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    day date NOT NULL,
    payment_id uuid,
    amount bigint NOT NULL,
    holds bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (biller_id, discrepancy_id, seq),
    FOREIGN KEY (biller_id, discrepancy_id) REFERENCES discrepancy (biller_id, id)
);
CREATE INDEX discrepancy_standing_day ON discrepancy_standing (biller_id, day);

-- A file is read again with the columns it was read with the first time.
ALTER TABLE statement_file ADD COLUMN profile text;
GRANT UPDATE (profile) ON statement_file TO thuphi_app;

-- Read for every reversed payment of a day when its sheet is drawn up.
CREATE INDEX IF NOT EXISTS payment_reversal_payment ON payment_reversal (biller_id, payment_id);
"""

# With the owner's rights and a fixed search_path, for the reason given in 0002.
GUARDS = """
CREATE FUNCTION guard_day_correction() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    stood record;
BEGIN
    SELECT status, version INTO stood FROM business_day
        WHERE biller_id = NEW.biller_id AND day = NEW.day FOR SHARE;
    IF NOT FOUND OR stood.status <> 'signed_off' OR NEW.version <> stood.version + 1 THEN
        RAISE EXCEPTION 'version % of the sheet of % does not come next', NEW.version, NEW.day
            USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER day_correction_comes_next BEFORE INSERT ON day_correction
    FOR EACH ROW EXECUTE FUNCTION guard_day_correction();

CREATE FUNCTION guard_day_sheet() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    stood record;
    asked record;
    said jsonb;
BEGIN
    SELECT * INTO stood FROM business_day
        WHERE biller_id = NEW.biller_id AND day = NEW.day FOR UPDATE;
    IF NOT FOUND OR stood.status = 'open'
        OR NEW.version <> (CASE stood.status WHEN 'reconciled' THEN 1 ELSE stood.version + 1 END)
    THEN
        RAISE EXCEPTION 'version % of the sheet of % does not come next', NEW.version, NEW.day
            USING ERRCODE = 'TP003';
    END IF;
    -- Who prepared it is what was written down then, not what the signer says.
    IF NEW.version = 1 THEN
        NEW.prepared_by := stood.reconciled_by;
        NEW.prepared_at := stood.reconciled_at;
    ELSE
        SELECT * INTO asked FROM day_correction c WHERE c.biller_id = NEW.biller_id
            AND c.day = NEW.day AND c.version = NEW.version AND c.prepared_by = NEW.prepared_by;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'nobody has prepared version % of the sheet of %', NEW.version, NEW.day
                USING ERRCODE = 'TP001';
        END IF;
        NEW.prepared_at := asked.prepared_at;
        NEW.reason := asked.reason;
    END IF;
    said := convert_from(NEW.sheet, 'UTF8')::jsonb;
    IF said ->> 'day' IS DISTINCT FROM NEW.day::text
        OR said ->> 'version' IS DISTINCT FROM NEW.version::text THEN
        RAISE EXCEPTION 'the sheet is not of day % and version %', NEW.day, NEW.version
            USING ERRCODE = 'TP001';
    END IF;
    IF NEW.seal_number IS NOT NULL AND NOT EXISTS (SELECT FROM seal s
            WHERE s.biller_id = NEW.biller_id AND s.number = NEW.seal_number
            AND s.root = NEW.seal_root) THEN
        RAISE EXCEPTION 'seal % has another root', NEW.seal_number USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER day_sheet_comes_next BEFORE INSERT ON day_sheet
    FOR EACH ROW EXECUTE FUNCTION guard_day_sheet();

CREATE FUNCTION close_day() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.version = 1 THEN
        UPDATE business_day SET status = 'signed_off', version = 1,
            totals = convert_from(NEW.sheet, 'UTF8')::jsonb,
            signed_off_by = NEW.signed_by, signed_off_at = NEW.signed_at
        WHERE biller_id = NEW.biller_id AND day = NEW.day;
    ELSE
        UPDATE business_day SET version = NEW.version,
            totals = convert_from(NEW.sheet, 'UTF8')::jsonb
        WHERE biller_id = NEW.biller_id AND day = NEW.day;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER day_sheet_closes AFTER INSERT ON day_sheet
    FOR EACH ROW EXECUTE FUNCTION close_day();

-- Closing is what the sheet does, nothing else.
REVOKE UPDATE (version, totals, signed_off_at, signed_off_by) ON business_day FROM thuphi_app;

CREATE FUNCTION keep_standing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO discrepancy_standing
        (biller_id, discrepancy_id, kind, status, day, payment_id, amount, holds)
    VALUES (NEW.biller_id, NEW.id, NEW.kind, NEW.status, NEW.day, NEW.payment_id, NEW.amount,
        NEW.holds);
    RETURN NULL;
END $$;
CREATE TRIGGER discrepancy_stands AFTER INSERT ON discrepancy
    FOR EACH ROW EXECUTE FUNCTION keep_standing();
CREATE TRIGGER discrepancy_stands_anew AFTER UPDATE ON discrepancy FOR EACH ROW
    WHEN ((NEW.kind, NEW.status, NEW.day, NEW.amount, NEW.holds)
        IS DISTINCT FROM (OLD.kind, OLD.status, OLD.day, OLD.amount, OLD.holds))
    EXECUTE FUNCTION keep_standing();

REVOKE EXECUTE ON FUNCTION guard_day_correction(), guard_day_sheet(), close_day(),
    keep_standing() FROM PUBLIC;
"""

# Transactions of before are older than any that a sheet will ever be drawn up in.
STOOD = """
INSERT INTO discrepancy_standing
    (biller_id, discrepancy_id, kind, status, day, payment_id, amount, holds, xid)
SELECT biller_id, id, kind, status, day, payment_id, amount, holds, '3'::xid8 FROM discrepancy
ORDER BY opened_at, id
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(STOOD)
    _keep_signed()
    op.execute(GUARDS)
    op.execute(biller_table("day_correction", app="SELECT, INSERT", system="SELECT"))
    op.execute(biller_table("day_sheet", app="SELECT, INSERT", system="SELECT"))
    op.execute(biller_table("discrepancy_standing", app="SELECT", system="SELECT"))
    for table in ("day_correction", "day_sheet", "discrepancy_standing"):
        op.execute(append_only(table))


def _keep_signed() -> None:
    """Days that were signed before: what they said, as bytes with their hash."""
    db = op.get_bind()
    signed = db.execute(
        text("SELECT * FROM business_day WHERE status = 'signed_off' AND version = 1")
    )
    for row in signed.all():
        said = {**(row.totals or {}), "day": row.day.isoformat(), "version": 1}
        sheet = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        db.execute(
            text("""INSERT INTO day_sheet (biller_id, day, version, sheet, sha256, prepared_by,
                        prepared_at, signed_by, signed_at)
                    VALUES (:biller, :day, 1, :sheet, :digest, :prepared_by, :prepared_at,
                        :signed_by, coalesce(:signed_at, now()))"""),
            {
                "biller": row.biller_id,
                "day": row.day,
                "sheet": sheet,
                "digest": hashlib.sha256(sheet).digest(),
                "prepared_by": row.reconciled_by,
                "prepared_at": row.reconciled_at,
                "signed_by": row.signed_off_by,
                "signed_at": row.signed_off_at,
            },
        )
