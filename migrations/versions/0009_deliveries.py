"""Deliveries: what billers' own systems are told, how often we tried, and what they said."""

from alembic import op

from migrations.guards import biller_table, guarded_status, never_deleted

revision = "0009"
down_revision = "0008"

TABLES = """
-- Where a biller's system is called. The row is also its place in the queue: due_at is when
-- somebody should look after it, null when nothing is known to do.
CREATE TABLE endpoint (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    url text NOT NULL CHECK (length(url) BETWEEN 8 AND 2000),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 200),
    kinds text[] NOT NULL CHECK (cardinality(kinds) BETWEEN 1 AND 50),
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES actor,
    position bigint NOT NULL CHECK (position >= 0),  -- events up to here have their deliveries
    disabled_at timestamptz,
    disabled_why text CHECK (disabled_why IN ('by_hand', 'gone', 'failing')),
    due_at timestamptz,
    leased_until timestamptz,
    failures int NOT NULL DEFAULT 0 CHECK (failures >= 0),  -- in a row
    failing_since timestamptz,
    rests_until timestamptz,
    tried_at timestamptz,
    delivered_at timestamptz,
    PRIMARY KEY (biller_id, id),
    CHECK ((disabled_at IS NULL) = (disabled_why IS NULL)),
    CHECK ((failures = 0) = (failing_since IS NULL))
);
CREATE INDEX endpoint_due ON endpoint (due_at) WHERE disabled_at IS NULL;

CREATE TABLE endpoint_secret (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,    -- null: it is the one in use
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (biller_id, id),
    FOREIGN KEY (biller_id, endpoint_id) REFERENCES endpoint (biller_id, id),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id)
);
CREATE UNIQUE INDEX endpoint_secret_in_use ON endpoint_secret (biller_id, endpoint_id)
    WHERE expires_at IS NULL;

-- One event on its way to one endpoint.
CREATE TABLE delivery (
    biller_id uuid NOT NULL,
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    position bigint NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    started_at timestamptz,    -- the first try since it was last put on its way
    tried_at timestamptz,
    answer smallint,           -- HTTP status of the last try
    reason text,               -- why the last try failed
    PRIMARY KEY (biller_id, id),
    CONSTRAINT delivery_is_one UNIQUE (biller_id, endpoint_id, position),
    FOREIGN KEY (biller_id, endpoint_id) REFERENCES endpoint (biller_id, id),
    FOREIGN KEY (biller_id, position) REFERENCES message_position (biller_id, position),
    CHECK ((status = 'pending') = (due_at IS NOT NULL)),
    CHECK (status = 'pending' OR attempts > 0)
);
CREATE INDEX delivery_due ON delivery (biller_id, endpoint_id, attempts, due_at)
    WHERE status = 'pending';
CREATE INDEX delivery_log ON delivery (biller_id, endpoint_id, id);

CREATE TABLE delivery_attempt (
    biller_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    number int NOT NULL CHECK (number >= 1),
    at timestamptz NOT NULL,
    milliseconds int NOT NULL CHECK (milliseconds >= 0),
    address text,              -- the one that was checked and called
    answer smallint,
    reason text,
    excerpt text NOT NULL DEFAULT '' CHECK (length(excerpt) <= 500),
    PRIMARY KEY (biller_id, delivery_id, number),
    FOREIGN KEY (biller_id, delivery_id) REFERENCES delivery (biller_id, id)
);
CREATE INDEX delivery_attempt_age ON delivery_attempt (at);

-- Messages below have their positions, when that was done between two seals.
ALTER TABLE sealer_mark ADD COLUMN numbered_below xid8;
"""

GUARDS = """
CREATE FUNCTION guard_endpoint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'endpoint % does not go back: its events have their deliveries', OLD.id
        USING ERRCODE = 'TP001';
END $$;
CREATE TRIGGER endpoint_goes_on BEFORE UPDATE ON endpoint FOR EACH ROW
    WHEN (NEW.position < OLD.position) EXECUTE FUNCTION guard_endpoint();

CREATE FUNCTION guard_endpoint_secret() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a secret that was replaced is not given a longer life'
        USING ERRCODE = 'TP001';
END $$;
CREATE TRIGGER endpoint_secret_dies BEFORE UPDATE ON endpoint_secret FOR EACH ROW
    WHEN (OLD.expires_at IS NOT NULL
          AND (NEW.expires_at IS NULL OR NEW.expires_at > OLD.expires_at))
    EXECUTE FUNCTION guard_endpoint_secret();

-- An endpoint is looked after as soon as an event of its biller has a position, whoever gave it.
-- Locked in one order, so that two of them could never wait for each other.
CREATE FUNCTION wake_endpoints() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE endpoint e SET due_at = 'epoch'
    FROM (SELECT w.biller_id, w.id FROM endpoint w
          WHERE w.disabled_at IS NULL AND w.due_at IS DISTINCT FROM 'epoch'
              AND w.biller_id IN (SELECT DISTINCT n.biller_id FROM new_positions n)
          ORDER BY w.biller_id, w.id FOR UPDATE) woken
    WHERE e.biller_id = woken.biller_id AND e.id = woken.id;
    RETURN NULL;
END $$;
CREATE TRIGGER message_position_wakes AFTER INSERT ON message_position
    REFERENCING NEW TABLE AS new_positions
    FOR EACH STATEMENT EXECUTE FUNCTION wake_endpoints();
REVOKE EXECUTE ON FUNCTION wake_endpoints() FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    op.execute(biller_table("endpoint", app="SELECT, INSERT", system="SELECT"))
    op.execute("""GRANT UPDATE (url, description, kinds, position, disabled_at, disabled_why,
        due_at, leased_until, failures, failing_since, rests_until, tried_at, delivered_at)
        ON endpoint TO thuphi_app""")
    op.execute("GRANT UPDATE (due_at, leased_until) ON endpoint TO thuphi_system")
    op.execute(biller_table("endpoint_secret", app="SELECT, INSERT"))
    op.execute("GRANT UPDATE (expires_at) ON endpoint_secret TO thuphi_app")
    op.execute(biller_table("delivery", app="SELECT, INSERT", system="SELECT"))
    op.execute("""GRANT UPDATE (status, due_at, attempts, started_at, tried_at, answer, reason)
        ON delivery TO thuphi_app""")
    op.execute(biller_table("delivery_attempt", app="SELECT, INSERT", system="SELECT, DELETE"))
    for table in ("endpoint", "endpoint_secret", "delivery"):
        op.execute(never_deleted(table))
    # A log is kept twelve months; until then nobody rewrites it.
    op.execute("""
        CREATE TRIGGER delivery_attempt_is_kept BEFORE UPDATE ON delivery_attempt
            FOR EACH ROW EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER delivery_attempt_is_never_emptied BEFORE TRUNCATE ON delivery_attempt
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    """)
    op.execute(
        guarded_status(
            "delivery",
            births=["pending"],
            moves=[
                ("pending", "delivered"),
                ("pending", "failed"),
                ("delivered", "pending"),
                ("failed", "pending"),
            ],
        )
    )
