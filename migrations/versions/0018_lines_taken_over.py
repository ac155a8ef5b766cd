"""A line of a statement that could not be used may be taken over by one that can.

A bad file is read as far as it goes; when the bank's good one comes, its lines are in our hands
already. Until somebody has settled it, a line moves from a statement that is not complete.
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"

TAKEN_OVER = """
CREATE FUNCTION guard_line_place() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.status <> 'imported' OR OLD.journal_id IS NOT NULL OR EXISTS (
        SELECT FROM statement s WHERE s.biller_id = OLD.biller_id AND s.id = OLD.statement_id
            AND s.complete)
    THEN
        RAISE EXCEPTION 'line % stays in the statement it was read from', OLD.id
            USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bank_line_place BEFORE UPDATE OF statement_id, line_no ON bank_line FOR EACH ROW
    EXECUTE FUNCTION guard_line_place();
REVOKE EXECUTE ON FUNCTION guard_line_place() FROM PUBLIC;
GRANT UPDATE (statement_id, line_no) ON bank_line TO thuphi_app;
"""


def upgrade() -> None:
    op.execute(TAKEN_OVER)
