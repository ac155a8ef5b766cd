"""The one figure for what nobody has explained, and journals as both sides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from payments.days import Compared
from payments.domain.journals import Transfer
from payments.domain.money import Money
from web.console import figures

gaps = st.lists(
    st.tuples(st.sampled_from(["bank", "money", "ledger"]), st.integers(-1_000_000, 1_000_000)),
    max_size=8,
)


def compared(component: str, gap: int) -> Compared:
    return Compared(component, "x", gap, 0)


@given(gaps)
def test_the_figure_is_zero_only_if_every_comparison_agrees(found: list[tuple[str, int]]) -> None:
    figure = figures.unexplained([compared(component, gap) for component, gap in found])

    assert (figure == 0) == all(gap == 0 for _, gap in found)


def test_gaps_of_opposite_signs_never_hide_each_other() -> None:
    assert figures.unexplained([compared("bank", 40_000), compared("bank", -40_000)]) == 80_000


def test_two_accounts_add_up_and_two_views_of_the_same_money_do_not() -> None:
    found = [compared("bank", 40_000), compared("bank", 2_000), compared("money", 30_000)]

    assert figures.unexplained(found) == 42_000


def test_a_journal_has_one_row_for_each_account_and_side() -> None:
    legs = (
        Transfer("unapplied", "receivable", Money(300)),
        Transfer("unapplied", "credit", Money(100)),
        Transfer("bank:9999018452", "in_transit:9999018452", Money(5)),
    )

    made = figures.journal(legs)

    assert made is not None
    rows = [(entry.account, entry.debit, entry.credit) for entry in made.entries]
    assert rows == [
        ("3378", 400, 0),
        ("1121", 5, 0),
        ("1383", 0, 300),
        ("3388", 0, 100),
        ("1131", 0, 5),
    ]
    assert made.balanced
    assert figures.journal(()) is None
