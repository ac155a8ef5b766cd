"""What the engine did by itself with the lines of a day, counted once: on their first night.

The rate of lines that were matched without a person was read from where lines stand by now, so it
fell when people undid, and could not be compared between months.
"""

from __future__ import annotations

from alembic import op

from migrations.guards import append_only, biller_table

revision = "0026"
down_revision = "0025"

TABLES = """
-- The lines of one day of a statement, when the first run that dealt with them was finished.
CREATE TABLE first_night (
    biller_id uuid NOT NULL,
    statement_id uuid NOT NULL,
    day date NOT NULL,
    run_id uuid NOT NULL,
    lines int NOT NULL CHECK (lines >= 0),
    automatic int NOT NULL CHECK (automatic BETWEEN 0 AND lines),
    PRIMARY KEY (biller_id, statement_id, day),
    FOREIGN KEY (biller_id, statement_id) REFERENCES statement (biller_id, id),
    FOREIGN KEY (biller_id, run_id) REFERENCES run (biller_id, id)
);
CREATE INDEX first_night_day ON first_night (biller_id, day);
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(biller_table("first_night", app="SELECT, INSERT", system="SELECT"))
    op.execute(append_only("first_night"))
