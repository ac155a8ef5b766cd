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


def money_at_gateway(gateway: str, reference: str, amount: Money, *, day: date) -> Journal:
    """A gateway says that it took the money; it settles with the biller's bank later."""
    return _one(
        f"money-in:{gateway}:{reference}",
        "money_at_gateway",
        day,
        accounts.gateway(gateway),
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


def refund_found(refund_id: UUID, amount: Money, *, day: date) -> Journal:
    """A line that had waited in suspense was this payout."""
    return _one(
        f"payout:{refund_id}",
        "refund_found",
        day,
        accounts.REFUNDS_PAYABLE,
        accounts.SUSPENSE,
        amount,
    )


def refund_by_gateway(refund_id: UUID, gateway: str, amount: Money, *, day: date) -> Journal:
    """A gateway gave the money back out of what it holds for us."""
    return _one(
        f"payout:{refund_id}",
        "refund_by_gateway",
        day,
        accounts.REFUNDS_PAYABLE,
        accounts.gateway(gateway),
        amount,
    )


def to_suspense(line_id: UUID, number: str, amount: int, *, day: date) -> Journal:
    """A statement line that belongs to no payment: held in suspense until a person says why.

    amount: signed đồng, money in is positive.
    """
    held, bank = accounts.SUSPENSE, accounts.bank(number)
    debit, credit = (held, bank) if amount < 0 else (bank, held)
    return _one(f"suspense:{line_id}", "to_suspense", day, debit, credit, Money(abs(amount)))


def from_suspense(key: str, account: str, amount: int, *, day: date) -> Journal:
    """A person said what a line in suspense was.

    account: where it belongs; amount: as on the line. key: names the decision, because a
    decision that was taken back may be followed by another.
    """
    held = accounts.SUSPENSE
    debit, credit = (account, held) if amount < 0 else (held, account)
    return _one(f"explain:{key}", "from_suspense", day, debit, credit, Money(abs(amount)))


def fee_kept(row_id: UUID, gateway: str, fee: int, *, day: date) -> Journal:
    """What a gateway kept of one transaction, as its settlement says; negative: gave back."""
    held, fees = accounts.gateway(gateway), accounts.GATEWAY_FEES
    debit, credit = (fees, held) if fee > 0 else (held, fees)
    return _one(f"settle-fee:{row_id}", "fee_kept", day, debit, credit, Money(abs(fee)))


def row_suspended(row_id: UUID, gateway: str, amount: int, *, day: date) -> Journal:
    """A gateway says that it holds more for us, or less, than we know of: in suspense until a
    person says why. amount: signed đồng, what the gateway holds more.
    """
    held, suspense = accounts.gateway(gateway), accounts.SUSPENSE
    debit, credit = (held, suspense) if amount > 0 else (suspense, held)
    return _one(f"settle-row:{row_id}", "row_suspended", day, debit, credit, Money(abs(amount)))


def batch_paid(
    line_id: UUID, gateway: str, source: str, amount: int, *, day: date, nth: int = 1
) -> Journal:
    """A statement line paid a batch of a gateway.

    source: the bank account in the ledger, or where the line's money waited until the batch was
    known: SUSPENSE or UNAPPLIED. amount: as on the line. nth: as in `batch_key`.
    """
    held = accounts.gateway(gateway)
    debit, credit = (source, held) if amount > 0 else (held, source)
    return _one(batch_key(line_id, nth), "batch_paid", day, debit, credit, Money(abs(amount)))


def batch_key(line_id: UUID, nth: int) -> str:
    """The fact that a line paid a batch. nth: 1, and one more each time that it was undone."""
    return f"settle-batch:{line_id}" + (f":{nth}" if nth > 1 else "")


def gateway_corrected(key: str, gateway: str, account: str, amount: int, *, day: date) -> Journal:
    """A person said what a difference at a gateway is. amount: what its account grows by.

    key: names the decision, as in `from_suspense`.
    """
    held = accounts.gateway(gateway)
    debit, credit = (held, account) if amount > 0 else (account, held)
    return _one(f"explain:{key}", "gateway_corrected", day, debit, credit, Money(abs(amount)))


def mirrored(original: Journal, *, key: str, day: date) -> Journal:
    """The journal that takes another back: the same transfers the other way round."""
    return Journal(
        key,
        f"undo_{original.kind}",
        day,
        tuple(Transfer(t.credit, t.debit, t.amount) for t in original.transfers),
    )
