"""Reconciliation: statement files, lines, matches, discrepancies, runs, and the unexplained."""

from alembic import op

from migrations.guards import append_only, biller_table, guarded_status, never_deleted

revision = "0006"
down_revision = "0005"

TABLES = """
CREATE TABLE statement_file (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    name text NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    size bigint NOT NULL,
    format text,
    status text NOT NULL,
    problems jsonb NOT NULL DEFAULT '[]',
    error_vi text,
    error_en text,
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,      -- the bytes as they came
    received_at timestamptz NOT NULL,
    received_by uuid REFERENCES actor,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, sha256),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id)
);

CREATE TABLE statement (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    file_id uuid NOT NULL,
    ordinal int NOT NULL,
    bank_account_id uuid NOT NULL,
    currency text NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    opening bigint,
    closing bigint,
    line_count int NOT NULL,
    closes boolean NOT NULL,
    complete boolean NOT NULL,  -- closes, no gap to the one before, no unreadable line: may post
    why_not text,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, file_id, ordinal),
    FOREIGN KEY (biller_id, file_id) REFERENCES statement_file (biller_id, id),
    FOREIGN KEY (biller_id, bank_account_id) REFERENCES bank_account (biller_id, id),
    CHECK (NOT complete OR (closes AND currency = 'VND'
                            AND opening IS NOT NULL AND closing IS NOT NULL))
);
CREATE INDEX statement_account ON statement (biller_id, bank_account_id, last_day);

CREATE TABLE bank_line (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    statement_id uuid NOT NULL,
    bank_account_id uuid NOT NULL,
    line_no int NOT NULL,
    line_key bytea NOT NULL CHECK (length(line_key) = 32),
    occurrence int NOT NULL CHECK (occurrence >= 1),
    booking_date date NOT NULL,
    value_date date,
    txn_time time,
    amount bigint NOT NULL CHECK (amount <> 0 AND abs(amount) <= 999999999999),
    bank_reference text,
    balance_after bigint,
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,      -- memo and counterparty
    status text NOT NULL,
    reason text,
    payment_id uuid,            -- the payment this line settles, brings or takes back
    refund_id uuid,             -- the payout this line proves
    journal_id uuid,            -- what booked it on the bank account
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, bank_account_id, line_key, occurrence),
    FOREIGN KEY (biller_id, statement_id) REFERENCES statement (biller_id, id),
    FOREIGN KEY (biller_id, bank_account_id) REFERENCES bank_account (biller_id, id),
    FOREIGN KEY (biller_id, payment_id) REFERENCES payment (biller_id, id),
    FOREIGN KEY (biller_id, refund_id) REFERENCES refund (biller_id, id),
    FOREIGN KEY (biller_id, journal_id) REFERENCES journal (biller_id, id),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id),
    CHECK (status NOT IN ('matched', 'part_matched', 'resolved') OR journal_id IS NOT NULL),
    CHECK (status <> 'ignored' OR reason IS NOT NULL)
);
-- A notice is settled by one line only, a payout proven by one line only.
CREATE UNIQUE INDEX bank_line_settles_once ON bank_line (biller_id, payment_id)
    WHERE payment_id IS NOT NULL AND amount > 0;
CREATE UNIQUE INDEX bank_line_pays_once ON bank_line (biller_id, refund_id)
    WHERE refund_id IS NOT NULL;
CREATE INDEX bank_line_day ON bank_line (biller_id, bank_account_id, booking_date);
CREATE INDEX bank_line_todo ON bank_line (biller_id, statement_id) WHERE status = 'imported';

CREATE TABLE line_match (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    line_id uuid,               -- none: decided on the notice, before its line came
    payment_id uuid NOT NULL,
    allocation_id uuid,
    rule text NOT NULL,
    score numeric(4, 3) NOT NULL CHECK (score BETWEEN 0 AND 1),
    evidence jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    FOREIGN KEY (biller_id, line_id) REFERENCES bank_line (biller_id, id),
    FOREIGN KEY (biller_id, payment_id) REFERENCES payment (biller_id, id),
    FOREIGN KEY (biller_id, allocation_id) REFERENCES allocation (biller_id, id)
);
CREATE INDEX line_match_payment ON line_match (biller_id, payment_id);

CREATE TABLE discrepancy (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    day date NOT NULL,
    amount bigint NOT NULL CHECK (amount BETWEEN 0 AND 999999999999),  -- money at risk
    payment_id uuid,
    line_id uuid,
    refund_id uuid,
    holds bigint NOT NULL DEFAULT 0 CHECK (holds >= 0),  -- free money of the payment it explains
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,      -- cause, evidence, candidates: may name people
    proposal jsonb,
    assigned_to uuid,
    proposed_by uuid REFERENCES actor,
    proposed_at timestamptz,
    approved_by uuid,
    resolved_at timestamptz,
    resolution text,
    reason text,
    opened_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    FOREIGN KEY (biller_id, payment_id) REFERENCES payment (biller_id, id),
    FOREIGN KEY (biller_id, line_id) REFERENCES bank_line (biller_id, id),
    FOREIGN KEY (biller_id, refund_id) REFERENCES refund (biller_id, id),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id),
    FOREIGN KEY (biller_id, assigned_to) REFERENCES staff_role (biller_id, staff_id),
    CONSTRAINT discrepancy_approver_is_staff
        FOREIGN KEY (biller_id, approved_by) REFERENCES staff_role (biller_id, staff_id),
    CONSTRAINT discrepancy_needs_two_people CHECK (approved_by <> proposed_by),
    CHECK (status <> 'approved' OR approved_by IS NOT NULL),
    CHECK (status <> 'proposed' OR (proposed_by IS NOT NULL AND proposal IS NOT NULL)),
    CHECK (status <> 'resolved' OR (resolution IS NOT NULL AND reason IS NOT NULL
                                    AND resolved_at IS NOT NULL)),
    CHECK (holds = 0 OR payment_id IS NOT NULL)
);
CREATE UNIQUE INDEX discrepancy_one_per_payment ON discrepancy (biller_id, payment_id)
    WHERE payment_id IS NOT NULL AND status NOT IN ('resolved', 'auto_resolved');
CREATE UNIQUE INDEX discrepancy_one_per_line ON discrepancy (biller_id, line_id)
    WHERE line_id IS NOT NULL AND payment_id IS NULL
        AND status NOT IN ('resolved', 'auto_resolved');
CREATE UNIQUE INDEX discrepancy_one_per_refund ON discrepancy (biller_id, refund_id)
    WHERE refund_id IS NOT NULL AND status NOT IN ('resolved', 'auto_resolved');
CREATE INDEX discrepancy_queue ON discrepancy (biller_id, opened_at)
    WHERE status NOT IN ('resolved', 'auto_resolved');

CREATE TABLE discrepancy_event (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    discrepancy_id uuid NOT NULL,
    what text NOT NULL,
    actor_id uuid NOT NULL REFERENCES actor,
    journal_id uuid,
    note text,
    at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, id),
    FOREIGN KEY (biller_id, discrepancy_id) REFERENCES discrepancy (biller_id, id),
    FOREIGN KEY (biller_id, journal_id) REFERENCES journal (biller_id, id)
);

CREATE TABLE run (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    bank_account_id uuid NOT NULL,
    day date NOT NULL,
    attempt int NOT NULL DEFAULT 1,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    counts jsonb,
    error text,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, bank_account_id, day),
    FOREIGN KEY (biller_id, bank_account_id) REFERENCES bank_account (biller_id, id)
);
"""

# One definition for the dashboard, the day's close and check-ledger. Each row compares two
# independent sources; `expected - found` other than 0 is money nobody has explained.
UNEXPLAINED = """
CREATE FUNCTION ledger_balance(biller uuid, account_code text, upto date) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(
        CASE WHEN t.debit_account = account_code THEN t.amount ELSE -t.amount END), 0)
    FROM transfer t JOIN journal j ON j.biller_id = t.biller_id AND j.id = t.journal_id
    WHERE t.biller_id = biller AND account_code IN (t.debit_account, t.credit_account)
        AND j.fact_day <= upto
$$;

CREATE FUNCTION unexplained(biller uuid, upto date)
RETURNS TABLE (component text, subject text, expected numeric, found numeric)
LANGUAGE sql STABLE AS $$
    -- The bank says / the ledger says, per account, at the last complete statement.
    SELECT 'bank', a.account_number, s.closing,
        ledger_balance(biller, 'bank:' || a.account_number, s.last_day)
    FROM bank_account a
    JOIN LATERAL (SELECT s.closing::numeric, s.last_day FROM statement s
                  WHERE s.biller_id = a.biller_id AND s.bank_account_id = a.id AND s.complete
                      AND s.last_day <= upto
                  ORDER BY s.last_day DESC, s.id DESC LIMIT 1) s ON true
    WHERE a.biller_id = biller
    UNION ALL
    -- Money received / the four places it can be in, each summed from its own table.
    SELECT 'money', 'received',
        (SELECT coalesce(sum(amount), 0) FROM payment
            WHERE biller_id = biller AND fact_day <= upto),
        (SELECT coalesce(sum(l.amount), 0) FROM allocation l
            JOIN payment p ON p.biller_id = l.biller_id AND p.id = l.payment_id
            WHERE l.biller_id = biller AND l.live AND l.credit_id IS NULL AND p.fact_day <= upto)
        + (SELECT coalesce(sum(c.amount), 0) FROM credit c
            JOIN payment p ON p.biller_id = c.biller_id AND p.id = c.payment_id
            WHERE c.biller_id = biller AND c.live AND p.fact_day <= upto)
        + (SELECT coalesce(sum(r.amount), 0) FROM refund r
            JOIN payment p ON p.biller_id = r.biller_id AND p.id = r.payment_id
            WHERE r.biller_id = biller AND r.status NOT IN ('refused', 'failed')
                AND r.allocation_id IS NULL AND r.credit_id IS NULL AND p.fact_day <= upto)
        + (SELECT coalesce(sum(v.amount), 0) FROM payment_reversal v
            JOIN payment p ON p.biller_id = v.biller_id AND p.id = v.payment_id
            WHERE v.biller_id = biller AND p.fact_day <= upto)
        + (SELECT coalesce(sum(d.holds), 0) FROM discrepancy d
            JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
            WHERE d.biller_id = biller AND d.status NOT IN ('resolved', 'auto_resolved')
                AND p.fact_day <= upto)
    UNION ALL
    -- An open discrepancy explains free money of its own payment and no more: otherwise one
    -- that holds too much would hide a payment that nobody has looked at.
    SELECT 'money', 'held', coalesce(sum(least(d.holds, p.free)), 0), coalesce(sum(d.holds), 0)
    FROM discrepancy d JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
    WHERE d.biller_id = biller AND d.status NOT IN ('resolved', 'auto_resolved')
        AND p.fact_day <= upto
    UNION ALL
    -- Free money by the payments / the ledger's account for it. These three hold at every
    -- moment, so they look at all days: an application tomorrow changes both sides at once.
    SELECT 'ledger', 'unapplied',
        (SELECT coalesce(sum(free), 0) FROM payment WHERE biller_id = biller),
        -ledger_balance(biller, 'unapplied', 'infinity')
    UNION ALL
    -- What families still owe by the invoices / by the ledger.
    SELECT 'ledger', 'receivable',
        (SELECT coalesce(sum(amount - allocated), 0) FROM invoice
            WHERE biller_id = biller AND status = 'issued'),
        ledger_balance(biller, 'receivable', 'infinity')
    UNION ALL
    SELECT 'ledger', 'credit',
        (SELECT coalesce(sum(amount - used - refunded), 0) FROM credit
            WHERE biller_id = biller AND live),
        -ledger_balance(biller, 'credit', 'infinity')
    UNION ALL
    -- Statement lines that belong to no payment: each is in suspense until somebody said why.
    SELECT 'ledger', 'suspense',
        (SELECT coalesce(sum(-l.amount), 0) FROM discrepancy d
            JOIN bank_line l ON l.biller_id = d.biller_id AND l.id = d.line_id
            WHERE d.biller_id = biller AND d.payment_id IS NULL AND l.payment_id IS NULL
                AND d.status NOT IN ('resolved', 'auto_resolved')),
        ledger_balance(biller, 'suspense', 'infinity')
$$;

CREATE FUNCTION guard_day() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    gap record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- Under an older snapshot the latest postings could stay unseen.
        RAISE EXCEPTION 'days are closed under READ COMMITTED' USING ERRCODE = 'TP003';
    END IF;
    -- Waits for every posting under way on this day; none can start until this commits.
    PERFORM pg_advisory_xact_lock(day_lock(NEW.biller_id, NEW.day));
    SELECT * INTO gap FROM unexplained(NEW.biller_id, NEW.day) u
        WHERE u.expected <> u.found LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'day % cannot close: % % expects %, found %',
            NEW.day, gap.component, gap.subject, gap.expected, gap.found USING ERRCODE = 'TP008';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER business_day_close BEFORE UPDATE OF status ON business_day FOR EACH ROW
    WHEN (NEW.status = 'signed_off' AND OLD.status <> 'signed_off') EXECUTE FUNCTION guard_day();

-- What a signed day said stays said: a later sheet is a new version with its own totals.
CREATE FUNCTION guard_signed_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.version <= OLD.version OR NEW.status <> OLD.status
        OR NEW.signed_off_by IS DISTINCT FROM OLD.signed_off_by
        OR NEW.signed_off_at IS DISTINCT FROM OLD.signed_off_at THEN
        RAISE EXCEPTION 'business day % is signed off', OLD.day USING ERRCODE = 'TP003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER business_day_is_signed BEFORE UPDATE ON business_day FOR EACH ROW
    WHEN (OLD.status = 'signed_off') EXECUTE FUNCTION guard_signed_day();

-- What was approved is what is booked. A proposal can be replaced until somebody approves it;
-- a discrepancy that is opened again has been approved by nobody.
CREATE FUNCTION guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'open' AND OLD.status <> 'open' THEN
        NEW.approved_by := NULL;
        RETURN NEW;
    END IF;
    IF ((NEW.proposal, NEW.proposed_by) IS DISTINCT FROM (OLD.proposal, OLD.proposed_by)
            AND (OLD.status IN ('approved', 'resolved') OR NEW.status IN ('approved', 'resolved')))
        OR (NEW.approved_by IS DISTINCT FROM OLD.approved_by
            AND NOT (OLD.status = 'proposed' AND NEW.status = 'approved'))
        OR (OLD.status = 'resolved' AND (NEW.resolution, NEW.reason, NEW.resolved_at)
            IS DISTINCT FROM (OLD.resolution, OLD.reason, OLD.resolved_at)) THEN
        RAISE EXCEPTION 'what was proposed, approved and decided is not changed afterwards'
            USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER discrepancy_approval BEFORE UPDATE ON discrepancy
    FOR EACH ROW EXECUTE FUNCTION guard_approval();

-- A statement that could not be joined to the one before may be proven whole later, when the
-- file in between has come. Nothing else about it changes.
CREATE FUNCTION guard_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'complete' - 'why_not' <> to_jsonb(OLD) - 'complete' - 'why_not'
        OR OLD.complete OR NOT NEW.complete THEN
        RAISE EXCEPTION 'a statement is kept as it was read' USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statement_is_kept BEFORE UPDATE ON statement
    FOR EACH ROW EXECUTE FUNCTION guard_statement();

-- What a line settled is taken back by the move that undoes the match, never re-pointed.
CREATE FUNCTION guard_settled_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'line % is %: what it settles is not changed', OLD.id, OLD.status
        USING ERRCODE = 'TP001';
END $$;
CREATE TRIGGER bank_line_is_settled BEFORE UPDATE ON bank_line FOR EACH ROW
    WHEN (OLD.status IN ('matched', 'resolved') AND NEW.status = OLD.status
        AND (NEW.payment_id, NEW.refund_id, NEW.journal_id)
            IS DISTINCT FROM (OLD.payment_id, OLD.refund_id, OLD.journal_id))
    EXECUTE FUNCTION guard_settled_line();

REVOKE EXECUTE ON FUNCTION guard_day() FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(UNEXPLAINED)
    op.execute(biller_table("statement_file", app="SELECT, INSERT", system="SELECT"))
    op.execute("""GRANT UPDATE (status, format, problems, error_vi, error_en)
        ON statement_file TO thuphi_app""")
    op.execute(biller_table("statement", app="SELECT, INSERT", system="SELECT"))
    op.execute(biller_table("bank_line", app="SELECT, INSERT", system="SELECT"))
    op.execute("""GRANT UPDATE (status, reason, payment_id, refund_id, journal_id)
        ON bank_line TO thuphi_app""")
    op.execute(biller_table("line_match", app="SELECT, INSERT", system="SELECT"))
    op.execute(biller_table("discrepancy", app="SELECT, INSERT", system="SELECT"))
    op.execute("""GRANT UPDATE (status, kind, amount, holds, key_id, sealed, proposal, assigned_to,
        proposed_by, proposed_at, approved_by, resolved_at, resolution, reason, line_id)
        ON discrepancy TO thuphi_app""")
    op.execute(biller_table("discrepancy_event", app="SELECT, INSERT", system="SELECT"))
    op.execute(biller_table("run", app="SELECT, INSERT", system="SELECT"))
    op.execute(
        "GRANT UPDATE (attempt, started_at, finished_at, counts, error) ON run TO thuphi_app"
    )
    op.execute("GRANT UPDATE (complete, why_not) ON statement TO thuphi_app")
    for table in ("line_match", "discrepancy_event"):
        op.execute(append_only(table))
    for table in ("statement", "statement_file", "bank_line", "discrepancy", "run"):
        op.execute(never_deleted(table))
    op.execute(
        guarded_status(
            "statement_file",
            births=["received"],
            moves=[("received", "read"), ("received", "refused")],
        )
    )
    op.execute(
        guarded_status(
            "bank_line",
            births=["imported"],
            moves=[
                ("imported", "matched"),
                ("imported", "part_matched"),
                ("imported", "discrepancy"),
                ("imported", "ignored"),
                ("matched", "imported"),
                ("part_matched", "imported"),
                ("part_matched", "matched"),
                ("part_matched", "discrepancy"),
                ("discrepancy", "resolved"),
                ("resolved", "discrepancy"),
            ],
        )
    )
    op.execute(
        guarded_status(
            "discrepancy",
            births=["open"],
            moves=[
                ("open", "assigned"),
                ("open", "proposed"),
                ("open", "auto_resolved"),
                ("assigned", "open"),
                ("assigned", "proposed"),
                ("assigned", "auto_resolved"),
                ("proposed", "approved"),
                ("proposed", "resolved"),
                ("proposed", "open"),
                ("proposed", "auto_resolved"),
                ("approved", "resolved"),
                ("resolved", "open"),
                ("auto_resolved", "open"),
            ],
        )
    )
