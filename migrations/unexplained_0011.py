"""The unexplained figure of migration 0011: that of 0006, and what gateways hold and pay."""

from __future__ import annotations

UNEXPLAINED = """
CREATE OR REPLACE FUNCTION unexplained(biller uuid, upto date)
RETURNS TABLE (component text, subject text, expected numeric, found numeric)
LANGUAGE sql STABLE AS $$
    -- The bank says / the ledger says, per account, at the last complete statement.
    SELECT 'bank', a.account_number, s.closing,
        ledger_balance(biller, 'bank:' || a.account_number, s.last_day)
    FROM bank_account a
    JOIN LATERAL (SELECT s.closing::numeric, s.last_day FROM statement s
                  WHERE s.biller_id = a.biller_id AND s.bank_account_id = a.id AND s.complete
                      AND s.last_day <= upto
                  ORDER BY s.last_day DESC, s.id DESC LIMIT 1) s ON true
    WHERE a.biller_id = biller
    UNION ALL
    -- Money received / the four places it can be in, each summed from its own table.
    SELECT 'money', 'received',
        (SELECT coalesce(sum(amount), 0) FROM payment
            WHERE biller_id = biller AND fact_day <= upto),
        (SELECT coalesce(sum(l.amount), 0) FROM allocation l
            JOIN payment p ON p.biller_id = l.biller_id AND p.id = l.payment_id
            WHERE l.biller_id = biller AND l.live AND l.credit_id IS NULL AND p.fact_day <= upto)
        + (SELECT coalesce(sum(c.amount), 0) FROM credit c
            JOIN payment p ON p.biller_id = c.biller_id AND p.id = c.payment_id
            WHERE c.biller_id = biller AND c.live AND p.fact_day <= upto)
        + (SELECT coalesce(sum(r.amount), 0) FROM refund r
            JOIN payment p ON p.biller_id = r.biller_id AND p.id = r.payment_id
            WHERE r.biller_id = biller AND r.status NOT IN ('refused', 'failed')
                AND r.allocation_id IS NULL AND r.credit_id IS NULL AND p.fact_day <= upto)
        + (SELECT coalesce(sum(v.amount), 0) FROM payment_reversal v
            JOIN payment p ON p.biller_id = v.biller_id AND p.id = v.payment_id
            WHERE v.biller_id = biller AND p.fact_day <= upto)
        + (SELECT coalesce(sum(d.holds), 0) FROM discrepancy d
            JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
            WHERE d.biller_id = biller AND d.status NOT IN ('resolved', 'auto_resolved')
                AND p.fact_day <= upto)
    UNION ALL
    -- An open discrepancy explains free money of its own payment and no more: otherwise one
    -- that holds too much would hide a payment that nobody has looked at.
    SELECT 'money', 'held', coalesce(sum(least(d.holds, p.free)), 0), coalesce(sum(d.holds), 0)
    FROM discrepancy d JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
    WHERE d.biller_id = biller AND d.status NOT IN ('resolved', 'auto_resolved')
        AND p.fact_day <= upto
    UNION ALL
    -- Free money by the payments / the ledger's account for it. These three hold at every
    -- moment, so they look at all days: an application tomorrow changes both sides at once.
    SELECT 'ledger', 'unapplied',
        (SELECT coalesce(sum(free), 0) FROM payment WHERE biller_id = biller),
        -ledger_balance(biller, 'unapplied', 'infinity')
    UNION ALL
    -- What families still owe by the invoices / by the ledger.
    SELECT 'ledger', 'receivable',
        (SELECT coalesce(sum(amount - allocated), 0) FROM invoice
            WHERE biller_id = biller AND status = 'issued'),
        ledger_balance(biller, 'receivable', 'infinity')
    UNION ALL
    SELECT 'ledger', 'credit',
        (SELECT coalesce(sum(amount - used - refunded), 0) FROM credit
            WHERE biller_id = biller AND live),
        -ledger_balance(biller, 'credit', 'infinity')
    UNION ALL
    -- Statement lines that belong to no payment and rows of settlements that nobody explains:
    -- each is in suspense until somebody said why.
    SELECT 'ledger', 'suspense',
        (SELECT coalesce(sum(-l.amount), 0) FROM discrepancy d
            JOIN bank_line l ON l.biller_id = d.biller_id AND l.id = d.line_id
            WHERE d.biller_id = biller AND d.payment_id IS NULL AND l.payment_id IS NULL
                AND d.status NOT IN ('resolved', 'auto_resolved'))
        + (SELECT coalesce(sum(-s.suspended), 0) FROM discrepancy d
            JOIN settlement_row s ON s.biller_id = d.biller_id AND s.id = d.settlement_row_id
            WHERE d.biller_id = biller AND d.status NOT IN ('resolved', 'auto_resolved')),
        ledger_balance(biller, 'suspense', 'infinity')
    UNION ALL
    -- What a gateway should hold / its account. What no row has settled counts as we heard of
    -- it, what one has settled as the gateway's own net; statement lines took it away.
    SELECT 'ledger', a.code,
        (SELECT coalesce(sum(p.amount), 0) FROM payment p
            WHERE p.biller_id = biller AND p.gateway = substr(a.code, 9)
                AND p.bank_account_id IS NULL
                AND NOT EXISTS (SELECT FROM settlement_row s
                    WHERE s.biller_id = p.biller_id AND s.payment_id = p.id))
        - (SELECT coalesce(sum(r.amount), 0) FROM refund r
            JOIN payment p ON p.biller_id = r.biller_id AND p.id = r.payment_id
            WHERE r.biller_id = biller AND r.method = 'gateway' AND r.status = 'done'
                AND p.gateway = substr(a.code, 9)
                AND NOT EXISTS (SELECT FROM settlement_row s
                    WHERE s.biller_id = r.biller_id AND s.refund_id = r.id))
        + (SELECT coalesce(sum(s.net), 0) FROM settlement_row s
            JOIN settlement_batch b ON b.biller_id = s.biller_id AND b.id = s.batch_id
            WHERE s.biller_id = biller AND b.gateway = substr(a.code, 9) AND s.status <> 'read')
        - (SELECT coalesce(sum(l.amount), 0) FROM bank_line l
            JOIN settlement_batch b ON b.biller_id = l.biller_id AND b.id = l.settlement_batch_id
            WHERE l.biller_id = biller AND b.gateway = substr(a.code, 9))
        + (SELECT coalesce(sum(c.amount), 0) FROM settlement_correction c
            WHERE c.biller_id = biller AND c.gateway = substr(a.code, 9)),
        ledger_balance(biller, a.code, 'infinity')
    FROM account a WHERE a.biller_id = biller AND a.code LIKE 'gateway:%'
    UNION ALL
    -- What the rows of a batch that was paid add up to / what paid it, what was written off,
    -- and what its open discrepancy says is missing.
    SELECT 'batch', b.gateway || ' ' || b.reference,
        (SELECT coalesce(sum(s.net), 0) FROM settlement_row s
            WHERE s.biller_id = b.biller_id AND s.batch_id = b.id),
        (SELECT coalesce(sum(l.amount), 0) FROM bank_line l
            WHERE l.biller_id = b.biller_id AND l.settlement_batch_id = b.id)
        - (SELECT coalesce(sum(c.amount), 0) FROM settlement_correction c
            WHERE c.biller_id = b.biller_id AND c.batch_id = b.id)
        + (SELECT coalesce(sum(d.gap), 0) FROM discrepancy d
            WHERE d.biller_id = b.biller_id AND d.settlement_batch_id = b.id
                AND d.status NOT IN ('resolved', 'auto_resolved'))
    FROM settlement_batch b
    WHERE b.biller_id = biller AND (
        EXISTS (SELECT FROM bank_line l
            WHERE l.biller_id = b.biller_id AND l.settlement_batch_id = b.id)
        OR EXISTS (SELECT FROM discrepancy d
            WHERE d.biller_id = b.biller_id AND d.settlement_batch_id = b.id AND d.gap <> 0))
$$;
"""
