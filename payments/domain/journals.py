"""The accountant's page: one function per business event, each returning its Journal.

Nothing here writes. `ledger.post` is the only door, and the event key makes sure that a
fact is booked once whichever way it came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from payments.domain import accounts
from payments.domain.money import Money


@dataclass(frozen=True, slots=True)
class Transfer:
    """One amount from one account to another: both legs in one, so it always balances."""

    debit: str
    credit: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Journal:
    """What one business event does to the ledger.

    event_key: names the fact; a second journal with it is the same fact told again.
    fact_day: the business day on which it happened, which may be closed by now.
    """

    event_key: str
    kind: str
    fact_day: date
    transfers: tuple[Transfer, ...]


def _one(key: str, kind: str, day: date, debit: str, credit: str, amount: Money) -> Journal:
    return Journal(key, kind, day, (Transfer(debit, credit, amount),))


def opening_balance(account_id: UUID, number: str, amount: Money, *, day: date) -> Journal:
    """What a bank account held when Thuphi began to keep it."""
    return _one(
        f"opening:{account_id}",
        "opening",
        day,
        accounts.bank(number),
        accounts.OPENING,
        amount,
    )


def invoice_issued(invoice_id: UUID, fee: str, amount: Money, *, day: date) -> Journal:
    """A family, patient or applicant owes the amount. fee: tuition, hospital, administrative."""
    return _one(
        f"issue:{invoice_id}",
        "invoice_issued",
        day,
        accounts.RECEIVABLE,
        accounts.revenue(fee),
        amount,
    )


def money_noticed(
    gateway: str, reference: str, number: str, amount: Money, *, day: date
) -> Journal:
    """A notice says the bank holds the money; its statement will say so later."""
    return _one(
        f"money-in:{gateway}:{reference}",
        "money_noticed",
        day,
        accounts.in_transit(number),
        accounts.UNAPPLIED,
        amount,
    )


def money_on_statement(line_id: UUID, number: str, amount: Money, *, day: date) -> Journal:
    """A credit that no notice announced."""
    return _one(
        f"money-in:line:{line_id}",
        "money_on_statement",
        day,
        accounts.bank(number),
        accounts.UNAPPLIED,
        amount,
    )


def notice_settled(line_id: UUID, number: str, amount: Money, *, day: date) -> Journal:
    """The statement shows what a notice had announced."""
    return _one(
        f"settle:{line_id}",
        "notice_settled",
        day,
        accounts.bank(number),
        accounts.in_transit(number),
        amount,
    )


def applied(allocation_id: UUID, amount: Money, *, from_credit: bool, day: date) -> Journal:
    """Money pays a bill: from what has just come in, or from credit kept before."""
    source = accounts.CREDIT if from_credit else accounts.UNAPPLIED
    return _one(f"apply:{allocation_id}", "applied", day, source, accounts.RECEIVABLE, amount)


def kept(credit_id: UUID, amount: Money, *, day: date) -> Journal:
    """More than was owed: the rest is the payer's credit."""
    return _one(f"keep:{credit_id}", "kept", day, accounts.UNAPPLIED, accounts.CREDIT, amount)


def refund_asked(refund_id: UUID, round_: int, source: str, amount: Money, *, day: date) -> Journal:
    """Money is held for a refund from the moment it is asked for.

    round_: 1, or more when it was asked again after a failure.
    source: UNAPPLIED, CREDIT, or REFUNDS_GIVEN when a paid bill is given back.
    """
    return _one(
        f"refund:{refund_id}:{round_}",
        "refund_asked",
        day,
        source,
        accounts.REFUNDS_PAYABLE,
        amount,
    )


def refund_paid(refund_id: UUID, number: str, amount: Money, *, day: date) -> Journal:
    """The payout left the bank account."""
    return _one(
        f"payout:{refund_id}",
        "refund_paid",
        day,
        accounts.REFUNDS_PAYABLE,
        accounts.bank(number),
        amount,
    )


def taken_back(line_id: UUID, number: str, amount: Money, *, day: date) -> Journal:
    """The bank reversed a credit. Whatever it had paid was undone before."""
    return _one(
        f"reversal:{line_id}",
        "taken_back",
        day,
        accounts.UNAPPLIED,
        accounts.bank(number),
        amount,
    )


def bank_charge(line_id: UUID, number: str, amount: Money, *, day: date) -> Journal:
    """A fee the bank took."""
    return _one(
        f"charge:{line_id}",
        "bank_charge",
        day,
        accounts.BANK_CHARGES,
        accounts.bank(number),
        amount,
    )


def interest(line_id: UUID, number: str, amount: Money, *, day: date) -> Journal:
    """Interest the bank paid."""
    return _one(
        f"interest:{line_id}", "interest", day, accounts.bank(number), accounts.INTEREST, amount
    )


def money_out(line_id: UUID, number: str, amount: Money, *, day: date) -> Journal:
    """A debit that nothing of ours explains yet: held in suspense until a person does."""
    return _one(
        f"out:{line_id}", "money_out", day, accounts.SUSPENSE, accounts.bank(number), amount
    )


def suspense_cleared(discrepancy_id: UUID, debit: str, amount: Money, *, day: date) -> Journal:
    """A person explained a debit that was held in suspense."""
    return _one(
        f"clear:{discrepancy_id}", "suspense_cleared", day, debit, accounts.SUSPENSE, amount
    )


def mirrored(original: Journal, *, key: str, day: date) -> Journal:
    """The journal that takes another back: the same transfers the other way round."""
    return Journal(
        key,
        f"undo_{original.kind}",
        day,
        tuple(Transfer(t.credit, t.debit, t.amount) for t in original.transfers),
    )
