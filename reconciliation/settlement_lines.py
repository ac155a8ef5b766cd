"""Lines that pay batches: which statement line names a batch, and what is missing of each.

A line pays the batch that its memo names, read as the references of orders are read; without a
name, the one batch of the gateway in its memo that is open at exactly this amount. A credit
that comes before the file waits, in suspense or as free money, until its batch is known.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import insert, text, update
from sqlalchemy.orm import Session

from payments import ledger, vault
from payments.domain import accounts, codes, ids, journals, memo
from payments.domain.calendar import business_day
from payments.domain.memo import Reading, compact
from payments.domain.people import SERVICE, Actor
from payments.domain.states import LINE, LineStatus, move
from payments.store.payments import payment_reversal
from payments.store.sessions import biller_of
from reconciliation import cases
from reconciliation.engine.evidence import Evidence, Verdict, amounts
from reconciliation.findings import Findings, Subject
from reconciliation.posting import Line
from reconciliation.store import bank_line, discrepancy

if TYPE_CHECKING:
    from reconciliation.engine.forms import Forms

# How gateways name their payouts: letters, a day, a number. Only beside the gateway's own name.
_SHAPE: Final = re.compile(r"\b[A-Z]{2,5}-?20[2-9][0-9](?:0[1-9]|1[0-2])[0-3][0-9]-?[0-9]{1,4}\b")
_LATEST: Final = 30  # days after its settlement that an unnamed credit is still taken for a batch


@dataclass(frozen=True, slots=True)
class Due:
    """A batch that may be paid. missing: đồng due and not come."""

    id: UUID
    gateway: str
    reference: str
    settle_date: date
    missing: int


@dataclass(frozen=True, slots=True)
class Credit:
    """A line that may pay a batch. amount: signed đồng. payment_id: what it was booked as.

    undone: the batches that people took it off, in their order.
    """

    id: UUID
    amount: int
    day: date
    memo: str
    payment_id: UUID | None = None
    undone: Sequence[UUID] = ()

    @property
    def nth(self) -> int:
        """Which time it would be that it pays one; see journals.batch_key."""
        return len(self.undone) + 1


def claims(dues: Iterable[Due], lines: Sequence[Credit]) -> Mapping[UUID, tuple[Due, str]]:
    """Line -> (the batch it pays, the rule). Pure; a line that could mean two pays none.

    One that a person took off a batch pays another only by its name, and never that one again.
    """
    from reconciliation.engine import forms  # noqa: PLC0415  # pages undo too, and need no pandas

    known = list(dues)
    by_name: dict[str, list[Due]] = defaultdict(list)
    for due in known:
        by_name[compact(due.reference)].append(due)
    shapes = forms.learn(due.reference for due in known)
    found: dict[UUID, tuple[Due, str]] = {}
    unnamed: dict[UUID, list[Credit]] = defaultdict(list)
    for line in lines:
        reading = memo.read(line.memo)
        named = _named(reading, shapes, by_name)
        if len(named) == 1 and named[0].id not in line.undone:
            found[line.id] = (named[0], "batch_named")
        elif not named and not line.undone and not codes.find(line.memo):
            fits = [due for due in known if _fits(due, line, reading.text)]
            if len(fits) == 1:
                unnamed[fits[0].id].append(line)
    taken = {due.id for due, _ in found.values()}
    for due in known:
        if due.id not in taken and len(unnamed[due.id]) == 1:
            found[unnamed[due.id][0].id] = (due, "batch_amount")
    return found


def names_a_batch(told: str, gateways: Iterable[str]) -> str:
    """What a credit calls a batch that nobody knows yet, "" if it does not look like one."""
    reading = memo.read(told)
    shape = _SHAPE.search(reading.text)
    named = any(_says(reading.text, gateway) for gateway in gateways)
    return shape.group() if shape and named and not codes.find(told) else ""


def _named(reading: Reading, shapes: Forms, by_name: Mapping[str, Sequence[Due]]) -> list[Due]:
    refs = {
        read.ref
        for piece in reading.pieces
        for read in shapes.read(piece)
        if read.ref in by_name and not read.doubt
    }
    # What the banks' shapes wall off may be the whole of a batch's name.
    refs |= {word for word in map(compact, reading.text.split()) if word in by_name}
    named = [due for ref in sorted(refs) for due in by_name[ref]]
    said = [due for due in named if _says(reading.text, due.gateway)]
    return said if said and len(refs) == 1 else named


def _fits(due: Due, line: Credit, said: str) -> bool:
    late = (line.day - due.settle_date).days
    exact = due.missing == line.amount > 0
    return exact and 0 <= late <= _LATEST and _says(said, due.gateway)


def _says(said: str, gateway: str) -> bool:
    return re.search(rf"\b{re.escape(gateway.upper())}\b", said) is not None


def dues(db: Session) -> list[Due]:
    """Every batch of the last year, and those still open. Paid ones can be named once more."""
    rows = db.execute(
        text("""SELECT b.id, b.gateway, b.reference, b.settle_date, b.due - b.came AS missing
                FROM settlement_batch b WHERE b.biller_id = :biller
                    AND (b.came <> b.due OR b.settle_date > (SELECT max(settle_date) - 366
                        FROM settlement_batch n WHERE n.biller_id = :biller))
                ORDER BY b.settle_date, b.id"""),
        {"biller": biller_of(db)},
    )
    return [Due(row.id, row.gateway, row.reference, row.settle_date, row.missing) for row in rows]


def gateways(db: Session) -> list[str]:
    """The gateways that hold money of this biller, by their accounts."""
    return list(
        db.scalars(
            text("""SELECT substr(code, 9) FROM account
                    WHERE biller_id = :biller AND code LIKE 'gateway:%' ORDER BY code"""),
            {"biller": biller_of(db)},
        )
    )


def likely(db: Session, lines: Iterable[Line], names: Sequence[str]) -> list[Line]:
    """The lines that could pay a batch, told by their letters alone: most lines are not looked
    at closely. names: the gateways."""
    from reconciliation.engine import forms  # noqa: PLC0415  # as above

    prefixes = forms.learn(due.reference for due in dues(db)).prefixes()
    if any(len(prefix) < 2 for prefix in prefixes):
        return list(lines)
    words = re.compile("|".join(map(re.escape, [*(n.upper() for n in names), *prefixes])))
    return [line for line in lines if words.search("".join(line.memo.upper().split()))]


def pay_imported(db: Session, lines: Sequence[Line], *, at: datetime) -> set[UUID]:
    """Book the lines that pay a batch; return them. lines: locked, not booked yet."""
    if not lines:
        return set()
    credits_ = [Credit(line.id, line.amount, line.day, line.memo) for line in lines]
    found = claims(dues(db), credits_)
    for line in lines:
        if line.id not in found:
            continue
        due, rule = found[line.id]
        journal = journals.batch_paid(
            line.id, due.gateway, accounts.bank(line.account_number), line.amount, day=line.day
        )
        posted = ledger.post(db, journal, at=at)
        _settle(db, line.id, due, journal_id=posted.journal_id, reason=rule)
    return set(found)


# Lines that were booked before their batch was known: in suspense, or as a payment whose money
# is still free. Nobody has decided about them.
_OPEN = """
SELECT l.id, l.amount, l.booking_date, l.key_id, l.sealed, l.payment_id, d.id AS discrepancy_id,
    ARRAY(SELECT u.batch_id FROM batch_undo u WHERE u.biller_id = l.biller_id AND u.line_id = l.id
          ORDER BY u.nth) AS undone
FROM bank_line l
LEFT JOIN payment p ON p.biller_id = l.biller_id AND p.id = l.payment_id
LEFT JOIN discrepancy d ON d.biller_id = l.biller_id
    AND d.status IN ('open', 'assigned', 'proposed')
    AND (d.payment_id = l.payment_id OR (l.payment_id IS NULL AND d.line_id = l.id))
WHERE l.biller_id = :biller AND l.settlement_batch_id IS NULL AND l.journal_id IS NOT NULL
    AND l.refund_id IS NULL
    AND ((l.payment_id IS NULL AND l.status = 'discrepancy' AND d.id IS NOT NULL)
        OR (l.amount > 0 AND p.free = p.amount AND p.amount = l.amount))
ORDER BY l.booking_date, l.id FOR UPDATE OF l
"""


def pay_waiting(db: Session, *, at: datetime) -> int:
    """Settle lines that came before their batch was known; return how many."""
    known = dues(db)
    if not known:
        return 0
    rows = db.execute(text(_OPEN), {"biller": biller_of(db)}).all()
    opened = vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"line:{row.id}") for row in rows]
    )
    lines = [
        Credit(
            row.id,
            row.amount,
            row.booking_date,
            "" if told is vault.ERASED else told.get("memo", ""),
            payment_id=row.payment_id,
            undone=row.undone,
        )
        for row, told in zip(rows, opened, strict=True)
    ]
    found = claims(known, lines)
    waiting = {row.id: row.discrepancy_id for row in rows}
    for line in lines:
        if line.id in found:
            take_over(db, line, found[line.id][0], waiting[line.id], at=at)
    return len(found)


def take_over(
    db: Session,
    line: Credit,
    due: Due,
    discrepancy_id: UUID | None,
    *,
    at: datetime,
    by: Actor = SERVICE,
) -> None:
    """Pay a batch with a line that waits whole; its discrepancy, if it has one, is over then."""
    source = accounts.SUSPENSE
    if line.payment_id is not None:
        source = accounts.UNAPPLIED
        db.execute(
            insert(payment_reversal).values(
                biller_id=biller_of(db),
                id=ids.new(),
                payment_id=line.payment_id,
                amount=line.amount,
                event_key=taken_over(line.id, line.nth),
                at=at,
            )
        )
    day, nth = business_day(at), line.nth
    journal = journals.batch_paid(line.id, due.gateway, source, line.amount, day=day, nth=nth)
    ledger.post(db, journal, at=at, by=by)
    _settle(db, line.id, due)
    if discrepancy_id is not None:
        cases.clear(db, discrepancy_id, why="batch_known", at=at, what=due.reference)


def taken_over(line_id: UUID, nth: int) -> str:
    """The fact that a batch took over the money of a payment. nth: see journals.batch_key."""
    return f"batch:{line_id}" + (f":{nth}" if nth > 1 else "")


def _settle(
    db: Session,
    line_id: UUID,
    due: Due,
    *,
    journal_id: UUID | None = None,
    reason: str | None = None,
) -> None:
    values: dict[str, object] = {"settlement_batch_id": due.id}
    if journal_id is not None:
        matched = move(LINE, LineStatus.IMPORTED, to=LineStatus.MATCHED)
        values |= {"journal_id": journal_id, "status": matched, "reason": reason}
    db.execute(
        update(bank_line)
        .where(bank_line.c.biller_id == biller_of(db), bank_line.c.id == line_id)
        .values(**values)
    )


_MEASURED = text("""
SELECT b.id, b.gateway, b.reference, b.settle_date, b.due, b.came,
    b.due - b.came + coalesce((SELECT sum(c.amount) FROM settlement_correction c
        WHERE c.biller_id = b.biller_id AND c.batch_id = b.id), 0) AS missing
FROM settlement_batch b
WHERE b.biller_id = :biller
    AND EXISTS (SELECT FROM bank_line l
        WHERE l.biller_id = b.biller_id AND l.settlement_batch_id = b.id)
    AND (b.came <> b.due OR EXISTS (SELECT FROM discrepancy d
        WHERE d.biller_id = b.biller_id AND d.settlement_batch_id = b.id
            AND d.status NOT IN ('resolved', 'auto_resolved')))
ORDER BY b.id
""")


def measure(db: Session, *, at: datetime) -> None:
    """Say what is missing of every batch that was paid in part, or too much; clear the others."""
    for row in db.execute(_MEASURED, {"biller": biller_of(db)}).all():
        known = cases.open_about(db, discrepancy.c.settlement_batch_id == row.id)
        if known is not None and known.kind == "BATCH_MISSING":
            cases.clear(db, known.id, why="batch_arrived", at=at, what=row.reference)
            known = None
        if known is not None:
            cases.measure(db, known, int(row.missing), at=at, what=row.reference)
        elif row.missing:
            _open(db, row, at=at)


def _open(db: Session, row: Any, *, at: datetime) -> None:
    evidence = (
        Evidence("batch", row.reference, row.reference, Verdict.AGREES),
        amounts(row.came, row.due),
    )
    cases.open_(
        db,
        "BATCH_MISMATCH",
        Subject(batch_id=row.id, gateway=row.gateway, gap=int(row.missing)),
        abs(int(row.missing)),
        findings=Findings(
            memo=row.reference,
            rule="batch_named",
            evidence=[one.as_data() for one in evidence],
            related=row.reference,
        ),
        day=min(row.settle_date, business_day(at)),
        at=at,
    )
