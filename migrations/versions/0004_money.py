"""Money: payments, allocations, credits, refunds, reversals, receipts.

A payment's money is in four places: applied to invoices, kept as credit, on its way back,
or free. Counters say how much; only the triggers below move them, and CHECKs bound them.
"""

from alembic import op

from migrations.guards import (
    append_only,
    biller_table,
    guarded_status,
    insert_without,
    never_deleted,
)

revision = "0004"
down_revision = "0003"

TABLES = """
CREATE TABLE payment (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    gateway text NOT NULL CHECK (length(gateway) BETWEEN 2 AND 20),
    provider_reference text NOT NULL CHECK (length(provider_reference) BETWEEN 1 AND 120),
    bank_account_id uuid,
    bank_reference text,
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    received_at timestamptz NOT NULL,
    fact_day date NOT NULL,
    is_notice boolean NOT NULL,  -- told of before the statement; settled when its line comes
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,       -- memo and counterparty
    allocated bigint NOT NULL DEFAULT 0 CHECK (allocated >= 0),
    kept bigint NOT NULL DEFAULT 0 CHECK (kept >= 0),
    refunded_free bigint NOT NULL DEFAULT 0 CHECK (refunded_free >= 0),
    refunded bigint NOT NULL DEFAULT 0
        CONSTRAINT payment_not_overrefunded CHECK (refunded BETWEEN 0 AND amount),
    reversed bigint NOT NULL DEFAULT 0 CHECK (reversed >= 0),
    free bigint NOT NULL GENERATED ALWAYS AS
        (amount - allocated - kept - refunded_free - reversed) STORED,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, gateway, provider_reference),
    FOREIGN KEY (biller_id, bank_account_id) REFERENCES bank_account (biller_id, id),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id),
    CONSTRAINT payment_not_overspent
        CHECK (allocated + kept + refunded_free + reversed <= amount)
);
CREATE INDEX payment_day ON payment (biller_id, fact_day);
CREATE INDEX payment_free ON payment (biller_id, id)
    WHERE amount - allocated - kept - refunded_free - reversed > 0;

CREATE TABLE credit (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    beneficiary_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('credit', 'deposit')),
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    live boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, payment_id, id),
    FOREIGN KEY (biller_id, payment_id) REFERENCES payment (biller_id, id),
    FOREIGN KEY (biller_id, beneficiary_id) REFERENCES beneficiary (biller_id, id),
    CONSTRAINT credit_not_overspent CHECK (used + refunded <= amount),
    CONSTRAINT credit_in_use CHECK (live OR used + refunded = 0)
);
CREATE INDEX credit_payment ON credit (biller_id, payment_id);

CREATE TABLE credit_undo (
    biller_id uuid NOT NULL,
    credit_id uuid NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    actor_id uuid NOT NULL REFERENCES actor,
    at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, credit_id),
    FOREIGN KEY (biller_id, credit_id) REFERENCES credit (biller_id, id)
);

CREATE TABLE allocation (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    credit_id uuid,              -- set when the money was kept as credit before
    invoice_id uuid NOT NULL,
    order_id uuid,
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    refunded bigint NOT NULL DEFAULT 0
        CONSTRAINT allocation_not_overrefunded CHECK (refunded BETWEEN 0 AND amount),
    live boolean NOT NULL DEFAULT true,
    automatic boolean NOT NULL,
    rule text NOT NULL,
    actor_id uuid NOT NULL REFERENCES actor,
    at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    FOREIGN KEY (biller_id, payment_id) REFERENCES payment (biller_id, id),
    FOREIGN KEY (biller_id, payment_id, credit_id) REFERENCES credit (biller_id, payment_id, id),
    FOREIGN KEY (biller_id, invoice_id) REFERENCES invoice (biller_id, id),
    FOREIGN KEY (biller_id, order_id, invoice_id)
        REFERENCES order_invoice (biller_id, order_id, invoice_id),
    CONSTRAINT allocation_is_refunded CHECK (live OR refunded = 0)
);
CREATE UNIQUE INDEX allocation_live_pair ON allocation
    (biller_id, payment_id, invoice_id, coalesce(credit_id, payment_id)) WHERE live;
CREATE INDEX allocation_invoice ON allocation (biller_id, invoice_id);

CREATE TABLE allocation_undo (
    biller_id uuid NOT NULL,
    allocation_id uuid NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    actor_id uuid NOT NULL REFERENCES actor,
    at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, allocation_id),
    FOREIGN KEY (biller_id, allocation_id) REFERENCES allocation (biller_id, id)
);

-- Money that the bank took back.
CREATE TABLE payment_reversal (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    event_key text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, event_key),
    FOREIGN KEY (biller_id, payment_id) REFERENCES payment (biller_id, id)
);

CREATE TABLE refund (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    allocation_id uuid,  -- at most one of these two; neither: free money
    credit_id uuid,
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    method text NOT NULL CHECK (method IN ('bank_payout', 'gateway')),
    status text NOT NULL,
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,  -- the named account it goes to
    requested_by uuid NOT NULL REFERENCES actor,
    requested_at timestamptz NOT NULL,
    approved_by uuid,
    approved_at timestamptz,
    refused_by uuid,
    provider_reference text,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    FOREIGN KEY (biller_id, payment_id) REFERENCES payment (biller_id, id),
    FOREIGN KEY (biller_id, allocation_id) REFERENCES allocation (biller_id, id),
    FOREIGN KEY (biller_id, payment_id, credit_id) REFERENCES credit (biller_id, payment_id, id),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id),
    -- Who approves is staff of this biller, never a key, never the one who asked.
    CONSTRAINT refund_approver_is_staff
        FOREIGN KEY (biller_id, approved_by) REFERENCES staff_role (biller_id, staff_id),
    FOREIGN KEY (biller_id, refused_by) REFERENCES staff_role (biller_id, staff_id),
    CONSTRAINT refund_needs_two_people CHECK (approved_by <> requested_by),
    CONSTRAINT refund_needs_approval
        CHECK (status IN ('requested', 'refused') OR approved_by IS NOT NULL),
    CHECK (allocation_id IS NULL OR credit_id IS NULL)
);
CREATE INDEX refund_payment ON refund (biller_id, payment_id);
CREATE INDEX refund_open ON refund (biller_id, status) WHERE status NOT IN ('done', 'refused');

CREATE TABLE number_series (
    biller_id uuid NOT NULL REFERENCES biller,
    form text NOT NULL,
    year int NOT NULL,
    last_number int NOT NULL CHECK (last_number BETWEEN 1 AND 9999999),
    PRIMARY KEY (biller_id, form, year)
);

CREATE TABLE receipt (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    form text NOT NULL,
    year int NOT NULL,
    number int NOT NULL,
    code text NOT NULL,
    invoice_id uuid NOT NULL,
    allocation_id uuid,  -- none on the confirmation of a 0 đ bill
    amount bigint NOT NULL CHECK (amount BETWEEN 0 AND 999999999999),
    status text NOT NULL,
    replaces_id uuid,
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,        -- who and for what, as printed
    content_hash bytea NOT NULL CHECK (length(content_hash) = 32),
    signature bytea NOT NULL,
    issued_at timestamptz NOT NULL,
    cancelled_at timestamptz,
    cancel_reason text,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, form, year, number),
    UNIQUE (biller_id, code),
    FOREIGN KEY (biller_id, invoice_id) REFERENCES invoice (biller_id, id),
    FOREIGN KEY (biller_id, allocation_id) REFERENCES allocation (biller_id, id),
    FOREIGN KEY (biller_id, replaces_id) REFERENCES receipt (biller_id, id),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id),
    CHECK ((status = 'cancelled') = (cancel_reason IS NOT NULL)),
    CHECK (allocation_id IS NOT NULL OR amount = 0)
);
CREATE UNIQUE INDEX receipt_one_per_allocation ON receipt
    (biller_id, invoice_id, coalesce(allocation_id, invoice_id)) WHERE status = 'issued';
"""

# Every function below runs with the owner's rights, because the application may not touch a
# counter; the composite keys above keep each of them inside one biller. Rows are locked in
# one order - payment, allocation, credit, invoice, order - so that no two wait for each other.
COUNTERS = """
CREATE FUNCTION count_allocation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.automatic AND EXISTS (
            SELECT FROM allocation a JOIN allocation_undo u
                ON u.biller_id = a.biller_id AND u.allocation_id = a.id
            WHERE a.biller_id = NEW.biller_id AND a.payment_id = NEW.payment_id
                AND a.invoice_id = NEW.invoice_id) THEN
        RAISE EXCEPTION 'this pair was undone by a person and is never matched by itself again'
            USING ERRCODE = 'TP006';
    END IF;
    IF NEW.credit_id IS NULL THEN
        UPDATE payment SET allocated = allocated + NEW.amount
            WHERE biller_id = NEW.biller_id AND id = NEW.payment_id;
    ELSE
        UPDATE credit SET used = used + NEW.amount
            WHERE biller_id = NEW.biller_id AND id = NEW.credit_id AND live;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'credit % is gone', NEW.credit_id USING ERRCODE = 'TP006';
        END IF;
    END IF;
    UPDATE invoice SET allocated = allocated + NEW.amount
        WHERE biller_id = NEW.biller_id AND id = NEW.invoice_id AND status = 'issued';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'invoice % is not open for payment', NEW.invoice_id USING ERRCODE = 'TP006';
    END IF;
    IF NEW.order_id IS NOT NULL THEN
        UPDATE payment_order SET allocated = allocated + NEW.amount
            WHERE biller_id = NEW.biller_id AND id = NEW.order_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER allocation_counts AFTER INSERT ON allocation
    FOR EACH ROW EXECUTE FUNCTION count_allocation();

CREATE FUNCTION uncount_allocation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    gone allocation;
BEGIN
    PERFORM FROM payment p JOIN allocation a ON a.biller_id = p.biller_id AND a.payment_id = p.id
        WHERE a.biller_id = NEW.biller_id AND a.id = NEW.allocation_id FOR NO KEY UPDATE OF p;
    UPDATE allocation SET live = false
        WHERE biller_id = NEW.biller_id AND id = NEW.allocation_id AND live RETURNING * INTO gone;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'allocation % is not live', NEW.allocation_id USING ERRCODE = 'TP006';
    END IF;
    IF gone.credit_id IS NULL THEN
        UPDATE payment SET allocated = allocated - gone.amount
            WHERE biller_id = gone.biller_id AND id = gone.payment_id;
    ELSE
        UPDATE credit SET used = used - gone.amount
            WHERE biller_id = gone.biller_id AND id = gone.credit_id;
    END IF;
    UPDATE invoice SET allocated = allocated - gone.amount
        WHERE biller_id = gone.biller_id AND id = gone.invoice_id;
    UPDATE payment_order SET allocated = allocated - gone.amount
        WHERE biller_id = gone.biller_id AND id = gone.order_id;
    RETURN NULL;
END $$;
CREATE TRIGGER allocation_undo_counts AFTER INSERT ON allocation_undo
    FOR EACH ROW EXECUTE FUNCTION uncount_allocation();

CREATE FUNCTION count_credit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE payment SET kept = kept + NEW.amount
        WHERE biller_id = NEW.biller_id AND id = NEW.payment_id;
    RETURN NULL;
END $$;
CREATE TRIGGER credit_counts AFTER INSERT ON credit
    FOR EACH ROW EXECUTE FUNCTION count_credit();

CREATE FUNCTION uncount_credit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    gone credit;
BEGIN
    PERFORM FROM payment p JOIN credit c ON c.biller_id = p.biller_id AND c.payment_id = p.id
        WHERE c.biller_id = NEW.biller_id AND c.id = NEW.credit_id FOR NO KEY UPDATE OF p;
    UPDATE credit SET live = false
        WHERE biller_id = NEW.biller_id AND id = NEW.credit_id AND live RETURNING * INTO gone;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'credit % is not live', NEW.credit_id USING ERRCODE = 'TP006';
    END IF;
    UPDATE payment SET kept = kept - gone.amount
        WHERE biller_id = gone.biller_id AND id = gone.payment_id;
    RETURN NULL;
END $$;
CREATE TRIGGER credit_undo_counts AFTER INSERT ON credit_undo
    FOR EACH ROW EXECUTE FUNCTION uncount_credit();

CREATE FUNCTION count_reversal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE payment SET reversed = reversed + NEW.amount
        WHERE biller_id = NEW.biller_id AND id = NEW.payment_id;
    RETURN NULL;
END $$;
CREATE TRIGGER payment_reversal_counts AFTER INSERT ON payment_reversal
    FOR EACH ROW EXECUTE FUNCTION count_reversal();

-- A refund holds its money from the moment it is asked for until it is refused or has failed.
CREATE FUNCTION count_refund() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    before boolean := false;
    now_held boolean := NEW.status NOT IN ('refused', 'failed');
    change bigint;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        before := OLD.status NOT IN ('refused', 'failed');
    END IF;
    IF before = now_held THEN
        RETURN NULL;
    END IF;
    change := CASE WHEN now_held THEN NEW.amount ELSE -NEW.amount END;
    UPDATE payment SET refunded = refunded + change, refunded_free = refunded_free
            + CASE WHEN NEW.allocation_id IS NULL AND NEW.credit_id IS NULL THEN change ELSE 0 END
        WHERE biller_id = NEW.biller_id AND id = NEW.payment_id;
    IF NEW.credit_id IS NOT NULL THEN
        UPDATE credit SET refunded = refunded + change
            WHERE biller_id = NEW.biller_id AND id = NEW.credit_id AND live;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'credit % is gone', NEW.credit_id USING ERRCODE = 'TP006';
        END IF;
    END IF;
    IF NEW.allocation_id IS NOT NULL THEN
        UPDATE allocation SET refunded = refunded + change
            WHERE biller_id = NEW.biller_id AND id = NEW.allocation_id AND live
                AND payment_id = NEW.payment_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'allocation % is not live', NEW.allocation_id USING ERRCODE = 'TP006';
        END IF;
        UPDATE invoice i SET refunded = i.refunded + change FROM allocation a
            WHERE a.biller_id = NEW.biller_id AND a.id = NEW.allocation_id
                AND i.biller_id = a.biller_id AND i.id = a.invoice_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refund_counts AFTER INSERT OR UPDATE OF status ON refund
    FOR EACH ROW EXECUTE FUNCTION count_refund();

-- Who asked and who approved are written by the move that made it so, and by no other.
CREATE FUNCTION guard_refund_people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'failed' AND NEW.status = 'requested' THEN
        -- Asked again: whoever approved before does not count any more.
        NEW.approved_by := NULL;
        NEW.approved_at := NULL;
        NEW.refused_by := NULL;
        RETURN NEW;
    END IF;
    IF (NEW.requested_by, NEW.requested_at) IS DISTINCT FROM (OLD.requested_by, OLD.requested_at)
        OR ((NEW.approved_by, NEW.approved_at) IS DISTINCT FROM (OLD.approved_by, OLD.approved_at)
            AND NOT (OLD.status = 'requested' AND NEW.status = 'approved'))
        OR (NEW.refused_by IS DISTINCT FROM OLD.refused_by
            AND NOT (OLD.status = 'requested' AND NEW.status = 'refused')) THEN
        RAISE EXCEPTION 'who asked, approved or refused a refund is not changed afterwards'
            USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refund_people BEFORE UPDATE ON refund
    FOR EACH ROW EXECUTE FUNCTION guard_refund_people();

CREATE FUNCTION number_receipt() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.number IS NOT NULL THEN
        RAISE EXCEPTION 'receipt numbers are given here, not brought along' USING ERRCODE = 'TP007';
    END IF;
    IF NEW.year <> date_part('year', NEW.issued_at AT TIME ZONE 'Asia/Ho_Chi_Minh') THEN
        RAISE EXCEPTION 'a receipt is numbered in the year it is issued' USING ERRCODE = 'TP007';
    END IF;
    INSERT INTO number_series AS s (biller_id, form, year, last_number)
        VALUES (NEW.biller_id, NEW.form, NEW.year, 1)
        ON CONFLICT (biller_id, form, year) DO UPDATE SET last_number = s.last_number + 1
        RETURNING last_number INTO NEW.number;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_number BEFORE INSERT ON receipt
    FOR EACH ROW EXECUTE FUNCTION number_receipt();

-- INSERT .. ON CONFLICT DO NOTHING takes a number and then writes no receipt: a gap.
CREATE FUNCTION check_series() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM receipt WHERE biller_id = NEW.biller_id AND form = NEW.form
                   AND year = NEW.year AND number = NEW.last_number) THEN
        RAISE EXCEPTION 'number % of % was taken and no receipt carries it', NEW.last_number,
            NEW.form USING ERRCODE = 'TP007';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER number_series_has_no_gap AFTER INSERT OR UPDATE ON number_series
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_series();
"""

CLOSE_FUNCTIONS = """
REVOKE EXECUTE ON FUNCTION count_allocation(), uncount_allocation(), count_credit(),
    uncount_credit(), count_reversal(), count_refund(), number_receipt(), check_series()
    FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(COUNTERS)
    op.execute(CLOSE_FUNCTIONS)
    for table in ("allocation_undo", "credit_undo", "payment_reversal"):
        op.execute(biller_table(table, app="SELECT, INSERT", system="SELECT"))
    for table in ("payment", "allocation", "credit", "refund", "receipt"):
        op.execute(biller_table(table, app="SELECT", system="SELECT"))
    counters = ("allocated", "kept", "refunded_free", "refunded", "reversed")
    op.execute(insert_without("payment", *counters))
    op.execute(insert_without("allocation", "refunded", "live"))
    op.execute(insert_without("credit", "used", "refunded", "live"))
    op.execute(insert_without("refund", "approved_by", "approved_at", "refused_by"))
    op.execute(insert_without("receipt", "number", "cancelled_at", "cancel_reason"))
    op.execute("""GRANT UPDATE (status, approved_by, approved_at, refused_by, provider_reference,
        updated_at, requested_by, requested_at) ON refund TO thuphi_app""")
    op.execute("GRANT UPDATE (status, cancelled_at, cancel_reason) ON receipt TO thuphi_app")
    op.execute("ALTER TABLE number_series ENABLE ROW LEVEL SECURITY")
    for table in ("allocation_undo", "credit_undo", "payment_reversal"):
        op.execute(append_only(table))
    for table in ("payment", "allocation", "credit", "refund", "receipt", "number_series"):
        op.execute(never_deleted(table))
    op.execute(
        guarded_status(
            "refund",
            births=["requested"],
            moves=[
                ("requested", "approved"),
                ("requested", "refused"),
                ("approved", "sent"),
                ("sent", "done"),
                ("sent", "failed"),
                ("sent", "unknown"),
                ("unknown", "done"),
                ("unknown", "failed"),
                ("failed", "requested"),
            ],
        )
    )
    op.execute(guarded_status("receipt", births=["issued"], moves=[("issued", "cancelled")]))
