"""What is owed: orders of several billers, families with more than one child among them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from benchmarks.nights import people
from benchmarks.nights.references import FORMS, Form

AMOUNTS = (
    581_000, 235_000, 1_810_000, 370_000, 250_000, 157_950, 631_800, 99_500, 24_000, 3_500_000,
)  # fmt: skip
"""Nine bills in ten are one of these: an amount tells nobody apart."""

_BIZ = {"vp": "VP", "lp": "LP", "dvc": "LP", "dossier": "LP", "vt": "VP", "trade": "VP"}


@dataclass(frozen=True, slots=True)
class Order:
    """One order. form: of its reference."""

    id: str
    ref: str
    form: Form
    biz: str
    payer_code: str
    payer_name: str
    amount: int
    issued: str
    due: str
    status: str


def make(rng: random.Random, count: int, forms: Sequence[str]) -> list[Order]:
    """count orders, references of every form in turns; three in a hundred were settled before."""
    share = -(-count // len(forms))
    refs = {name: iter(FORMS[name].make(rng, share)) for name in forms}
    found: list[Order] = []
    payer, left = "", 0
    for at, form in zip(range(count), cycle(forms), strict=False):
        biz = _BIZ.get(form, "HP")
        if not left:
            payer = people.name(rng)
            # A pupil with a bill for meals and one for lessons has several open orders.
            left = rng.choices((1, 2, 3), (80, 15, 5))[0]
            number = at
        left -= 1
        odd = rng.random() < 0.1
        amount = rng.randrange(20_000, 9_000_000, 500) if odd else rng.choice(AMOUNTS)
        found.append(
            Order(
                f"o{at + 1:07d}",
                next(refs[form]),
                FORMS[form],
                biz,
                people.payer_code(number),
                payer,
                amount,
                "2026-09-01",
                f"2026-09-{rng.randint(15, 30)}",
                rng.choices(("OPEN", "PAID", "CANCELLED"), (970, 15, 15))[0],
            )
        )
    return found
