"""The books as text, to be compared: by names that a second installation would give as well.

outcome(house)     what a night came to: no id and no time of the machine is in it
every_row(house)   every row of every table, byte for byte, but for how often a run was tried
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import select

from reconciliation import day_sheets, findings
from reconciliation.store import discrepancy
from tests.databases import House

_ORDER: Final = """(SELECT string_agg(i.reference, ' ' ORDER BY i.reference) FROM order_invoice oi
    JOIN invoice i ON i.biller_id = oi.biller_id AND i.id = oi.invoice_id
    WHERE oi.biller_id = o.biller_id AND oi.order_id = o.id)"""

_BALANCES: Final = """
SELECT b.code, a.code, coalesce(sum(CASE WHEN t.debit_account = a.code THEN t.amount END), 0),
    coalesce(sum(CASE WHEN t.credit_account = a.code THEN t.amount END), 0)
FROM account a JOIN biller b ON b.id = a.biller_id
LEFT JOIN transfer t ON t.biller_id = a.biller_id AND a.code IN (t.debit_account, t.credit_account)
GROUP BY b.code, a.code
"""
_ORDERS: Final = f"""
SELECT b.code, {_ORDER}, o.amount, o.allocated, o.status, o.payment_state
FROM payment_order o JOIN biller b ON b.id = o.biller_id
"""
_INVOICES: Final = """
SELECT b.code, i.reference, i.amount, i.allocated, i.refunded, i.status, i.payment_state
FROM invoice i JOIN biller b ON b.id = i.biller_id
"""

TOTALS: Final[Mapping[str, str]] = {
    "balances": _BALANCES,
    "orders": _ORDERS,
    "invoices": _INVOICES,
}
"""What no order of files may change."""

OUTCOME: Final[Mapping[str, str]] = {
    **TOTALS,
    "payments": """
        SELECT b.code, p.gateway, coalesce(a.account_number, ''), coalesce(p.bank_reference,
            p.provider_reference), p.amount, p.allocated, p.kept, p.refunded, p.reversed, p.free
        FROM payment p JOIN biller b ON b.id = p.biller_id
        LEFT JOIN bank_account a ON a.biller_id = p.biller_id AND a.id = p.bank_account_id
    """,
    "lines": """
        SELECT b.code, a.account_number, l.bank_reference, l.amount, l.occurrence, l.status,
            l.payment_id IS NOT NULL, l.refund_id IS NOT NULL, l.journal_id IS NOT NULL
        FROM bank_line l JOIN biller b ON b.id = l.biller_id
        JOIN bank_account a ON a.biller_id = l.biller_id AND a.id = l.bank_account_id
    """,
    "discrepancies": """
        SELECT b.code, d.kind, d.status, d.amount, d.holds, d.day::text,
            coalesce(l.bank_reference, p.bank_reference, p.provider_reference, r.txn_id,
                s.reference)
        FROM discrepancy d JOIN biller b ON b.id = d.biller_id
        LEFT JOIN bank_line l ON l.biller_id = d.biller_id AND l.id = d.line_id
        LEFT JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
        LEFT JOIN settlement_row r ON r.biller_id = d.biller_id AND r.id = d.settlement_row_id
        LEFT JOIN settlement_batch s ON s.biller_id = d.biller_id AND s.id = d.settlement_batch_id
    """,
    "journals": """
        SELECT b.code, j.kind, j.fact_day::text, t.debit_account, t.credit_account, t.amount
        FROM journal j JOIN biller b ON b.id = j.biller_id
        JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id
    """,
    "matches": """
        SELECT b.code, l.bank_reference, m.rule, m.score::text
        FROM line_match m JOIN biller b ON b.id = m.biller_id
        JOIN bank_line l ON l.biller_id = m.biller_id AND l.id = m.line_id
    """,
    "allocations": """
        SELECT b.code, i.reference, a.amount, a.live, a.automatic, a.rule, a.credit_id IS NULL
        FROM allocation a JOIN biller b ON b.id = a.biller_id
        JOIN invoice i ON i.biller_id = a.biller_id AND i.id = a.invoice_id
    """,
    "refunds": """
        SELECT b.code, f.amount, f.method, f.status
        FROM refund f JOIN biller b ON b.id = f.biller_id
    """,
    "batches": """
        SELECT b.code, s.reference, s.standing, s.due, s.came FROM settlement_batch s
        JOIN biller b ON b.id = s.biller_id
    """,
    "messages": """
        SELECT b.code, m.kind, count(*) FROM message m JOIN biller b ON b.id = m.biller_id
        WHERE m.kind <> 'run.requested' GROUP BY b.code, m.kind
    """,
    "receipts": """
        SELECT b.code, i.reference, r.amount, r.status FROM receipt r
        JOIN biller b ON b.id = r.biller_id
        JOIN invoice i ON i.biller_id = r.biller_id AND i.id = r.invoice_id
    """,
    "runs": """
        SELECT b.code, a.account_number, r.day::text, r.finished_at IS NOT NULL, r.error, r.counts
        FROM run r JOIN biller b ON b.id = r.biller_id
        JOIN bank_account a ON a.biller_id = r.biller_id AND a.id = r.bank_account_id
    """,
    "days": """
        SELECT b.code, d.day::text, d.status FROM business_day d JOIN biller b ON b.id = d.biller_id
    """,
}

PASSING: Final[Mapping[str, frozenset[str]]] = {
    "run": frozenset({"attempt", "started_at", "finished_at", "told_at", "step", "done", "total"})
}
"""Table -> the columns that say how often and when something was tried."""


_BY_CHANCE: Final = ("runs ", "findings ", "sheet ways ")


def totals(house: House) -> str:
    """Every balance, order and bill."""
    return _told(house, TOTALS)


def outcome(house: House, *, crossed: bool = False) -> str:
    """What a night came to, a line for each row.

    crossed: accounts were worked on side by side, so that nobody can say which of two lines that
    pay one order (FX…) came first, or which orders were still open to be proposed to a person.
    """
    told = "\n".join([_told(house, OUTCOME), *sorted(_findings(house)), *sorted(_sheets(house))])
    if not crossed:
        return told
    kept = [_either(line) for line in told.splitlines() if not line.startswith(_BY_CHANCE)]
    return "\n".join(sorted(kept))


def _told(house: House, queries: Mapping[str, str]) -> str:
    return "\n".join(
        sorted(
            f"{name} {json.dumps(row, default=str, ensure_ascii=False)}"
            for name, query in queries.items()
            for row in house.psql("admin", query)
        )
    )


def _findings(house: House) -> Iterator[str]:
    """What is sealed in discrepancies: why, and which orders are proposed."""
    for (biller_id,) in house.psql("admin", "SELECT id FROM biller"):
        with house.sessions.begin(biller_id) as db:
            for row in db.execute(select(discrepancy)):
                found = findings.of(db, row)
                names = sorted(one.order_id for one in found.candidates)
                told = [row.kind, row.amount, found.memo, found.rule, names, found.related]
                yield f"findings {json.dumps(told, ensure_ascii=False)}"


def _sheets(house: House) -> Iterator[str]:
    """What would be signed of each day that a run was for; not its moment, and no new ids."""
    for biller_id, day in house.psql("admin", "SELECT DISTINCT biller_id, day FROM run"):
        with house.sessions.begin(biller_id) as db:
            sheet = json.loads(day_sheets.draw_up(db, day, at=house.clock.now()).text)
        del sheet["discrepancies"]["carried"], sheet["as_of"], sheet["seal"]
        for name, figures in sheet.items():
            told = [sheet["biller"], sheet["day"], figures]
            yield f"sheet {name} {json.dumps(told, ensure_ascii=False)}"


def _either(line: str) -> str:
    if "FX" not in line:
        return line
    return re.sub(r"FX[0-9]+", "FX", re.sub(r"9999[0-9]{6}", "*", line))


def differences(one: str, other: str) -> list[str]:
    """Where two of these part, - and + a line; [] when they are equal byte for byte."""
    return [
        line
        for line in difflib.unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]


def every_row(house: House) -> str:
    """Every row of every table as PostgreSQL prints it."""
    tables = house.psql(
        "admin",
        """SELECT c.relname::text, array_agg(quote_ident(a.attname) ORDER BY a.attnum)
           FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
           WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
               AND a.attnum > 0 AND NOT a.attisdropped GROUP BY c.relname ORDER BY c.relname""",
    )
    told = []
    for table, columns in tables:
        kept = ", ".join(one for one in columns if one not in PASSING.get(table, ()))
        rows = house.psql("admin", f"SELECT ROW({kept})::text FROM {table} ORDER BY 1")
        told += [f"{table} {row}" for (row,) in rows]
    return "\n".join(told)
