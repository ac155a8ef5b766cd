"""Payouts: files of refunds for a bank, closed by the lines that prove them; tries at gateways.

A refund is in one live payout at most. What a refund was called at a gateway is kept for every
round, so that an answer that comes late still finds it, and a new round asks about the old ones.
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

revision = "0010"
down_revision = "0009"

TABLES = """
CREATE TABLE refund_try (
    biller_id uuid NOT NULL,
    refund_id uuid NOT NULL,
    round int NOT NULL CHECK (round >= 1),
    gateway text NOT NULL CHECK (length(gateway) BETWEEN 2 AND 20),
    merchant_reference text NOT NULL CHECK (length(merchant_reference) BETWEEN 1 AND 200),
    at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, refund_id, round),
    CONSTRAINT refund_try_name_is_one UNIQUE (biller_id, gateway, merchant_reference),
    FOREIGN KEY (biller_id, refund_id) REFERENCES refund (biller_id, id)
);

-- What was named before this table was there. None in practice: gateways came with 0008.
INSERT INTO refund_try (biller_id, refund_id, round, gateway, merchant_reference, at)
SELECT r.biller_id, r.id, 1, p.gateway, r.merchant_reference, coalesce(r.sent_at, r.updated_at)
FROM refund r JOIN payment p ON p.biller_id = r.biller_id AND p.id = r.payment_id
WHERE r.merchant_reference IS NOT NULL;

-- Nothing is sent to a gateway before its name there is written down.
ALTER TABLE refund ADD CONSTRAINT refund_is_named_before_it_is_sent CHECK
    (method <> 'gateway' OR merchant_reference IS NOT NULL
     OR status IN ('requested', 'refused', 'approved'));

CREATE TABLE payout (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    bank_account_id uuid NOT NULL,
    status text NOT NULL,
    profile text NOT NULL CHECK (length(profile) BETWEEN 1 AND 40),
    refunds int NOT NULL CHECK (refunds >= 1),
    total bigint NOT NULL CHECK (total >= 1),
    made_by uuid NOT NULL REFERENCES actor,
    made_at timestamptz NOT NULL,
    voided_by uuid,
    voided_at timestamptz,
    void_reason text CHECK (length(void_reason) BETWEEN 1 AND 500),
    PRIMARY KEY (biller_id, id),
    FOREIGN KEY (biller_id, bank_account_id) REFERENCES bank_account (biller_id, id),
    CONSTRAINT payout_voider_is_staff
        FOREIGN KEY (biller_id, voided_by) REFERENCES staff_role (biller_id, staff_id),
    CHECK ((status = 'voided') = (voided_by IS NOT NULL)),
    CHECK ((voided_by IS NULL) = (voided_at IS NULL)
           AND (voided_by IS NULL) = (void_reason IS NULL))
);

CREATE TABLE payout_line (
    biller_id uuid NOT NULL,
    payout_id uuid NOT NULL,
    refund_id uuid NOT NULL,
    line_no int NOT NULL CHECK (line_no >= 1),
    code text NOT NULL CHECK (code ~ '^HT[0-9A-Z]{10}$'),  -- stands in the bank's memo
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    live boolean NOT NULL DEFAULT true,  -- false once the refund failed or the payout was voided
    PRIMARY KEY (biller_id, payout_id, refund_id),
    UNIQUE (biller_id, payout_id, line_no),
    CONSTRAINT payout_code_is_one UNIQUE (biller_id, code),
    FOREIGN KEY (biller_id, payout_id) REFERENCES payout (biller_id, id),
    FOREIGN KEY (biller_id, refund_id) REFERENCES refund (biller_id, id)
);
CREATE UNIQUE INDEX refund_in_one_live_payout ON payout_line (biller_id, refund_id) WHERE live;
CREATE INDEX payout_line_refund ON payout_line (biller_id, refund_id);

CREATE TABLE payout_file (
    biller_id uuid NOT NULL,
    payout_id uuid NOT NULL,
    format text NOT NULL CHECK (format IN ('csv', 'xlsx')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    size int NOT NULL CHECK (size >= 1),
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,  -- the bytes, to be handed out again exactly
    PRIMARY KEY (biller_id, payout_id, format),
    FOREIGN KEY (biller_id, payout_id) REFERENCES payout (biller_id, id),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id)
);

-- A debit proves one payout; a credit that brings one back names it, once as well.
DROP INDEX bank_line_pays_once;
CREATE UNIQUE INDEX bank_line_pays_once ON bank_line (biller_id, refund_id)
    WHERE refund_id IS NOT NULL AND amount < 0;
CREATE UNIQUE INDEX bank_line_returns_once ON bank_line (biller_id, refund_id)
    WHERE refund_id IS NOT NULL AND amount > 0;
"""

# With the owner's rights and a fixed search_path, for the reason given in 0002.
GUARDS = """
CREATE FUNCTION check_refund_try() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM refund r JOIN payment p ON p.biller_id = r.biller_id AND p.id = r.payment_id
        WHERE r.biller_id = NEW.biller_id AND r.id = NEW.refund_id AND r.method = 'gateway'
            AND r.status = 'approved' AND p.gateway = NEW.gateway
        FOR NO KEY UPDATE OF r;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'refund % is not approved for this gateway', NEW.refund_id
            USING ERRCODE = 'TP006';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refund_try_is_approved BEFORE INSERT ON refund_try
    FOR EACH ROW EXECUTE FUNCTION check_refund_try();

-- What is under way at a gateway is there by a name that was written down before.
CREATE FUNCTION check_refund_sent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM refund_try WHERE biller_id = NEW.biller_id
                   AND refund_id = NEW.id AND merchant_reference = NEW.merchant_reference) THEN
        RAISE EXCEPTION 'refund % was not named before it was sent', NEW.id
            USING ERRCODE = 'TP006';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refund_is_named BEFORE UPDATE OF status ON refund FOR EACH ROW
    WHEN (NEW.status = 'sent' AND NEW.method = 'gateway') EXECUTE FUNCTION check_refund_sent();

-- The row is locked, so that of two files made at once the second finds it in the first.
CREATE FUNCTION check_payout_line() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM refund WHERE biller_id = NEW.biller_id AND id = NEW.refund_id
        AND method = 'bank_payout' AND status = 'approved' AND amount = NEW.amount
        FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'refund % is not approved for a bank payout of this amount', NEW.refund_id
            USING ERRCODE = 'TP006';
    END IF;
    -- Somebody has still to say whether its money left already.
    IF EXISTS (SELECT FROM discrepancy WHERE biller_id = NEW.biller_id
               AND refund_id = NEW.refund_id AND status NOT IN ('resolved', 'auto_resolved')) THEN
        RAISE EXCEPTION 'refund % has an open discrepancy', NEW.refund_id USING ERRCODE = 'TP006';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payout_line_is_approved BEFORE INSERT ON payout_line
    FOR EACH ROW EXECUTE FUNCTION check_payout_line();

-- At the commit a payout says what its lines say, and its refunds are on their way.
CREATE FUNCTION check_payout() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    made payout;
    held record;
BEGIN
    SELECT * INTO made FROM payout WHERE biller_id = NEW.biller_id
        AND id = CASE TG_TABLE_NAME WHEN 'payout' THEN (to_jsonb(NEW) ->> 'id')::uuid
                 ELSE (to_jsonb(NEW) ->> 'payout_id')::uuid END;
    SELECT count(*) AS refunds, coalesce(sum(l.amount), 0) AS total,
            count(*) FILTER (WHERE l.live AND r.status = 'approved') AS still_here
        INTO held FROM payout_line l
        JOIN refund r ON r.biller_id = l.biller_id AND r.id = l.refund_id
        WHERE l.biller_id = made.biller_id AND l.payout_id = made.id;
    IF (held.refunds, held.total, held.still_here) IS DISTINCT FROM
            (made.refunds::bigint, made.total::numeric, 0::bigint) THEN
        RAISE EXCEPTION 'payout % does not add up', made.id USING ERRCODE = 'TP005';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payout_adds_up AFTER INSERT ON payout
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_payout();
CREATE CONSTRAINT TRIGGER payout_line_adds_up AFTER INSERT ON payout_line
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_payout();

-- A refund that failed has left its payout: it may be asked for again and be in another.
CREATE FUNCTION leave_payout() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE payout_line SET live = false
        WHERE biller_id = NEW.biller_id AND refund_id = NEW.id AND live;
    RETURN NULL;
END $$;
CREATE TRIGGER refund_leaves_payout AFTER UPDATE OF status ON refund FOR EACH ROW
    WHEN (NEW.status = 'failed') EXECUTE FUNCTION leave_payout();

CREATE FUNCTION check_void() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM payout_line
               WHERE biller_id = NEW.biller_id AND payout_id = NEW.id AND live) THEN
        RAISE EXCEPTION 'payout % still has refunds on their way or paid', NEW.id
            USING ERRCODE = 'TP006';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payout_void BEFORE UPDATE OF status ON payout FOR EACH ROW
    WHEN (NEW.status = 'voided') EXECUTE FUNCTION check_void();

REVOKE EXECUTE ON FUNCTION check_refund_try(), check_refund_sent(), check_payout_line(),
    check_payout(), leave_payout(), check_void() FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    op.execute(biller_table("refund_try", app="SELECT, INSERT", system="SELECT"))
    op.execute(biller_table("payout_file", app="SELECT, INSERT", system="SELECT"))
    op.execute(biller_table("payout", app="SELECT", system="SELECT"))
    op.execute(biller_table("payout_line", app="SELECT", system="SELECT"))
    op.execute(insert_without("payout", "voided_by", "voided_at", "void_reason"))
    op.execute(insert_without("payout_line", "live"))
    op.execute("GRANT UPDATE (status, voided_by, voided_at, void_reason) ON payout TO thuphi_app")
    for table in ("refund_try", "payout_file"):
        op.execute(append_only(table))
    for table in ("payout", "payout_line"):
        op.execute(never_deleted(table))
    op.execute(guarded_status("payout", births=["made"], moves=[("made", "voided")]))
