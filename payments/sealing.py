"""Sealing: positions without gaps, balances, and signed Merkle seals over what is new.

Posting takes no number and updates no balance, so it never waits. One sealer comes after it,
every minute and at day close, and in one transaction gives journals and messages their
positions, adds the journals to the balance snapshots, and seals journals and receipts.

Which rows are new? Transactions commit in another order than they start, so "id above the
last one seen" loses rows. The sealer takes rows whose transaction is below the oldest one
still running (`pg_snapshot_xmin`): those are decided, and no row can appear below any more.
`sealer_mark.sealed_below` is where it stands: every row below has its position. So a journal
has no position yet iff

    journal.xid >= sealer_mark.sealed_below AND NOT EXISTS (its journal_position)

and a balance = balance_snapshot + the transfers of those. Transaction numbers mean nothing
in another cluster: when `sealer_mark.cluster` is not this one (a restored copy), every row
is a candidate, until one round has found nothing left over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments.domain import merkle, seals
from payments.domain.receipts import Header
from payments.domain.seals import Proof, Seal
from payments.store import sealing as queries
from payments.store.sessions import SystemSessions, biller_of

CHUNK: Final = 10_000
"""Rows of each kind a transaction takes, so that it stays well under five seconds."""

_LOCK: Final = 0x7468_7570_6869  # "thuphi": one sealer in the whole database


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one round did. more: call again at once, there is more than a round takes."""

    journals: int = 0
    receipts: int = 0
    messages: int = 0
    seals: int = 0
    more: bool = False
    busy: bool = False
    """Another sealer is at work; nothing was done."""


def seal(db: Session, *, key: Ed25519PrivateKey, at: datetime, limit: int = CHUNK) -> Sealed:
    """Position and seal up to `limit` journals, receipts and messages of all billers.

    Runs as the system role in a transaction of its own (READ COMMITTED, nothing written
    before). A repeat takes what is new since; a round that is rolled back leaves nothing.
    """
    if not db.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}):
        return Sealed(busy=True)
    window = _window(db, limit)
    journals = db.execute(text(queries.JOURNALS.format(range=window.range)), window.params).all()
    receipts = db.execute(text(queries.RECEIPTS.format(range=window.range)), window.params).all()
    messages = db.execute(text(queries.MESSAGES.format(range=window.range)), window.params).one()
    count = _seal_billers(db, journals, receipts, key=key, at=at)
    _add_to_snapshots(db, journals)
    full = [max(row.xid for row in rows) for rows in (journals, receipts) if len(rows) == limit] + (
        [int(messages.last_xid)] if messages.taken == limit else []
    )
    _set_mark(db, window, min(full, default=window.upper), drained=not full)
    return Sealed(len(journals), len(receipts), messages.taken, count, more=bool(full))


def number(db: Session, *, limit: int = CHUNK) -> int:
    """Give up to `limit` messages of all billers their positions and seal nothing.

    For those who wait to be told, between two seals; runs as the system role like `seal`, and
    the two never at once. Returns how many got one. A restored copy is left to the sealer.
    """
    if not db.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}):
        return 0
    window = _window(db, limit)
    if "below" not in window.params:
        return 0
    below = db.scalar(text("SELECT greatest(sealed_below, numbered_below)::text FROM sealer_mark"))
    asked = window.params | {"below": below}
    messages = db.execute(text(queries.MESSAGES.format(range=window.range)), asked).one()
    full = messages.taken == limit
    db.execute(
        text("UPDATE sealer_mark SET numbered_below = CAST(:below AS xid8)"),
        {"below": str(messages.last_xid if full else window.upper)},
    )
    return int(messages.taken)


def seal_all(sessions: SystemSessions, *, key: Ed25519PrivateKey, at: datetime) -> Sealed:
    """Seal round after round, each in its own transaction, until nothing is left.

    Returns the sums.
    """
    journals = receipts = messages = count = 0
    while True:
        with sessions.begin() as db:
            done = seal(db, key=key, at=at)
        journals, receipts = journals + done.journals, receipts + done.receipts
        messages, count = messages + done.messages, count + done.seals
        if not done.more:
            return Sealed(journals, receipts, messages, count, busy=done.busy)


def latest(db: Session) -> Proof | None:
    """The newest seal of this biller, as a proof without a leaf; for the day's sign-off."""
    row = db.execute(
        text(queries.SEALS + " WHERE s.biller_id = :biller ORDER BY s.number DESC LIMIT 1"),
        {"biller": biller_of(db)},
    ).one_or_none()
    return None if row is None else Proof(seal_of(row), 0, (), row.signature, row.public_key)


def numbered(db: Session, number_: int) -> Seal | None:
    """A seal of this biller by its number."""
    row = db.execute(
        text(queries.SEALS + " WHERE s.biller_id = :biller AND s.number = :number"),
        {"biller": biller_of(db), "number": number_},
    ).one_or_none()
    return None if row is None else seal_of(row)


def proof(db: Session, journal_id: UUID) -> Proof | None:
    """The proof of a journal of this biller; None until it is sealed."""
    row = db.execute(
        text(
            queries.SEALS
            + """ JOIN journal_position p ON p.biller_id = s.biller_id
            AND p.position BETWEEN s.first_position AND s.last_position
            WHERE s.biller_id = :biller AND p.journal_id = :id"""
        ),
        {"biller": biller_of(db), "id": journal_id},
    ).one_or_none()
    return None if row is None else _prove(db, row, "journal_id", journal_id)


def proof_of_receipt(db: Session, receipt_id: UUID) -> Proof | None:
    """The proof of a receipt of this biller; None until it is sealed."""
    row = db.execute(
        text(
            queries.SEALS
            + """ JOIN receipt_leaf p ON p.biller_id = s.biller_id AND p.seal = s.number
            WHERE s.biller_id = :biller AND p.receipt_id = :id"""
        ),
        {"biller": biller_of(db), "id": receipt_id},
    ).one_or_none()
    return None if row is None else _prove(db, row, "receipt_id", receipt_id)


def verify(given: Proof, leaf: bytes, public_key: bytes) -> bool:
    """Whether the leaf is in the seal and the seal is signed by this key. Pure.

    public_key: 32 bytes that the verifier trusts; the one inside the proof is only a hint.
    """
    return given.leads_from(leaf) and signed(given.seal, given.signature, public_key)


def signed(given: Seal, signature: bytes, public_key: bytes) -> bool:
    """Whether a seal's chained hash carries a signature of this key. Pure."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(signature, seals.SIGNED_AS + given.chained())
    except (InvalidSignature, ValueError):
        return False
    return True


def signed_receipt(header: Header, signature: bytes, public_keys: Iterable[bytes]) -> bool:
    """Whether one of these keys (32 bytes each) signed the header. Pure."""
    for public_key in public_keys:
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, header.to_sign())
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def seal_of(row: Row[Any]) -> Seal:
    """A row of the query `queries.SEALS` as the value that is chained and signed."""
    return Seal(
        row.biller_id,
        row.number,
        row.first_position,
        row.last_position,
        row.leaves,
        row.root,
        row.previous,
        row.sealed_at,
    )


def leaf_of(row: Row[Any], position: int) -> bytes:
    """The leaf of a journal row that carries its transfers as three arrays."""
    return seals.journal_leaf(
        biller_id=row.biller_id,
        position=position,
        journal_id=row.id,
        event_key=row.event_key,
        kind=row.kind,
        days=(row.business_day.isoformat(), row.fact_day.isoformat()),
        posted_at=row.posted_at,
        actor_id=row.actor_id,
        reverses=row.reverses_journal_id,
        transfers=list(zip(row.debits, row.credits, row.amounts, strict=True)),
    )


def header_of(row: Row[Any]) -> Header:
    """The header of a receipt row, as it was signed and is sealed."""
    return Header(
        row.biller_id,
        row.id,
        row.form,
        row.year,
        row.number,
        row.code,
        row.invoice_id,
        row.allocation_id,
        row.replaces_id,
        row.amount,
        row.issued_at,
        row.content_hash,
    )


@dataclass(frozen=True, slots=True)
class _Window:
    """The transactions of this round: from `below` up to, not including, `upper`."""

    upper: int
    cluster: str
    range: str
    params: dict[str, Any]


def _window(db: Session, limit: int) -> _Window:
    now = db.execute(
        text("""SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS upper,
                (SELECT system_identifier::text FROM pg_control_system()) AS cluster,
                (SELECT sealed_below::text FROM sealer_mark) AS below,
                (SELECT cluster FROM sealer_mark) AS known""")
    ).one()
    known = now.known == now.cluster
    # In a restored copy the numbers are another cluster's: every visible row was decided
    # before the copy was made or belongs to a transaction that has committed here since.
    return _Window(
        int(now.upper),
        now.cluster,
        "x.xid >= CAST(:below AS xid8) AND x.xid < CAST(:upper AS xid8)" if known else "true",
        {"limit": limit} | ({"below": now.below, "upper": now.upper} if known else {}),
    )


def _set_mark(db: Session, window: _Window, below: int, *, drained: bool) -> None:
    """Move the mark. A restored copy keeps its old one until nothing is left over."""
    if window.range == "true" and not drained:
        return
    db.execute(
        text("""INSERT INTO sealer_mark (sealed_below, cluster)
                VALUES (CAST(:below AS xid8), :cluster)
                ON CONFLICT (one) DO UPDATE SET sealed_below = EXCLUDED.sealed_below,
                    cluster = EXCLUDED.cluster, numbered_below = NULL"""),
        {"below": str(below), "cluster": window.cluster},
    )


def _seal_billers(
    db: Session,
    journals: Sequence[Row[Any]],
    receipts: Sequence[Row[Any]],
    *,
    key: Ed25519PrivateKey,
    at: datetime,
) -> int:
    """Write positions, leaves and one seal per biller that has something new."""
    of_biller = attrgetter("biller_id")
    new_journals = {b: list(rows) for b, rows in groupby(journals, of_biller)}
    new_receipts = {b: list(rows) for b, rows in groupby(receipts, of_biller)}
    billers = sorted(new_journals.keys() | new_receipts.keys())
    last = {row.biller_id: row for row in db.execute(text(queries.LAST), {"billers": billers})}
    positions: list[tuple[UUID, int, UUID, bytes]] = []
    places: list[tuple[UUID, int, int, UUID, bytes]] = []
    sealed: list[dict[str, Any]] = []
    for biller in billers:
        before = last[biller]
        mine = [
            (biller, position, row.id, leaf_of(row, position))
            for position, row in enumerate(new_journals.get(biller, ()), before.last_position + 1)
        ]
        added = [
            (biller, before.number + 1, place, row.id, header_of(row).leaf())
            for place, row in enumerate(new_receipts.get(biller, ()), 1)
        ]
        leaves = [row[-1] for row in mine] + [row[-1] for row in added]
        sealed.append(
            _signed(
                Seal(
                    biller,
                    before.number + 1,
                    before.last_position + 1,
                    before.last_position + len(mine),
                    len(leaves),
                    merkle.root(leaves),
                    before.chained or seals.FIRST_PREVIOUS,
                    at,
                ),
                key,
            )
        )
        positions += mine
        places += added
    if sealed:
        db.execute(text(queries.INSERT_SEAL), sealed)
    _insert(db, queries.INSERT_POSITIONS, positions)
    _insert(db, queries.INSERT_PLACES, places)
    return len(sealed)


def _signed(new: Seal, key: Ed25519PrivateKey) -> dict[str, Any]:
    chained = new.chained()
    return {
        "biller": new.biller_id,
        "number": new.number,
        "first": new.first_position,
        "last": new.last_position,
        "root": new.root,
        "previous": new.previous,
        "chained": chained,
        "signature": key.sign(seals.SIGNED_AS + chained),
        "public_key": key.public_key().public_bytes_raw(),
        "at": new.sealed_at,
    }


def _add_to_snapshots(db: Session, journals: Iterable[Row[Any]]) -> None:
    """Add what was just positioned, so that a balance needs only what comes after."""
    sums: defaultdict[tuple[UUID, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in journals:
        for debit, credit, amount in zip(row.debits, row.credits, row.amounts, strict=True):
            sums[row.biller_id, debit][0] += amount
            sums[row.biller_id, credit][1] += amount
    # In one order, so that two writers of snapshots could never wait for each other.
    rows = [(biller, account, *sums[biller, account]) for biller, account in sorted(sums)]
    _insert(db, queries.ADD_TO_SNAPSHOTS, rows)


def _insert(db: Session, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert many rows by one statement: the columns travel as arrays :c0, :c1 …"""
    if rows:
        columns = zip(*rows, strict=True)
        db.execute(text(statement), {f"c{i}": list(column) for i, column in enumerate(columns)})


def _prove(db: Session, row: Row[Any], what: str, subject_id: UUID) -> Proof:
    leaves = db.execute(
        text(queries.LEAVES),
        {
            "biller": row.biller_id,
            "first": row.first_position,
            "last": row.last_position,
            "number": row.number,
        },
    ).all()
    index = next(i for i, leaf in enumerate(leaves) if getattr(leaf, what) == subject_id)
    steps = merkle.path([leaf.leaf for leaf in leaves], index)
    return Proof(seal_of(row), index, steps, row.signature, row.public_key)
