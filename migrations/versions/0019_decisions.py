"""The biller's limit for decisions about discrepancies, kept by the database itself.

What is at stake is taken down by a trigger when something is proposed, from the facts and not from
what the application says. Above the limit, and for whatever a program proposed, nothing is resolved
that a second person has not approved.
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"

STAKES = """
ALTER TABLE discrepancy ADD COLUMN at_stake bigint;  -- đồng when it was proposed; by the trigger
"""

# With the owner's rights and a fixed search_path, for the reason given in 0002.
GUARDS = """
CREATE FUNCTION note_stake() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    NEW.at_stake := greatest(NEW.amount, NEW.holds, abs(NEW.gap), OLD.amount,
        (SELECT p.free FROM payment p
            WHERE p.biller_id = NEW.biller_id AND p.id = NEW.payment_id),
        (SELECT abs(l.amount) FROM bank_line l WHERE l.biller_id = NEW.biller_id
            AND l.id = NEW.line_id AND NEW.payment_id IS NULL),
        (SELECT abs(s.suspended) FROM settlement_row s
            WHERE s.biller_id = NEW.biller_id AND s.id = NEW.settlement_row_id));
    RETURN NEW;
END $$;
CREATE TRIGGER discrepancy_stake BEFORE UPDATE OF status ON discrepancy FOR EACH ROW
    WHEN (NEW.status = 'proposed' AND OLD.status <> 'proposed') EXECUTE FUNCTION note_stake();

CREATE FUNCTION guard_limit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF greatest(OLD.at_stake, OLD.amount) >
            (SELECT approval_limit FROM biller WHERE id = NEW.biller_id)
        OR NOT EXISTS (SELECT FROM staff_role
            WHERE biller_id = NEW.biller_id AND staff_id = OLD.proposed_by) THEN
        RAISE EXCEPTION 'discrepancy % needs the approval of a second person', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'discrepancy_needs_approval';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER discrepancy_within_limit BEFORE UPDATE OF status ON discrepancy FOR EACH ROW
    WHEN (OLD.status = 'proposed' AND NEW.status = 'resolved') EXECUTE FUNCTION guard_limit();

REVOKE EXECUTE ON FUNCTION note_stake(), guard_limit() FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(STAKES)
    # What waits for approval now was counted by its amount.
    op.execute("UPDATE discrepancy SET at_stake = amount WHERE status = 'proposed'")
    op.execute(GUARDS)
