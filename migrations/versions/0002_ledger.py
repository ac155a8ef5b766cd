"""The ledger: accounts, journals, transfers, business days, seals.

One transfer holds both legs, so a journal cannot be unbalanced. A journal and all its
transfers are one statement; afterwards nothing can be added, changed or taken away.
"""

from alembic import op

from migrations.guards import append_only, biller_table, guarded_status, never_deleted

revision = "0002"
down_revision = "0001"

TABLES = """
CREATE TABLE account (
    biller_id uuid NOT NULL REFERENCES biller,
    code text NOT NULL CHECK (code ~ '^[a-z_]+(:[A-Za-z0-9._-]+)?$'),
    kind text NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense', 'equity')),
    book_code text NOT NULL,
    name_vi text NOT NULL,
    name_en text NOT NULL,
    PRIMARY KEY (biller_id, code)
);

CREATE TABLE business_day (
    biller_id uuid NOT NULL REFERENCES biller,
    day date NOT NULL,
    status text NOT NULL,
    version int NOT NULL DEFAULT 1 CHECK (version >= 1),
    totals jsonb,
    reconciled_at timestamptz,
    reconciled_by uuid REFERENCES actor,
    signed_off_at timestamptz,
    signed_off_by uuid REFERENCES staff,
    PRIMARY KEY (biller_id, day),
    FOREIGN KEY (biller_id, signed_off_by) REFERENCES staff_role (biller_id, staff_id),
    CHECK ((status = 'signed_off') = (signed_off_by IS NOT NULL)),
    CHECK (status = 'open' OR reconciled_by IS NOT NULL),
    CONSTRAINT day_needs_two_people CHECK (signed_off_by <> reconciled_by)
);

CREATE TABLE journal (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    event_key text NOT NULL CHECK (length(event_key) BETWEEN 3 AND 200),
    kind text NOT NULL,
    business_day date NOT NULL,  -- the day it is booked on; never a closed one
    fact_day date NOT NULL,      -- the day it happened; a late fact points back to it
    posted_at timestamptz NOT NULL,
    actor_id uuid,
    reverses_journal_id uuid,
    transfers smallint NOT NULL CHECK (transfers BETWEEN 1 AND 100),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, event_key),
    FOREIGN KEY (biller_id, reverses_journal_id) REFERENCES journal (biller_id, id),
    CHECK (reverses_journal_id <> id),
    CONSTRAINT journal_fact_came_first CHECK (fact_day <= business_day)
);
-- Reversals are rare: the index that keeps each to one holds only them.
CREATE UNIQUE INDEX journal_reversed_once ON journal (biller_id, reverses_journal_id)
    WHERE reverses_journal_id IS NOT NULL;
CREATE INDEX journal_xid ON journal (xid);
CREATE INDEX journal_day ON journal (biller_id, fact_day);

CREATE TABLE transfer (
    biller_id uuid NOT NULL,
    journal_id uuid NOT NULL,
    seq smallint NOT NULL CHECK (seq >= 1),
    debit_account text NOT NULL,
    credit_account text NOT NULL,
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    PRIMARY KEY (biller_id, journal_id, seq),
    FOREIGN KEY (biller_id, journal_id) REFERENCES journal (biller_id, id),
    CHECK (debit_account <> credit_account)
);

-- Gap-free positions, Merkle seals and balances: side tables, so that posting never waits.
CREATE TABLE journal_position (
    biller_id uuid NOT NULL,
    position bigint NOT NULL CHECK (position >= 1),
    journal_id uuid NOT NULL,
    leaf bytea NOT NULL CHECK (length(leaf) = 32),
    PRIMARY KEY (biller_id, position),
    UNIQUE (biller_id, journal_id),
    FOREIGN KEY (biller_id, journal_id) REFERENCES journal (biller_id, id)
);

CREATE TABLE seal (
    biller_id uuid NOT NULL REFERENCES biller,
    number bigint NOT NULL CHECK (number >= 1),
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    root bytea NOT NULL CHECK (length(root) = 32),
    previous bytea NOT NULL CHECK (length(previous) = 32),
    chained bytea NOT NULL CHECK (length(chained) = 32),
    signature bytea NOT NULL,
    public_key bytea NOT NULL,
    sealed_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, number),
    UNIQUE (biller_id, first_position),
    CHECK (last_position >= first_position)
);

CREATE TABLE balance_snapshot (
    biller_id uuid NOT NULL,
    account text NOT NULL,
    debits numeric(24) NOT NULL,
    credits numeric(24) NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (biller_id, account),
    FOREIGN KEY (biller_id, account) REFERENCES account (biller_id, code)
);

-- Where the sealer stands. `cluster` tells a restored copy, whose transaction numbers mean
-- nothing here, from the original.
CREATE TABLE sealer_mark (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    sealed_below xid8 NOT NULL,
    cluster text NOT NULL
);
"""

# Account existence is checked here and not by foreign keys: a key check would lock the one
# row of a clearing account for every posting, and accounts are never deleted.
#
# These checks run with the owner's rights and a fixed search_path: a row that the caller's
# policy hides, or a temporary table of the same name, must not make them see nothing and agree.
CHECKS = """
CREATE FUNCTION day_lock(biller uuid, day date) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtextextended(biller::text || ' ' || (day - DATE '2000-01-01')::text, 7)
$$;

CREATE FUNCTION check_journals() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    wrong record;
    day record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- Under an older snapshot the day's closing could stay unseen.
        RAISE EXCEPTION 'journals are posted under READ COMMITTED' USING ERRCODE = 'TP003';
    END IF;

    SELECT j.id INTO wrong FROM new_journals j
        WHERE j.xid <> pg_current_xact_id()
           OR j.transfers <> (SELECT count(*) FROM transfer t
                              WHERE t.biller_id = j.biller_id AND t.journal_id = j.id);
    IF FOUND THEN
        RAISE EXCEPTION 'journal % and its transfers must be written by one statement', wrong.id
            USING ERRCODE = 'TP004';
    END IF;

    SELECT j.id INTO wrong FROM new_journals j
        JOIN transfer o ON o.biller_id = j.biller_id AND o.journal_id = j.reverses_journal_id
        LEFT JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id AND t.seq = o.seq
            AND t.debit_account = o.credit_account AND t.credit_account = o.debit_account
            AND t.amount = o.amount
        WHERE t.seq IS NULL
    UNION ALL
    SELECT j.id FROM new_journals j
        JOIN journal o ON o.biller_id = j.biller_id AND o.id = j.reverses_journal_id
        WHERE o.transfers <> j.transfers OR o.reverses_journal_id IS NOT NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'journal % does not mirror the journal it reverses', wrong.id
            USING ERRCODE = 'TP004';
    END IF;

    FOR day IN SELECT DISTINCT j.biller_id, j.business_day FROM new_journals j ORDER BY 1, 2 LOOP
        PERFORM pg_advisory_xact_lock_shared(day_lock(day.biller_id, day.business_day));
        IF EXISTS (SELECT FROM business_day b WHERE b.biller_id = day.biller_id
                   AND b.day = day.business_day AND b.status = 'signed_off') THEN
            RAISE EXCEPTION 'business day % is closed', day.business_day USING ERRCODE = 'TP003';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_is_whole AFTER INSERT ON journal
    REFERENCING NEW TABLE AS new_journals
    FOR EACH STATEMENT EXECUTE FUNCTION check_journals();

CREATE FUNCTION check_transfers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT t.journal_id INTO wrong FROM new_transfers t
        JOIN journal j ON j.biller_id = t.biller_id AND j.id = t.journal_id
        WHERE t.seq > j.transfers;
    IF FOUND THEN
        RAISE EXCEPTION 'journal % is complete: nothing can be added to it', wrong.journal_id
            USING ERRCODE = 'TP004';
    END IF;
    SELECT n.biller_id, n.code INTO wrong FROM (
            SELECT DISTINCT biller_id, debit_account AS code FROM new_transfers
            UNION SELECT DISTINCT biller_id, credit_account FROM new_transfers) n
        WHERE NOT EXISTS (SELECT FROM account a
                          WHERE a.biller_id = n.biller_id AND a.code = n.code);
    IF FOUND THEN
        RAISE EXCEPTION 'this biller has no account %', wrong.code USING ERRCODE = '23503';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transfer_is_sound AFTER INSERT ON transfer
    REFERENCING NEW TABLE AS new_transfers
    FOR EACH STATEMENT EXECUTE FUNCTION check_transfers();

-- Otherwise whoever signs could name somebody else as the one who reconciled.
CREATE FUNCTION guard_reconciler() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'who reconciled day % is not changed afterwards', OLD.day
        USING ERRCODE = 'TP001';
END $$;
CREATE TRIGGER business_day_reconciler BEFORE UPDATE ON business_day FOR EACH ROW
    WHEN (OLD.status <> 'open' AND (NEW.reconciled_by, NEW.reconciled_at)
        IS DISTINCT FROM (OLD.reconciled_by, OLD.reconciled_at))
    EXECUTE FUNCTION guard_reconciler();

REVOKE EXECUTE ON FUNCTION check_journals(), check_transfers() FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(CHECKS)
    op.execute(biller_table("account", app="SELECT, INSERT", system="SELECT, INSERT"))
    op.execute(biller_table("business_day", app="SELECT, INSERT", system="SELECT"))
    op.execute("""GRANT UPDATE (status, version, totals, reconciled_at, reconciled_by,
        signed_off_at, signed_off_by) ON business_day TO thuphi_app""")
    op.execute(biller_table("journal", app="SELECT, INSERT", system="SELECT"))
    op.execute(biller_table("transfer", app="SELECT, INSERT", system="SELECT"))
    op.execute(biller_table("journal_position", app="SELECT", system="SELECT, INSERT"))
    op.execute(biller_table("seal", app="SELECT", system="SELECT, INSERT"))
    op.execute(biller_table("balance_snapshot", app="SELECT", system="SELECT, INSERT, UPDATE"))
    op.execute("GRANT SELECT ON sealer_mark TO thuphi_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON sealer_mark TO thuphi_system")
    for table in ("journal", "transfer", "journal_position", "seal", "account"):
        op.execute(append_only(table))
    op.execute(never_deleted("business_day"))
    op.execute(
        guarded_status(
            "business_day",
            births=["open"],
            moves=[("open", "reconciled"), ("reconciled", "signed_off")],
        )
    )
