"""Billers, people and keys, the audit trail, and the guards that every later table uses."""

from alembic import op

from migrations.guards import append_only, biller_table, never_deleted

revision = "0001"
down_revision = None

GUARDS = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% refused: rows of % are kept as they are', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'TP001';
END $$;

CREATE TABLE status_move (
    machine text NOT NULL,
    from_status text NOT NULL,  -- '' is birth
    to_status text NOT NULL,
    PRIMARY KEY (machine, from_status, to_status)
);
GRANT SELECT ON status_move TO thuphi_app, thuphi_system;

CREATE FUNCTION guard_status() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was text := '';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.status = OLD.status THEN
            RETURN NEW;
        END IF;
        was := OLD.status;
    END IF;
    IF NOT EXISTS (SELECT FROM public.status_move
                   WHERE machine = TG_ARGV[0] AND from_status = was AND to_status = NEW.status) THEN
        RAISE EXCEPTION '% cannot go from "%" to "%"', TG_ARGV[0], was, NEW.status
            USING ERRCODE = 'TP002';
    END IF;
    RETURN NEW;
END $$;
"""

PEOPLE = """
CREATE TABLE biller (
    id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[A-Z0-9][A-Z0-9.-]{1,31}$'),
    kind text NOT NULL CHECK (kind IN ('school', 'hospital', 'agency')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    tax_code text,
    address text,
    contact text,
    parent_id uuid REFERENCES biller,
    approval_limit bigint NOT NULL DEFAULT 0 CHECK (approval_limit BETWEEN 0 AND 999999999999),
    created_at timestamptz NOT NULL
);

-- Whoever acts: a member of staff, a program with a key, or the service itself.
CREATE TABLE actor (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('staff', 'api_key', 'service')),
    UNIQUE (id, kind)
);

INSERT INTO actor (id, kind) VALUES ('00000000-0000-7000-8000-000000000001', 'service');

CREATE TABLE staff (
    id uuid PRIMARY KEY,
    kind text NOT NULL DEFAULT 'staff' CHECK (kind = 'staff'),
    email text NOT NULL UNIQUE CHECK (email = lower(email)),
    name text NOT NULL,
    password_hash text NOT NULL,
    totp_sealed bytea NOT NULL,
    totp_last_step bigint NOT NULL DEFAULT 0,
    failures int NOT NULL DEFAULT 0 CHECK (failures >= 0),
    locked_until timestamptz,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL,
    FOREIGN KEY (id, kind) REFERENCES actor (id, kind)
);

CREATE TABLE staff_role (
    biller_id uuid NOT NULL REFERENCES biller,
    staff_id uuid NOT NULL REFERENCES staff,
    role text NOT NULL CHECK
        (role IN ('viewer', 'cashier', 'accountant', 'chief_accountant', 'admin')),
    granted_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (biller_id, staff_id)
);

CREATE TABLE api_key (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    kind text NOT NULL DEFAULT 'api_key' CHECK (kind = 'api_key'),
    prefix text NOT NULL,
    secret_hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_on date,
    revoked_at timestamptz,
    PRIMARY KEY (biller_id, id),
    FOREIGN KEY (id, kind) REFERENCES actor (id, kind)
);

-- Finds the biller of a secret before a biller is known. Holds hashes only.
CREATE TABLE lookup (
    kind text NOT NULL CHECK (kind IN ('biller', 'staff', 'api_key', 'pay_link', 'receipt')),
    secret_hash bytea NOT NULL,
    biller_id uuid NOT NULL REFERENCES biller,
    subject_id uuid NOT NULL,
    PRIMARY KEY (kind, secret_hash, biller_id)
);
CREATE UNIQUE INDEX lookup_is_one ON lookup (kind, secret_hash) WHERE kind <> 'staff';

CREATE TABLE session (
    token_hash bytea PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES staff,
    biller_id uuid REFERENCES biller,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (biller_id, staff_id) REFERENCES staff_role (biller_id, staff_id)
);

-- Keys that seal personal fields; to erase a person is to drop the wrapped key.
CREATE TABLE data_key (
    biller_id uuid NOT NULL REFERENCES biller,
    id uuid NOT NULL,
    ring_key text NOT NULL,
    wrapped bytea,
    created_at timestamptz NOT NULL,
    erased_at timestamptz,
    PRIMARY KEY (biller_id, id),
    CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL))
);

CREATE TABLE audit_line (
    id uuid PRIMARY KEY,
    biller_id uuid REFERENCES biller,
    actor_id uuid REFERENCES actor,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    request_id text,
    at timestamptz NOT NULL
);
CREATE INDEX audit_line_subject ON audit_line (biller_id, subject, at);
"""


def upgrade() -> None:
    op.execute(GUARDS)
    op.execute(PEOPLE)
    op.execute(biller_table("biller", app="SELECT", system="SELECT, INSERT, UPDATE", column="id"))
    op.execute(biller_table("staff_role", app="SELECT", system="SELECT, INSERT, UPDATE"))
    op.execute(biller_table("api_key", app="SELECT, INSERT", system="SELECT, INSERT, UPDATE"))
    op.execute("GRANT UPDATE (last_used_on, revoked_at) ON api_key TO thuphi_app")
    op.execute(biller_table("data_key", app="SELECT, INSERT", system="SELECT, INSERT"))
    op.execute(
        "GRANT UPDATE (ring_key, wrapped, erased_at) ON data_key TO thuphi_app, thuphi_system"
    )
    op.execute(biller_table("audit_line", app="SELECT, INSERT", system="SELECT, INSERT"))
    op.execute(append_only("audit_line"))
    for table in ("staff_role", "staff", "actor", "biller", "data_key", "api_key"):
        op.execute(never_deleted(table))
    # Staff sign in before a biller is chosen, so these three are not cut by biller; what the
    # application may do with them is cut by column instead.
    op.execute("GRANT SELECT, INSERT ON actor TO thuphi_app, thuphi_system")
    op.execute("GRANT SELECT ON staff TO thuphi_app")
    op.execute("GRANT UPDATE (failures, locked_until, totp_last_step) ON staff TO thuphi_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON staff TO thuphi_system")
    op.execute("GRANT SELECT, INSERT, DELETE ON session TO thuphi_app, thuphi_system")
    op.execute("GRANT UPDATE (biller_id) ON session TO thuphi_app")
    op.execute("""
        ALTER TABLE lookup ENABLE ROW LEVEL SECURITY;
        CREATE POLICY anyone_finds ON lookup FOR SELECT TO thuphi_app USING (true);
        CREATE POLICY one_biller_adds ON lookup FOR INSERT TO thuphi_app
            WITH CHECK (biller_id = nullif(current_setting('app.biller', true), '')::uuid);
        CREATE POLICY every_biller ON lookup TO thuphi_system USING (true) WITH CHECK (true);
        GRANT SELECT, INSERT ON lookup TO thuphi_app, thuphi_system;
    """)
