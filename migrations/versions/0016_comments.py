"""Comments on discrepancies: sealed, because people write names into them.

The history of a discrepancy is append-only; a comment is one more kind of event in it. Its text
is sealed under the key of the discrepancy, so that it goes when that is erased.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"

COMMENTS = """
ALTER TABLE discrepancy_event
    ADD COLUMN sealed bytea,
    ADD CONSTRAINT discrepancy_comment_is_sealed CHECK ((what = 'commented') = (sealed IS NOT NULL)
        AND (sealed IS NULL OR (note IS NULL AND octet_length(sealed) <= 16384)));
"""


def upgrade() -> None:
    op.execute(COMMENTS)
