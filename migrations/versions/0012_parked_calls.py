"""Parked calls are counted on every page of the console: an index that holds only those.

Calls are kept for years and nearly all of them are booked, so the index stays small.
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("""
        CREATE INDEX inbound_parked ON inbound_call (biller_id, received_at)
            WHERE status = 'parked'
    """)
