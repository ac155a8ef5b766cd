"""Bills: payers, beneficiaries, invoices, bank accounts, payment orders and attempts."""

from alembic import op

from migrations.guards import (
    append_only,
    biller_table,
    guarded_status,
    insert_without,
    never_deleted,
)

revision = "0003"
down_revision = "0002"

TABLES = """
CREATE TABLE payer (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,
    phone_index bytea,  -- keyed blind index
    created_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id)
);
CREATE INDEX payer_phone ON payer (biller_id, phone_index);

CREATE TABLE beneficiary (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('student', 'patient', 'applicant')),
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 60),
    payer_id uuid,
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, kind, code),
    FOREIGN KEY (biller_id, payer_id) REFERENCES payer (biller_id, id),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id)
);

CREATE TABLE bank_account (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    bank_bin text NOT NULL CHECK (bank_bin ~ '^[0-9]{6}$'),
    account_number text NOT NULL CHECK (account_number ~ '^[A-Za-z0-9]{1,19}$'),
    holder text NOT NULL,
    notice_source text,  -- the one source that tells of credits before the statement does
    opened_on date NOT NULL,
    opening_balance bigint NOT NULL DEFAULT 0 CHECK (opening_balance BETWEEN 0 AND 999999999999),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    UNIQUE (bank_bin, account_number)
);

CREATE TABLE channel (
    biller_id uuid NOT NULL REFERENCES biller,
    gateway text NOT NULL,
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, gateway),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id)
);

CREATE TABLE invoice (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 60),  -- the biller's own number
    kind text NOT NULL CHECK (kind IN ('tuition', 'hospital', 'administrative')),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    period text,
    beneficiary_id uuid NOT NULL,
    due_on date,
    amount bigint NOT NULL CHECK (amount BETWEEN 0 AND 999999999999),
    status text NOT NULL,
    allocated bigint NOT NULL DEFAULT 0
        CONSTRAINT invoice_not_overpaid CHECK (allocated BETWEEN 0 AND amount),
    refunded bigint NOT NULL DEFAULT 0
        CONSTRAINT invoice_not_overrefunded CHECK (refunded BETWEEN 0 AND allocated),
    created_at timestamptz NOT NULL,
    issued_at timestamptz,
    cancelled_at timestamptz,
    payment_state text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN status <> 'issued' THEN status
             WHEN refunded > 0 AND refunded = allocated THEN 'refunded'
             WHEN refunded > 0 THEN 'part_refunded'
             WHEN allocated = amount THEN 'paid'
             WHEN allocated > 0 THEN 'part_paid'
             ELSE 'unpaid' END) STORED,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, reference),
    FOREIGN KEY (biller_id, beneficiary_id) REFERENCES beneficiary (biller_id, id),
    CONSTRAINT invoice_cancelled_is_empty CHECK (status <> 'cancelled' OR allocated = 0),
    CHECK (status <> 'issued' OR issued_at IS NOT NULL)
);
CREATE INDEX invoice_beneficiary ON invoice (biller_id, beneficiary_id);

CREATE TABLE invoice_line (
    biller_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    line_no smallint NOT NULL CHECK (line_no >= 1),
    kind text NOT NULL CHECK (kind IN
        ('charge', 'exemption', 'reduction', 'subsidy', 'insurance', 'credit')),
    fee_code text,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    quantity int NOT NULL DEFAULT 1 CHECK (quantity BETWEEN 1 AND 100000),
    unit text,
    unit_price bigint NOT NULL CHECK (unit_price BETWEEN 0 AND 999999999999),
    amount bigint NOT NULL CHECK (amount BETWEEN 0 AND 999999999999),
    note text,
    signed_amount bigint NOT NULL GENERATED ALWAYS AS
        (CASE WHEN kind = 'charge' THEN amount ELSE -amount END) STORED,
    PRIMARY KEY (biller_id, invoice_id, line_no),
    FOREIGN KEY (biller_id, invoice_id) REFERENCES invoice (biller_id, id),
    CHECK (amount = quantity * unit_price)
);

CREATE TABLE payment_order (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    code text NOT NULL UNIQUE CHECK (code ~ '^(HP|VP|LP)[0-9ACDEFGHJKMNPQRTVWXY]{10}$'),
    payer_id uuid,
    bank_account_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount BETWEEN 0 AND 999999999999),
    status text NOT NULL,
    allocated bigint NOT NULL DEFAULT 0
        CONSTRAINT order_not_overpaid CHECK (allocated BETWEEN 0 AND amount),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    closed_at timestamptz,
    payment_state text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN status IN ('expired', 'cancelled') AND allocated > 0 THEN 'late_paid'
             WHEN allocated = amount AND status NOT IN ('expired', 'cancelled') THEN 'paid'
             WHEN allocated > 0 THEN 'part_paid'
             ELSE status END) STORED,
    PRIMARY KEY (biller_id, id),
    FOREIGN KEY (biller_id, payer_id) REFERENCES payer (biller_id, id),
    FOREIGN KEY (biller_id, bank_account_id) REFERENCES bank_account (biller_id, id),
    CHECK (expires_at > created_at)
);
CREATE INDEX payment_order_expiry ON payment_order (expires_at)
    WHERE status IN ('created', 'awaiting');

CREATE TABLE order_invoice (
    biller_id uuid NOT NULL,
    order_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount BETWEEN 0 AND 999999999999),
    PRIMARY KEY (biller_id, order_id, invoice_id),
    FOREIGN KEY (biller_id, order_id) REFERENCES payment_order (biller_id, id),
    FOREIGN KEY (biller_id, invoice_id) REFERENCES invoice (biller_id, id)
);
CREATE INDEX order_invoice_invoice ON order_invoice (biller_id, invoice_id);

CREATE TABLE attempt (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    gateway text NOT NULL,
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    status text NOT NULL,
    qr_text text,
    redirect_url text,
    provider_reference text,
    reason text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    FOREIGN KEY (biller_id, order_id) REFERENCES payment_order (biller_id, id)
);
CREATE INDEX attempt_order ON attempt (biller_id, order_id);
"""

# With the owner's rights and a fixed search_path, for the reason given in 0002.
CHECKS = """
-- A bill is fixed when it is issued: lines are written while it is a draft, and their sum is
-- its amount. 0 đ is a sum too; no lines is not.
CREATE FUNCTION check_issue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    lines bigint;
    total bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- Under an older snapshot a line that was just added could stay unseen.
        RAISE EXCEPTION 'invoices are issued under READ COMMITTED' USING ERRCODE = 'TP005';
    END IF;
    SELECT count(*), coalesce(sum(signed_amount), 0) INTO lines, total FROM invoice_line
        WHERE biller_id = NEW.biller_id AND invoice_id = NEW.id;
    IF lines = 0 OR total <> NEW.amount THEN
        RAISE EXCEPTION 'invoice %: % lines adding up to %, not %', NEW.id, lines, total, NEW.amount
            USING ERRCODE = 'TP005';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoice_issue BEFORE UPDATE OF status ON invoice FOR EACH ROW
    WHEN (NEW.status = 'issued' AND OLD.status = 'draft') EXECUTE FUNCTION check_issue();

CREATE FUNCTION check_draft() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM invoice WHERE biller_id = NEW.biller_id AND id = NEW.invoice_id
        AND status = 'draft' FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'invoice % is not a draft: its lines are fixed', NEW.invoice_id
            USING ERRCODE = 'TP005';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoice_line_is_drafted BEFORE INSERT ON invoice_line
    FOR EACH ROW EXECUTE FUNCTION check_draft();

-- What an order asks for is the sum of its parts, fixed in the transaction that makes it.
CREATE FUNCTION check_order() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    parts bigint;
    total bigint;
BEGIN
    SELECT count(*), coalesce(sum(amount), 0) INTO parts, total FROM order_invoice
        WHERE biller_id = NEW.biller_id AND order_id = NEW.id;
    IF parts = 0 OR total <> NEW.amount THEN
        RAISE EXCEPTION 'payment order %: % invoices adding up to %, not %',
            NEW.id, parts, total, NEW.amount USING ERRCODE = 'TP005';
    END IF;
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER payment_order_is_whole AFTER INSERT ON payment_order
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_order();

CREATE FUNCTION check_order_part() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    total bigint;
    asked bigint;
BEGIN
    SELECT o.amount INTO asked FROM payment_order o
        WHERE o.biller_id = NEW.biller_id AND o.id = NEW.order_id;
    SELECT sum(amount) INTO total FROM order_invoice
        WHERE biller_id = NEW.biller_id AND order_id = NEW.order_id;
    IF total > asked THEN
        RAISE EXCEPTION 'payment order % is whole: nothing can be added to it', NEW.order_id
            USING ERRCODE = 'TP005';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER order_invoice_fits AFTER INSERT ON order_invoice
    FOR EACH ROW EXECUTE FUNCTION check_order_part();

REVOKE EXECUTE ON FUNCTION check_issue(), check_draft(), check_order(), check_order_part()
    FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(CHECKS)
    op.execute(biller_table("payer", app="SELECT, INSERT"))
    op.execute("GRANT UPDATE (key_id, sealed, phone_index) ON payer TO thuphi_app")
    op.execute(biller_table("beneficiary", app="SELECT, INSERT"))
    op.execute("GRANT UPDATE (key_id, sealed, payer_id) ON beneficiary TO thuphi_app")
    op.execute(biller_table("bank_account", app="SELECT, INSERT", system="SELECT"))
    op.execute("GRANT UPDATE (notice_source, holder) ON bank_account TO thuphi_app")
    op.execute(biller_table("channel", app="SELECT, INSERT, UPDATE"))
    op.execute(biller_table("invoice", app="SELECT", system="SELECT"))
    op.execute(insert_without("invoice", "allocated", "refunded", "issued_at", "cancelled_at"))
    op.execute("GRANT UPDATE (status, issued_at, cancelled_at) ON invoice TO thuphi_app")
    op.execute(biller_table("invoice_line", app="SELECT, INSERT", system="SELECT"))
    op.execute(biller_table("payment_order", app="SELECT", system="SELECT"))
    op.execute(insert_without("payment_order", "allocated", "closed_at"))
    op.execute("GRANT UPDATE (status, expires_at, closed_at) ON payment_order TO thuphi_app")
    op.execute(biller_table("order_invoice", app="SELECT, INSERT", system="SELECT"))
    op.execute(biller_table("attempt", app="SELECT, INSERT", system="SELECT"))
    op.execute("""GRANT UPDATE (status, qr_text, redirect_url, provider_reference, reason,
        updated_at) ON attempt TO thuphi_app""")
    op.execute(append_only("invoice_line"))
    op.execute(append_only("order_invoice"))
    for table in ("payer", "beneficiary", "bank_account", "invoice", "payment_order", "attempt"):
        op.execute(never_deleted(table))
    op.execute(
        guarded_status(
            "invoice",
            # Born as a draft only: issuing is the move that proves the lines.
            births=["draft"],
            moves=[("draft", "issued"), ("draft", "cancelled"), ("issued", "cancelled")],
        )
    )
    op.execute(
        guarded_status(
            "payment_order",
            births=["created", "awaiting"],
            moves=[
                ("created", "awaiting"),
                ("created", "expired"),
                ("created", "cancelled"),
                ("awaiting", "expired"),
                ("awaiting", "cancelled"),
            ],
        )
    )
    over = ["succeeded", "failed", "cancelled", "expired"]
    op.execute(
        guarded_status(
            "attempt",
            births=["created"],
            moves=[
                ("created", "redirected"),
                ("created", "pending"),
                ("redirected", "pending"),
                ("unknown", "pending"),
                *[(s, "unknown") for s in ("created", "redirected", "pending")],
                *[(s, o) for s in ("created", "redirected", "pending", "unknown") for o in over],
                *[(s, "succeeded") for s in ("failed", "cancelled", "expired")],
            ],
        )
    )
