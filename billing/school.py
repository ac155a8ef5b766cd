"""School: the lines of one pupil's bill for one month.

Meals are charged up front as days × price. Days on which the child was absent come back on the
next bill as credit, at what the family had really paid for them: the price less the subsidy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from billing import catalogue
from payments.domain.errors import Invalid
from payments.domain.money import Money
from payments.invoices import Line

LONGEST_MONTH: Final = 31
CITY_SUBSIDY: Final = Money(20_000)
"""What the city pays of a primary pupil's meal."""


@dataclass(frozen=True, slots=True)
class Boarding:
    """A pupil who eats and rests at school. subsidy: what the city pays of each meal."""

    meal_days: int
    subsidy: Money = CITY_SUBSIDY
    absent_days: int = 0  # of the month before, not used and not to be paid


def boarding(month: date, what: Boarding) -> list[Line]:
    """Meals, care and water of a month, less what the month before left unused.

    month: any day of it. Raises Invalid for more days than a month has, or for a subsidy above
    the price of a meal.
    """
    meal = catalogue.price("BT-AN", on=month)
    _check(what, meal.price)
    lines = [
        meal.line(what.meal_days),
        Line(
            "Hỗ trợ tiền ăn",
            what.subsidy,
            what.meal_days,
            kind="subsidy",
            fee_code=meal.code,
            unit=meal.unit,
        ),
        catalogue.price("BT-CS", on=month).line(),
        catalogue.price("NUOC", on=month).line(),
    ]
    if not what.meal_days or not what.subsidy:
        lines = [line for line in lines if line.quantity and line.unit_price]
    if what.absent_days:
        lines.append(unused(meal, what))
    return lines


def unused(meal: catalogue.FeeItem, what: Boarding) -> Line:
    """The credit for days that were paid for and not used."""
    return Line(
        "Suất ăn không dùng tháng trước",
        meal.price - what.subsidy,
        what.absent_days,
        kind="credit",
        fee_code=meal.code,
        unit=meal.unit,
        note=f"Nghỉ {what.absent_days} ngày có báo trước",
    )


def tuition(month: date) -> list[Line]:
    """The month's tuition at a school of high quality, which families pay themselves."""
    return [catalogue.price("HP-CLC", on=month).line()]


def _check(what: Boarding, meal: Money) -> None:
    if not 0 <= what.meal_days <= LONGEST_MONTH or not 0 <= what.absent_days <= LONGEST_MONTH:
        raise Invalid("Số ngày ăn phải từ 0 đến 31.", "The days of meals are between 0 and 31.")
    if not 0 <= what.subsidy.amount <= meal.amount:
        raise Invalid(
            "Mức hỗ trợ không được lớn hơn giá suất ăn.",
            "The subsidy cannot be above the price of a meal.",
        )
