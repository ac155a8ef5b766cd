"""Many exact answers accepted at once, and comments, on a database with real commits."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import days, people
from payments.domain import ids
from payments.domain.errors import Conflict, Forbidden, Invalid
from payments.domain.people import ROLES, SERVICE, Actor
from reconciliation import bulk, cases, discrepancies, undoing, verdicts
from reconciliation.bulk import Accepted
from tests.cast import School, a_bill, a_notice, a_school, an_order
from tests.databases import House, QuickHouse

REASON = "Đúng mã học sinh và số tiền"


class Desk:
    """A school that hears of money whose memo gives the pupil's number and no code."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.told = 0

    @property
    def at(self) -> object:
        return self.school.house.clock.now()

    def begin(self) -> AbstractContextManager[Session]:
        return self.school.house.sessions.begin(self.school.biller_id)

    def one(self, sql: str, **values: object) -> object:
        with self.begin() as db:
            return db.scalar(text(sql), values)

    def pupil(self, code: str) -> School:
        """The same school with another pupil."""
        with self.begin() as db:
            pupil_id = people.save_beneficiary(
                db,
                kind="student",
                code=code,
                person=people.Person(f"Học Sinh {code[-2:]}"),
                at=self.school.house.clock.now(),
            )
        return replace(self.school, pupil_id=pupil_id)

    def waits(self, code: str, owed: int = 581_000, paid: int | None = None) -> tuple[UUID, UUID]:
        """A bill of a new pupil and money that names them: (discrepancy, order)."""
        of = self.pupil(code)
        self.told += 1
        with self.begin() as db:
            order = an_order(db, of, a_bill(db, of, owed, f"GB-{code}"))
            a_notice(db, of, paid or owed, f"NOP HOC PHI {code}", f"N{self.told}")
            verdicts.explain_free_money(db, at=self.school.house.clock.now())
        found = self.one("SELECT id FROM discrepancy ORDER BY opened_at DESC, id DESC LIMIT 1")
        assert isinstance(found, UUID)
        return found, order.id

    def accept(self, *wanted: UUID, by: Actor | None = None, kind: str = "UNMATCHED") -> Accepted:
        return bulk.accept_all(
            self.begin,
            kind,
            wanted,
            reason=REASON,
            by=by or self.school.accountant,
            at=self.school.house.clock.now(),
        )

    def limit(self, dong: int) -> None:
        with self.school.house.system.begin() as system:
            system.execute(text("UPDATE biller SET approval_limit = :limit"), {"limit": dong})

    def status(self, discrepancy_id: UUID) -> object:
        return self.one("SELECT status FROM discrepancy WHERE id = :id", id=discrepancy_id)


@pytest.fixture
def desk(quick_house: QuickHouse) -> Desk:
    made = Desk(a_school(quick_house))
    made.limit(1_000_000)
    return made


def test_exact_ones_are_booked_each_by_itself_and_the_others_say_why(desk: Desk) -> None:
    good = [desk.waits(f"HS26011{n}", 300_000 + n)[0] for n in range(3)]
    short, _ = desk.waits("HS260120", 500_000, paid=400_000)
    twice = desk.pupil("HS260121")
    with desk.begin() as db:
        for n in range(2):
            an_order(db, twice, a_bill(db, twice, 90_000, f"GB-T{n}"))
        a_notice(db, twice, 90_000, "NOP TIEN HS260121", "N-twice")
        verdicts.explain_free_money(db, at=desk.school.house.clock.now())
    tied = desk.one("SELECT id FROM discrepancy WHERE amount = 90000")
    assert isinstance(tied, UUID)

    done = desk.accept(*good, short, tied, good[0], ids.new())

    assert list(done.done) == good
    assert done.proposed == []
    why = {one.id: one for one in done.skipped}
    assert why[short].code == why[tied].code == "not-exact"
    assert "còn phải nộp" in why[short].vi
    assert "Another order" in why[tied].en
    assert [one.code for one in done.skipped][2:] == ["not-found"]
    assert desk.one("SELECT count(*) FROM invoice WHERE payment_state = 'paid'") == 3
    booked = "SELECT count(*) FROM journal WHERE event_key LIKE 'apply:%'"
    audited = "SELECT count(*) FROM audit_line WHERE action = 'discrepancy.resolve'"
    told = "SELECT count(*) FROM discrepancy_event WHERE what = 'resolved'"
    assert desk.one(booked) == desk.one(audited) == desk.one(told) == 3
    assert [one.code for one in desk.accept(*good).skipped] == ["conflict"] * 3
    assert desk.one(booked) == 3


def test_above_the_limit_it_is_proposed_and_somebody_else_approves(desk: Desk) -> None:
    small, _ = desk.waits("HS260130", 900_000)
    large, order = desk.waits("HS260131", 1_000_001)
    gone, gone_order = desk.waits("HS260132", 2_000_000)
    by_chief, at = desk.school.chief, desk.school.house.clock.now()

    done = desk.accept(small, large, gone)
    with desk.begin() as db:  # cash at the counter, say
        a_notice(db, desk.school, 5_000, desk_code(desk, gone_order), "N-part")
    own = bulk.approve_all(
        desk.begin, [large], by=replace(by_chief, id=desk.school.accountant.id), at=at
    )
    approved = bulk.approve_all(desk.begin, [large, gone, small], by=by_chief, at=at)

    assert (list(done.done), list(done.proposed)) == ([small], [large, gone])
    assert [one.code for one in own.skipped] == ["second-person"]
    assert list(approved.done) == [large]
    assert [one.id for one in approved.skipped] == [gone, small]
    assert "khác số còn phải nộp" in approved.skipped[0].vi
    with pytest.raises(Conflict, match="paid in part meanwhile"), desk.begin() as db:
        discrepancies.approve(db, gone, by=by_chief, at=at)
    assert desk.status(gone) == "proposed"
    assert desk.one("SELECT allocated FROM payment_order WHERE id = :id", id=order) == 1_000_001
    with pytest.raises(Forbidden):
        bulk.approve_all(desk.begin, [gone], by=desk.school.accountant, at=at)


def test_a_proposal_that_another_bill_fits_by_now_is_not_approved_with_others(desk: Desk) -> None:
    tied, _ = desk.waits("HS260133", 1_000_001)
    desk.accept(tied)
    pupil = desk.one("SELECT beneficiary_id FROM invoice")
    assert isinstance(pupil, UUID)
    with desk.begin() as db:  # the same pupil owes the same once more
        same = replace(desk.school, pupil_id=pupil)
        an_order(db, same, a_bill(db, same, 1_000_001, "GB-NUA"))

    approved = bulk.approve_all(
        desk.begin, [tied], by=desk.school.chief, at=desk.school.house.clock.now()
    )

    [skipped] = approved.skipped
    assert (skipped.code, skipped.vi) == ("not-exact", "Còn đơn khác cũng có thể đúng.")
    assert desk.status(tied) == "proposed"


def desk_code(desk: Desk, order_id: UUID) -> str:
    return str(desk.one("SELECT code FROM payment_order WHERE id = :id", id=order_id))


def test_what_somebody_else_has_or_an_undone_pair_is_left(desk: Desk) -> None:
    at = desk.school.house.clock.now()
    taken, _ = desk.waits("HS260140", 100_001)
    undone, order = desk.waits("HS260141", 100_002)
    with desk.begin() as db:
        discrepancies.assign(db, taken, by=desk.school.chief, at=at)
    assert list(desk.accept(undone).done) == [undone]
    with desk.begin() as db:
        made = db.scalar(text("SELECT id FROM allocation WHERE live"))
        assert made is not None
        undoing.undo_match(db, made, reason="Nhầm", by=desk.school.accountant, at=at)
    again = desk.one("SELECT id FROM discrepancy WHERE status = 'open'")
    assert isinstance(again, UUID)

    done = desk.accept(taken, again, undone)

    assert [one.code for one in done.skipped] == ["conflict", "not-exact", "conflict"]
    assert "người khác" in done.skipped[0].vi
    assert desk.one("SELECT allocated FROM payment_order WHERE id = :id", id=order) == 0
    with desk.begin() as db:
        assert verdicts.explain_free_money(db, at=at) == 0  # the machine leaves it, too


def test_a_decision_of_many_is_opened_again_alone(desk: Desk) -> None:
    first, _ = desk.waits("HS260150", 100_003)
    second, order = desk.waits("HS260151", 100_004)
    desk.accept(first, second)

    with desk.begin() as db:
        discrepancies.reopen(
            db,
            first,
            reason="Nhầm em",
            by=desk.school.accountant,
            at=desk.school.house.clock.now(),
        )

    assert desk.status(first) == "open"
    assert desk.status(second) == "resolved"
    assert desk.one("SELECT sum(free) FROM payment") == 100_003
    assert desk.one("SELECT allocated FROM payment_order WHERE id = :id", id=order) == 100_004


def test_one_bill_of_an_accepted_order_is_undone_and_its_neighbour_stays(desk: Desk) -> None:
    of, at = desk.pupil("HS260155"), desk.school.house.clock.now()
    with desk.begin() as db:
        bills = [a_bill(db, of, dong, f"GB-N{dong}") for dong in (100_000, 40_000)]
        an_order(db, of, *bills)
        a_notice(db, desk.school, 140_000, "NOP TIEN HS260155", "N-two")
        verdicts.explain_free_money(db, at=at)
    found = desk.one("SELECT id FROM discrepancy")
    assert isinstance(found, UUID)
    assert list(desk.accept(found).done) == [found]

    with desk.begin() as db:
        made = db.scalar(text("SELECT id FROM allocation WHERE amount = 40000"))
        assert made is not None
        undoing.undo_match(db, made, reason="Nhầm", by=desk.school.accountant, at=at)
    with pytest.raises(Conflict), desk.begin() as db:
        undoing.undo_match(db, made, reason="Lần nữa", by=desk.school.accountant, at=at)

    assert desk.one("SELECT sum(amount) FROM allocation WHERE live") == 100_000
    assert desk.one("SELECT free FROM payment") == 40_000
    assert desk.one("SELECT holds FROM discrepancy WHERE status = 'open'") == 40_000
    with desk.begin() as db:
        assert [one for one in days.unexplained(db, at.date()) if one.gap] == []


def test_a_list_that_broke_off_is_sent_again_and_nothing_is_booked_twice(desk: Desk) -> None:
    wanted = [desk.waits(f"HS26019{n}", 300_000 + n)[0] for n in range(4)]
    calls = count()

    def dies() -> AbstractContextManager[Session]:
        if next(calls) == 2:
            raise SystemExit  # as a worker that is stopped between two of them
        return desk.begin()

    by, at = desk.school.accountant, desk.school.house.clock.now()
    with pytest.raises(SystemExit):
        bulk.accept_all(dies, "UNMATCHED", wanted, reason=REASON, by=by, at=at)
    assert desk.one("SELECT count(*) FROM allocation") == 2

    again = desk.accept(*wanted)

    assert list(again.done) == wanted[2:]
    assert [one.id for one in again.skipped] == wanted[:2]
    assert desk.one("SELECT count(*) FROM allocation") == 4
    assert desk.one("SELECT sum(free) FROM payment") == 0


def test_who_may_not_and_what_is_no_kind_of_it_is_refused_at_once(desk: Desk) -> None:
    found, _ = desk.waits("HS260160", 100_005)
    viewer = replace(desk.school.accountant, permissions=frozenset(ROLES["viewer"]))

    with pytest.raises(Forbidden):
        desk.accept(found, by=viewer)
    with pytest.raises(Invalid):
        desk.accept(found, kind="UNDERPAID")
    assert [one.vi for one in desk.accept(found, kind="NON_ORDER").skipped] == [
        "Khoản này thuộc loại khác."
    ]
    assert desk.status(found) == "open"


def test_of_two_people_who_accept_the_same_list_each_one_is_booked_once(house: House) -> None:
    desk = Desk(a_school(house))
    desk.limit(1_000_000)
    wanted = [desk.waits(f"HS26017{n}", 200_000 + n)[0] for n in range(5)]
    start, found = Barrier(2), list[Accepted]()

    def accept(by: Actor, order: list[UUID]) -> None:
        start.wait()
        found.append(desk.accept(*order, by=by))

    threads = [
        Thread(target=accept, args=(desk.school.accountant, wanted)),
        Thread(target=accept, args=(desk.school.chief, wanted[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    first, second = found
    assert sorted([*first.done, *second.done]) == sorted(wanted)
    assert {one.code for one in (*first.skipped, *second.skipped)} <= {"conflict"}
    assert desk.one("SELECT count(*) FROM allocation WHERE live") == 5
    assert desk.one("SELECT sum(free) FROM payment") == 0


def test_a_comment_is_sealed_kept_as_it_is_and_gone_with_its_key(desk: Desk) -> None:
    found, _ = desk.waits("HS260180", 100_006)
    at = desk.school.house.clock.now()
    said = "Mẹ em Bảo gọi: đã chuyển\r\nnhầm hai lần  "

    with desk.begin() as db:
        event = discrepancies.comment(db, found, said, by=desk.school.accountant, at=at)
        discrepancies.comment(
            db, found, "x" * 2_000, by=desk.school.chief, at=at + timedelta(seconds=1)
        )

    with desk.begin() as db:
        first, second = cases.comments(db, found)
        assert (first.id, first.text) == (event, "Mẹ em Bảo gọi: đã chuyển\nnhầm hai lần")
        assert len(second.text) == 2_000
    assert "chuyển".encode().hex() not in str(
        desk.one("SELECT encode(sealed, 'hex') FROM discrepancy_event WHERE id = :id", id=event)
    )
    for wrong in ("", " \n ", "x" * 2_001, "a\x00b", "a\u202eb"):
        with pytest.raises(Invalid), desk.begin() as db:
            discrepancies.comment(db, found, wrong, by=desk.school.accountant, at=at)
    with pytest.raises(Forbidden), desk.begin() as db:
        discrepancies.comment(db, found, "x", by=SERVICE, at=at)
