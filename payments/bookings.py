"""Bookings: many credits at once, as `money_in` and `allocations` book them one by one.

Facts are gathered first and written together: payments, journals, allocations, credit kept and
messages, each by COPY and one INSERT..SELECT. They carry the same event keys and meet the same
checks, so a fact that is there already is found out, and then nothing of the batch is written:
whoever gathered it goes through its facts one by one, where each finds what stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import ledger, outbox, vault
from payments.domain import ids, journals
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict
from payments.domain.journals import Journal
from payments.domain.money import Money
from payments.domain.people import SERVICE
from payments.money_in import Incoming
from payments.store import staging
from payments.store.sessions import biller_of
from payments.store.staging import Stage


class Crossed(Conflict):
    """Somebody has booked one of these facts meanwhile, or what it needs is gone."""

    slug = "crossed"
    title_vi = "Sự kiện vừa được ghi ở nơi khác"
    title_en = "Booked elsewhere at the same moment"


_PAYMENTS: Final = Stage(
    "payment",
    "id uuid, gateway text, provider_reference text, bank_account_id uuid, bank_reference text,"
    " amount bigint, received_at timestamptz, fact_day date, is_notice boolean, key_id uuid,"
    " sealed bytea",
)
_ALLOCATIONS: Final = Stage(
    "allocation",
    "id uuid, payment_id uuid, invoice_id uuid, order_id uuid, amount bigint, rule text",
)
_CREDITS: Final = Stage("credit", "id uuid, payment_id uuid, beneficiary_id uuid, amount bigint")

_TAKE_PAYMENTS: Final = """
INSERT INTO payment (biller_id, id, gateway, provider_reference, bank_account_id, bank_reference,
    amount, received_at, fact_day, is_notice, key_id, sealed, created_at)
SELECT :biller, id, gateway, provider_reference, bank_account_id, bank_reference, amount,
    received_at, fact_day, is_notice, key_id, sealed, :at FROM staged_payment
ON CONFLICT (biller_id, gateway, provider_reference) DO NOTHING
"""
_TAKE_ALLOCATIONS: Final = """
INSERT INTO allocation (biller_id, id, payment_id, invoice_id, order_id, amount, automatic, rule,
    actor_id, at)
SELECT :biller, id, payment_id, invoice_id, order_id, amount, true, rule, :actor, :at
FROM staged_allocation
"""
_TAKE_CREDITS: Final = """
INSERT INTO credit (biller_id, id, payment_id, beneficiary_id, kind, amount, created_at)
SELECT :biller, id, payment_id, beneficiary_id, 'credit', amount, :at FROM staged_credit
"""


class Bookings:
    """What one transaction books, all of it at one moment and by the service itself.

    Nothing is written before `write`. Keep a batch to ledger.CHUNK credits.
    """

    def __init__(self, db: Session, *, at: datetime) -> None:
        self._db, self._at, self._day = db, at, business_day(at)
        self._payments: list[tuple[object, ...]] = []
        self._allocations: list[tuple[object, ...]] = []
        self._credits: list[tuple[object, ...]] = []
        self._journals: list[tuple[UUID, Journal]] = []
        self._messages: dict[str, list[Mapping[str, object]]] = {}
        self._shown: dict[UUID, str] = {}
        self._fresh = ids.stream()
        self._sealers: dict[UUID, vault.Sealer] = {}

    def post(self, journal: Journal) -> UUID:
        """Book a journal; return its id. See ledger.post."""
        journal_id = next(self._fresh)
        self._journals.append((journal_id, journal))
        return journal_id

    def receive(
        self,
        incoming: Incoming,
        *,
        account_id: UUID | None,
        journal: Journal,
        is_notice: bool,
        key_id: UUID,
    ) -> tuple[UUID, UUID]:
        """Book a payment; return it and its journal. See money_in.receive."""
        payment_id = next(self._fresh)
        shown = self._shown[payment_id] = ids.shown("pay", payment_id)
        told = {
            "memo": incoming.memo,
            "name": incoming.counterparty_name,
            "account": incoming.counterparty_account,
        }
        sealer = self._sealers.get(key_id)
        if sealer is None:
            sealer = self._sealers[key_id] = vault.Sealer(self._db, key_id)
        sealed = sealer.seal(told, context=f"payment:{payment_id}")
        amount = incoming.amount.amount
        self._payments.append(
            (payment_id, incoming.gateway, incoming.reference, account_id, incoming.bank_reference,
             amount, incoming.received_at, journal.fact_day, is_notice, key_id, sealed)
        )  # fmt: skip
        self.emit("payment.received", {"payment": shown, "amount": amount})
        return payment_id, self.post(journal)

    def apply(
        self, payment_id: UUID, invoice_id: UUID, amount: int, *, rule: str, order_id: UUID
    ) -> UUID:
        """Pay a bill, of an order, from a payment. amount: đồng. See allocations.apply."""
        allocation_id = next(self._fresh)
        self._allocations.append((allocation_id, payment_id, invoice_id, order_id, amount, rule))
        self.post(journals.applied(allocation_id, Money(amount), from_credit=False, day=self._day))
        body = {
            "allocation": str(allocation_id),
            "invoice": ids.shown("inv", invoice_id),
            "payment": self._shown_payment(payment_id),
            "amount": amount,
        }
        self.emit("allocation.made", body)
        return allocation_id

    def keep(self, payment_id: UUID, beneficiary_id: UUID, amount: int) -> UUID:
        """Keep free money as the beneficiary's credit. amount: đồng. See allocations.keep."""
        credit_id = next(self._fresh)
        self._credits.append((credit_id, payment_id, beneficiary_id, amount))
        self.post(journals.kept(credit_id, Money(amount), day=self._day))
        body = {
            "credit": str(credit_id),
            "payment": self._shown_payment(payment_id),
            "amount": amount,
        }
        self.emit("credit.kept", body)
        return credit_id

    def emit(self, kind: str, body: Mapping[str, object]) -> None:
        """Tell of it. See outbox.emit."""
        self._messages.setdefault(kind, []).append(body)

    def write(self) -> None:
        """Write everything that was gathered, or raise and write nothing.

        Raises Crossed when one of the facts is booked already, and whatever PostgreSQL refuses
        in the words of the domain (TooMuch, Conflict, DayClosed); then roll back.
        """
        self._take(_PAYMENTS, self._payments, _TAKE_PAYMENTS)
        posted = ledger.post_many(
            self._db,
            [journal for _, journal in self._journals],
            at=self._at,
            named=[id_ for id_, _ in self._journals],
        )
        if posted != len(self._journals):
            raise Crossed()
        self._take(_CREDITS, self._credits, _TAKE_CREDITS)
        self._take(_ALLOCATIONS, self._allocations, _TAKE_ALLOCATIONS)
        for kind, bodies in self._messages.items():
            outbox.emit_many(self._db, kind, bodies, at=self._at)

    def _take(self, stage: Stage, rows: Sequence[tuple[object, ...]], take: str) -> None:
        if not rows:
            return
        staging.put(self._db, stage, rows)
        told: dict[str, Any] = {"biller": biller_of(self._db), "at": self._at}
        if ":actor" in take:
            told["actor"] = SERVICE.id
        written = self._db.connection().execute(text(take), told)
        if written.rowcount != len(rows):
            raise Crossed()

    def _shown_payment(self, payment_id: UUID) -> str:
        return self._shown.get(payment_id) or ids.shown("pay", payment_id)
