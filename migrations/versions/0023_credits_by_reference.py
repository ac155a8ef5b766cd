"""A debit that takes an earlier credit back quotes its bank reference: credits are found by it.

Banks write the same number with and without separators, so letters and digits alone are compared.
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.execute("""
        CREATE INDEX bank_line_reference ON bank_line (
            biller_id, bank_account_id,
            upper(regexp_replace(bank_reference, '[^0-9A-Za-z]', '', 'g'))
        ) WHERE amount > 0 AND bank_reference IS NOT NULL
    """)
