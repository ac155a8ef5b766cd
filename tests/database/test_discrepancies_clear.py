"""What clears by itself when its late half arrives, and the trail that every decision leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payments.domain import ids
from payments.domain.errors import Conflict
from reconciliation import discrepancies, verdicts
from reconciliation.dividing import Part
from reconciliation.remedies import WAYS, Proposal
from tests.cast import a_bill, a_notice, a_school, an_order
from tests.databases import QuickHouse
from tests.settlement_desk import Desk, credit
from tests.settlement_files import Settled
from tests.statement_files import Entry

BATCH = "VNP2026031101"
PAID = Settled("14422574", 581_000, 6_391, ref="TP14422574", batch=BATCH)
NET = 581_000 - 6_391


@pytest.fixture
def desk(quick_house: QuickHouse) -> Desk:
    return Desk(a_school(quick_house))


def cleared(desk: Desk) -> list[tuple[object, ...]]:
    return desk.rows("""SELECT kind, resolution, reason FROM discrepancy
        WHERE status = 'auto_resolved' ORDER BY resolved_at, kind""")


def a_told_credit(desk: Desk, amount: int, memo: str, reference: str) -> str:
    with desk.begin() as db:
        told = a_notice(db, desk.school, amount, memo, reference, f"FT{reference}")
    return ids.shown("pay", told.payment_id)


def test_a_notice_is_missed_also_when_it_had_been_decided_and_its_late_line_ends_that(
    desk: Desk,
) -> None:
    order = desk.order(300_000)
    a_told_credit(desk, 300_000, "khong ro", "1")
    with desk.begin() as db:
        verdicts.explain_free_money(db, at=desk.now)
    desk.decide("UNMATCHED", "apply", ids.shown("ord", order.id))
    for _ in range(3):
        desk.night()
    assert desk.queue() == [("MISSING_IN_REPORT", 300_000)]

    desk.night([Entry(300_000, "khong ro", "FT1")])

    line = ids.shown("lin", desk.one("SELECT id FROM bank_line"))
    assert cleared(desk) == [("MISSING_IN_REPORT", "line_arrived", line)]
    assert (desk.queue(), desk.gaps()) == ([], [])


def test_a_short_payment_ends_with_the_instalment_that_completes_it(desk: Desk) -> None:
    order = desk.order(300_000)
    desk.night([Entry(200_000, order.code, "FT1")])
    assert desk.queue() == [("UNDERPAID", 100_000)]

    desk.night([Entry(40_000, order.code, "FT2")])
    assert ("UNDERPAID", 100_000) in desk.queue()
    desk.night([Entry(60_000, order.code, "FT3")])

    last = desk.one("SELECT id FROM payment WHERE amount = 60000")
    assert ("UNDERPAID", "paid_in_full", ids.shown("pay", last)) in cleared(desk)
    assert (desk.queue(), desk.gaps()) == ([], [])


def test_a_late_batch_its_rest_and_the_missing_row_end_by_themselves(desk: Desk) -> None:
    desk.agree()
    desk.pay(PAID.txn)
    other = replace(PAID, txn="14422575", ref="TP14422575", batch="VNP2026031601", day="2026-03-16")
    desk.pay(other.txn)
    desk.file([PAID])
    for _ in range(4):
        desk.night()
    assert desk.queue() == [("BATCH_MISSING", NET), ("MISSING_IN_REPORT", 581_000)]

    desk.night([credit(BATCH, NET - 1_000)])
    assert desk.queue() == [("BATCH_MISMATCH", 1_000), ("MISSING_IN_REPORT", 581_000)]
    desk.night([credit(BATCH, 1_000, "FT2")])
    desk.file([other])

    assert sorted(cleared(desk)) == [
        ("BATCH_MISMATCH", "batch_whole", BATCH),
        ("BATCH_MISSING", "batch_arrived", BATCH),
        ("MISSING_IN_REPORT", "row_arrived", other.txn),
    ]
    assert (desk.queue(), desk.gaps()) == ([], [])


def test_a_credit_before_its_file_ends_when_the_batch_is_known_and_is_not_opened_again(
    desk: Desk,
) -> None:
    desk.pay(PAID.txn)
    desk.night([credit(BATCH, NET)])
    assert desk.queue() == [("BATCH_MISMATCH", NET)]

    desk.file([PAID])

    assert cleared(desk) == [("BATCH_MISMATCH", "batch_known", BATCH)]
    found, by = desk.one("SELECT id FROM discrepancy"), desk.school.accountant
    with pytest.raises(Conflict), desk.begin() as db:
        discrepancies.reopen(db, found, reason="Xem lại", by=by, at=desk.now)
    assert (desk.queue(), desk.gaps()) == ([], [])


def test_what_cleared_by_itself_without_money_in_suspense_may_be_opened_again(desk: Desk) -> None:
    order = desk.order(300_000)
    desk.night([Entry(200_000, order.code, "FT1")])
    desk.night([Entry(100_000, order.code, "FT2")])
    found = desk.one("SELECT id FROM discrepancy WHERE status = 'auto_resolved'")

    with desk.begin() as db:
        by = desk.school.accountant
        discrepancies.reopen(db, found, reason="Khoản sau là của anh trai", by=by, at=desk.now)

    assert desk.queue() == [("UNDERPAID", 100_000)]
    assert desk.gaps() == []


def test_every_way_leaves_a_line_of_audit_and_a_posting_or_a_reason(desk: Desk) -> None:
    """Each remedy once; whatever moves money has journals, the rest says why."""
    desk.agree()
    owing = desk.order(100_001)
    target = {"apply": ids.shown("ord", owing.id), "keep": ids.shown("ord", owing.id)}
    first = desk.order(581_000)
    desk.pay("D1", attempt=desk.attempt(first, "TPD1"))
    doubled = desk.pay("D2", attempt=desk.attempt(first, "TPD2"))
    never = desk.pay("never")
    paid = desk.pay(PAID.txn)
    with desk.begin() as db:
        verdicts.explain_doubled(db, doubled, at=desk.now)
        back = an_order(db, desk.school, a_bill(db, desk.school, 90_000, "GB-back"))
        two = [an_order(db, desk.school, a_bill(db, desk.school, 60_000, f"GB-{n}")) for n in "ab"]
    parts = tuple(Part(ids.shown("ord", one.id), 50_002) for one in two)
    desk.file([replace(PAID, fee=6_391 + 500)])
    desk.night(
        [
            Entry(100_001, "khong ro A", "FT1"),
            Entry(100_002, "khong ro B", "FT2"),
            Entry(100_003, "khong ro C", "FT3"),
            Entry(100_004, "khong ro D", "FT11"),
            Entry(-22_000, "PHI DICH VU SMS", "FT4"),
            Entry(18_000, "LAI TIEN GUI", "FT5"),
            Entry(50_000, "UNG HO QUY", "FT6"),
            Entry(-30_000, "PHI KHAC", "FT7"),
            Entry(90_000, back.code, "FT8"),
            Entry(-90_000, f"HOAN TRA GD {back.code}", "FT9"),
            credit(BATCH, NET - 500 - 700, "FT10"),
        ]
    )
    for _ in range(3):
        desk.night()
    ways = {
        100_001: "apply", 100_002: "keep", 100_003: "refund", 22_000: "bank_charge",
        18_000: "interest", 50_000: "other_income", 30_000: "other_expense", 90_000: "take_back",
        700: "gateway_fee", 500: "no_money", 100_004: "divide",
    }  # fmt: skip
    target["take_back"] = ids.shown("pay", desk.one("SELECT id FROM payment WHERE amount = 90000"))
    tried = set()
    for found, amount, payment in desk.rows(
        "SELECT id, amount, payment_id FROM discrepancy WHERE status = 'open' ORDER BY amount, id"
    ):
        way = {never: "not_paid", doubled: "refund_credit"}.get(payment) or ways.get(amount)
        if way is None or payment == paid:
            continue
        proposal = Proposal(way, f"Lý do: {way}", target.get(way, ""))
        if way == "divide":
            proposal = replace(proposal, parts=parts)
        if "refund" in way:
            proposal = replace(proposal, to_name="LE VAN THINH", to_account="9999001122")
        before = desk.one("SELECT count(*) FROM journal")
        with desk.begin() as db:
            discrepancies.propose(db, found, proposal, by=desk.school.accountant, at=desk.now)
            discrepancies.approve(db, found, by=desk.school.chief, at=desk.now)
        tried.add(way)
        booked = desk.one("SELECT count(*) FROM journal") - before
        assert (booked > 0) == (way != "no_money"), way
        audited = desk.rows(
            f"""SELECT action, actor_id, detail->>'way', detail->>'reason' FROM audit_line
                WHERE subject = '{ids.shown("dis", found)}' ORDER BY id"""
        )
        who, second = desk.school.accountant.id, desk.school.chief.id
        assert audited == [
            ("discrepancy.propose", who, way, f"Lý do: {way}"),
            ("discrepancy.approve", second, way, None),
            ("discrepancy.resolve", second, way, f"Lý do: {way}"),
        ]

    assert tried == set(WAYS)
    assert desk.gaps() == []
