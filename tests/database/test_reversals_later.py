"""Money taken back on a later day, and paid twice over days: what it names, what it undoes."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from ops import check_ledger
from payments import bookings
from payments.domain import ids
from payments.domain.errors import Conflict
from reconciliation import bulk, bulk_posting, discrepancies, findings, progress, runs, undoing
from reconciliation.queries import case as cases
from reconciliation.queries import suggested, together
from reconciliation.queries.case import Case
from reconciliation.remedies import Proposal
from reconciliation.store import discrepancy
from tests import book_dump
from tests.cast import a_bill, a_school, an_order
from tests.databases import RING, House
from tests.settlement_desk import Desk
from tests.statement_files import Entry


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk(a_school(house))


def opened(desk: Desk, kind: str = "REVERSAL") -> list[Case]:
    """The discrepancies of this kind that are not over, in the order in which they arose."""
    found = desk.rows(f"""SELECT id FROM discrepancy WHERE kind = '{kind}'
        AND status NOT IN ('resolved', 'auto_resolved') ORDER BY day, id""")
    with desk.begin() as db:
        return [cases.get(db, one) for (one,) in found]


def names(desk: Desk, case: Case) -> Any:
    """The line that the night named, as it is sealed."""
    with desk.begin() as db:
        row = db.execute(select(discrepancy).where(discrepancy.c.id == case.id)).one()
        return findings.of(db, row).related


def line(desk: Desk, reference: str) -> UUID:
    found: UUID = desk.one(
        "SELECT id FROM bank_line WHERE bank_reference = :ref AND amount > 0 LIMIT 1", ref=reference
    )
    return found


def accept(desk: Desk, case: Case) -> None:
    """What is suggested, proposed by one and approved by another."""
    with desk.begin() as db:
        it = suggested.of(db, cases.get(db, case.id))
        assert it is not None
        proposal = Proposal(it.way, "Ngân hàng đảo bút toán", it.target)
        discrepancies.propose(db, case.id, proposal, by=desk.school.accountant, at=desk.now)
        discrepancies.approve(db, case.id, by=desk.school.chief, at=desk.now)


def bills(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.rows("SELECT reference, payment_state FROM invoice ORDER BY reference")


def sound(desk: Desk) -> bool:
    """Nothing unexplained, nothing in suspense or unapplied, and the ledger proves itself."""
    house = desk.school.house
    wrong = [
        one
        for one in check_ledger.check(house.system, keys=RING.believed())
        if one.difference is not None
    ]
    return (desk.gaps(), desk.balance("suspense"), desk.balance("unapplied"), wrong) == (
        [], 0, 0, []
    )  # fmt: skip


def test_a_reversal_of_the_next_day_names_its_original_and_its_bills_owe_again(
    desk: Desk,
) -> None:
    """Of one credit for two bills; of other payments with this amount none is meant."""
    with desk.begin() as db:
        two = an_order(
            db,
            desk.school,
            a_bill(db, desk.school, 200_000, "GB-X"),
            a_bill(db, desk.school, 100_000, "GB-Y"),
        )
    other = desk.order(300_000)
    desk.night(
        [
            Entry(300_000, two.code, "FT26069.00011"),
            Entry(300_000, other.code, "FT2606900012"),
            Entry(70_000, "chua ro", "FT2606900013"),
        ]
    )

    desk.night([Entry(-300_000, "HOAN TRA GD FT26069 00011 NGAY 10/03", "FT2607000001")])

    [case] = opened(desk)
    assert names(desk, case) == str(line(desk, "FT26069.00011"))
    assert case.original is not None
    assert [name for _, name in case.original.bills] == ["GB-X", "GB-Y"]
    assert case.rule == "reversal_named"
    assert bills(desk)[1:] == [("GB-X", "paid"), ("GB-Y", "paid")]  # until somebody approves
    accept(desk, case)
    assert bills(desk) == [("GB-1", "paid"), ("GB-X", "unpaid"), ("GB-Y", "unpaid")]
    assert desk.rows("SELECT amount, reversed, allocated FROM payment WHERE reversed > 0") == [
        (300_000, 300_000, 0)
    ]
    with desk.begin() as db:  # after it is over, it still says what it opened
        again = cases.get(db, case.id).original
    assert again == case.original
    desk.decide("UNMATCHED", "keep", ids.shown("ord", other.id))
    assert sound(desk)
    # The bills are paid again; a second reversal of the same credit finds nothing to take back.
    desk.night([Entry(300_000, two.code, "FT2607100001")])
    desk.night([Entry(-300_000, "REV FT26069.00011", "FT2607200001")])
    [second] = opened(desk)
    assert names(desk, second) == ""
    assert second.original is None
    old = case.original.payment
    assert old not in [one.target for one in second.candidates]
    with pytest.raises(Conflict, match="taken back or refunded already"):
        desk.decide("REVERSAL", "take_back", old)
    assert desk.gaps() == []


def test_two_that_fit_and_another_amount_name_none_but_suggest_what_is_quoted(desk: Desk) -> None:
    first, second, third = (desk.order(300_000) for _ in range(3))
    desk.night([Entry(300_000, first.code, "5217.75059"), Entry(300_000, third.code, "5217.75060")])
    desk.night([Entry(300_000, second.code, "5217.75059")])

    desk.night(
        [
            Entry(-300_000, "DIEU CHINH SO CT 5217.75059", "5218.00001"),
            Entry(-120_000, "DIEU CHINH MOT PHAN CT 5217.75060", "5218.00002"),
        ]
    )

    both, part = sorted(opened(desk), key=lambda one: -one.amount)
    assert (names(desk, both), names(desk, part)) == ("", "")
    assert both.rule == part.rule == "reversal"
    quoted = [one.target for one in both.candidates if one.evidence]
    twins = desk.rows("SELECT id FROM payment WHERE bank_reference = '5217.75059'")
    assert sorted(quoted) == sorted(ids.shown("pay", one) for (one,) in twins)
    assert [one.target for one in both.candidates[:2]] == quoted  # before the others of the sum
    with desk.begin() as db:
        undecided = suggested.of(db, both)
        of_part = suggested.of(db, part)
    assert undecided is not None
    assert (undecided.way, undecided.target) == ("take_back", "")
    [larger] = part.candidates
    assert larger.paid == 300_000
    assert of_part is not None
    assert (of_part.target, of_part.exact) == (larger.target, False)
    accept(desk, part)
    desk.decide("REVERSAL", "take_back", quoted[0])
    # What was not taken back of the third waits for a person, who is offered its bill.
    [rest] = opened(desk, "UNMATCHED")
    assert rest.at_stake == 180_000
    accept(desk, rest)
    owed = desk.rows("SELECT amount - allocated FROM invoice WHERE allocated < amount ORDER BY 1")
    assert owed == [(120_000,), (300_000,)]
    assert sound(desk)


class CutOff(BaseException):
    """The worker is gone."""


@pytest.fixture(params=["together", "one by one", "cut off after every line"])
def booked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the lines of a night get into the books."""
    how = str(request.param)
    if how == "one by one":
        monkeypatch.setattr(bulk_posting._Chunk, "write", _crossed)
    if how == "cut off after every line":
        monkeypatch.setattr(runs, "CHUNK", 1)
        _cut_off(monkeypatch)
    return how


def _crossed(self: object) -> None:
    raise bookings.Crossed()


def _cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every attempt ends after one more line, until nothing is left."""
    whole, steps, attempts = runs.run, Counter[object](), Counter[str]()

    def tell(*told: object) -> None:
        steps[told[3]] += 1
        if steps[told[3]] == 2:
            raise CutOff

    def again(*args: Any, **named: Any) -> runs.Run:
        while attempts["all"] < 50:
            attempts["all"] += 1
            steps.clear()
            with suppress(CutOff):
                return whole(*args, **named)
        raise AssertionError("it never ends")

    monkeypatch.setattr(progress, "tell", tell)
    monkeypatch.setattr(runs, "run", again)


@pytest.mark.usefixtures("booked")
def test_of_a_number_of_two_nights_none_is_named_and_no_two_debits_name_one_credit(
    house: House,
    desk: Desk,
) -> None:
    first, second, third, fourth = (desk.order(300_000) for _ in range(4))
    desk.night(
        [
            Entry(300_000, first.code, "FT100001"),
            Entry(300_000, third.code, "FT100002"),
            Entry(300_000, fourth.code, "FT100003"),
        ]
    )

    desk.night(
        [
            Entry(300_000, second.code, "FT100001"),
            Entry(300_000, "khong ro", "FT100009"),
            Entry(500_000, "khong ro", "FT100010"),
            Entry(-300_000, "HOAN TRA FT100001", "FT200001"),
            Entry(-300_000, "HOAN TRA FT100002", "FT200002"),
            Entry(-300_000, "HOAN TRA FT100002", "FT200003"),
            Entry(-300_000, "HOAN TRA FT100009", "FT200004"),
            Entry(-300_000, f"HUY GD {fourth.code}", "FT200005"),
        ]
    )
    desk.night([Entry(-300_000, "HOAN TRA FT100002", "FT200006"), Entry(900_000, "x", "FT100011")])

    told = {one.line.reference: names(desk, one) for one in opened(desk) if one.line is not None}
    assert told == {
        "FT200001": "",  # of yesterday or of tonight
        "FT200002": str(line(desk, "FT100002")),
        "FT200003": "",  # the one before claims it
        "FT200004": str(line(desk, "FT100009")),  # of the same night
        "FT200005": str(line(desk, "FT100003")),  # by the order that it had paid
        "FT200006": "",  # one that waits for approval claims it
    }
    named = [one for one in opened(desk) if one.original is not None]
    assert {one.rule for one in named} == {"reversal_named"}
    assert desk.gaps() == []
    before = book_dump.every_row(house)
    runs.run(
        desk.sessions,
        desk.school.biller_id,
        desk.account_id,
        date.fromordinal(desk.day.toordinal() - 1),
        clock=desk.school.house.clock.now,
    )
    assert book_dump.differences(before, book_dump.every_row(house)) == []
    for case in opened(desk):
        if names(desk, case):
            accept(desk, case)
    assert desk.gaps() == []
    assert bills(desk) == [
        ("GB-1", "paid"), ("GB-2", "paid"), ("GB-3", "unpaid"), ("GB-4", "unpaid")
    ]  # fmt: skip


def test_a_second_payment_names_the_first_of_days_ago_and_its_credit_can_be_taken_back(
    desk: Desk,
) -> None:
    order = desk.order(300_000)
    desk.night([Entry(300_000, order.code, "FT100001")])
    desk.night([Entry(300_000, order.code, "FT100002")])

    [doubled] = opened(desk, "DUPLICATE_PAYMENT")
    assert names(desk, doubled) == str(line(desk, "FT100001"))
    assert doubled.original is not None
    assert doubled.original.reference == "FT100001"
    accept(desk, doubled)
    assert desk.balance("credit") == 300_000
    desk.night([Entry(-300_000, "HOAN TRA GD FT100002", "FT200001")])
    [case] = opened(desk)
    assert case.original is not None
    assert case.original.discrepancy == ids.shown("dis", doubled.id)
    accept(desk, case)
    assert desk.balance("credit") == 0
    assert bills(desk) == [("GB-1", "paid")]
    assert sound(desk)


def test_reversals_that_name_one_credit_are_accepted_together(desk: Desk) -> None:
    """Four were paid; three go back by their number, one by half, and one is above the limit."""
    paid = [(desk.order(amount), amount) for amount in (300_000, 400_000, 500_000, 9_000_000)]
    desk.night(
        [Entry(amount, order.code, f"FT26069000{n}") for n, (order, amount) in enumerate(paid)]
    )
    back = (300_000, 400_000, 250_000, 9_000_000)
    desk.night(
        [
            Entry(-amount, f"HOAN TRA GD FT26069000{n}", f"FT2607{n}")
            for n, amount in enumerate(back)
        ]
    )
    limit(desk, 1_000_000)
    small, other, half, large = sorted(
        opened(desk), key=lambda one: (one.amount == 9_000_000, one.amount == 250_000, one.amount)
    )
    with desk.begin() as db:
        before, left = together.to_accept(db, [small.id, other.id, half.id, large.id])
        suggests = suggested.of(db, cases.get(db, small.id))
    assert suggests is not None
    assert (suggests.way, suggests.exact) == ("take_back", True)
    assert {(one.id, one.needs_second, *one.bills) for one in before} == {
        (small.id, False, "GB-1"),
        (other.id, False, "GB-2"),
        (large.id, True, "GB-4"),
    }
    assert [one.id for one in left] == [half.id]
    with desk.begin() as db:  # a colleague gives one of them back to its payer meanwhile
        made = db.scalar(text("SELECT id FROM allocation WHERE amount = 400000"))
        assert made is not None
        by, at = desk.school.accountant, desk.now
        freed = undoing.undo_match(db, made, reason="Nhầm", by=by, at=at)
        assert freed is not None
        back_to = Proposal("refund", "Nhầm", to_name="LE VAN THINH", to_account="9999001122")
        discrepancies.propose(db, freed, back_to, by=by, at=at)

    wanted = [small.id, other.id, half.id, large.id]
    done = bulk.accept_all(desk.begin, "REVERSAL", wanted, reason="Ngân hàng đảo", by=by, at=at)

    assert (list(done.done), list(done.proposed)) == ([small.id], [large.id])
    assert {(one.id, one.code) for one in done.skipped} == {
        (other.id, "not-exact"),
        (half.id, "not-exact"),
    }
    approved = bulk.approve_all(desk.begin, [large.id], by=desk.school.chief, at=at)
    assert list(approved.done) == [large.id]
    assert dict(bills(desk)) == {
        "GB-1": "unpaid", "GB-2": "unpaid", "GB-3": "paid", "GB-4": "unpaid"
    }  # fmt: skip
    legs = [leg for one in before if one.id != other.id for leg in one.legs]
    booked = [leg for one in (small, large) for leg in of_case(desk, one).booked]
    assert Counter(legs) >= Counter(booked)
    assert desk.gaps() == []


def limit(desk: Desk, dong: int) -> None:
    with desk.school.house.system.begin() as system:
        system.execute(text("UPDATE biller SET approval_limit = :limit"), {"limit": dong})


def of_case(desk: Desk, one: Case) -> Case:
    with desk.begin() as db:
        return cases.get(db, one.id)
