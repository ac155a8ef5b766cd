"""The ledger: the only writer of journals and transfers.

A journal and its transfers are one statement; the triggers of migration 0002 refuse
anything else. Posting updates no balance row: a balance is the last snapshot plus the
journals that no seal has counted yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.domain import accounts, ids, journals
from payments.domain.calendar import business_day
from payments.domain.errors import NotFound, Repeated
from payments.domain.journals import Journal, Transfer
from payments.domain.money import Money
from payments.domain.people import SERVICE, Actor
from payments.store import staging
from payments.store.sessions import biller_of
from payments.store.staging import Stage

CHUNK = 5_000
"""Journals per bulk statement, so that no writing transaction gets near five seconds."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The journal that stands for a fact; first_time tells whether this call wrote it."""

    journal_id: UUID
    first_time: bool


_POST = text("""
WITH new_journal AS (
    INSERT INTO journal (biller_id, id, event_key, kind, business_day, fact_day, posted_at,
                         actor_id, reverses_journal_id, transfers)
    SELECT :biller, :id, :key, :kind,
           -- A late fact is booked today and points to the day it belongs to.
           CASE WHEN EXISTS (SELECT FROM business_day d WHERE d.biller_id = :biller
                             AND d.day = :fact_day AND d.status = 'signed_off')
                THEN CAST(:today AS date) ELSE CAST(:fact_day AS date) END,
           :fact_day, :at, :actor, :reverses, :count
    ON CONFLICT (biller_id, event_key) DO NOTHING
    RETURNING biller_id, id
), legs AS (
    INSERT INTO transfer (biller_id, journal_id, seq, debit_account, credit_account, amount)
    SELECT j.biller_id, j.id, leg.seq, leg.debit, leg.credit, leg.amount
    FROM new_journal j, unnest(CAST(:debits AS text[]), CAST(:credits AS text[]),
        CAST(:amounts AS bigint[])) WITH ORDINALITY AS leg (debit, credit, amount, seq)
)
SELECT id FROM new_journal
""")


def post(db: Session, journal: Journal, *, at: datetime, by: Actor = SERVICE) -> Posted:
    """Book the journal once, whichever door it came through.

    A fact that is booked already keeps its first journal. Raises Repeated when the same
    fact is told with other transfers, DayClosed when the day closed a moment ago.
    """
    return _post(db, journal, at=at, by=by, reverses=None)


def reverse(
    db: Session, original_key: str, *, key: str, day: date, at: datetime, by: Actor = SERVICE
) -> Posted:
    """Take back the journal of a fact by its mirror image, once.

    Raises NotFound when no such fact was booked.
    """
    found = db.execute(
        text("SELECT id, kind FROM journal WHERE biller_id = :biller AND event_key = :key"),
        {"biller": biller_of(db), "key": original_key},
    ).one_or_none()
    if found is None:
        raise NotFound()
    original = Journal(original_key, found.kind, day, tuple(transfers_of(db, found.id)))
    mirror = journals.mirrored(original, key=key, day=day)
    return _post(db, mirror, at=at, by=by, reverses=found.id)


def _post(
    db: Session, journal: Journal, *, at: datetime, by: Actor, reverses: UUID | None
) -> Posted:
    biller_id, journal_id = biller_of(db), ids.new()
    legs = journal.transfers
    written = db.scalar(
        _POST,
        {
            "biller": biller_id,
            "id": journal_id,
            "key": journal.event_key,
            "kind": journal.kind,
            "fact_day": journal.fact_day,
            "today": business_day(at),
            "at": at,
            "actor": by.id,
            "reverses": reverses,
            "count": len(legs),
            "debits": [leg.debit for leg in legs],
            "credits": [leg.credit for leg in legs],
            "amounts": [leg.amount.amount for leg in legs],
        },
    )
    if written is not None:
        return Posted(journal_id, first_time=True)
    first = db.execute(
        text("SELECT id FROM journal WHERE biller_id = :biller AND event_key = :key"),
        {"biller": biller_id, "key": journal.event_key},
    ).scalar_one()
    if tuple(transfers_of(db, first)) != legs:
        raise Repeated(
            "Sự kiện này đã được ghi sổ với nội dung khác.",
            "This fact was booked before with other content.",
        )
    return Posted(first, first_time=False)


def post_many(
    db: Session,
    batch: Sequence[Journal],
    *,
    at: datetime,
    by: Actor = SERVICE,
    named: Sequence[UUID] | None = None,
) -> int:
    """Book many journals by COPY and two INSERT..SELECT; return how many were new.

    Facts that are booked already are left as they are. named: the ids that the new ones get, one
    each. The caller keeps a batch to a few CHUNKs of journals a transaction.
    """
    if not batch:
        return 0
    given = named if named is not None else [ids.new() for _ in batch]
    staging.put(db, _LEGS, _rows(zip(given, batch, strict=True)))
    posted: int = (
        db.connection()
        .execute(
            text(_FROM_STAGING),
            {"biller": biller_of(db), "today": business_day(at), "at": at, "actor": by.id},
        )
        .scalar_one()
    )
    return posted


def _rows(batch: Iterable[tuple[UUID, Journal]]) -> Iterator[tuple[object, ...]]:
    for id_, journal in batch:
        count = len(journal.transfers)
        for seq, leg in enumerate(journal.transfers, 1):
            yield (
                id_,
                journal.event_key,
                journal.kind,
                journal.fact_day,
                count,
                seq,
                leg.debit,
                leg.credit,
                leg.amount.amount,
            )


_LEGS = Stage(
    "leg",
    "journal_id uuid, event_key text, kind text, fact_day date, transfers smallint, seq smallint,"
    " debit text, credit text, amount bigint, PRIMARY KEY (journal_id, seq)",
)
_FROM_STAGING = """
WITH new_journal AS (
    INSERT INTO journal (biller_id, id, event_key, kind, business_day, fact_day, posted_at,
                         actor_id, transfers)
    SELECT :biller, s.journal_id, s.event_key, s.kind,
           CASE WHEN d.day IS NOT NULL THEN CAST(:today AS date) ELSE s.fact_day END,
           s.fact_day, :at, :actor, s.transfers
    FROM staged_leg s
    LEFT JOIN business_day d
        ON d.biller_id = :biller AND d.day = s.fact_day AND d.status = 'signed_off'
    WHERE s.seq = 1
    ON CONFLICT (biller_id, event_key) DO NOTHING
    RETURNING id
), legs AS (
    INSERT INTO transfer (biller_id, journal_id, seq, debit_account, credit_account, amount)
    SELECT :biller, s.journal_id, s.seq, s.debit, s.credit, s.amount
    FROM staged_leg s JOIN new_journal j ON j.id = s.journal_id
)
SELECT count(*) FROM new_journal
"""


def transfers_of(db: Session, journal_id: UUID) -> list[Transfer]:
    """The transfers of one journal, in their order."""
    rows = db.execute(
        text("""SELECT debit_account, credit_account, amount FROM transfer
                WHERE biller_id = :biller AND journal_id = :journal ORDER BY seq"""),
        {"biller": biller_of(db), "journal": journal_id},
    )
    return [Transfer(row.debit_account, row.credit_account, Money(row.amount)) for row in rows]


_BALANCES = """
WITH fresh AS (
    -- Journals no seal has counted. All of them are at or above the sealer's mark, unless
    -- the database was restored elsewhere; then every transaction number counts as fresh.
    SELECT t.debit_account, t.credit_account, t.amount
    FROM journal j JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id
    WHERE j.biller_id = :biller
        AND NOT EXISTS (SELECT FROM journal_position p
                        WHERE p.biller_id = j.biller_id AND p.journal_id = j.id)
), moved AS (
    SELECT debit_account AS account, amount AS debits, 0 AS credits FROM fresh
    UNION ALL SELECT credit_account, 0, amount FROM fresh
    UNION ALL SELECT account, debits, credits FROM balance_snapshot WHERE biller_id = :biller
)
SELECT a.code, a.kind, a.book_code, a.name_vi, a.name_en,
       coalesce(sum(m.debits), 0) AS debits, coalesce(sum(m.credits), 0) AS credits
FROM account a LEFT JOIN moved m ON m.account = a.code
WHERE a.biller_id = :biller AND (CAST(:account AS text) IS NULL OR a.code = :account)
GROUP BY a.code, a.kind, a.book_code, a.name_vi, a.name_en ORDER BY a.book_code, a.code
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """Both sides of one account, in đồng. Sums may pass what a single Money may hold."""

    account: accounts.Account
    debits: int
    credits: int

    @property
    def amount(self) -> int:
        """The balance on the account's own side: what it holds, owes or earned."""
        net = self.debits - self.credits
        on_debit = self.account.kind in (accounts.Kind.ASSET, accounts.Kind.EXPENSE)
        return net if on_debit else -net


def trial_balance(db: Session) -> list[Balance]:
    """Every account with both sides; the two columns add up to the same."""
    return _balances(db, None)


def balance(db: Session, account: str) -> int:
    """What one account holds on its own side. Raises NotFound for an unknown account."""
    found = _balances(db, account)
    if not found:
        raise NotFound()
    return found[0].amount


def _balances(db: Session, account: str | None) -> list[Balance]:
    rows = db.execute(text(_BALANCES), {"biller": biller_of(db), "account": account})
    return [
        Balance(
            accounts.Account(
                row.code, accounts.Kind(row.kind), row.book_code, row.name_vi, row.name_en
            ),
            int(row.debits),
            int(row.credits),
        )
        for row in rows
    ]


def open_accounts(db: Session, wanted: Iterable[accounts.Account]) -> None:
    """Add the accounts that this biller does not have yet."""
    db.execute(
        text("""INSERT INTO account (biller_id, code, kind, book_code, name_vi, name_en)
                VALUES (:biller, :code, :kind, :book_code, :name_vi, :name_en)
                ON CONFLICT DO NOTHING"""),
        [
            {
                "biller": biller_of(db),
                "code": account.code,
                "kind": account.kind.value,
                "book_code": account.book_code,
                "name_vi": account.name_vi,
                "name_en": account.name_en,
            }
            for account in wanted
        ],
    )
