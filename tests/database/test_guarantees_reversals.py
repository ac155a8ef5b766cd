"""A correction is a journal that mirrors another, once; nothing is edited."""

from __future__ import annotations

import pytest
from psycopg import Connection

from tests.factories import Biller, Leg, a_journal
from tests.refusals import NOT_WHOLE, UNIQUE, one, refused

FEE = ("receivable", "revenue:tuition", 581_000)
FEE_BACK = ("revenue:tuition", "receivable", 581_000)


def test_a_journal_is_reversed_once_by_its_mirror_image(app: Connection, ours: Biller) -> None:
    journal = a_journal(app, ours, FEE, ("bank_charges", "unapplied", 7))
    mirror = (FEE_BACK, ("unapplied", "bank_charges", 7))

    a_journal(app, ours, *mirror, reverses=journal)

    with refused(app, UNIQUE):
        a_journal(app, ours, *mirror, reverses=journal)
    assert balance(app, "receivable") == 0


@pytest.mark.parametrize(
    "legs",
    [
        [FEE],  # the same way round
        [("revenue:tuition", "receivable", 580_999)],
        [("revenue:tuition", "unapplied", 581_000)],
        [FEE_BACK, FEE_BACK],
        [("revenue:tuition", "receivable", 581_000), ("unapplied", "receivable", 1)],
    ],
)
def test_a_reversal_that_is_no_mirror_image_is_refused(
    app: Connection, ours: Biller, legs: list[Leg]
) -> None:
    journal = a_journal(app, ours, FEE)

    with refused(app, NOT_WHOLE):
        a_journal(app, ours, *legs, reverses=journal)


def test_a_reversal_of_half_a_journal_is_refused(app: Connection, ours: Biller) -> None:
    journal = a_journal(app, ours, FEE, ("bank_charges", "unapplied", 7))

    with refused(app, NOT_WHOLE):
        a_journal(app, ours, FEE_BACK, reverses=journal)
    with refused(app, NOT_WHOLE):
        a_journal(app, ours, ("unapplied", "bank_charges", 7), FEE_BACK, reverses=journal)


def test_a_reversal_is_not_reversed(app: Connection, ours: Biller) -> None:
    journal = a_journal(app, ours, FEE)
    reversal = a_journal(app, ours, FEE_BACK, reverses=journal)

    with refused(app, NOT_WHOLE):
        a_journal(app, ours, FEE, reverses=reversal)


def balance(db: Connection, account: str) -> int:
    value: int = one(
        db,
        """SELECT coalesce(sum(CASE WHEN debit_account = %s THEN amount ELSE -amount END), 0)::int
           FROM transfer WHERE %s IN (debit_account, credit_account)""",
        account,
        account,
    )
    return value
