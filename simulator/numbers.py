"""Amounts as people type and read them."""

from __future__ import annotations

import re

from simulator.asks import AMOUNT_MAX
from simulator.faults import whole

_GAPS = re.compile(r"[.,\s\u00a0₫]+")


def typed_amount(text: str) -> int:
    """A typed amount: 581.000, 581,000 and 581000 are the same. Raises Refused."""
    return whole(_GAPS.sub("", text), "amount", 0, AMOUNT_MAX)


def grouped(amount: int) -> str:
    """581000 as 581.000, with a true minus."""
    return f"{amount:,}".replace(",", ".").replace("-", "\u2212")
