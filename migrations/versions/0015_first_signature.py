"""The first signature of a day is a person's, too.

The night reconciles a day by itself, and then one signature was enough. From now on somebody
checks the day and signs first, and somebody else locks it. A day that a person reconciled has
that person's name already.
"""

from __future__ import annotations

from alembic import op

from migrations.guards import append_only, biller_table

revision = "0015"
down_revision = "0014"

TABLE = """
CREATE TABLE day_check (
    biller_id uuid NOT NULL,
    day date NOT NULL,
    checked_by uuid NOT NULL,
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, day, checked_by),
    FOREIGN KEY (biller_id, day) REFERENCES business_day (biller_id, day),
    FOREIGN KEY (biller_id, checked_by) REFERENCES staff_role (biller_id, staff_id)
);
"""

# With the owner's rights and a fixed search_path, for the reason given in 0002.
GUARDS = """
CREATE FUNCTION guard_day_check() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM business_day WHERE biller_id = NEW.biller_id AND day = NEW.day
        AND status = 'reconciled' FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'day % does not wait for signatures', NEW.day USING ERRCODE = 'TP003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER day_check_in_time BEFORE INSERT ON day_check
    FOR EACH ROW EXECUTE FUNCTION guard_day_check();

-- As in 0013, but for who prepared the first version: a person, never the night's own run.
CREATE OR REPLACE FUNCTION guard_day_sheet() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
        IF EXISTS (SELECT FROM staff s WHERE s.id = stood.reconciled_by) THEN
            NEW.prepared_by := stood.reconciled_by;
            NEW.prepared_at := stood.reconciled_at;
        ELSE
            SELECT * INTO asked FROM day_check c WHERE c.biller_id = NEW.biller_id
                AND c.day = NEW.day AND c.checked_by = NEW.prepared_by;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'nobody has checked day % and signed first', NEW.day
                    USING ERRCODE = 'TP001';
            END IF;
            NEW.prepared_at := asked.checked_at;
        END IF;
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

REVOKE EXECUTE ON FUNCTION guard_day_check() FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute(GUARDS)
    op.execute(biller_table("day_check", app="SELECT, INSERT", system="SELECT"))
    op.execute(append_only("day_check"))
