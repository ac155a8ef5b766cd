"""Suggested: what could be done about an opened discrepancy, and what that would book.

Of several candidates none is chosen here unless it is exact; then only the way is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.domain.journals import Transfer
from payments.domain.memo import fold
from payments.queries import seeking
from payments.store.sessions import biller_of
from reconciliation import answers, previews
from reconciliation.dividing import Part
from reconciliation.engine.evidence import Evidence, Verdict, amounts
from reconciliation.exact import Exact
from reconciliation.queries.case import NAMED, Case
from reconciliation.queries.choices import Choice
from reconciliation.remedies import Proposal

MOST_OF_AMOUNT = 5
"""So many orders of one amount are named; where there are more, the amount says nothing."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """way: a key of remedies.WAYS; target: a shown id, "" while a person has to choose one.

    exact: beyond doubt, see exact.py. transfers: what would be booked, or was; () for a decision
    that books nothing, or while the target is open. parts: of a division, best first.
    """

    way: str
    target: str
    exact: bool
    transfers: Sequence[Transfer]
    parts: Sequence[Part] = ()


def of(db: Session, case: Case) -> Suggested | None:
    """What is proposed, what was booked, or what is likely; None once it cleared by itself."""
    if case.booked or case.status == "resolved":
        target = case.proposal.target if case.proposal else ""
        parts = case.proposal.parts if case.proposal else ()
        return Suggested(case.resolution, target, False, case.booked, parts)
    if case.proposal is not None:
        it = case.proposal
        if it.parts:
            return Suggested(it.way, it.target, False, divided(case, it), it.parts)
        legs = _booking(case, it.way, _choice(case.candidates, it.target))
        return Suggested(it.way, it.target, exact=it.exact, transfers=legs)
    if not case.ways:
        return None
    answer = answers.of_many(db, [case.id]).get(case.id)
    if isinstance(answer, Exact):
        legs = _booking(case, answer.way, _choice(case.candidates, answer.target))
        return Suggested(answer.way, answer.target, exact=True, transfers=legs)
    only = case.candidates[0] if len(case.candidates) == 1 or is_named(case) else None
    way = likely(case, only)
    target = only.target if only is not None and way in ("apply", "keep", "take_back") else ""
    return Suggested(way, target, exact=False, transfers=_booking(case, way, only))


def is_named(case: Case) -> bool:
    """Whether the first candidate is the credit that a reversal names, and no other fits."""
    return bool(case.candidates) and case.candidates[0].rule == NAMED


def divided(case: Case, it: Proposal) -> Sequence[Transfer]:
    """What a division would book."""
    each = [part.amount for part in it.parts]
    left = case.at_stake - sum(each)
    return previews.transfers(it.way, case.at_stake, parts=each, kept=left if it.target else 0)


def likely(case: Case, chosen: Choice | None) -> str:
    """The way that is usual for what is at stake; one of case.ways."""
    if "keep" in case.ways and chosen is not None and not chosen.owed:
        return "keep"  # the bill is paid already
    wanted = {
        "REVERSAL": "take_back",
        "DUPLICATE_SETTLEMENT": "other_income" if case.at_stake > 0 else "other_expense",
        "BATCH_MISMATCH": "other_income" if case.at_stake > 0 else "gateway_fee",
    }.get(case.kind, "interest" if case.at_stake > 0 else "")
    return wanted if wanted in case.ways else case.ways[0]


def searched(db: Session, case: Case) -> Sequence[Choice]:
    """Open orders of exactly the free amount, for money without any candidate.

    Those whose person the line names come first. An amount decides nothing by itself, and where
    many orders share it none is named at all.
    """
    if case.candidates or case.payment is None or not case.payment.free or not case.ways:
        return ()
    found = db.scalars(
        text("""SELECT o.id FROM payment_order o
                WHERE o.biller_id = :biller AND o.status <> 'cancelled'
                    AND o.amount - o.allocated = :free
                ORDER BY o.id DESC LIMIT :most"""),
        {"biller": biller_of(db), "free": case.payment.free, "most": MOST_OF_AMOUNT + 1},
    ).all()
    if len(found) > MOST_OF_AMOUNT:
        return ()
    told = case.payment.told
    said = f" {fold(case.memo)} {fold(told.name) if told else ''} "
    choices = [
        _searched(order, case.payment.free, said)
        for order in seeking.orders(db, found).values()
        if order.owed == case.payment.free
    ]
    return sorted(choices, key=lambda one: -len(one.evidence))


def _searched(order: seeking.Owing, free: int, said: str) -> Choice:
    evidence = [amounts(free, order.owed)]
    name = fold(order.beneficiary.name)
    if name and f" {name} " in said:
        evidence.append(Evidence("payer_name", name, order.beneficiary.name, Verdict.AGREES))
    return Choice(
        ids.shown("ord", order.id),
        order.code,
        order.beneficiary,
        order.owed,
        evidence=[one.as_data() for one in evidence],
        rule="payer_and_amount" if len(evidence) > 1 else "none",
    )


def _choice(choices: Sequence[Choice], target: str) -> Choice | None:
    return next((one for one in choices if one.target == target), None)


def _booking(case: Case, way: str, chosen: Choice | None) -> Sequence[Transfer]:
    if not case.at_stake or (way in ("apply", "keep", "take_back") and chosen is None):
        return ()
    owed, paid, kept = (chosen.owed, chosen.paid, chosen.kept) if chosen else (0, 0, 0)
    if way == "not_paid" and case.payment is not None:
        paid, kept = case.payment.applied, case.payment.credit
    return previews.transfers(
        way, case.at_stake, owed=owed, paid=paid, kept=kept, gateway=case.gateway
    )
