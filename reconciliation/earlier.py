"""Earlier: credits of former days that tonight's debits take back, and what had paid an order.

The engine sees the lines that wait; here is what was booked before. A debit that quotes the bank
reference of one earlier credit of its account, with its amount, names that credit. Where two fit,
or the amount is another, none is named and what they had paid is suggested.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import vault
from payments.domain import ids
from payments.domain.memo import compact, fold
from payments.store import plans
from payments.store.sessions import biller_of
from reconciliation.engine.evidence import RULES, Evidence
from reconciliation.engine.evidence import Verdict as Says
from reconciliation.engine.reversals import references
from reconciliation.posting import Choice, Line, Verdict

REVERSAL: Final = "REVERSAL"
_SHORTEST: Final = 5
"""A shorter number stands in memos by chance; as for lines of one night."""

# The index bank_line_reference is over this very expression. A credit that waits is left to the
# engine; one without a payment is named only where a person was asked about it.
_CREDITS: Final = """
SELECT l.id, l.payment_id, l.amount, l.bank_reference, l.booking_date
FROM bank_line l LEFT JOIN payment p ON p.biller_id = l.biller_id AND p.id = l.payment_id
WHERE l.biller_id = :biller AND l.bank_account_id = :account AND l.amount > 0
    AND l.bank_reference IS NOT NULL
    AND upper(regexp_replace(l.bank_reference, '[^0-9A-Za-z]', '', 'g')) = ANY(:refs)
    AND l.status <> 'imported' AND l.journal_id IS NOT NULL
    AND (l.payment_id IS NOT NULL OR l.status IN ('discrepancy', 'resolved'))
    AND coalesce(p.reversed, 0) = 0 AND coalesce(p.refunded, 0) = 0
ORDER BY l.booking_date, l.id
"""
# A memo without the bank's number may quote the order that the credit had paid.
_OF_ORDERS: Final = """
SELECT DISTINCT oi.order_id, l.id, l.payment_id, l.amount, l.bank_reference
FROM order_invoice oi
JOIN allocation a ON a.biller_id = oi.biller_id AND a.invoice_id = oi.invoice_id AND a.live
JOIN payment p ON p.biller_id = a.biller_id AND p.id = a.payment_id
JOIN bank_line l ON l.biller_id = a.biller_id AND l.payment_id = a.payment_id AND l.amount > 0
WHERE oi.biller_id = :biller AND oi.order_id = ANY(:orders) AND l.bank_account_id = :account
    AND p.reversed = 0 AND p.refunded = 0
ORDER BY oi.order_id, l.id
"""
_PAID: Final = """
SELECT a.payment_id, a.order_id, sum(a.amount) AS amount FROM allocation a
WHERE a.biller_id = :biller AND a.payment_id = ANY(:payments) AND a.live
    AND a.order_id IS NOT NULL
GROUP BY a.payment_id, a.order_id ORDER BY a.payment_id, a.order_id
"""
_NAMED: Final = """
SELECT d.id, d.key_id, d.sealed FROM discrepancy d
JOIN bank_line l ON l.biller_id = d.biller_id AND l.id = d.line_id
WHERE d.biller_id = :biller AND d.kind = 'REVERSAL'
    AND d.status NOT IN ('resolved', 'auto_resolved')
    AND l.bank_account_id = :account AND -l.amount = ANY(:amounts)
    AND d.id IS DISTINCT FROM CAST(:but AS uuid)
ORDER BY d.id
"""
_PAYERS: Final = """
SELECT DISTINCT ON (oi.order_id) oi.order_id, a.payment_id, l.id AS line_id
FROM order_invoice oi
JOIN allocation a ON a.biller_id = oi.biller_id AND a.invoice_id = oi.invoice_id AND a.live
LEFT JOIN bank_line l ON l.biller_id = a.biller_id AND l.payment_id = a.payment_id AND l.amount > 0
WHERE oi.biller_id = :biller AND oi.order_id = ANY(:orders)
ORDER BY oi.order_id, a.at, a.id
"""


@dataclass(frozen=True, slots=True)
class Credit:
    """A booked credit of former days. amount: đồng; payment_id: none for money in suspense."""

    line_id: UUID
    payment_id: UUID | None
    amount: int
    reference: str


def quoted(db: Session, account_id: UUID, memos: Iterable[str]) -> list[Credit]:
    """Credits of the account, neither taken back nor refunded, whose reference a memo may quote."""
    refs = {ref for memo in memos for ref in _references(memo)}
    if not refs:
        return []
    asked = {"biller": biller_of(db), "account": account_id, "refs": sorted(refs)}
    return [
        Credit(row.id, row.payment_id, row.amount, row.bank_reference)
        for row in db.execute(text(_CREDITS), asked)
    ]


def evidence_of(memo: str, credit: Credit) -> Evidence:
    """The reference as it stands in the memo."""
    at = memo.upper().find(credit.reference.upper())
    span = (at, at + len(credit.reference)) if at >= 0 else None
    return Evidence("bank_reference", credit.reference, credit.reference, Says.AGREES, span)


def contested(db: Session, account_id: UUID, amount: int, line_id: str, *, but: UUID) -> bool:
    """Whether a reversal that is not over, beside `but`, names this credit. amount: đồng."""
    return line_id in _named_before(db, account_id, {amount}, but=but)


def payers(db: Session, order_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Order -> what paid its bills first: the id of a statement line, or a payment (pay_…)."""
    rows = db.execute(text(_PAYERS), {"biller": biller_of(db), "orders": list(order_ids)})
    return {
        row.order_id: str(row.line_id) if row.line_id else ids.shown("pay", row.payment_id)
        for row in rows
    }


def known(
    db: Session, lines: Sequence[Line], decided: Mapping[UUID, Verdict], doubled: Sequence[UUID]
) -> Mapping[UUID, Verdict]:
    """The verdicts that what was booked before makes others.

    lines: all that wait, of one account. decided: the engine's verdict on each. doubled: those
    of them that pay a paid order of which the engine does not know the payer.
    """
    plans.look_up_by_keys(db)
    return _taking_back(db, lines, decided) | _doubled(db, decided, doubled)


def _doubled(
    db: Session, decided: Mapping[UUID, Verdict], doubled: Sequence[UUID]
) -> dict[UUID, Verdict]:
    orders = {one: ids.read("ord", decided[one].choices[0].order_id) for one in doubled}
    paid_by = payers(db, sorted(set(orders.values()))) if orders else {}
    return {
        one: replace(decided[one], related=paid_by[order])
        for one, order in orders.items()
        if order in paid_by
    }


def _taking_back(
    db: Session, lines: Sequence[Line], decided: Mapping[UUID, Verdict]
) -> dict[UUID, Verdict]:
    debits = [line for line in lines if line.amount < 0]
    if not debits:
        return {}
    account_id, amounts = lines[0].account_id, {-line.amount for line in debits}
    before = _Before.of(db, account_id, debits, decided)
    if not before.by_ref and not before.by_order:
        return {}
    gone = _named_before(db, account_id, amounts) | {decided[line.id].related for line in debits}
    paid = _paid(db, before.payments())
    tonight = _Tonight(lines, decided, amounts)
    found: dict[UUID, Verdict] = {}
    for line in debits:
        verdict, refs = decided[line.id], _references(line.memo)
        by_ref = _each_once(one for ref in refs for one in before.by_ref.get(ref, ()))
        fit, may_be_of_tonight = by_ref, tonight.quoted(-line.amount, refs)
        if not by_ref and not may_be_of_tonight:
            orders = _unnamed(verdict)
            fit = _each_once(one for order in orders for one in before.by_order.get(order, ()))
            may_be_of_tonight = tonight.pays(-line.amount, orders)
        same = [one for one in fit if one.amount == -line.amount]
        larger = [one for one in by_ref if one.amount > -line.amount]
        live = [one for one in same if str(one.line_id) not in gone]
        if len(live) == 1 and not may_be_of_tonight:
            found[line.id] = _names(line, verdict, live[0], paid)
            gone.add(str(live[0].line_id))
        elif live:
            found[line.id] = _suggests(line, verdict, live, paid)
        elif verdict.code == REVERSAL and not verdict.related and not same and larger:
            found[line.id] = _suggests(line, verdict, larger, paid)
    return found


@dataclass(frozen=True, slots=True)
class _Before:
    """Booked credits that the debits may mean, by reference and by the orders they had paid."""

    by_ref: Mapping[str, Sequence[Credit]]
    by_order: Mapping[str, Sequence[Credit]]

    @classmethod
    def of(
        cls,
        db: Session,
        account_id: UUID,
        debits: Sequence[Line],
        decided: Mapping[UUID, Verdict],
    ) -> _Before:
        by_ref: dict[str, list[Credit]] = defaultdict(list)
        for one in quoted(db, account_id, [line.memo for line in debits]):
            by_ref[compact(one.reference)].append(one)
        by_order: dict[str, list[Credit]] = defaultdict(list)
        orders = {order for line in debits for order in _unnamed(decided[line.id])}
        asked = {
            "biller": biller_of(db),
            "account": account_id,
            "orders": [ids.read("ord", one) for one in sorted(orders)],
        }
        for row in db.execute(text(_OF_ORDERS), asked) if orders else ():
            credit = Credit(row.id, row.payment_id, row.amount, row.bank_reference or "")
            by_order[ids.shown("ord", row.order_id)].append(credit)
        return cls(by_ref, by_order)

    def payments(self) -> list[UUID]:
        every = (*self.by_ref.values(), *self.by_order.values())
        return sorted({one.payment_id for some in every for one in some if one.payment_id})


class _Tonight:
    """Tonight's credits by amount: where one of them may be meant as well, none is named."""

    def __init__(
        self, lines: Sequence[Line], decided: Mapping[UUID, Verdict], amounts: set[int]
    ) -> None:
        self._refs: dict[int, set[str]] = defaultdict(set)
        self._orders: dict[int, set[str]] = defaultdict(set)
        for line in lines:
            if line.amount in amounts:
                self._refs[line.amount].add(compact(line.bank_reference or ""))
                self._orders[line.amount] |= {one.order_id for one in decided[line.id].choices}

    def quoted(self, amount: int, refs: set[str]) -> bool:
        return not self._refs[amount].isdisjoint(refs)

    def pays(self, amount: int, orders: set[str]) -> bool:
        return not self._orders[amount].isdisjoint(orders)


def _unnamed(verdict: Verdict) -> set[str]:
    """The orders that a reversal quotes, where the engine found no credit of tonight."""
    if verdict.code != REVERSAL or verdict.related:
        return set()
    return {one.order_id for one in verdict.choices if one.order_id}


def _each_once(several: Iterable[Credit]) -> list[Credit]:
    return list({one.line_id: one for one in several}.values())


_Paid = Mapping[UUID, Sequence[tuple[str, int]]]


def _names(line: Line, verdict: Verdict, credit: Credit, paid: _Paid) -> Verdict:
    evidence = _evidence(line, verdict, [credit])
    choices = _choices("reversal_named", evidence, _orders(credit, paid))
    bare = _choices("reversal_named", evidence, [("", -line.amount)])
    return Verdict(False, REVERSAL, choices or bare, related=str(credit.line_id))


def _suggests(line: Line, verdict: Verdict, several: Sequence[Credit], paid: _Paid) -> Verdict:
    """None of them by name: the orders they had paid, beside those that the memo quotes."""
    choices = [
        choice
        for one in several
        for choice in _choices("reversal", _evidence(line, verdict, [one]), _orders(one, paid))
    ]
    told = {choice.order_id for choice in choices}
    quoted_ = [
        replace(choice, rule="reversal", score=RULES["reversal"].score)
        for choice in verdict.choices
        if choice.order_id and choice.order_id not in told
    ]
    bare = _choices("reversal", _evidence(line, verdict, several), [("", -line.amount)])
    return Verdict(False, REVERSAL, [*choices, *quoted_] or bare)


def _evidence(line: Line, verdict: Verdict, several: Sequence[Credit]) -> tuple[Evidence, ...]:
    """The bank's number where the memo has it, and what the engine knew the reversal by."""
    refs = _references(line.memo)
    numbers = [evidence_of(line.memo, one) for one in several if compact(one.reference) in refs]
    first = verdict.choices[0].evidence if verdict.choices else ()
    known_by = ("words",) if numbers else ("words", "reference")
    return (*numbers, *(one for one in first if one.kind in known_by))


def _choices(
    rule: str, evidence: tuple[Evidence, ...], orders: Iterable[tuple[str, int]]
) -> list[Choice]:
    score = RULES[rule].score
    return [Choice(order, amount, rule, score, evidence) for order, amount in orders]


def _orders(credit: Credit, paid: _Paid) -> Sequence[tuple[str, int]]:
    return paid.get(credit.payment_id, ()) if credit.payment_id is not None else ()


def _paid(db: Session, payment_ids: Sequence[UUID]) -> _Paid:
    found: dict[UUID, list[tuple[str, int]]] = defaultdict(list)
    asked = {"biller": biller_of(db), "payments": list(payment_ids)}
    for row in db.execute(text(_PAID), asked):
        found[row.payment_id].append((ids.shown("ord", row.order_id), int(row.amount)))
    return found


def _named_before(
    db: Session, account_id: UUID, amounts: set[int], *, but: UUID | None = None
) -> set[str]:
    """Lines that an open reversal names already: money goes back once."""
    asked = {
        "biller": biller_of(db),
        "account": account_id,
        "amounts": sorted(amounts),
        "but": but,
    }
    rows = db.execute(text(_NAMED), asked).all()
    told = vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"discrepancy:{row.id}") for row in rows]
    )
    return {plain["related"] for plain in told if plain is not vault.ERASED}


def _references(memo: str) -> set[str]:
    """What of the memo may be a bank's number; words alone never are."""
    return {
        ref
        for ref in references(fold(memo))
        if len(ref) >= _SHORTEST and any(char.isdigit() for char in ref)
    }
