"""Gateways: tries that were named before they were made, and the payments that came of them.

A try is found again by the name we gave it (merchant_reference); a payment knows its try; a
try has succeeded only if a payment of it is booked.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

TABLES = """
ALTER TABLE attempt
    ADD COLUMN merchant_reference text CHECK (length(merchant_reference) BETWEEN 1 AND 200),
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN looks int NOT NULL DEFAULT 0 CHECK (looks >= 0);
CREATE UNIQUE INDEX attempt_reference ON attempt (biller_id, gateway, merchant_reference);
CREATE INDEX attempt_in_hand ON attempt (gateway, created_at)
    WHERE status IN ('created', 'redirected', 'pending', 'unknown');

ALTER TABLE payment
    ADD COLUMN attempt_id uuid,
    ADD FOREIGN KEY (biller_id, attempt_id) REFERENCES attempt (biller_id, id);
CREATE INDEX payment_attempt ON payment (biller_id, attempt_id) WHERE attempt_id IS NOT NULL;

-- One merchant at a gateway is one biller: calls and settlements of two could not be told apart.
ALTER TABLE channel
    ADD COLUMN merchant_hash bytea CHECK (length(merchant_hash) = 32),
    ADD COLUMN checked_at timestamptz,
    ADD COLUMN check_ok boolean,
    ADD COLUMN check_vi text,
    ADD COLUMN check_en text,
    ADD CONSTRAINT channel_merchant_is_one UNIQUE (gateway, merchant_hash);

-- What a refund is called at the gateway, and when it was first sent there.
ALTER TABLE refund
    ADD COLUMN merchant_reference text CHECK (length(merchant_reference) BETWEEN 1 AND 200),
    ADD COLUMN sent_at timestamptz,
    ADD COLUMN looks int NOT NULL DEFAULT 0 CHECK (looks >= 0),
    ADD COLUMN failure text CHECK (length(failure) <= 200);
CREATE UNIQUE INDEX refund_reference ON refund (biller_id, merchant_reference);

-- One call may tell of several events: the first row keeps the raw call, the others point to it.
ALTER TABLE inbound_call
    ADD COLUMN finding text,
    ADD COLUMN part_of uuid,
    ADD FOREIGN KEY (biller_id, part_of) REFERENCES inbound_call (biller_id, id);
"""

# With the owner's rights and a fixed search_path, for the reason given in 0002.
CHECKS = """
CREATE FUNCTION check_attempt_paid() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM payment
                   WHERE biller_id = NEW.biller_id AND attempt_id = NEW.id) THEN
        RAISE EXCEPTION 'attempt % has no payment: it cannot have succeeded', NEW.id
            USING ERRCODE = 'TP006';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attempt_is_paid BEFORE UPDATE OF status ON attempt FOR EACH ROW
    WHEN (NEW.status = 'succeeded') EXECUTE FUNCTION check_attempt_paid();

-- A payment is linked to its try once, and never to another.
CREATE FUNCTION guard_payment_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'payment % came of attempt %: that is not changed', OLD.id, OLD.attempt_id
        USING ERRCODE = 'TP001';
END $$;
CREATE TRIGGER payment_attempt_is_kept BEFORE UPDATE OF attempt_id ON payment FOR EACH ROW
    WHEN (OLD.attempt_id IS NOT NULL AND NEW.attempt_id IS DISTINCT FROM OLD.attempt_id)
    EXECUTE FUNCTION guard_payment_attempt();
REVOKE EXECUTE ON FUNCTION check_attempt_paid() FROM PUBLIC;
"""

GRANTS = """
GRANT INSERT (attempt_id), UPDATE (attempt_id) ON payment TO thuphi_app;
GRANT UPDATE (looks) ON attempt TO thuphi_app;
GRANT SELECT ON channel TO thuphi_system;
GRANT UPDATE (finding, answer_status, answer_body) ON inbound_call TO thuphi_app;
GRANT UPDATE (merchant_reference, sent_at, looks, failure) ON refund TO thuphi_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(CHECKS)
    op.execute(GRANTS)
