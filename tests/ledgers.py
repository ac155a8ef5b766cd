"""A biller with books, and journals to seal: the least that sealing and receipts stand on."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payments import billers, ledger
from payments.domain import accounts, ids
from payments.domain.journals import Journal, Transfer
from payments.domain.money import Money
from payments.key_ring import KeyRing
from payments.store.sessions import Sessions, SystemSessions
from tests.databases import A_MORNING, House

DAY = date(2026, 3, 10)
NUMBER = "9999018452"
_serial = itertools.count(1)


def a_ring() -> KeyRing:
    """A ring of one fresh key, which also signs."""
    return KeyRing({"k1": os.urandom(32)}, "k1", Ed25519PrivateKey.generate())


@dataclass(frozen=True)
class Books:
    """One biller in a house whose transactions carry a key ring."""

    house: House
    ring: KeyRing
    sessions: Sessions
    biller: UUID

    @property
    def system(self) -> SystemSessions:
        """Transactions across billers."""
        return self.house.system

    @property
    def key(self) -> Ed25519PrivateKey:
        """What signs."""
        assert self.ring.signing is not None
        return self.ring.signing

    @property
    def public_key(self) -> bytes:
        """What a verifier trusts."""
        return self.key.public_key().public_bytes_raw()

    def post(self, count: int = 1, amount: int = 1_000) -> list[UUID]:
        """Post journals of one transfer each, in one transaction; return their ids."""
        with self.sessions.begin(self.biller) as db:
            return [
                ledger.post(db, a_journal(amount + i), at=A_MORNING).journal_id
                for i in range(count)
            ]


def a_journal(amount: int = 1_000) -> Journal:
    """Money on the bank account that nobody has applied."""
    transfer = Transfer(accounts.bank(NUMBER), accounts.UNAPPLIED, Money(amount))
    return Journal(f"test:{ids.new()}", "money_on_statement", DAY, (transfer,))


def a_biller(house: House, ring: KeyRing | None = None) -> Books:
    """A school with its accounts and one bank account."""
    code = f"TH-{next(_serial):04d}"
    with house.system.begin() as db:
        profile = billers.Profile(
            code,
            "school",
            "Trường Tiểu học Hoa Sen",
            tax_code="0009990001",
            address="Số 9 phố Mẫu, phường Cầu Mới, Hà Nội",
        )
        biller = billers.add(db, profile, at=A_MORNING)
    ring = ring or a_ring()
    sessions = Sessions(house.sessions.engine, ring)
    with sessions.begin(biller) as db:
        billers.open_books(db)
        billers.add_bank_account(
            db,
            bank_bin="999999",
            number=NUMBER if code.endswith("0001") else f"9999{next(_serial):06d}",
            holder="TRUONG TIEU HOC HOA SEN",
            opened_on=DAY,
            at=A_MORNING,
        )
        ledger.open_accounts(db, accounts.of_bank_account(NUMBER))
    return Books(house, ring, sessions, biller)
