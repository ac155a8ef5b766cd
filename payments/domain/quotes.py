"""Which orders a memo quotes, and whether that is enough to book. Pure.

All evidence is heard before anything is decided, and uniqueness decides: money is applied
unattended only if no other order could be meant. Whatever is left goes to a person, with
the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from payments.domain.codes import Found, How

_SURE: Final = {How.EXACT, How.GLUED, How.SPLIT}
"""Readings in which every symbol, prefix included, stands in the memo."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an order still asks for, in đồng. open: neither cancelled nor fully paid by itself."""

    due: int
    status: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """The decision: codes of the orders to pay, in the memo's order; none = a person decides.

    rule: the name of the rule that decided, or why none did (a code of match-files.md).
    """

    codes: tuple[str, ...]
    rule: str


def decide(found: Sequence[Found], orders: Mapping[str, Asked], amount: int) -> Quoted:
    """Decide from the codes found in a memo.

    orders: code -> what it asks for, for every found code that was issued.
    amount: đồng received.
    """
    sure = [f for f in found if f.how in _SURE]
    if not sure:
        return _weak(found, orders, amount)
    unknown = [f for f in sure if f.code not in orders]
    if unknown:
        return Quoted((), "UNKNOWN_REF")
    codes = tuple(dict.fromkeys(f.code for f in sure))
    if any(orders[code].status == "cancelled" for code in codes):
        return Quoted((), "ORDER_CLOSED")
    due = sum(orders[code].due for code in codes)
    if due == 0:
        return Quoted((), "DUPLICATE_PAYMENT")
    if len(codes) > 1 and due != amount:
        return Quoted((), "SPLIT_MISMATCH")
    if len(codes) > 1:
        return Quoted(codes, "codes_sum")
    return Quoted(codes, "code_exact" if sure[0].how is How.EXACT else "code_in_memo")


def _weak(found: Sequence[Found], orders: Mapping[str, Asked], amount: int) -> Quoted:
    """A corrected code, or one without its prefix, needs the amount to say the same."""
    known = {f.code: f for f in found if f.code in orders}
    if len(known) != 1:
        return Quoted((), "UNKNOWN_REF" if found and not known else "UNMATCHED")
    code, reading = next(iter(known.items()))
    asked = orders[code]
    if asked.status in ("created", "awaiting") and asked.due == amount > 0:
        rule = "code_corrected" if reading.how is How.CORRECTED else "code_without_prefix"
        return Quoted((code,), rule)
    return Quoted((), "UNMATCHED")
