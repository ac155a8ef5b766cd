"""Bulk posting: a chunk of decided lines as one transaction, with the books of posting.py.

What a line becomes is worked out in its turn, as if it were alone; what is written is written
for the whole chunk. A line of it that was booked elsewhere meanwhile, or anything that
PostgreSQL refuses, undoes the chunk: then its lines go through posting.py one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.bookings import Bookings
from payments.domain import ids, journals
from payments.domain.money import Money
from payments.domain.states import LINE, LineStatus, move
from payments.dues import Owing
from payments.store import staging
from payments.store.sessions import biller_of
from payments.store.staging import Stage
from reconciliation import posting
from reconciliation.bulk_cases import Case, open_many
from reconciliation.findings import Subject
from reconciliation.posting import Choice, Line, Verdict

_MATCHED: Final = move(LINE, LineStatus.IMPORTED, to=LineStatus.MATCHED)
_DISCREPANCY: Final = move(LINE, LineStatus.IMPORTED, to=LineStatus.DISCREPANCY)

_LINES: Final = Stage("line", "id uuid, status text, payment_id uuid, journal_id uuid")
_TAKE_LINES: Final = """
UPDATE bank_line l SET status = s.status, payment_id = s.payment_id, journal_id = s.journal_id
FROM staged_line s WHERE l.biller_id = :biller AND l.id = s.id
"""
_MATCHES: Final = Stage(
    "match", "id uuid, line_id uuid, payment_id uuid, rule text, score float8, evidence text"
)
_TAKE_MATCHES: Final = """
INSERT INTO line_match (biller_id, id, line_id, payment_id, rule, score, evidence, at)
SELECT :biller, id, line_id, payment_id, rule, score, CAST(evidence AS jsonb), :at
FROM staged_match
"""


@dataclass(slots=True)
class _Chunk:
    """What is gathered for one transaction."""

    db: Session
    at: datetime
    bookings: Bookings
    biller_id: UUID
    lines: list[tuple[object, ...]] = field(default_factory=list)
    matches: list[tuple[object, ...]] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    fresh: Iterator[UUID] = field(default_factory=ids.stream)

    def close(self, line: Line, to: LineStatus, payment_id: UUID | None, journal_id: UUID) -> None:
        self.lines.append((line.id, to.value, payment_id, journal_id))

    def remember(self, line: Line, payment_id: UUID, choice: Choice) -> None:
        evidence = json.dumps(posting.nameless(choice.evidence))
        self.matches.append(
            (next(self.fresh), line.id, payment_id, choice.rule, choice.score, evidence)
        )

    def write(self) -> None:
        self.bookings.write()
        told = {"biller": self.biller_id, "at": self.at}
        connection = self.db.connection()
        staging.put(self.db, _LINES, self.lines)
        connection.execute(text(_TAKE_LINES), told)
        if self.matches:
            staging.put(self.db, _MATCHES, self.matches)
            connection.execute(text(_TAKE_MATCHES), told)
        open_many(self.db, self.cases, at=self.at)


def settle(db: Session, pairs: Sequence[tuple[Line, UUID, str]], *, at: datetime) -> None:
    """Lines that show the money that notices had told of: (line, payment, rule), lines locked.

    As posting.settled does for one. Raises what undoes the chunk; see above.
    """
    chunk = _Chunk(db, at, Bookings(db, at=at), biller_of(db))
    for line, payment_id, rule in pairs:
        journal = journals.notice_settled(
            line.id, line.account_number, Money(line.amount), day=line.day
        )
        chunk.close(line, _MATCHED, payment_id, chunk.bookings.post(journal))
        chunk.remember(line, payment_id, Choice("", line.amount, rule, 1.0, ()))
    chunk.write()


def post(
    db: Session,
    decided: Sequence[tuple[Line, Verdict]],
    *,
    at: datetime,
    locked: Callable[[], None],
) -> None:
    """Lines with the engine's verdicts, locked, in the order in which they are to be booked.

    As posting.arrived and posting.in_suspense do for one. Raises what undoes the chunk.
    locked: called once the bills they pay are locked, too.
    """
    chunk = _Chunk(db, at, Bookings(db, at=at), biller_of(db))
    orders = {
        ids.read("ord", choice.order_id)
        for _, verdict in decided
        if verdict.automatic
        for choice in verdict.choices
    }
    owing = Owing(db, orders)
    locked()
    for line, verdict in decided:
        if posting.is_arrival(line, verdict):
            _arrive(chunk, owing, line, verdict)
        else:
            _suspend(chunk, line, verdict)
    chunk.write()


def _arrive(chunk: _Chunk, owing: Owing, line: Line, verdict: Verdict) -> None:
    journal = journals.money_on_statement(
        line.id, line.account_number, Money(line.amount), day=line.day
    )
    payment_id, journal_id = chunk.bookings.receive(
        posting.incoming(line),
        account_id=line.account_id,
        journal=journal,
        is_notice=False,
        key_id=line.key_id,
    )
    free = _spend(chunk.bookings, owing, payment_id, line.amount, verdict)
    if free:
        code = posting.code_of_free_money(verdict)
        subject = Subject(payment_id=payment_id, holds=free)
        findings = posting.findings(line.memo, verdict)
        chunk.cases.append(Case(code, subject, free, findings, line.day))
    chunk.close(line, _DISCREPANCY if free else _MATCHED, payment_id, journal_id)
    for choice in posting.remembered(verdict):
        chunk.remember(line, payment_id, choice)


def _spend(
    bookings: Bookings, owing: Owing, payment_id: UUID, amount: int, verdict: Verdict
) -> int:
    """Apply what is sure and keep what the family paid above; return the đồng left open."""
    free = amount
    if not verdict.automatic:
        return free
    order_ids = [ids.read("ord", choice.order_id) for choice in verdict.choices]
    for order_id, choice in zip(order_ids, verdict.choices, strict=True):
        for invoice_id, part in owing.pay(order_id, free):
            bookings.apply(payment_id, invoice_id, part, rule=choice.rule, order_id=order_id)
            free -= part
    if free and order_ids and posting.keeps_the_rest(verdict, free, amount):
        bookings.keep(payment_id, owing.beneficiary(order_ids[0]), free)
        free = 0
    return free


def _suspend(chunk: _Chunk, line: Line, verdict: Verdict) -> None:
    journal = journals.to_suspense(line.id, line.account_number, line.amount, day=line.day)
    chunk.close(line, _DISCREPANCY, None, chunk.bookings.post(journal))
    code = verdict.code or "UNMATCHED"
    findings = posting.findings(line.memo, verdict)
    subject = Subject(line_id=line.id)
    chunk.cases.append(Case(code, subject, abs(line.amount), findings, line.day))
