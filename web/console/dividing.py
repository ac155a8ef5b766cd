"""One payment divided between several bills: what was ticked and typed, and what that comes to.

typed(form) -> Shares, shown(shares, choices, free) -> Division. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from werkzeug.datastructures import MultiDict

from payments.domain.money import Money
from reconciliation import dividing, previews
from reconciliation.dividing import DIVIDE, Part
from reconciliation.queries.choices import Choice
from web.console import figures
from web.console.decisions import Candidate, Entry, Journal
from web.language import Both
from web.pages import Choice as Option
from web.pages import FieldError

_DONG: Final = re.compile(r"[1-9][0-9]{0,2}([.][0-9]{3}){1,3}|[1-9][0-9]{0,11}")
_LONGEST: Final = 20

_TOO_FEW: Final = Both("Chọn từ hai giấy báo trở lên.", "Tick two bills or more.")
_NO_AMOUNT: Final = Both(
    "Ghi số tiền lớn hơn 0, ví dụ 1.250.000.", "Give an amount above 0, such as 1.250.000."
)
_LOOK: Final = Both(
    "Số tiền vừa được điền theo số còn nợ: hãy xem lại rồi gửi.",
    "The amounts were filled in from what is owed: look at them, then send.",
)
_LEFT: Final = Both("Để lại, thành một việc mới", "Leave it, as a new task")


@dataclass(frozen=True, slots=True)
class Shares:
    """What stands in the form. typed: by order, "" where nothing was; rest: whose credit, or ""."""

    typed: Mapping[str, str]
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Division:
    """The same against what is owed. amounts: by order, in rank order, 0 for what is no amount.

    left: đồng that no bill gets; below 0 where more is given than there is.
    """

    amounts: Mapping[str, int]
    left: int
    rest: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """As the core takes them."""
        return tuple(Part(order, amount) for order, amount in self.amounts.items())


NOTHING: Final = Shares({})


def typed(form: MultiDict[str, str]) -> Shares:
    """What was ticked (part) and typed (amount-…), from a form or an address."""
    orders = dict.fromkeys(one[:40] for one in form.getlist("part")[: dividing.MOST])
    amounts = {order: form.get(f"amount-{order}", "")[:_LONGEST].strip() for order in orders}
    return Shares(amounts, form.get("rest", "")[:40])


def proposed(parts: Sequence[Part], rest: str) -> Shares:
    """What a proposal says, as if somebody had typed it."""
    return Shares({part.order: f"{part.amount}" for part in parts}, rest)


def shown(shares: Shares, choices: Sequence[Choice], free: int) -> Division:
    """Who gets how much: what was typed, the others in rank order what they owe."""
    ticked = [one for one in choices if one.target in shares.typed]
    said = [shares.typed[one.target] for one in ticked]
    given = {place: _dong(text) for place, text in enumerate(said) if text}
    amounts = dividing.fill(free, [one.owed for one in ticked], given)
    by_order = {one.target: amount for one, amount in zip(ticked, amounts, strict=True)}
    rest = shares.rest if shares.rest in by_order else ""
    return Division(by_order, free - sum(amounts), rest)


def missing(shares: Shares, division: Division, choices: Sequence[Choice]) -> list[FieldError]:
    """What is wrong with what was typed, field by field."""
    if len(division.amounts) < 2:
        return [FieldError("candidate", _TOO_FEW)]
    owed = {one.target: one.owed for one in choices}
    found = []
    for order, amount in division.amounts.items():
        if not amount:
            found.append(FieldError(f"amount-{order}", _NO_AMOUNT))
        elif amount > owed[order]:
            due = Money(owed[order])
            only = Both(f"Giấy báo này chỉ còn nợ {due}.", f"This bill owes only {due}.")
            found.append(FieldError(f"amount-{order}", only))
    if division.left < 0:
        over = Money(-division.left)
        beyond = Both(f"Các phần vượt số tiền {over}.", f"The parts are {over} too much.")
        found.append(FieldError("candidate", beyond))
    if not found and not all(shares.typed.values()):
        found.append(FieldError("candidate", _LOOK))
    return found


def listed(choices: Sequence[Choice], find: Sequence[Choice], shares: Shares) -> list[Choice]:
    """Those to show: all that are ticked, and as many others as there are number keys."""
    every = list({one.target: one for one in (*choices, *find)}.values())
    room = dividing.MOST - sum(one.target in shares.typed for one in every)
    kept = []
    for one in every:
        if one.target in shares.typed:
            kept.append(one)
        elif room > 0:
            room -= 1
            kept.append(one)
    return kept


def ticked(row: Candidate, shares: Shares, division: Division) -> Candidate:
    """A bill with its share: what was typed if that is no amount, else the amount."""
    if row.id not in division.amounts:
        return replace(row, chosen=False)
    amount = division.amounts[row.id]
    return replace(row, chosen=True, share=amount, typed="" if amount else shares.typed[row.id])


def rests(division: Division, choices: Sequence[Choice]) -> tuple[Option, ...]:
    """Where what is left may go; none where nothing is."""
    if division.left <= 0 or len(division.amounts) < 2:
        return ()
    named = [one for one in choices if one.target in division.amounts]
    whose = {_name(one): one.target for one in reversed(named)}
    return (
        Option("", _LEFT, not division.rest),
        *(
            Option(target, Both(f"Số dư của {name}", f"Credit of {name}"), target == division.rest)
            for name, target in reversed(whose.items())
        ),
    )


def carried(shares: Shares, division: Division) -> tuple[tuple[str, str], ...]:
    """What a search beside the form has to send along."""
    ticks = tuple(("part", order) for order in division.amounts)
    amounts = tuple((f"amount-{one}", f"{shown or ''}") for one, shown in division.amounts.items())
    return (("way", DIVIDE), *ticks, *amounts, ("rest", shares.rest))


def journal(division: Division, choices: Sequence[Choice]) -> Journal | None:
    """What would be booked: a line for each part, and for what becomes credit."""
    if not division.amounts or division.left < 0 or not all(division.amounts.values()):
        return None
    kept = division.left if division.rest else 0
    amounts = list(division.amounts.values())
    legs = previews.transfers(DIVIDE, sum(amounts) + kept, parts=amounts, kept=kept)
    named = {one.target: one for one in choices}
    whose = [_whose(named[order], choices) for order in division.amounts]
    if kept:
        whose.append(_name(named[division.rest]))
    book, name = figures.account_of(legs[0].debit)
    entries = [Entry(book, name, debit=sum(leg.amount.amount for leg in legs))]
    for leg, who in zip(legs, whose, strict=True):
        book, name = figures.account_of(leg.credit)
        of = Both(f"{name.vi} · {who}", f"{name.en} · {who}")
        entries.append(Entry(book, of, credit=leg.amount.amount))
    return Journal(entries, _effect(division, choices))


def _name(one: Choice) -> str:
    return one.beneficiary.name or one.code


def _whose(one: Choice, among: Sequence[Choice]) -> str:
    """The name, and the code as well where two bills are about people of one name."""
    alone = sum(_name(other) == _name(one) for other in among) == 1
    return _name(one) if alone else f"{_name(one)} {one.code}"


def _effect(division: Division, choices: Sequence[Choice]) -> Both:
    owed = {one.target: one.owed for one in choices}
    paid = sum(amount == owed[order] for order, amount in division.amounts.items())
    count = len(division.amounts)
    vi, en = f"{paid}/{count} giấy báo đủ tiền", f"{paid} of {count} bills are paid"
    if division.left:
        rest = Money(division.left)
        vi += f", {rest} giữ làm số dư" if division.rest else f", {rest} thành một việc mới"
        en += f", {rest} kept as credit" if division.rest else f", {rest} becomes a new task"
    return Both(vi, en)


def _dong(said: str) -> int:
    """1.250.000 or 1250000; 0 for anything else."""
    return int(said.replace(".", "")) if _DONG.fullmatch(said) else 0
