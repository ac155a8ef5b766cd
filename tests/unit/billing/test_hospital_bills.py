"""A visit to hospital: the worked bill of the domain, and the rules behind the fund's rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import hospital
from billing.hospital import Cover, Group, Service
from payments import invoices
from payments.domain.errors import Invalid
from payments.domain.money import Money

EIGHTY = Cover(Group.OTHER)


def covered(amount: int, price: int | None = None) -> Service:
    return Service("Dịch vụ", Money(price or amount), insured=Money(amount))


def test_1_250_000_in_scope_at_80_percent_and_120_000_beside_leave_370_000() -> None:
    services = [covered(1_250_000), Service("Ngoài danh mục", Money(120_000))]

    divided = hospital.split(services, EIGHTY)

    assert divided == hospital.Split(Money(1_000_000), Money(250_000), Money(120_000))
    assert divided.patient == Money(370_000)
    assert invoices.total(hospital.lines(services, EIGHTY)) == Money(370_000)


def test_what_a_service_costs_above_the_insured_price_is_the_patients() -> None:
    divided = hospital.split([covered(1_000_000, price=1_400_000)], EIGHTY)

    assert (divided.fund.amount, divided.patient.amount) == (800_000, 600_000)


def test_the_funds_share_is_a_line_of_its_own() -> None:
    fund = hospital.lines([covered(1_000_000)], EIGHTY)[-1]

    assert (fund.kind, fund.signed, fund.name) == (
        "insurance",
        -800_000,
        "Quỹ BHYT thanh toán 80%",
    )


def test_a_patient_without_insurance_pays_everything() -> None:
    lines = hospital.lines([covered(500_000), Service("Thuốc", Money(80_000))], None)

    assert invoices.total(lines) == Money(580_000)
    assert all(line.kind == invoices.CHARGE for line in lines)


@pytest.mark.parametrize(
    ("cover", "in_scope", "percent"),
    [
        (Cover(Group.OTHER), 351_000, 80),
        (Cover(Group.OTHER), 350_999, 100),
        (Cover(Group.PENSIONER), 400_000, 95),
        (Cover(Group.FULL), 400_000, 100),
        (Cover(Group.OTHER, commune_level=True), 400_000, 100),
        (Cover(Group.OTHER, five_years=True, copay_this_year=Money(14_040_001)), 400_000, 100),
        (Cover(Group.OTHER, five_years=True, copay_this_year=Money(14_040_000)), 400_000, 80),
        (Cover(Group.OTHER, copay_this_year=Money(20_000_000)), 400_000, 80),
    ],
)
def test_the_rate_follows_group_level_size_of_the_visit_and_the_years_copay(
    cover: Cover, in_scope: int, percent: int
) -> None:
    assert hospital.rate(cover, Money(in_scope)) == percent


def test_an_insured_price_above_the_price_is_refused() -> None:
    with pytest.raises(Invalid):
        hospital.split([covered(2, price=1)], EIGHTY)


@given(
    amounts=st.lists(st.integers(1, 50_000_000), min_size=1, max_size=20),
    extra=st.integers(0, 5_000_000),
    group=st.sampled_from(Group),
)
def test_fund_and_patient_together_pay_the_whole_statement(
    amounts: list[int], extra: int, group: Group
) -> None:
    services = [covered(amount, price=amount + extra) for amount in amounts]

    divided = hospital.split(services, Cover(group))

    assert divided.fund + divided.patient == Money(sum(one.total for one in services))
    assert invoices.total(hospital.lines(services, Cover(group))) == divided.patient
