"""The least that could be called a night: the finished rows by COPY, one join, INSERT..SELECT.

The tables are copies of ours with the same columns and indexes, and without foreign keys, checks,
triggers and policies. What the lines say comes parsed, sealed and with its code found; ids are
made before. Nothing is read from a file, decided, checked for repeats or counted on a bill. It is
one transaction by the application's role, with the settings of every session of ours.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from benchmarks.nightly_school import Line, School
from benchmarks.place import Place, now
from payments.domain import ids

_TABLES = (
    "bank_line", "payment", "journal", "transfer", "allocation", "credit", "line_match", "message",
    "data_key", "discrepancy", "discrepancy_event", "discrepancy_standing",
)  # fmt: skip

_COPIES = "".join(
    f"DROP TABLE IF EXISTS floor_{table};"
    f"CREATE TABLE floor_{table} (LIKE {table} INCLUDING DEFAULTS INCLUDING GENERATED"
    " INCLUDING IDENTITY INCLUDING INDEXES);"
    f"GRANT SELECT, INSERT ON floor_{table} TO thuphi_app;"
    for table in _TABLES
)

_CAME = """
CREATE TEMPORARY TABLE came (
    line_no int, line_id uuid, payment_id uuid, allocation_id uuid, credit_id uuid, match_id uuid,
    journal_in uuid, journal_applied uuid, journal_kept uuid, message_in uuid, message_made uuid,
    message_kept uuid, case_id uuid, event_id uuid, case_key uuid, booking_date date, amount bigint,
    bank_reference text, code text, sealed bytea, line_key bytea
) ON COMMIT DROP
"""
_IDS = 14

# One hash join: what each line pays, how much of it, and what is above.
_JOINED = """
CREATE TEMPORARY TABLE joined ON COMMIT DROP AS
SELECT c.*, o.id AS order_id, p.invoice_id, i.beneficiary_id,
    least(c.amount, p.amount) AS applied,
    CASE WHEN o.id IS NOT NULL THEN greatest(c.amount - p.amount, 0) ELSE 0 END AS kept
FROM came c
LEFT JOIN payment_order o ON o.biller_id = :biller AND o.code = c.code
LEFT JOIN order_invoice p ON p.biller_id = o.biller_id AND p.order_id = o.id
LEFT JOIN invoice i ON i.biller_id = p.biller_id AND i.id = p.invoice_id
"""

_INSERTS = """
INSERT INTO floor_payment (biller_id, id, gateway, provider_reference, bank_account_id,
    bank_reference, amount, received_at, fact_day, is_notice, key_id, sealed, allocated, kept,
    created_at)
SELECT :biller, payment_id, 'bank', 'lin_' || left(replace(line_id::text, '-', ''), 26), :account,
    bank_reference, amount, :at, booking_date, false, :key, sealed, coalesce(applied, 0), kept, :at
FROM joined WHERE amount > 0;

INSERT INTO floor_journal (biller_id, id, event_key, kind, business_day, fact_day, posted_at,
    actor_id, transfers)
SELECT :biller, journal_in, CASE WHEN amount > 0 THEN 'money-in:line:' ELSE 'suspense:' END
    || line_id, 'money_on_statement', booking_date, booking_date, :at, :actor, 1 FROM joined
UNION ALL SELECT :biller, journal_applied, 'apply:' || allocation_id, 'applied', booking_date,
    booking_date, :at, :actor, 1 FROM joined WHERE order_id IS NOT NULL
UNION ALL SELECT :biller, journal_kept, 'keep:' || credit_id, 'kept', booking_date, booking_date,
    :at, :actor, 1 FROM joined WHERE kept > 0;

INSERT INTO floor_transfer
SELECT :biller, journal_in, 1, 'bank:9999000001', 'unapplied', abs(amount) FROM joined
UNION ALL SELECT :biller, journal_applied, 1, 'unapplied', 'receivable', applied FROM joined
    WHERE order_id IS NOT NULL
UNION ALL SELECT :biller, journal_kept, 1, 'unapplied', 'credit', kept FROM joined WHERE kept > 0;

INSERT INTO floor_allocation (biller_id, id, payment_id, invoice_id, order_id, amount, automatic,
    rule, actor_id, at)
SELECT :biller, allocation_id, payment_id, invoice_id, order_id, applied, true, 'code_in_memo',
    :actor, :at FROM joined WHERE order_id IS NOT NULL;

INSERT INTO floor_credit (biller_id, id, payment_id, beneficiary_id, kind, amount, created_at)
SELECT :biller, credit_id, payment_id, beneficiary_id, 'credit', kept, :at FROM joined
    WHERE kept > 0;

INSERT INTO floor_bank_line (biller_id, id, statement_id, bank_account_id, line_no, line_key,
    occurrence, booking_date, amount, bank_reference, key_id, sealed, status, payment_id,
    journal_id)
SELECT :biller, line_id, :statement, :account, line_no, line_key, 1, booking_date, amount,
    bank_reference, :key, sealed,
    CASE WHEN order_id IS NULL THEN 'discrepancy' ELSE 'matched' END,
    CASE WHEN amount > 0 THEN payment_id END, journal_in FROM joined;

INSERT INTO floor_line_match (biller_id, id, line_id, payment_id, rule, score, evidence, at)
SELECT :biller, match_id, line_id, payment_id, 'code_in_memo', 0.99, jsonb_build_array(
    jsonb_build_object('kind', 'code', 'on_line', code, 'on_order', code, 'verdict', 'agrees',
        'span', jsonb_build_array(18, 30)),
    jsonb_build_object('kind', 'amount', 'on_line', amount::text, 'on_order', amount::text,
        'verdict', 'agrees', 'span', NULL)), :at
FROM joined WHERE order_id IS NOT NULL;

INSERT INTO floor_message (biller_id, id, kind, drain, body, at, due_at)
SELECT :biller, message_in, 'payment.received', 'explain', jsonb_build_object('payment',
    'pay_' || replace(payment_id::text, '-', ''), 'amount', amount), :at, :at FROM joined
    WHERE amount > 0
UNION ALL SELECT :biller, message_made, 'allocation.made', 'receipts', jsonb_build_object(
    'allocation', allocation_id, 'invoice', 'inv_' || replace(invoice_id::text, '-', ''),
    'payment', 'pay_' || replace(payment_id::text, '-', ''), 'amount', applied), :at, :at
    FROM joined WHERE order_id IS NOT NULL
UNION ALL SELECT :biller, message_kept, 'credit.kept', NULL, jsonb_build_object('credit', credit_id,
    'payment', 'pay_' || replace(payment_id::text, '-', ''), 'amount', kept), :at, NULL
    FROM joined WHERE kept > 0;

INSERT INTO floor_data_key (biller_id, id, ring_key, wrapped, created_at)
SELECT :biller, case_key, 'test', substr(sealed, 1, 61), :at FROM joined
    WHERE order_id IS NULL;

INSERT INTO floor_discrepancy (biller_id, id, kind, status, day, amount, payment_id, line_id, holds,
    key_id, sealed, opened_at)
SELECT :biller, case_id, CASE WHEN amount > 0 THEN 'UNMATCHED' ELSE 'NON_ORDER' END, 'open',
    booking_date, abs(amount), CASE WHEN amount > 0 THEN payment_id END,
    CASE WHEN amount < 0 THEN line_id END, greatest(amount, 0), case_key, sealed, :at
FROM joined WHERE order_id IS NULL;

INSERT INTO floor_discrepancy_event (biller_id, id, discrepancy_id, what, actor_id, at)
SELECT :biller, event_id, case_id, 'opened', :actor, :at FROM joined WHERE order_id IS NULL;

INSERT INTO floor_discrepancy_standing (biller_id, discrepancy_id, kind, status, day, payment_id,
    amount, holds)
SELECT :biller, case_id, 'UNMATCHED', 'open', booking_date, payment_id, abs(amount),
    greatest(amount, 0) FROM joined WHERE order_id IS NULL;

INSERT INTO floor_message (biller_id, id, kind, body, at)
SELECT :biller, message_made, 'discrepancy.opened', jsonb_build_object('discrepancy',
    'dis_' || replace(case_id::text, '-', ''), 'kind', 'UNMATCHED', 'amount', abs(amount)), :at
FROM joined WHERE order_id IS NULL;
"""


def by_hand(place: Place, school: School, lines: Sequence[Line]) -> float:
    """Seconds to write the rows of a night. What each row holds is counted on no side."""
    place.owner(_COPIES)
    came = _as_text(school, lines)
    told = {
        "biller": school.biller_id,
        "account": school.account_id,
        "statement": ids.new(),
        "key": ids.new(),
        "actor": ids.new(),
        "at": now(),
    }
    with place.runtime.sessions.begin(school.biller_id) as db:
        cursor = db.connection().connection.cursor()
        cursor.execute("SET LOCAL statement_timeout = 0")
        began = time.perf_counter()
        cursor.execute(_CAME)
        with cursor.copy("COPY came FROM STDIN") as copy:
            copy.write(came)
        for statement in (_JOINED, "ANALYZE joined", *_INSERTS.split(";\n")):
            if statement.strip():
                cursor.execute(_named(statement), told)
    return time.perf_counter() - began


def _named(statement: str) -> str:
    """The driver's own way of naming what is given."""
    named = statement
    for name in ("biller", "account", "statement", "key", "actor", "at"):
        named = named.replace(f" :{name}", f" %({name})s").replace(f"\n:{name}", f"\n%({name})s")
    return named


def _as_text(school: School, lines: Sequence[Line]) -> bytes:
    """The lines as COPY takes them, sealed to the size that ours have, with keys as scattered."""
    told = io.StringIO()
    for number, line in enumerate(lines, 1):
        made = "\t".join(_hex(ids.new()) for _ in range(_IDS))
        sealed = (line.memo + line.sender).encode().hex() + "00" * 100
        code = line.order.code if line.order else "\\N"
        told.write(
            f"{number}\t{made}\t{school.day}\t{line.amount}\t{line.reference}\t{code}\t\\\\x{sealed}"
            f"\t\\\\x{sha256(str(number).encode()).hexdigest()}\n"
        )
    return told.getvalue().encode()


def _hex(id_: UUID) -> str:
    return f"{id_.int:032x}"
