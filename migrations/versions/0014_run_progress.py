"""How far a run of reconciliation is, so that people can watch a night; and why it failed, for
people to read. Nothing is decided by these columns.
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE run ADD COLUMN step text,
            ADD COLUMN done int NOT NULL DEFAULT 0 CHECK (done >= 0),
            ADD COLUMN total int NOT NULL DEFAULT 0 CHECK (total >= 0),
            ADD COLUMN told_at timestamptz,  -- by PostgreSQL's clock: a sign of life
            ADD COLUMN error_vi text;
        GRANT UPDATE (step, done, total, told_at, error_vi) ON run TO thuphi_app;
        CREATE INDEX run_day ON run (biller_id, day);
    """)
