"""`thuphi check-ledger`: prove the ledger from the transfers up.

Everything is read in one snapshot, as the system role, so that postings meanwhile change no
result. Each check tells its first difference: whose, what, expected (counted anew) and found
(kept). Counters, snapshots and positions are compared by SQL (ledger_checks.py); leaves, roots,
chains and signatures are computed here, journal by journal, without holding a table in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from ops.ledger_checks import CHECKS
from payments import sealing
from payments.domain import merkle, seals
from payments.domain.seals import Seal
from payments.store.sessions import SystemSessions

_AT_A_TIME: Final = 2_000
SEALS: Final = "seals hold, chained and signed"
RECEIPTS: Final = "receipts are signed"


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the recount and the rows part. biller: its code; the rest as text."""

    biller: str
    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check and its first difference; None: it holds."""

    check: str
    difference: Difference | None


Watch = Callable[[Iterable[str], int], Iterable[str]]
"""Goes through the names of the checks and may show how far it is; the number is their count."""


def check(
    sessions: SystemSessions, *, keys: Sequence[bytes], watch: Watch = lambda names, _: names
) -> Iterator[Outcome]:
    """Run every check and yield its outcome as soon as it is known.

    keys: public keys whose signatures are ours (`KeyRing.believed()`).
    """
    names = [*CHECKS, RECEIPTS, SEALS]
    with sessions.begin() as db:
        db.connection(
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        db.execute(text("SET LOCAL statement_timeout = 0"))
        codes = {row.id: row.code for row in db.execute(text("SELECT id, code FROM biller"))}
        for name in watch(names, len(names)):
            with closing(_differences(db, name, keys)) as differences:
                found = next(differences, None)
            yield Outcome(name, None if found is None else _told(codes, *found))


_Found = tuple[UUID, str, object, object]


def _differences(db: Session, name: str, keys: Sequence[bytes]) -> Generator[_Found, None, None]:
    if name == SEALS:
        yield from _seals(db, keys)
    elif name == RECEIPTS:
        yield from _receipts(db, keys)
    else:
        for row in db.execute(text(CHECKS[name])).all():
            yield row[0], row[1], row[2], row[3]


def _told(codes: dict[UUID, str], biller: UUID, *said: object) -> Difference:
    subject, expected, found = (_as_text(one) for one in said)
    return Difference(codes.get(biller, str(biller)), subject, expected, found)


def _as_text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _receipts(db: Session, keys: Sequence[bytes]) -> Iterator[_Found]:
    for row in _streamed(db, _RECEIPTS):
        header = sealing.header_of(row)
        if not sealing.signed_receipt(header, row.signature, keys):
            subject = f"receipt {row.form} {row.year} {row.number}"
            yield row.biller_id, subject, "a signature of ours", "none that holds"


def _seals(db: Session, keys: Sequence[bytes]) -> Iterator[_Found]:
    for biller in db.scalars(text("SELECT id FROM biller ORDER BY id")).all():
        yield from _chain(db, biller, keys)


def _chain(db: Session, biller: UUID, keys: Sequence[bytes]) -> Iterator[_Found]:
    """Rebuild every leaf, root and link of one biller, in one pass over each table."""
    of = {"biller": biller}
    journals = _Shelf(_streamed(db, _JOURNALS, of), attrgetter("position"))
    receipts = _Shelf(_streamed(db, _RECEIPT_LEAVES, of), attrgetter("seal"))
    number, last, chained = 0, 0, seals.FIRST_PREVIOUS
    for row in _streamed(db, _SEALS, of):
        subject = f"seal {row.number}"
        leaves: list[bytes] = []
        for journal in journals.up_to(row.last_position):
            leaf = None if journal.id is None else sealing.leaf_of(journal, journal.position)
            leaves.append(journal.leaf)
            if leaf != journal.leaf:
                yield biller, f"journal at position {journal.position}", journal.leaf, leaf
        for receipt in receipts.up_to(row.number):
            leaf = sealing.header_of(receipt).leaf()
            leaves.append(receipt.leaf)
            if leaf != receipt.leaf:
                yield biller, f"receipt {receipt.form} {receipt.number}", receipt.leaf, leaf
        if (row.number, row.first_position) != (number + 1, last + 1):
            yield biller, subject, f"number {number + 1} from {last + 1}", "a gap before it"
        new = Seal(
            biller,
            row.number,
            row.first_position,
            row.last_position,
            len(leaves),
            merkle.root(leaves) if leaves else b"",
            chained,
            row.sealed_at,
        )
        if new.root != row.root:
            yield biller, f"{subject}: root", new.root, row.root
        if (chained, new.chained()) != (row.previous, row.chained):
            yield biller, f"{subject}: chain", new.chained(), row.chained
        if not any(sealing.signed(new, row.signature, key) for key in keys):
            yield biller, f"{subject}: signature", "one of ours", "none that holds"
        number, last, chained = row.number, row.last_position, new.chained()
    yield from _unsealed(biller, [*journals.rest(), *receipts.rest()])


def _unsealed(biller: UUID, left: Iterable[Row[Any]]) -> Iterator[_Found]:
    """Positions are written together with their seal: there is none without."""
    for row in left:
        yield biller, f"{row.what} {row.id}", "a seal", "none"


class _Shelf:
    """Rows in order, taken from the front as far as a seal reaches."""

    def __init__(self, rows: Iterator[Row[Any]], key: Callable[[Row[Any]], int]) -> None:
        self._rows, self._key = rows, key
        self._next = next(self._rows, None)

    def up_to(self, limit: int) -> Iterator[Row[Any]]:
        """The rows whose key is within the limit; the rest stays."""
        while self._next is not None and self._key(self._next) <= limit:
            yield self._next
            self._next = next(self._rows, None)

    def rest(self) -> Iterator[Row[Any]]:
        """The first row that no seal reached, if there is one."""
        if self._next is not None:
            yield self._next


def _streamed(
    db: Session, statement: str, params: dict[str, Any] | None = None
) -> Iterator[Row[Any]]:
    """The rows through a server-side cursor, which is closed with the iterator."""
    with db.execute(
        text(statement),
        params or {},
        execution_options={"stream_results": True, "yield_per": _AT_A_TIME},
    ) as rows:
        yield from rows


_SEALS = """
SELECT number, first_position, last_position, root, previous, chained, signature, sealed_at
FROM seal WHERE biller_id = :biller ORDER BY number
"""
_JOURNALS = """
SELECT 'journal' AS what, p.biller_id, p.position, p.leaf, j.id, j.event_key, j.kind,
       j.business_day, j.fact_day, j.posted_at, j.actor_id, j.reverses_journal_id,
       coalesce(t.debits, '{}') AS debits, coalesce(t.credits, '{}') AS credits,
       coalesce(t.amounts, '{}') AS amounts
FROM journal_position p
LEFT JOIN journal j ON j.biller_id = p.biller_id AND j.id = p.journal_id
CROSS JOIN LATERAL (
    SELECT array_agg(debit_account ORDER BY seq) AS debits,
           array_agg(credit_account ORDER BY seq) AS credits,
           array_agg(amount ORDER BY seq) AS amounts
    FROM transfer t WHERE t.biller_id = p.biller_id AND t.journal_id = p.journal_id) t
WHERE p.biller_id = :biller ORDER BY p.position
"""
_RECEIPT = """
SELECT 'receipt' AS what, r.biller_id, r.id, r.form, r.year, r.number, r.code, r.invoice_id,
       r.allocation_id, r.replaces_id, r.amount, r.issued_at, r.content_hash, r.signature
"""
_RECEIPTS = _RECEIPT + "FROM receipt r ORDER BY r.biller_id, r.id"
_RECEIPT_LEAVES = (
    _RECEIPT
    + """, l.seal, l.leaf FROM receipt_leaf l
JOIN receipt r ON r.biller_id = l.biller_id AND r.id = l.receipt_id
WHERE l.biller_id = :biller ORDER BY l.seal, l.place
"""
)
