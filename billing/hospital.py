"""Hospital: the patient's bill of one visit, split with the health insurance fund.

What is in scope is priced by the fund; it pays its rate of the sum, the patient the rest. What
a service costs above the fund's price, and what the fund does not cover, the patient pays.
Rates: Law 51/2024/QH15 and Decree 188/2025/NĐ-CP, as in the groups below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from payments.domain.errors import Invalid
from payments.domain.money import Money
from payments.invoices import Line

BASE_SALARY: Final = Money(2_340_000)
SMALL_VISIT: Final = BASE_SALARY.share(15)[0]
"""A visit that costs less is paid by the fund in full: 351.000 ₫."""
YEARLY_COPAY: Final = Money(BASE_SALARY.amount * 6)
"""After five straight years, a patient pays no more than this in a year: 14.040.000 ₫."""
NOTHING: Final = Money(0)


class Group(StrEnum):
    """Whom the fund pays for."""

    FULL = "full"  # under six, poor households, people with merit, forces
    PENSIONER = "pensioner"  # and near-poor households
    OTHER = "other"


RATES: Final[Mapping[Group, int]] = {Group.FULL: 100, Group.PENSIONER: 95, Group.OTHER: 80}
"""Group -> percent of what is in scope that the fund pays."""


@dataclass(frozen=True, slots=True)
class Service:
    """One line of the cost statement. insured: the fund's price of one; None: not covered."""

    name: str
    price: Money
    quantity: int = 1
    insured: Money | None = None
    code: str | None = None
    unit: str | None = None

    @property
    def in_scope(self) -> int:
        """The đồng of this line that the fund looks at."""
        return 0 if self.insured is None else self.insured.amount * self.quantity

    @property
    def total(self) -> int:
        """The đồng of this line."""
        return self.price.amount * self.quantity


@dataclass(frozen=True, slots=True)
class Cover:
    """What decides the fund's rate. copay_this_year: paid by the patient before this visit."""

    group: Group
    commune_level: bool = False
    five_years: bool = False
    copay_this_year: Money = NOTHING


@dataclass(frozen=True, slots=True)
class Split:
    """Who pays what; together they are the whole statement."""

    fund: Money
    copay: Money
    out_of_scope: Money

    @property
    def patient(self) -> Money:
        """What the patient owes."""
        return self.copay + self.out_of_scope


def rate(cover: Cover, in_scope: Money) -> int:
    """The percent that the fund pays of this visit."""
    if cover.commune_level or in_scope < SMALL_VISIT:
        return 100
    if cover.five_years and cover.copay_this_year > YEARLY_COPAY:
        return 100
    return RATES[cover.group]


def split(services: Sequence[Service], cover: Cover | None) -> Split:
    """Divide a cost statement. cover: None for a patient without insurance.

    Rounded once for the statement: the patient's part down, so that the rest is the fund's.
    Raises Invalid for a service that the fund prices above what it costs.
    """
    for service in services:
        if service.insured is not None and service.insured > service.price:
            raise Invalid(
                f"{service.name}: giá BHYT cao hơn giá dịch vụ.",
                f"{service.name}: the insured price is above the price.",
            )
    total = sum(service.total for service in services)
    covered = Money(sum(service.in_scope for service in services) if cover else 0)
    percent = rate(cover, covered) if cover else 0
    copay, fund = covered.share(100 - percent)
    return Split(fund, copay, Money(total) - covered)


def lines(services: Sequence[Service], cover: Cover | None) -> list[Line]:
    """The patient's bill: every service, less the fund's share as a line of its own."""
    divided = split(services, cover)
    found = [
        Line(
            service.name,
            service.price,
            service.quantity,
            fee_code=service.code,
            unit=service.unit,
            note="Ngoài phạm vi BHYT" if service.insured is None and cover else None,
        )
        for service in services
    ]
    if divided.fund:
        percent = rate(cover, divided.fund + divided.copay) if cover else 0
        found.append(
            Line(f"Quỹ BHYT thanh toán {percent}%", divided.fund, kind="insurance", fee_code="BHYT")
        )
    return found
