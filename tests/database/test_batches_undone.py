"""What a line paid to a gateway's batch is undone: that one posting, and nothing beside it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ops import replaying
from payments import days
from payments.domain import ids
from payments.domain.errors import Conflict, Forbidden, Invalid, NotFound
from payments.domain.people import SERVICE
from reconciliation import batch_undoing, day_sheets, discrepancies
from reconciliation.remedies import Proposal
from tests.cast import ACCOUNT, a_school
from tests.databases import House, QuickHouse
from tests.settlement_desk import DAY, GATEWAY, Desk, credit
from tests.settlement_files import Settled
from tests.statement_files import Entry

BATCH, NEXT = "VNP2026031101", "VNP2026031201"
PAID = Settled("14422574", 581_000, 6_391, ref="TP14422574", batch=BATCH)
OTHER = Settled("14422575", 200_000, 2_200, ref="TP14422575", batch=NEXT)
NET, NET_OF_OTHER = 581_000 - 6_391, 200_000 - 2_200


@pytest.fixture
def desk(quick_house: QuickHouse) -> Desk:
    return Desk(a_school(quick_house))


def undo(
    desk: Desk,
    batch: str = BATCH,
    amount: int = NET,
    *,
    act: Callable[..., Any] = batch_undoing.undo,
    **more: Any,
) -> Any:
    values: dict[str, Any] = {"reason": "Nhầm lô", "by": desk.school.accountant, "at": desk.now}
    values |= more
    batch_id = desk.one("SELECT id FROM settlement_batch WHERE reference = :ref", ref=batch)
    line_id = desk.one("SELECT id FROM bank_line WHERE amount = :amount", amount=amount)
    with desk.begin() as db:
        return act(db, batch_id, line_id, **values)


def batches(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.rows("SELECT reference, standing, came FROM settlement_batch ORDER BY reference")


def test_the_batch_waits_again_and_the_line_is_money_that_nobody_explains(desk: Desk) -> None:
    for row in (PAID, OTHER):
        desk.pay(row.txn, row.gross)
    desk.file([PAID, OTHER])
    desk.night([credit(BATCH, NET), credit(NEXT, NET_OF_OTHER, "FT2")])

    undo(desk)

    assert batches(desk) == [(BATCH, "awaited", 0), (NEXT, "paid", NET_OF_OTHER)]
    assert desk.balance(GATEWAY) == NET
    assert desk.balance("unapplied") == NET
    assert desk.balance(f"bank:{ACCOUNT}") == NET + NET_OF_OTHER
    assert desk.rows("SELECT amount, status FROM bank_line ORDER BY amount") == [
        (NET_OF_OTHER, "matched"),
        (NET, "discrepancy"),
    ]
    assert desk.queue() == [("UNMATCHED", NET)]
    assert desk.gaps() == []

    desk.settle()  # by itself, never the same again
    desk.night()
    assert batches(desk)[0] == (BATCH, "awaited", 0)
    for _ in range(3):
        desk.night()
    assert desk.queue() == [("BATCH_MISSING", NET), ("UNMATCHED", NET)]
    assert desk.gaps() == []


def test_it_is_undone_once_by_somebody_who_may_and_says_why(house: House) -> None:
    desk = Desk(a_school(house))
    desk.pay(PAID.txn)
    desk.file([PAID])
    desk.night([credit(BATCH, NET)])
    for refusal, values in (
        (Forbidden, {"by": SERVICE}),
        (Forbidden, {"by": replace(desk.school.accountant, permissions=frozenset())}),
        (Invalid, {"reason": " "}),
        (NotFound, {"batch": "VNP2099"}),
    ):
        asked: dict[str, Any] = values
        with pytest.raises(refusal):
            undo(desk, **asked)
    assert batches(desk) == [(BATCH, "paid", NET)]

    def tried(_: int) -> str:
        try:
            undo(desk)
        except Conflict as refused:
            return refused.en
        return "undone"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(tried, range(2))) == [
            "This line was taken off the batch before.",
            "undone",
        ]
    assert batches(desk) == [(BATCH, "awaited", 0)]
    assert (desk.queue(), desk.gaps()) == ([("UNMATCHED", NET)], [])


def test_a_credit_that_had_waited_for_its_batch_waits_where_it_was(desk: Desk) -> None:
    """One in suspense, because it looks like a batch; one as free money, because nothing says."""
    desk.night([credit(BATCH, NET), Entry(NET_OF_OTHER, f"CHUYEN TIEN {NEXT}", "FT2")])
    assert desk.queue() == [("BATCH_MISMATCH", NET), ("UNMATCHED", NET_OF_OTHER)]
    for row in (PAID, OTHER):
        desk.pay(row.txn, row.gross)
    desk.file([PAID, OTHER])
    assert (desk.queue(), desk.gaps()) == ([], [])

    undo(desk)
    undo(desk, NEXT, NET_OF_OTHER)

    assert [row[1:] for row in batches(desk)] == [("awaited", 0), ("awaited", 0)]
    assert desk.queue() == [("UNMATCHED", NET_OF_OTHER), ("UNMATCHED", NET)]
    assert abs(desk.balance("suspense")) == NET
    assert desk.rows("SELECT reversed, free FROM payment WHERE gateway = 'bank'") == [
        (0, NET_OF_OTHER)
    ]
    assert desk.gaps() == []
    desk.settle()
    assert [row[1:] for row in batches(desk)] == [("awaited", 0), ("awaited", 0)]


def test_the_difference_of_a_batch_follows_and_what_was_decided_about_it_comes_first(
    desk: Desk,
) -> None:
    desk.pay(PAID.txn)
    desk.file([PAID])
    desk.night([credit(BATCH, 500_000), credit(BATCH, 70_000, "FT2")])
    assert desk.queue() == [("BATCH_MISMATCH", 4_609)]
    desk.decide("BATCH_MISMATCH", "gateway_fee")
    with pytest.raises(Conflict, match="open that decision again first"):
        undo(desk, amount=70_000)
    desk.reopen("BATCH_MISMATCH")

    undo(desk, amount=70_000)
    assert desk.queue() == [("BATCH_MISMATCH", 74_609), ("UNMATCHED", 70_000)]
    assert desk.gaps() == []
    undo(desk, amount=500_000)

    assert desk.queue() == [("UNMATCHED", 70_000), ("UNMATCHED", 500_000)]
    assert "batch_undone" in [one for (one,) in desk.rows("SELECT resolution FROM discrepancy")]
    assert desk.gaps() == []


def test_an_undo_is_taken_back_while_the_money_is_still_there(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.file([PAID])
    desk.night([credit(BATCH, NET)])
    undo(desk)
    held = desk.one("SELECT id FROM discrepancy WHERE status = 'open'")
    used = Proposal("keep", "Nhầm", ids.shown("ben", desk.school.pupil_id))

    def again(**more: Any) -> None:
        undo(desk, act=batch_undoing.put_back, **more)

    for refusal, values in ((Forbidden, {"by": SERVICE}), (Invalid, {"reason": ""})):
        asked: dict[str, Any] = values
        with pytest.raises(refusal):
            again(**asked)
    with desk.begin() as db:
        discrepancies.propose(db, held, used, by=desk.school.accountant, at=desk.now)
    with pytest.raises(Conflict, match="waits for approval"):
        again()
    with desk.begin() as db:
        discrepancies.approve(db, held, by=desk.school.chief, at=desk.now)
    with pytest.raises(Conflict, match="open that decision again"):
        again()
    with desk.begin() as db:
        by = desk.school.accountant
        discrepancies.reopen(db, held, reason="Nhầm", by=by, at=desk.now)

    again()

    assert batches(desk) == [(BATCH, "paid", NET)]
    assert (desk.balance(GATEWAY), desk.queue(), desk.gaps()) == (0, [], [])
    with pytest.raises(Conflict):
        again()
    undo(desk)
    again()
    assert (batches(desk), desk.gaps()) == ([(BATCH, "paid", NET)], [])
    assert desk.one("SELECT count(*) FROM batch_undo") == 2


def test_a_line_that_paid_a_signed_day_leaves_its_sheet_as_it_was(house: House) -> None:
    desk = Desk(a_school(house))
    desk.agree()
    desk.pay(PAID.txn)
    desk.file([PAID])
    desk.night([credit(BATCH, NET)])
    house.clock.advance(days=1)
    with desk.begin() as db:
        days.check(db, DAY, by=desk.school.accountant, at=desk.now)
    with desk.begin() as db:
        day_sheets.sign(db, DAY, by=desk.school.chief, at=desk.now)

    undo(desk)

    with desk.begin() as db:
        assert [one.difference for one in replaying.replay(db, DAY)] == [None]
        assert [one.gap for one in days.unexplained(db, date(2026, 3, 12)) if one.gap] == []
    assert desk.one("SELECT business_day FROM journal WHERE reverses_journal_id IS NOT NULL") > DAY
    assert desk.queue() == [("UNMATCHED", NET)]


def test_what_is_undone_may_pay_the_batch_that_it_names_and_be_undone_there_too(
    desk: Desk,
) -> None:
    """Taken for one batch by its sum; then the file of the one that it names comes."""
    by_sum = replace(OTHER, batch=BATCH)
    desk.pay(by_sum.txn, by_sum.gross)
    desk.file([by_sum])
    desk.night()
    desk.night([Entry(NET_OF_OTHER, f"VNPAY TT {NEXT}", "FT1")])
    assert batches(desk) == [(BATCH, "paid", NET_OF_OTHER)]
    undo(desk, BATCH, NET_OF_OTHER)

    named = replace(OTHER, txn="14422599", ref="TP14422599")
    desk.pay(named.txn, named.gross)
    desk.file([named])

    assert batches(desk) == [(BATCH, "awaited", 0), (NEXT, "paid", NET_OF_OTHER)]
    assert (desk.queue(), desk.gaps()) == ([], [])
    undo(desk, NEXT, NET_OF_OTHER)
    desk.settle()
    assert [row[1:] for row in batches(desk)] == [("awaited", 0), ("awaited", 0)]
    assert (desk.queue(), desk.gaps()) == ([("UNMATCHED", NET_OF_OTHER)], [])
