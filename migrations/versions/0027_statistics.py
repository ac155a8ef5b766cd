"""What the planner knows is renewed once a night has changed it, not when autovacuum comes by.

A biller, an account or a day that the statistics have never seen is taken for no rows at all, and
the plans made of that read all of a biller's lines for every one of them: a night of twenty
thousand lines took eight times as long in a database whose statistics were an hour old.
"""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"

# ANALYZE belongs to a table's owner. The application may ask, and nothing is done before enough has
# changed: what it costs does not grow with a table, and stays small beside what changed so much.
# Autovacuum waits for a tenth of a table, which may be many nights. It gives a table up when
# somebody waits for a second; whoever else keeps one busy for longer is passed by.
STATISTICS = """
CREATE FUNCTION renew_statistics() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    changed regclass;
BEGIN
    FOR changed IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname IN ('bank_line', 'payment',
                'allocation', 'credit', 'discrepancy', 'invoice', 'payment_order', 'order_invoice',
                'journal', 'transfer')
            AND pg_stat_get_mod_since_analyze(c.oid) >= 10000
        ORDER BY c.relname
    LOOP
        BEGIN
            EXECUTE format('ANALYZE %s', changed);
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION renew_statistics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION renew_statistics() TO thuphi_app;
"""


def upgrade() -> None:
    op.execute(STATISTICS)
