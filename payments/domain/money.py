"""Money: whole đồng and nothing else.

The đồng has no smaller unit in use, so an amount is an int. Floats and decimals are
refused at the door; Decimal lives only in the readers of foreign bank files.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from payments.domain.errors import MoneyError

MOST = 999_999_999_999
"""The largest amount any row may hold: one đồng under a thousand billion."""

_NBSP = "\u00a0"
_MINUS = "\u2212"


class Currency(StrEnum):
    """The currencies that are booked. Statements in others are read, never posted."""

    VND = "VND"


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An exact amount in the currency's smallest unit: 581.000 ₫ is Money(581_000).

    Raises MoneyError for anything but an int within ±999,999,999,999.
    """

    amount: int
    currency: Currency = Currency.VND

    def __post_init__(self) -> None:
        if type(self.amount) is not int or abs(self.amount) > MOST:
            raise MoneyError(
                f"Số tiền phải là số nguyên đồng, tối đa {grouped(MOST)}.",
                f"An amount is a whole number of đồng, at most {grouped(MOST)}.",
            )

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - other.amount, self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def share(self, percent: int) -> tuple[Money, Money]:
        """The share, rounded down, and the rest: together always the whole."""
        part = Money(self.amount * percent // 100, self.currency)
        return part, self - part

    def __str__(self) -> str:
        return f"{grouped(self.amount)}{_NBSP}₫"


def grouped(amount: int) -> str:
    """Digits in groups of three by dots, with a true minus: -45000 -> "−45.000"."""
    digits = f"{abs(amount):,}".replace(",", ".")
    return f"{_MINUS}{digits}" if amount < 0 else digits
