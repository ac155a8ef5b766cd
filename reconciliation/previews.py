"""What a decision about a discrepancy would book, before anybody decides. Pure.

The verbs of remedies.py post the same journals of the accountant's page; a test carries out
each way and compares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from payments.domain import accounts, journals
from payments.domain.journals import Journal, Transfer
from payments.domain.money import Money

TO_ACCOUNT: Final[Mapping[str, str]] = {
    "bank_charge": accounts.BANK_CHARGES,
    "interest": accounts.INTEREST,
    "other_income": accounts.OTHER_INCOME,
    "other_expense": accounts.OTHER_EXPENSE,
    "gateway_fee": accounts.GATEWAY_FEES,
}
"""Ways that only say which account belongs what is in suspense, or missing at a gateway."""

_GIVES_BACK: Final[Mapping[str, str]] = {
    "refund": accounts.UNAPPLIED,
    "refund_credit": accounts.CREDIT,
}
_NOBODY: Final = UUID(int=0)
_ANY_DAY: Final = date.min


def transfers(
    way: str,
    amount: int,
    *,
    owed: int = 0,
    paid: int = 0,
    kept: int = 0,
    gateway: str = "",
    parts: Sequence[int] = (),
) -> tuple[Transfer, ...]:
    """The transfers of one way; () where nothing is booked.

    amount: đồng of free money or credit, or the signed amount of the line in suspense. owed: what
    the chosen order still asks for. paid, kept: what the payment that a line takes back had paid,
    and what of it is credit. gateway: where the money is, if it never was in suspense. parts: of a
    division, a journal each; kept is then what of the rest becomes credit.
    """
    if way == "apply":
        part = min(amount, owed)
        return _legs(_applied(part)) + _legs(_kept(amount - part))
    if way == "divide":
        return tuple(leg for part in parts for leg in _legs(_applied(part))) + _legs(_kept(kept))
    if way == "keep":
        return _legs(_kept(amount))
    if way in _GIVES_BACK:
        held = journals.refund_asked(_NOBODY, 1, _GIVES_BACK[way], Money(amount), day=_ANY_DAY)
        return _legs(held)
    if way == "take_back":
        undone = _back(_applied(paid)) + _back(_kept(kept))
        return undone + _legs(_explained(accounts.UNAPPLIED, amount))
    if way == "not_paid":
        undone = _back(_applied(paid)) + _back(_kept(kept))
        return undone + _legs(_corrected(gateway, accounts.UNAPPLIED, amount))
    if way in TO_ACCOUNT and gateway:
        return _legs(_corrected(gateway, TO_ACCOUNT[way], amount))
    if way in TO_ACCOUNT:
        return _legs(_explained(TO_ACCOUNT[way], amount))
    return ()


def _applied(amount: int) -> Journal:
    return journals.applied(_NOBODY, Money(amount), from_credit=False, day=_ANY_DAY)


def _kept(amount: int) -> Journal:
    return journals.kept(_NOBODY, Money(amount), day=_ANY_DAY)


def _explained(account: str, amount: int) -> Journal:
    return journals.from_suspense("", account, amount, day=_ANY_DAY)


def _corrected(gateway: str, account: str, amount: int) -> Journal:
    return journals.gateway_corrected("", gateway, account, amount, day=_ANY_DAY)


def _back(journal: Journal) -> tuple[Transfer, ...]:
    return _legs(journals.mirrored(journal, key="", day=_ANY_DAY))


def _legs(journal: Journal) -> tuple[Transfer, ...]:
    return tuple(leg for leg in journal.transfers if leg.amount)
