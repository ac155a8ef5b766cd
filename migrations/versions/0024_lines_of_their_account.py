"""A line that is taken over goes to a statement of its own account whose sum is right.

0018 looked at where it came from only: a line of an unproven file could be moved under any
statement that is complete, of another account too, and would have been booked from there.
"""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"

TAKEN_OVER = """
CREATE OR REPLACE FUNCTION guard_line_place() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.status <> 'imported' OR OLD.journal_id IS NOT NULL OR EXISTS (
        SELECT FROM statement s WHERE s.biller_id = OLD.biller_id AND s.id = OLD.statement_id
            AND s.complete)
    THEN
        RAISE EXCEPTION 'line % stays in the statement it was read from', OLD.id
            USING ERRCODE = 'TP001';
    END IF;
    IF NOT EXISTS (SELECT FROM statement s WHERE s.biller_id = NEW.biller_id
            AND s.id = NEW.statement_id AND s.bank_account_id = NEW.bank_account_id AND s.closes
            AND NEW.booking_date BETWEEN s.first_day AND s.last_day)
    THEN
        RAISE EXCEPTION 'line % does not belong to that statement', OLD.id
            USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;
"""


def upgrade() -> None:
    op.execute(TAKEN_OVER)
