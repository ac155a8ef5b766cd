"""Receipts in seals: a receipt is a leaf of its own.

A receipt is written a moment after the journal it belongs to, and the confirmation of a
0 đ bill has no journal at all. So the next seal takes receipts beside journals, and a seal
may hold receipts only: its range of positions is then empty.
"""

from alembic import op

from migrations.guards import append_only, biller_table

revision = "0007"
down_revision = "0006"

TABLES = """
ALTER TABLE receipt ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX receipt_xid ON receipt (xid);

ALTER TABLE seal DROP CONSTRAINT seal_check;
ALTER TABLE seal ADD CHECK (last_position >= first_position - 1);
ALTER TABLE seal DROP CONSTRAINT seal_biller_id_first_position_key;

CREATE TABLE receipt_leaf (
    biller_id uuid NOT NULL,
    seal bigint NOT NULL,
    place int NOT NULL CHECK (place >= 1),  -- after the journals of the same seal
    receipt_id uuid NOT NULL,
    leaf bytea NOT NULL CHECK (length(leaf) = 32),
    PRIMARY KEY (biller_id, seal, place),
    UNIQUE (biller_id, receipt_id),
    FOREIGN KEY (biller_id, seal) REFERENCES seal (biller_id, number),
    FOREIGN KEY (biller_id, receipt_id) REFERENCES receipt (biller_id, id)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(biller_table("receipt_leaf", app="SELECT", system="SELECT, INSERT"))
    op.execute(append_only("receipt_leaf"))
