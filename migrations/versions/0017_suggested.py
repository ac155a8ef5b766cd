"""How many bills the engine suggests for a discrepancy stands open beside it: the suggestions
themselves are sealed, and charts count what has one. Those of before count as having none.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE discrepancy
            ADD COLUMN candidates int NOT NULL DEFAULT 0 CHECK (candidates >= 0);
    """)
