"""Counters move once a statement, not once a row: the same rules, for one row or five thousand.

A night books its allocations by INSERT..SELECT. Everything that was refused before still is, with
the same codes. The functions fix how they look rows up, by index and one by one, because a plan
is made when a session first comes by, and the tables grow after that.
"""

from alembic import op

revision = "0020"
down_revision = "0019"

# With the owner's rights and a fixed search_path, for the reason given in 0002. Rows are locked in
# the order of 0004, and by their ids within a table.
COUNTERS = """
CREATE FUNCTION count_allocations() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_hashagg = off AS $$
DECLARE
    wanted bigint;
    counted bigint;
BEGIN
    IF EXISTS (
            SELECT FROM new_rows n
            CROSS JOIN LATERAL (SELECT a.biller_id, a.id FROM allocation a
                WHERE a.biller_id = n.biller_id AND a.invoice_id = n.invoice_id
                    AND a.payment_id = n.payment_id AND NOT a.live OFFSET 0) gone
            JOIN allocation_undo u ON u.biller_id = gone.biller_id AND u.allocation_id = gone.id
            WHERE n.automatic) THEN
        RAISE EXCEPTION 'this pair was undone by a person and is never matched by itself again'
            USING ERRCODE = 'TP006';
    END IF;

    UPDATE payment p SET allocated = p.allocated + n.amount
        FROM (SELECT biller_id, payment_id, sum(amount)::bigint AS amount FROM new_rows
              WHERE credit_id IS NULL
              GROUP BY biller_id, payment_id ORDER BY biller_id, payment_id) n
        WHERE p.biller_id = n.biller_id AND p.id = n.payment_id;

    SELECT count(DISTINCT (biller_id, credit_id)) INTO wanted FROM new_rows
        WHERE credit_id IS NOT NULL;
    IF wanted > 0 THEN
        UPDATE credit c SET used = c.used + n.amount
            FROM (SELECT biller_id, credit_id, sum(amount)::bigint AS amount FROM new_rows
                  WHERE credit_id IS NOT NULL
                  GROUP BY biller_id, credit_id ORDER BY biller_id, credit_id) n
            WHERE c.biller_id = n.biller_id AND c.id = n.credit_id AND c.live;
        GET DIAGNOSTICS counted = ROW_COUNT;
        IF counted <> wanted THEN
            RAISE EXCEPTION 'a credit is gone' USING ERRCODE = 'TP006';
        END IF;
    END IF;

    SELECT count(*) INTO wanted FROM (SELECT DISTINCT biller_id, invoice_id FROM new_rows) n;
    UPDATE invoice i SET allocated = i.allocated + n.amount
        FROM (SELECT biller_id, invoice_id, sum(amount)::bigint AS amount FROM new_rows
              GROUP BY biller_id, invoice_id ORDER BY biller_id, invoice_id) n
        WHERE i.biller_id = n.biller_id AND i.id = n.invoice_id AND i.status = 'issued';
    GET DIAGNOSTICS counted = ROW_COUNT;
    IF counted <> wanted THEN
        RAISE EXCEPTION 'an invoice is not open for payment' USING ERRCODE = 'TP006';
    END IF;

    UPDATE payment_order o SET allocated = o.allocated + n.amount
        FROM (SELECT biller_id, order_id, sum(amount)::bigint AS amount FROM new_rows
              WHERE order_id IS NOT NULL
              GROUP BY biller_id, order_id ORDER BY biller_id, order_id) n
        WHERE o.biller_id = n.biller_id AND o.id = n.order_id;
    RETURN NULL;
END $$;
DROP TRIGGER allocation_counts ON allocation;
CREATE TRIGGER allocation_counts AFTER INSERT ON allocation
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_allocations();
DROP FUNCTION count_allocation();

CREATE FUNCTION count_credits() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_hashagg = off AS $$
BEGIN
    UPDATE payment p SET kept = p.kept + n.amount
        FROM (SELECT biller_id, payment_id, sum(amount)::bigint AS amount FROM new_rows
              GROUP BY biller_id, payment_id ORDER BY biller_id, payment_id) n
        WHERE p.biller_id = n.biller_id AND p.id = n.payment_id;
    RETURN NULL;
END $$;
DROP TRIGGER credit_counts ON credit;
CREATE TRIGGER credit_counts AFTER INSERT ON credit
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_credits();
DROP FUNCTION count_credit();

CREATE FUNCTION keep_standings() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO discrepancy_standing
        (biller_id, discrepancy_id, kind, status, day, payment_id, amount, holds)
    SELECT biller_id, id, kind, status, day, payment_id, amount, holds FROM new_rows;
    RETURN NULL;
END $$;
DROP TRIGGER discrepancy_stands ON discrepancy;
CREATE TRIGGER discrepancy_stands AFTER INSERT ON discrepancy
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_standings();

REVOKE EXECUTE ON FUNCTION count_allocations(), count_credits(), keep_standings() FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(COUNTERS)
