"""Queues: the outbox, inbound calls, idempotency answers."""

from alembic import op

from migrations.guards import (
    append_only,
    biller_table,
    guarded_status,
    insert_without,
    never_deleted,
)

revision = "0005"
down_revision = "0004"

TABLES = """
CREATE TABLE message (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    kind text NOT NULL,
    drain text,                -- who handles it; none = told to billers only
    body jsonb NOT NULL,       -- ids and amounts, no personal data
    at timestamptz NOT NULL,
    due_at timestamptz,        -- null once it is done, or when there is nothing to do
    attempts int NOT NULL DEFAULT 0,
    leased_until timestamptz,
    last_error text,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (biller_id, id),
    CHECK (drain IS NOT NULL OR due_at IS NULL)
);
CREATE INDEX message_due ON message (drain, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX message_xid ON message (xid);

CREATE TABLE message_position (
    biller_id uuid NOT NULL,
    position bigint NOT NULL CHECK (position >= 1),
    message_id uuid NOT NULL,
    PRIMARY KEY (biller_id, position),
    UNIQUE (biller_id, message_id),
    FOREIGN KEY (biller_id, message_id) REFERENCES message (biller_id, id)
);

CREATE TABLE inbound_call (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    source text NOT NULL,
    call_hash bytea NOT NULL CHECK (length(call_hash) = 32),
    received_at timestamptz NOT NULL,
    verified boolean NOT NULL,
    refusal text,
    event_id text,
    status text NOT NULL,
    reason text,
    payment_id uuid,
    times int NOT NULL DEFAULT 1,
    key_id uuid NOT NULL,
    sealed bytea NOT NULL,     -- headers and body as they came, and what we read in them
    answer_status smallint NOT NULL,
    answer_body text NOT NULL,
    PRIMARY KEY (biller_id, id),
    UNIQUE (biller_id, source, call_hash),
    FOREIGN KEY (biller_id, key_id) REFERENCES data_key (biller_id, id),
    FOREIGN KEY (biller_id, payment_id) REFERENCES payment (biller_id, id),
    CHECK (verified = (refusal IS NULL)),
    CHECK (NOT verified OR event_id IS NOT NULL),
    CHECK (verified OR status = 'refused')
);
-- Only a verified call takes an event's place, so that a forged one cannot stand in its way.
CREATE UNIQUE INDEX inbound_event_once ON inbound_call (biller_id, source, event_id) WHERE verified;
CREATE INDEX inbound_forged ON inbound_call (received_at) WHERE NOT verified;

CREATE TABLE idempotency_answer (
    biller_id uuid NOT NULL REFERENCES biller,
    route text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash bytea NOT NULL CHECK (length(request_hash) = 32),
    status smallint NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (biller_id, route, key)
);
CREATE INDEX idempotency_age ON idempotency_answer (created_at);
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(biller_table("message", app="SELECT", system="SELECT, INSERT"))
    # A message with a transaction number of its own choosing would never get its position.
    op.execute(insert_without("message", "xid"))
    op.execute("""GRANT UPDATE (due_at, attempts, leased_until, last_error) ON message
        TO thuphi_app, thuphi_system""")
    op.execute(biller_table("message_position", app="SELECT", system="SELECT, INSERT"))
    op.execute(biller_table("inbound_call", app="SELECT, INSERT", system="SELECT, DELETE"))
    op.execute("GRANT UPDATE (status, reason, payment_id, times) ON inbound_call TO thuphi_app")
    op.execute(biller_table("idempotency_answer", app="SELECT, INSERT", system="SELECT, DELETE"))
    op.execute(append_only("message_position"))
    op.execute(never_deleted("message"))
    # The sweep drops forged calls after thirty days; a verified one is never deleted.
    op.execute("""
        CREATE TRIGGER inbound_call_is_kept BEFORE DELETE ON inbound_call
            FOR EACH ROW WHEN (OLD.verified) EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER inbound_call_is_never_emptied BEFORE TRUNCATE ON inbound_call
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    """)
    op.execute(
        guarded_status(
            "inbound_call",
            births=["received", "refused"],
            moves=[("received", "booked"), ("received", "parked"), ("parked", "booked")],
        )
    )
