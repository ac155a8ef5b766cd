"""Many discrepancies at once: which have one exact answer, and what it would book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payments import vault
from payments.domain import ids
from payments.domain.journals import Transfer
from payments.people import Person
from payments.queries import money, seeking, staff
from payments.queries.money import Places
from payments.store.billers import biller
from payments.store.sessions import biller_of
from reconciliation import answers, exact, previews, remedies
from reconciliation.exact import Doubt, Exact
from reconciliation.findings import Findings
from reconciliation.queries import originals
from reconciliation.store import bank_line, discrepancy

_NOBODY: Final = Person("")
_NOWHERE: Final = Places(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Ready:
    """One that can be decided together with others. legs: what would be booked.

    way: a key of remedies.WAYS. code, beneficiary: of the order its money goes to, if any; or
    code is the number of the credit that is taken back, and bills are those that it has paid.
    needs_second: above the limit. proposer: the name of who proposed it, if somebody did.
    """

    id: UUID
    kind: str
    amount: int
    way: str
    memo: str
    legs: Sequence[Transfer]
    needs_second: bool
    code: str = ""
    beneficiary: Person = _NOBODY
    proposer: str = ""
    bills: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NotReady:
    """One that is left, and why in both languages."""

    id: UUID
    kind: str
    amount: int
    vi: str
    en: str


Looked = tuple[list[Ready], list[NotReady]]


def exact_of(db: Session, wanted: Sequence[UUID]) -> Mapping[UUID, Exact]:
    """Those with one exact answer."""
    found = answers.of_many(db, wanted)
    return {one: answer for one, answer in found.items() if isinstance(answer, Exact)}


def to_accept(db: Session, wanted: Sequence[UUID]) -> Looked:
    """What accepting these would do, in the order given; what is over is left out."""
    rows = _rows(db, wanted)
    found = answers.of_many(db, list(rows))
    said = {one: answer for one, answer in found.items() if isinstance(answer, Exact)}
    left = [
        NotReady(one, rows[one].kind, rows[one].amount, *exact.SAID[doubt])
        for one, doubt in found.items()
        if isinstance(doubt, Doubt)
    ]
    ways = {one: (answer.way, answer.target) for one, answer in said.items()}
    return _ready(db, rows, ways), left


def to_approve(db: Session, wanted: Sequence[UUID], reader: UUID) -> Looked:
    """What approving these would do: exact proposals of somebody else."""
    rows = _rows(db, wanted)
    ways, left = {}, []
    for one, row in rows.items():
        if row.status != "proposed":
            continue
        it = remedies.Proposal.of(db, row)
        if row.proposed_by == reader:
            left.append(NotReady(one, row.kind, row.amount, *_OWN))
        elif not it.exact:
            left.append(NotReady(one, row.kind, row.amount, *_BY_ITSELF))
        else:
            ways[one] = (it.way, it.target)
    return _ready(db, rows, ways), left


_OWN = ("Bạn là người đề nghị khoản này.", "You proposed this one.")
_BY_ITSELF = (
    "Đề nghị này phải duyệt riêng.",
    "This proposal has to be approved by itself.",
)


def _rows(db: Session, wanted: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    found = db.execute(
        select(discrepancy).where(
            discrepancy.c.biller_id == biller_of(db), discrepancy.c.id.in_(wanted)
        )
    ).all()
    rows = {row.id: row for row in found}
    return {one: rows[one] for one in wanted if one in rows}


def _ready(
    db: Session, rows: Mapping[UUID, Row[Any]], ways: Mapping[UUID, tuple[str, str]]
) -> list[Ready]:
    """In the order of the rows; the orders, memos and names of all of them are read at once."""
    chosen = [rows[one] for one in rows if one in ways]
    wanted = [ids.read("ord", it) for _, it in ways.values() if it.startswith("ord_")]
    orders = {ids.shown("ord", one): order for one, order in seeking.orders(db, wanted).items()}
    sealed = [vault.Envelope(row.key_id, row.sealed, f"discrepancy:{row.id}") for row in chosen]
    told = vault.unseal_many(db, sealed)
    names = staff.names(db, [row.proposed_by for row in chosen])
    limit: int = db.execute(
        select(biller.c.approval_limit).where(biller.c.id == biller_of(db))
    ).scalar_one()
    suspended = _suspended(db, [row.line_id for row in chosen if row.payment_id is None])
    paid = _paid(db, (it for _, it in ways.values()))
    made = []
    for row, plain in zip(chosen, told, strict=True):
        way, target = ways[row.id]
        order = orders.get(target)
        stake = row.holds if row.payment_id is not None else suspended.get(row.line_id, 0)
        places = paid.get(target, _NOWHERE)
        related = "" if plain is vault.ERASED else plain["related"]
        earlier = originals.of(db, row, Findings(related=related)) if target in paid else None
        made.append(
            Ready(
                id=row.id,
                kind=row.kind,
                amount=row.amount,
                way=way,
                memo="" if plain is vault.ERASED else plain["memo"],
                legs=previews.transfers(
                    way,
                    stake,
                    owed=order.owed if order else 0,
                    paid=places.applied,
                    kept=places.kept,
                ),
                needs_second=row.amount > limit,
                code=order.code if order else earlier.reference if earlier else "",
                beneficiary=order.beneficiary if order else _NOBODY,
                bills=[reference for _, reference in earlier.bills] if earlier else (),
                proposer=names.get(row.proposed_by, ""),
            )
        )
    return made


def _paid(db: Session, targets: Iterable[str]) -> Mapping[str, Places]:
    """Where the money of payments that are taken back is, by their shown ids."""
    wanted = [ids.read("pay", it) for it in targets if it.startswith("pay_")]
    return {ids.shown("pay", one): it for one, it in money.places(db, wanted).items()}


def _suspended(db: Session, line_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = db.execute(
        select(bank_line.c.id, bank_line.c.amount).where(
            bank_line.c.biller_id == biller_of(db), bank_line.c.id.in_(line_ids)
        )
    )
    return {row.id: row.amount for row in rows}


def exact_proposals(db: Session, wanted: Sequence[UUID], reader: UUID) -> int:
    """How many of these are exact proposals that somebody else made."""
    found: int = db.execute(
        text("""SELECT count(*) FROM discrepancy d WHERE d.biller_id = :biller
                AND d.id = ANY(:ids) AND d.status = 'proposed' AND d.proposed_by <> :reader
                AND (d.proposal->>'exact')::boolean"""),
        {"biller": biller_of(db), "ids": list(wanted), "reader": reader},
    ).scalar_one()
    return found
