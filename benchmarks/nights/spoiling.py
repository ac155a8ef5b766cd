"""What becomes of a reference between the bill and the statement.

Each spoiling tells whether what is left still decides: alone, only with the right amount (one
mistake in a code of ours), or not at all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.nights.orders import Order


class Left(StrEnum):
    """What a spoiled reference is still good for."""

    WHOLE = "whole"
    WITH_AMOUNT = "with amount"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Spoiled:
    """how: which spoiling; text: what stands in the memo now; left: what it is good for."""

    how: str
    text: str
    left: Left


_LOOKS = {"0": "O", "1": "I", "5": "S", "8": "B", "2": "Z"}
_SYMBOLS = "0123456789ACDEFGHJKMNPQRTVWXY"


def _plain(rng: random.Random, order: Order) -> Spoiled:
    return Spoiled("exact", order.ref, Left.WHOLE)


def _case(rng: random.Random, order: Order) -> Spoiled:
    return Spoiled("case", rng.choice((order.ref.lower(), order.ref.upper())), Left.WHOLE)


def _squeezed(rng: random.Random, order: Order) -> Spoiled:
    return Spoiled("squeezed", "".join(c for c in order.ref if c.isalnum()), Left.WHOLE)


def _separated(rng: random.Random, order: Order) -> Spoiled:
    """A payer groups the symbols, or leaves a sign between letters and digits."""
    ref, sign = order.ref, rng.choice(" -. _")
    cut = rng.randint(2, max(2, len(ref) - 2))
    left = Left.WHOLE if order.form.tolerant else Left.NOTHING
    return Spoiled("separated", f"{ref[:cut]}{sign}{ref[cut:]}", left)


def _glued(rng: random.Random, order: Order) -> Spoiled:
    """Words without blanks around the reference. Letters behind letters could be anything."""
    word, behind = rng.choice(("hocphi", "noptien", "ck", "TT", "vienphi")), ""
    if order.form.dense and order.ref[-1].isdigit():
        behind = rng.choice(("", "nguyen", "hocky1", "xincamon"))
    left = Left.WHOLE if order.form.tolerant else Left.NOTHING
    return Spoiled("glued", f"{word}{order.ref}{behind}", left)


def _looks(rng: random.Random, order: Order) -> Spoiled:
    """A letter for the digit that it looks like, in a form of digits or in a code of ours."""
    ref = order.ref
    places = [at for at, char in enumerate(ref) if at >= 2 and char in _LOOKS]
    if not (order.form.ours or order.form.dense) or not order.form.tolerant or not places:
        return _plain(rng, order)
    for at in rng.sample(places, min(len(places), rng.randint(1, 2))):
        ref = ref[:at] + _LOOKS[ref[at]] + ref[at + 1 :]
    return Spoiled("look-alike", ref, Left.WHOLE)


def _one_wrong(rng: random.Random, order: Order) -> Spoiled:
    """One character is another: undone in a code of ours, another order's anywhere else."""
    if not order.form.ours:
        return _plain(rng, order)
    ref, at = order.ref, rng.randrange(2, 12)
    other = rng.choice([symbol for symbol in _SYMBOLS if symbol != ref[at]])
    return Spoiled("one wrong", ref[:at] + other + ref[at + 1 :], Left.WITH_AMOUNT)


def _swapped(rng: random.Random, order: Order) -> Spoiled:
    ref, at = order.ref, rng.randrange(2, 11)
    if not order.form.ours or ref[at] == ref[at + 1]:
        return _plain(rng, order)
    return Spoiled("swapped", ref[:at] + ref[at + 1] + ref[at] + ref[at + 2 :], Left.WITH_AMOUNT)


def _bare(rng: random.Random, order: Order) -> Spoiled:
    if not order.form.ours:
        return _plain(rng, order)
    return Spoiled("prefix lost", order.ref[2:], Left.WITH_AMOUNT)


def _cut(rng: random.Random, order: Order) -> Spoiled:
    """The last characters are gone; the first half at least is there."""
    ref = order.ref
    if order.form.varied:
        return _plain(rng, order)
    missing = rng.randint(1, max(1, min(4, len(ref) - 4)))
    return Spoiled("cut", ref[:-missing], Left.NOTHING)


Spoiling = Callable[[random.Random, Order], Spoiled]

STANDARD: Mapping[Spoiling, int] = {
    _plain: 640, _case: 80, _squeezed: 40, _separated: 60, _glued: 60, _looks: 25,
    _one_wrong: 20, _swapped: 10, _bare: 15, _cut: 15,
}  # fmt: skip
HIGH: Mapping[Spoiling, int] = {
    _plain: 150, _case: 120, _squeezed: 80, _separated: 150, _glued: 150, _looks: 120,
    _one_wrong: 70, _swapped: 50, _bare: 50, _cut: 60,
}  # fmt: skip

exactly = _plain
cut_off = _cut


def spoil(rng: random.Random, order: Order, shares: Mapping[Spoiling, int]) -> Spoiled:
    """The order's reference as it arrives, spoiled as often as the shares say."""
    return rng.choices(list(shares), list(shares.values()))[0](rng, order)
