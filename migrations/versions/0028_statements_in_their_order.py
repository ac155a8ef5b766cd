"""Which statement speaks for a day, where several do: the one that was proven whole last.

A bank's morning and evening files end on the same day, and a file may share its last day with the
next one. The balances of a day were compared with whichever file had come last, or first: the day
could then not be closed, or not be signed.
"""

from __future__ import annotations

from typing import Final

from alembic import op

from migrations.unexplained_0011 import UNEXPLAINED

revision = "0028"
down_revision = "0027"

# Statements that were whole before stay in the order in which they came.
COLUMN = """
ALTER TABLE statement ADD COLUMN proven bigint NOT NULL DEFAULT 0;
CREATE SEQUENCE statement_proven_seq;

CREATE FUNCTION number_proven_statement() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    NEW.proven := CASE WHEN NEW.complete THEN nextval('statement_proven_seq') ELSE 0 END;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION number_proven_statement() FROM PUBLIC;
-- After statement_is_kept has compared what was read: triggers fire in the order of their names.
CREATE TRIGGER statement_proven BEFORE INSERT OR UPDATE OF complete ON statement
    FOR EACH ROW EXECUTE FUNCTION number_proven_statement();
"""

_BEFORE: Final = "ORDER BY s.last_day DESC, s.id DESC LIMIT 1"
_NOW: Final = """AND NOT EXISTS (SELECT FROM statement t WHERE t.biller_id = s.biller_id
                          AND t.bank_account_id = s.bank_account_id AND t.complete
                          AND s.last_day BETWEEN t.first_day AND t.last_day
                          AND (t.proven, t.id) > (s.proven, s.id))
                  ORDER BY s.last_day DESC LIMIT 1"""
assert UNEXPLAINED.count(_BEFORE) == 1  # noqa: S101  # the function of 0011, but for this


def upgrade() -> None:
    op.execute(COLUMN)
    op.execute(UNEXPLAINED.replace(_BEFORE, _NOW))
