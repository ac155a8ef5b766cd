"""Dossiers: 24.000 at the counter, 0 online, by which decision and from which day."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import catalogue, dossiers
from billing.catalogue import Channel, FeeItem, SetBy
from payments import invoices
from payments.domain.errors import Invalid, NotFound
from payments.domain.money import Money

FILED = date(2026, 1, 5)


def test_three_extracts_at_the_counter_cost_24_000() -> None:
    lines = dossiers.extracts(3, Channel.COUNTER, on=FILED)

    assert [(line.quantity, line.unit_price.amount) for line in lines] == [(3, 8_000)]
    assert invoices.total(lines) == Money(24_000)


def test_the_same_online_costs_nothing_and_says_by_which_decision() -> None:
    lines = dossiers.extracts(3, Channel.ONLINE, on=FILED)

    assert invoices.total(lines) == Money(0)
    assert [(line.kind, line.signed, line.note) for line in lines] == [
        ("charge", 24_000, None),
        ("subsidy", -24_000, "Nghị quyết 77/2025/NQ-HĐND"),
    ]


@pytest.mark.parametrize(
    ("day", "basis"),
    [
        (date(2025, 12, 31), "Nghị quyết 07/2023/NQ-HĐND"),
        (date(2026, 1, 1), "Nghị quyết 77/2025/NQ-HĐND"),
    ],
)
def test_the_decision_changes_with_the_year(day: date, basis: str) -> None:
    waived = dossiers.of_item("HKD", 1, Channel.ONLINE, on=day)[-1]

    assert (waived.kind, waived.note) == ("exemption", basis)


def test_appraisal_fees_and_postage_are_due_online_too() -> None:
    examined = FeeItem("TD", "Phí thẩm định", Money(1), "hồ sơ", "", SetBy.CITY, appraisal=True)
    postage = dossiers.of_item("CPN", 1, Channel.ONLINE, on=FILED)

    assert catalogue.relief(examined, Channel.ONLINE, on=FILED) is None
    assert invoices.total(postage) == Money(26_000)


@pytest.mark.parametrize(("pages", "price"), [(1, 2_000), (2, 4_000), (3, 5_000), (500, 200_000)])
def test_a_certified_copy_costs_less_from_the_third_page_and_is_capped(
    pages: int, price: int
) -> None:
    lines = dossiers.certified_copies(pages, 2, Channel.COUNTER, on=FILED)

    assert invoices.total(lines) == Money(2 * price)


def test_an_item_without_a_price_that_day_is_not_guessed() -> None:
    with pytest.raises(NotFound):
        dossiers.of_item("KHONG-CO", 1, Channel.COUNTER, on=FILED)


def test_a_fee_item_holds_on_its_first_and_last_day() -> None:
    item = FeeItem("X", "X", Money(1), "", "", since=date(2026, 1, 1), until=date(2026, 1, 31))

    held = [item.holds(date(2026, 1, day)) for day in (1, 31)]

    assert held == [True, True]
    assert not item.holds(date(2026, 2, 1))
    assert not item.holds(date(2025, 12, 31))


@pytest.mark.parametrize(
    "text", ["h26.901-260105-0007", "000.A0.01.H26-210212-9090", " H26.990-260105-00012 "]
)
def test_a_dossiers_code_is_kept_in_capitals(text: str) -> None:
    assert dossiers.code(text) == text.strip().upper()


@pytest.mark.parametrize("text", ["", "H26.901", "H26.901-2601-0007", "H26.9011-260105-0007"])
def test_what_is_no_dossier_code_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        dossiers.code(text)


@given(copies=st.integers(1, 999), channel=st.sampled_from(Channel))
def test_a_dossier_never_costs_less_than_nothing(copies: int, channel: Channel) -> None:
    assert invoices.total(dossiers.extracts(copies, channel, on=FILED)).amount >= 0
