"""What a line paid to a gateway's batch can be taken back, by a journal that mirrors its own.

A line let go of its batch never. Now a row of `batch_undo` lets it: one for each time, with the
journal that paid and the one that reversed it. The money that a batch took over from a payment is
the payment's again: its reversal is taken back by one of the opposite sign that names it.
"""

from __future__ import annotations

from alembic import op

from migrations.guards import append_only, biller_table

revision = "0025"
down_revision = "0024"

TABLES = """
CREATE TABLE batch_undo (
    biller_id uuid NOT NULL,
    line_id uuid NOT NULL,
    nth int NOT NULL CHECK (nth >= 1),  -- which time it is that the line lets go of a batch
    batch_id uuid NOT NULL,
    paid_by uuid NOT NULL,              -- the journal that paid
    undone_by uuid NOT NULL,            -- its mirror
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    actor_id uuid NOT NULL REFERENCES actor,
    at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, line_id, nth),
    UNIQUE (biller_id, paid_by),
    FOREIGN KEY (biller_id, line_id) REFERENCES bank_line (biller_id, id),
    FOREIGN KEY (biller_id, batch_id) REFERENCES settlement_batch (biller_id, id),
    FOREIGN KEY (biller_id, paid_by) REFERENCES journal (biller_id, id),
    FOREIGN KEY (biller_id, undone_by) REFERENCES journal (biller_id, id)
);
CREATE INDEX batch_undo_batch ON batch_undo (biller_id, batch_id);

ALTER TABLE payment_reversal
    ADD COLUMN undoes uuid,
    ADD FOREIGN KEY (biller_id, undoes) REFERENCES payment_reversal (biller_id, id),
    ADD CONSTRAINT payment_reversal_undone_once UNIQUE (biller_id, undoes),
    DROP CONSTRAINT payment_reversal_amount_check,
    ADD CONSTRAINT payment_reversal_amount_check CHECK (amount <> 0
        AND abs(amount) <= 999999999999 AND (amount < 0) = (undoes IS NOT NULL));
"""

# With the owner's rights and a fixed search_path, for the reason given in 0002.
GUARDS = """
CREATE FUNCTION guard_batch_undo() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM bank_line l WHERE l.biller_id = NEW.biller_id
            AND l.id = NEW.line_id AND l.settlement_batch_id = NEW.batch_id)
        OR NEW.nth <> 1 + (SELECT count(*) FROM batch_undo u
            WHERE u.biller_id = NEW.biller_id AND u.line_id = NEW.line_id)
        OR NOT EXISTS (SELECT FROM journal p
            JOIN journal m ON m.biller_id = p.biller_id AND m.reverses_journal_id = p.id
            WHERE p.biller_id = NEW.biller_id AND p.id = NEW.paid_by AND m.id = NEW.undone_by
                AND p.kind = 'batch_paid' AND p.event_key = 'settle-batch:' || NEW.line_id
                    || CASE WHEN NEW.nth > 1 THEN ':' || NEW.nth ELSE '' END)
    THEN
        RAISE EXCEPTION 'line % did not pay this batch by that journal', NEW.line_id
            USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER batch_undo_is_true BEFORE INSERT ON batch_undo
    FOR EACH ROW EXECUTE FUNCTION guard_batch_undo();

-- What a line paid is not paid with it again, until that very payment is undone.
CREATE OR REPLACE FUNCTION guard_batch_line() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    undone int := (SELECT count(*) FROM batch_undo u
        WHERE u.biller_id = OLD.biller_id AND u.line_id = OLD.id);
BEGIN
    IF NEW.settlement_batch_id IS NOT NULL OR undone = 0 OR EXISTS (
        SELECT FROM journal j WHERE j.biller_id = OLD.biller_id
            AND j.event_key = 'settle-batch:' || OLD.id || ':' || (undone + 1))
    THEN
        RAISE EXCEPTION 'line % has paid a batch: that is not changed', OLD.id
            USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION uncount_batch_line() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE settlement_batch SET came = came - OLD.amount
        WHERE biller_id = OLD.biller_id AND id = OLD.settlement_batch_id;
    RETURN NULL;
END $$;
CREATE TRIGGER bank_line_uncounts AFTER UPDATE OF settlement_batch_id ON bank_line FOR EACH ROW
    WHEN (OLD.settlement_batch_id IS NOT NULL AND NEW.settlement_batch_id IS NULL)
    EXECUTE FUNCTION uncount_batch_line();

CREATE FUNCTION guard_unreversal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM payment_reversal r WHERE r.biller_id = NEW.biller_id
        AND r.id = NEW.undoes AND r.payment_id = NEW.payment_id AND r.amount = -NEW.amount)
    THEN
        RAISE EXCEPTION 'reversal % takes back no such reversal', NEW.id USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_reversal_undoes BEFORE INSERT ON payment_reversal FOR EACH ROW
    WHEN (NEW.undoes IS NOT NULL) EXECUTE FUNCTION guard_unreversal();

REVOKE EXECUTE ON FUNCTION guard_batch_undo(), guard_batch_line(), uncount_batch_line(),
    guard_unreversal() FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    op.execute(biller_table("batch_undo", app="SELECT, INSERT", system="SELECT"))
    op.execute(append_only("batch_undo"))
