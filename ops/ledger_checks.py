"""What `check-ledger` compares by SQL: one statement a check, returning only what differs.

Every row is (biller_id, subject, expected, found). The left side of each comparison is counted
anew from transfers and facts; the right side is what the database keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_JOURNALS = {
    "journals are whole": """
        SELECT j.biller_id, 'journal ' || j.event_key, j.transfers, count(t.seq)
        FROM journal j LEFT JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id
        GROUP BY j.biller_id, j.id, j.event_key, j.transfers HAVING j.transfers <> count(t.seq)
    """,
    "transfers belong to journals and accounts": """
        SELECT t.biller_id, 'transfer ' || t.seq || ' of journal ' || t.journal_id,
               'a journal, two accounts and an amount', 'something missing'
        FROM transfer t
        LEFT JOIN journal j ON j.biller_id = t.biller_id AND j.id = t.journal_id
        LEFT JOIN account d ON d.biller_id = t.biller_id AND d.code = t.debit_account
        LEFT JOIN account c ON c.biller_id = t.biller_id AND c.code = t.credit_account
        WHERE j.id IS NULL OR d.code IS NULL OR c.code IS NULL OR d.code = c.code OR t.amount < 1
    """,
    "a fact is booked once": """
        SELECT biller_id, 'event ' || event_key, 1, count(*) FROM journal
        GROUP BY biller_id, event_key HAVING count(*) > 1
    """,
    "reversals mirror their journal": """
        SELECT j.biller_id, 'journal ' || j.event_key,
               o.debit_account || ' ' || o.credit_account || ' ' || o.amount,
               coalesce(t.credit_account || ' ' || t.debit_account || ' ' || t.amount, 'nothing')
        FROM journal j
        JOIN transfer o ON o.biller_id = j.biller_id AND o.journal_id = j.reverses_journal_id
        LEFT JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id AND t.seq = o.seq
        WHERE (t.credit_account, t.debit_account, t.amount)
            IS DISTINCT FROM (o.debit_account, o.credit_account, o.amount)
        UNION ALL
        SELECT j.biller_id, 'journal ' || j.event_key, o.transfers::text, j.transfers::text
        FROM journal j JOIN journal o
            ON o.biller_id = j.biller_id AND o.id = j.reverses_journal_id
        WHERE o.transfers <> j.transfers
    """,
}

_POSITIONS = {
    "positions of journals have no gap": """
        SELECT biller_id, 'positions', max(position), count(*) FROM journal_position
        GROUP BY biller_id HAVING max(position) <> count(*) OR min(position) <> 1
    """,
    "positions of messages have no gap": """
        SELECT biller_id, 'positions', max(position), count(*) FROM message_position
        GROUP BY biller_id HAVING max(position) <> count(*) OR min(position) <> 1
    """,
    "what the sealer has passed has a position": """
        SELECT j.biller_id, 'journal ' || j.event_key, 'a position', 'none'
        FROM journal j, sealer_mark m
        WHERE j.xid < m.sealed_below
            AND m.cluster = (SELECT system_identifier::text FROM pg_control_system())
            AND NOT EXISTS (SELECT FROM journal_position p
                            WHERE p.biller_id = j.biller_id AND p.journal_id = j.id)
    """,
    "snapshots equal the transfers they stand for": """
        WITH counted AS (
            SELECT t.biller_id, l.account, sum(l.debits) AS debits, sum(l.credits) AS credits
            FROM journal_position p
            JOIN transfer t ON t.biller_id = p.biller_id AND t.journal_id = p.journal_id
            CROSS JOIN LATERAL (VALUES (t.debit_account, t.amount, 0),
                                       (t.credit_account, 0, t.amount))
                AS l (account, debits, credits)
            GROUP BY t.biller_id, l.account)
        SELECT biller_id, 'account ' || account,
               coalesce(c.debits, 0) || ' debit, ' || coalesce(c.credits, 0) || ' credit',
               coalesce(s.debits, 0) || ' debit, ' || coalesce(s.credits, 0) || ' credit'
        FROM counted c FULL JOIN balance_snapshot s USING (biller_id, account)
        WHERE (coalesce(c.debits, 0), coalesce(c.credits, 0))
            IS DISTINCT FROM (coalesce(s.debits, 0), coalesce(s.credits, 0))
    """,
}


def _counter(table: str, counter: str, *, of: str, by: str, where: str) -> str:
    """Compare a counter with the rows it counts. of: their table y, by: what they point with.

    Both sides are joined whole: a look-up per row would need an index for every one of these.
    """
    return f"""
        SELECT x.biller_id, '{table} ' || x.id, coalesce(c.total, 0), x.{counter} FROM {table} x
        LEFT JOIN (SELECT y.biller_id, {by} AS id, sum(y.amount) AS total FROM {of}
                   WHERE {where} GROUP BY 1, 2) c ON c.biller_id = x.biller_id AND c.id = x.id
        WHERE coalesce(c.total, 0) <> x.{counter}
    """


_BATCHES = {
    "batches: due": """
        SELECT b.biller_id, 'batch ' || b.reference, coalesce(c.net, 0), b.due
        FROM settlement_batch b
        LEFT JOIN (SELECT biller_id, batch_id, sum(net) AS net FROM settlement_row
                   GROUP BY 1, 2) c ON c.biller_id = b.biller_id AND c.batch_id = b.id
        WHERE coalesce(c.net, 0) <> b.due
    """,
    "batches: paid": """
        SELECT b.biller_id, 'batch ' || b.reference, coalesce(c.came, 0), b.came
        FROM settlement_batch b
        LEFT JOIN (SELECT biller_id, settlement_batch_id, sum(amount) AS came FROM bank_line
                   WHERE settlement_batch_id IS NOT NULL GROUP BY 1, 2) c
            ON c.biller_id = b.biller_id AND c.settlement_batch_id = b.id
        WHERE coalesce(c.came, 0) <> b.came
    """,
    "fees of settlements are booked": """
        SELECT s.biller_id, 'row ' || s.txn_id, abs(s.fee), coalesce(t.amount, 0)
        FROM settlement_row s
        LEFT JOIN journal j ON j.biller_id = s.biller_id AND j.event_key = 'settle-fee:' || s.id
        LEFT JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id
        WHERE s.status <> 'read' AND s.fee <> 0 AND (s.payment_id IS NOT NULL
            OR s.refund_id IS NOT NULL) AND t.amount IS DISTINCT FROM abs(s.fee)
    """,
}


_HELD = "y.status NOT IN ('refused', 'failed')"  # a refund holds its money until then
_COUNTERS = {
    "payments: applied": _counter(
        "payment",
        "allocated",
        of="allocation y",
        by="y.payment_id",
        where="y.live AND y.credit_id IS NULL",
    ),
    "payments: kept": _counter(
        "payment",
        "kept",
        of="credit y",
        by="y.payment_id",
        where="y.live",
    ),
    "payments: refunded": _counter(
        "payment",
        "refunded",
        of="refund y",
        by="y.payment_id",
        where=_HELD,
    ),
    "payments: refunded from free money": _counter(
        "payment",
        "refunded_free",
        of="refund y",
        by="y.payment_id",
        where=f"{_HELD} AND y.allocation_id IS NULL AND y.credit_id IS NULL",
    ),
    "payments: taken back": _counter(
        "payment",
        "reversed",
        of="payment_reversal y",
        by="y.payment_id",
        where="true",
    ),
    "credits: used": _counter(
        "credit",
        "used",
        of="allocation y",
        by="y.credit_id",
        where="y.live",
    ),
    "credits: refunded": _counter(
        "credit",
        "refunded",
        of="refund y",
        by="y.credit_id",
        where=_HELD,
    ),
    "allocations: refunded": _counter(
        "allocation",
        "refunded",
        of="refund y",
        by="y.allocation_id",
        where=_HELD,
    ),
    "bills: applied": _counter(
        "invoice",
        "allocated",
        of="allocation y",
        by="y.invoice_id",
        where="y.live",
    ),
    "bills: refunded": _counter(
        "invoice",
        "refunded",
        of="""refund y JOIN allocation a
            ON a.biller_id = y.biller_id AND a.id = y.allocation_id""",
        by="a.invoice_id",
        where=_HELD,
    ),
    "orders: applied": _counter(
        "payment_order",
        "allocated",
        of="allocation y",
        by="y.order_id",
        where="y.live",
    ),
    "bills equal their lines": """
        SELECT i.biller_id, 'invoice ' || i.id, coalesce(sum(l.signed_amount), 0), i.amount
        FROM invoice i LEFT JOIN invoice_line l
            ON l.biller_id = i.biller_id AND l.invoice_id = i.id
        WHERE i.status = 'issued' GROUP BY i.biller_id, i.id, i.amount
        HAVING coalesce(sum(l.signed_amount), 0) <> i.amount
    """,
    "orders equal their parts": """
        SELECT o.biller_id, 'payment_order ' || o.id, coalesce(sum(p.amount), 0), o.amount
        FROM payment_order o LEFT JOIN order_invoice p
            ON p.biller_id = o.biller_id AND p.order_id = o.id
        GROUP BY o.biller_id, o.id, o.amount HAVING coalesce(sum(p.amount), 0) <> o.amount
    """,
}


def _live(table: str, undo: str) -> str:
    return f"""
        SELECT x.biller_id, '{table} ' || x.id, u.{table}_id IS NULL, x.live
        FROM {table} x LEFT JOIN {undo} u ON u.biller_id = x.biller_id AND u.{table}_id = x.id
        WHERE x.live <> (u.{table}_id IS NULL)
    """


def _booked(table: str, do: str, undo: str, stands: str) -> str:
    """A fact's own journal holds its amount, and is reversed exactly when it is undone."""
    return f"""
        SELECT x.biller_id, '{table} ' || x.id,
               CASE WHEN {stands} THEN x.amount ELSE 0 END,
               coalesce(b.amount, 0) - coalesce(u.amount, 0)
        FROM {table} x
        LEFT JOIN LATERAL (SELECT sum(t.amount) AS amount FROM journal j JOIN transfer t
                ON t.biller_id = j.biller_id AND t.journal_id = j.id
            WHERE j.biller_id = x.biller_id AND j.event_key = '{do}:' || x.id) b ON true
        LEFT JOIN LATERAL (SELECT sum(t.amount) AS amount FROM journal j JOIN transfer t
                ON t.biller_id = j.biller_id AND t.journal_id = j.id
            WHERE j.biller_id = x.biller_id AND j.event_key = '{undo}:' || x.id) u ON true
        WHERE coalesce(b.amount, 0) - coalesce(u.amount, 0)
            <> CASE WHEN {stands} THEN x.amount ELSE 0 END
    """


_FACTS = {
    "allocations stand unless undone": _live("allocation", "allocation_undo"),
    "credits stand unless undone": _live("credit", "credit_undo"),
    "allocations are booked": _booked("allocation", "apply", "unapply", "x.live"),
    "credits are booked": _booked("credit", "keep", "unkeep", "x.live"),
    "bills are booked": _booked("invoice", "issue", "cancel", "x.status = 'issued'"),
    "receipt numbers have no gap": """
        SELECT biller_id, form || ' ' || year, max(number), count(*) FROM receipt
        GROUP BY biller_id, form, year HAVING max(number) <> count(*) OR min(number) <> 1
    """,
    "receipts say what was applied": """
        SELECT r.biller_id, 'receipt ' || r.form || ' ' || r.year || ' ' || r.number,
               coalesce(a.amount, 0), r.amount
        FROM receipt r LEFT JOIN allocation a
            ON a.biller_id = r.biller_id AND a.id = r.allocation_id
        WHERE r.amount <> coalesce(a.amount, 0)
    """,
}

# A refund is held once a round and let go by a mirror; both journals name it by their key.
_REFUNDS = {
    "refunds are held": """
        WITH held AS (
            SELECT j.biller_id, split_part(j.event_key, ':', 2) AS refund,
                   sum(CASE WHEN j.event_key LIKE 'refund:%' THEN t.amount ELSE -t.amount END)
                       AS amount
            FROM journal j JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id
            WHERE j.event_key LIKE 'refund:%' OR j.event_key LIKE 'refund-back:%'
            GROUP BY 1, 2)
        SELECT r.biller_id, 'refund ' || r.id,
               CASE WHEN r.status NOT IN ('refused', 'failed') THEN r.amount ELSE 0 END,
               coalesce(h.amount, 0)
        FROM refund r LEFT JOIN held h ON h.biller_id = r.biller_id AND h.refund = r.id::text
        WHERE coalesce(h.amount, 0)
            <> CASE WHEN r.status NOT IN ('refused', 'failed') THEN r.amount ELSE 0 END
    """,
    "refunds that are done have left": """
        SELECT r.biller_id, 'refund ' || r.id,
               CASE WHEN r.status = 'done' THEN r.amount ELSE 0 END, coalesce(sum(t.amount), 0)
        FROM refund r
        LEFT JOIN journal j ON j.biller_id = r.biller_id AND j.event_key = 'payout:' || r.id
        LEFT JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id
            AND t.debit_account = 'refunds_payable'
        GROUP BY r.biller_id, r.id, r.status, r.amount
        HAVING coalesce(sum(t.amount), 0) <> CASE WHEN r.status = 'done' THEN r.amount ELSE 0 END
    """,
    "payout files say what is in them": """
        SELECT p.biller_id, 'payout ' || p.id, p.refunds || ' refunds, ' || p.total,
               count(l.refund_id) || ' refunds, ' || coalesce(sum(l.amount), 0)
        FROM payout p LEFT JOIN payout_line l ON l.biller_id = p.biller_id AND l.payout_id = p.id
        GROUP BY p.biller_id, p.id, p.refunds, p.total
        HAVING p.refunds <> count(l.refund_id) OR p.total <> coalesce(sum(l.amount), 0)
    """,
}

# The three comparisons with the ledger hold at every moment. The bank and the whole of the
# money need a day that has been reconciled: before that, lines and payments wait for the run.
_UNEXPLAINED = {
    "everything is explained": """
        SELECT b.id, u.component || ' ' || u.subject, u.expected, u.found
        FROM biller b
        LEFT JOIN LATERAL (SELECT max(day) AS day FROM business_day d
                           WHERE d.biller_id = b.id AND d.status <> 'open') closed ON true
        CROSS JOIN LATERAL unexplained(b.id, coalesce(closed.day, '-infinity')) u
        WHERE u.expected <> u.found AND (closed.day IS NOT NULL OR u.component = 'ledger')
    """,
}


def _first(statement: str) -> str:
    # Behind the fence the planner expects to read everything. Told of the limit, it would plan
    # for an early hit, and where nothing differs there is none.
    return f"""
        WITH difference (biller_id, subject, expected, found) AS MATERIALIZED ({statement})
        SELECT biller_id, subject, expected, found FROM difference LIMIT 1
    """


CHECKS: Final[Mapping[str, str]] = {
    name: _first(statement)
    for part in (_JOURNALS, _POSITIONS, _COUNTERS, _BATCHES, _FACTS, _REFUNDS, _UNEXPLAINED)
    for name, statement in part.items()
}
"""Name of the check -> its statement, which returns the first difference or nothing."""
