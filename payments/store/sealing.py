"""The sealer's statements: what has no position yet, and how positions and seals are written.

`{range}` is filled by payments/sealing.py with the transactions of a round, as parameters.
"""

from __future__ import annotations

# A row is taken if it has no position. The sub-select with a LIMIT keeps the planner to one
# look into the index per row: a hash of every position ever given would be slower each day.
_NEW = """
    FROM {table} x
    LEFT JOIN LATERAL (SELECT true AS there FROM {side} p
                       WHERE p.biller_id = x.biller_id AND p.{key} = x.id LIMIT 1) p ON true
    WHERE {{range}} AND p.there IS NULL
    ORDER BY x.xid, x.id LIMIT :limit
"""
JOURNALS = (
    "WITH taken AS MATERIALIZED (SELECT x.*"
    + _NEW.format(table="journal", side="journal_position", key="journal_id")
    + """)
SELECT k.biller_id, k.id, k.event_key, k.kind, k.business_day, k.fact_day, k.posted_at,
       k.actor_id, k.reverses_journal_id, CAST(k.xid::text AS bigint) AS xid,
       t.debits, t.credits, t.amounts
FROM taken k CROSS JOIN LATERAL (
    SELECT array_agg(debit_account ORDER BY seq) AS debits,
           array_agg(credit_account ORDER BY seq) AS credits,
           array_agg(amount ORDER BY seq) AS amounts
    FROM transfer t WHERE t.biller_id = k.biller_id AND t.journal_id = k.id) t
ORDER BY k.biller_id, k.xid, k.id
"""
)
RECEIPTS = (
    "WITH taken AS MATERIALIZED (SELECT x.*"
    + _NEW.format(table="receipt", side="receipt_leaf", key="receipt_id")
    + """)
SELECT biller_id, id, form, year, number, code, invoice_id, allocation_id, replaces_id, amount,
       issued_at, content_hash, CAST(xid::text AS bigint) AS xid
FROM taken ORDER BY biller_id, form, year, number
"""
)
MESSAGES = (
    "WITH taken AS MATERIALIZED (SELECT x.biller_id, x.id, x.xid"
    + _NEW.format(table="message", side="message_position", key="message_id")
    + """), numbered AS (
    SELECT biller_id, id, row_number() OVER (PARTITION BY biller_id ORDER BY xid, id) AS step
    FROM taken
), stand AS (
    SELECT b.biller_id, coalesce((SELECT max(m.position) FROM message_position m
                                  WHERE m.biller_id = b.biller_id), 0) AS last
    FROM (SELECT DISTINCT biller_id FROM taken) b
), written AS (
    INSERT INTO message_position (biller_id, position, message_id)
    SELECT n.biller_id, s.last + n.step, n.id FROM numbered n JOIN stand s USING (biller_id)
)
SELECT count(*) AS taken, max(CAST(xid::text AS bigint)) AS last_xid FROM taken
"""
)
LAST = """
SELECT b.biller_id, coalesce(s.number, 0) AS number,
       coalesce(s.last_position, 0) AS last_position, s.chained
FROM unnest(CAST(:billers AS uuid[])) AS b (biller_id)
LEFT JOIN LATERAL (SELECT number, last_position, chained FROM seal
                   WHERE seal.biller_id = b.biller_id ORDER BY number DESC LIMIT 1) s ON true
"""
INSERT_SEAL = """
INSERT INTO seal (biller_id, number, first_position, last_position, root, previous, chained,
                  signature, public_key, sealed_at)
VALUES (:biller, :number, :first, :last, :root, :previous, :chained, :signature, :public_key, :at)
"""
INSERT_POSITIONS = """
INSERT INTO journal_position (biller_id, position, journal_id, leaf)
SELECT * FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS bigint[]), CAST(:c2 AS uuid[]),
                     CAST(:c3 AS bytea[]))
"""
INSERT_PLACES = """
INSERT INTO receipt_leaf (biller_id, seal, place, receipt_id, leaf)
SELECT * FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS bigint[]), CAST(:c2 AS int[]),
                     CAST(:c3 AS uuid[]), CAST(:c4 AS bytea[]))
"""
ADD_TO_SNAPSHOTS = """
INSERT INTO balance_snapshot AS s (biller_id, account, debits, credits, position)
SELECT n.biller_id, n.account, n.debits, n.credits,
       (SELECT max(p.position) FROM journal_position p WHERE p.biller_id = n.biller_id)
FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS text[]), CAST(:c2 AS numeric[]),
            CAST(:c3 AS numeric[])) AS n (biller_id, account, debits, credits)
ON CONFLICT (biller_id, account) DO UPDATE SET debits = s.debits + EXCLUDED.debits,
    credits = s.credits + EXCLUDED.credits, position = EXCLUDED.position
"""
SEALS = """
SELECT s.biller_id, s.number, s.first_position, s.last_position, s.root, s.previous, s.sealed_at,
       s.chained, s.signature, s.public_key,
       CAST(s.last_position - s.first_position + 1 + (
           SELECT count(*) FROM receipt_leaf r
           WHERE r.biller_id = s.biller_id AND r.seal = s.number) AS int) AS leaves
FROM seal s
"""
LEAVES = """
SELECT leaf, journal_id, NULL::uuid AS receipt_id, 0 AS part, position AS place
FROM journal_position WHERE biller_id = :biller AND position BETWEEN :first AND :last
UNION ALL
SELECT leaf, NULL, receipt_id, 1, place FROM receipt_leaf
WHERE biller_id = :biller AND seal = :number ORDER BY part, place
"""
