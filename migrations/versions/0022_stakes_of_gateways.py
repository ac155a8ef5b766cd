"""What is at stake when a gateway says that it never had a payment is all of that payment.

Only its free money was counted. Once a part of what it had paid was undone, the discrepancy held
that part, and one person could take back the whole by saying so. What a proposal waits with is
counted too, however it came there.
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"

# As in 0019, but for the payments of a gateway, and for what is held or missing by now.
GUARDS = """
CREATE OR REPLACE FUNCTION note_stake() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    NEW.at_stake := greatest(NEW.amount, NEW.holds, abs(NEW.gap), OLD.amount,
        (SELECT CASE WHEN NEW.gateway IS NULL THEN p.free ELSE p.amount END FROM payment p
            WHERE p.biller_id = NEW.biller_id AND p.id = NEW.payment_id),
        (SELECT abs(l.amount) FROM bank_line l WHERE l.biller_id = NEW.biller_id
            AND l.id = NEW.line_id AND NEW.payment_id IS NULL),
        (SELECT abs(s.suspended) FROM settlement_row s
            WHERE s.biller_id = NEW.biller_id AND s.id = NEW.settlement_row_id));
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION guard_limit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF greatest(OLD.at_stake, OLD.amount, OLD.holds, abs(OLD.gap)) >
            (SELECT approval_limit FROM biller WHERE id = NEW.biller_id)
        OR NOT EXISTS (SELECT FROM staff_role
            WHERE biller_id = NEW.biller_id AND staff_id = OLD.proposed_by) THEN
        RAISE EXCEPTION 'discrepancy % needs the approval of a second person', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'discrepancy_needs_approval';
    END IF;
    RETURN NEW;
END $$;
"""


def upgrade() -> None:
    op.execute(GUARDS)
