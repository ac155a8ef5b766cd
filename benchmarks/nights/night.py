"""A whole night, drawn from one seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.nights import business, orders, spoiling, transfers
from benchmarks.nights.lines import (
    PERSON,
    Book,
    Line,
    Truth,
    balances,
    deliver_again,
    delivered,
)  # fmt: skip
from benchmarks.nights.orders import Order
from benchmarks.nights.references import MIXES
from benchmarks.nights.settlements import Reports, Row
from benchmarks.nights.transfers import Payers


@dataclass(frozen=True, slots=True)
class Noise:
    """How rough a night is. wrapped: lines broken inside the reference; again: delivered twice."""

    acts: dict[transfers.Act, int]
    spoilings: dict[spoiling.Spoiling, int]
    wrapped: float
    again: float
    business: float


NOISE = {
    "standard": Noise(dict(transfers.STANDARD), dict(spoiling.STANDARD), 0.04, 0.02, 0.01),
    "high": Noise(dict(transfers.HIGH), dict(spoiling.HIGH), 0.2, 0.1, 0.03),
}


@dataclass(frozen=True, slots=True)
class Night:
    """Everything of one night: lines in the order of delivery. absent: batches that never came."""

    orders: Sequence[Order]
    lines: Sequence[Line]
    after: dict[int, int]
    rows: Sequence[Row]
    absent: Sequence[str]


def make(*, seed: int, count: int, noise: str = "standard", forms: str = "house") -> Night:
    """A night of `count` orders. forms: a name of MIXES, or names of FORMS with commas."""
    rng = random.Random(f"{seed}/{count}/{noise}/{forms}")
    rough = NOISE[noise]
    names = MIXES.get(forms) or tuple(forms.split(","))
    billed = orders.make(rng, count, names)
    book = Book(rng)
    payers, reports = Payers(book, billed, rough.spoilings, rough.wrapped), Reports(book)
    acts, weights = list(rough.acts), list(rough.acts.values())
    acting = []
    for order in billed:
        draw = rng.random()
        if draw < 0.06 and order.status == "OPEN":
            payers.partners.append(order)
        elif draw < 0.94:
            acting.append(order)
    for order in acting:
        draw = rng.random()
        if draw < 0.15:
            reports.pays(order)
        elif order.status != "OPEN":
            payers.pays_closed(order)
        elif draw < 0.153:
            payers.pays(order)
            line = book.lines[-1]
            if line.truth.decision == "AUTO":
                reports.pays(order, after=(line.day, line.second))
        else:
            rng.choices(acts, weights)[0](payers, order)
    for _ in range(int(count * rough.business)):
        memo, amount = business.draw(rng)
        day, second = book.moment()
        truth = Truth(PERSON, "NON_ORDER", {})
        book.add(Line(-1, day, second, amount, memo, "", "business", "bank", truth, account=-1))
    reports.close()
    deliver_again(book, rough.again)
    return Night(billed, delivered(book.lines), balances(book.lines), reports.rows, reports.absent)
