"""Bad and overlapping statements through the database: what is kept, booked, and when."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from adapters.registry import STATEMENT_READERS
from payments import days, ledger, orders
from payments.domain.errors import Conflict
from payments.domain.people import SERVICE
from payments.domain.states import FileStatus
from reconciliation import day_sheets, intake, runs
from tests.cast import ACCOUNT, School, a_bill, a_school, an_order
from tests.databases import QuickHouse
from tests.statement_files import Entry, an_mt940

DAY = date(2026, 3, 10)
NEXT = DAY + timedelta(days=1)
HEAD = "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả\n"


class Desk:
    """Files in, nights run, and what the books say of them."""

    def __init__(self, school: School) -> None:
        self.school, self.sessions = school, school.house.sessions
        self.account_id: UUID = self.rows("SELECT id FROM bank_account")[0][0]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.sessions.begin(self.school.biller_id) as db:
            return [tuple(row) for row in db.execute(text(sql))]

    def take(self, data: bytes, name: str = "s.sta") -> FileStatus:
        with self.sessions.begin(self.school.biller_id) as db:
            at = self.school.house.clock.now()
            kept = intake.receive(db, name=name, data=data, by=SERVICE, at=at)
            return intake.read(db, kept.file_id, STATEMENT_READERS["auto"])

    def night(self, day: date) -> None:
        clock = self.school.house.clock
        while clock.now().date() <= day:
            clock.advance(days=1)
        runs.run(self.sessions, self.school.biller_id, self.account_id, day, clock=clock.now)

    def booked(self) -> int:
        with self.sessions.begin(self.school.biller_id) as db:
            return ledger.balance(db, f"bank:{ACCOUNT}")

    def order(self) -> orders.Order:
        with self.sessions.begin(self.school.biller_id) as db:
            return an_order(db, self.school, a_bill(db, self.school, 581_000, "GB-1"))

    def obstacles(self, day: date) -> list[str]:
        with self.sessions.begin(self.school.biller_id) as db:
            found = days.obstacles(db, day, at=self.school.house.clock.now())
        return [one.en for one in found]

    def unexplained(self, day: date) -> int:
        with self.sessions.begin(self.school.biller_id) as db:
            return sum(abs(one.gap) for one in days.unexplained(db, day))


@pytest.fixture
def desk(quick_house: QuickHouse) -> Desk:
    return Desk(a_school(quick_house))


def a_table(*rows: str, opening: int = 0) -> bytes:
    return f"Số tài khoản,{ACCOUNT}\nSố dư đầu kỳ,{opening}\n{HEAD}{''.join(rows)}".encode()


def test_a_bad_file_books_nothing_and_its_good_successor_books_every_line_once(desk: Desk) -> None:
    order = desk.order()
    paid = f"10/03/2026,FT1,,581000,581000,{order.code}\n"

    desk.take(a_table(paid, "10/03/2026,FT2,,1.5,,x\n", "Tổng cộng,,0,586000,,\n"))
    desk.night(DAY)
    assert desk.booked() == 0
    [(told,)] = desk.rows("SELECT problems FROM statement_file")
    assert [one["line"] for one in told] == [0, 5, 0]
    assert "1.5" in told[1]["vi"]
    assert "581000" in told[0]["en"]

    desk.take(a_table(paid, "10/03/2026,FT2,,5000,586000,x\n", "Tổng cộng,,0,586000,,\n"))
    desk.night(DAY)
    assert desk.booked() == 586_000
    assert desk.rows("SELECT count(*) FROM bank_line WHERE status = 'matched'") == [(1,)]
    assert desk.unexplained(DAY) == 0

    desk.take(a_table(paid, "10/03/2026,FT2,,5000,586000,x\n"))  # other bytes, the same lines
    desk.night(DAY)
    assert desk.booked() == 586_000
    assert desk.rows("SELECT count(*) FROM bank_line") == [(2,)]
    assert desk.rows("SELECT count(*) FROM statement WHERE NOT complete") == [(1,)]


def test_a_line_that_only_a_bad_file_has_blocks_its_day_until_the_bank_has_said_better(
    desk: Desk,
) -> None:
    broken, whole = "10/03/2026,FT2,,1.5,,x\n", "10/03/2026,FT2,,5000,586000,x\n"
    desk.take(a_table("10/03/2026,FT1,,581000,581000,NOP HOC\n", broken))
    desk.night(DAY)
    assert any("1 statement lines" in said for said in desk.obstacles(DAY))

    desk.take(a_table("10/03/2026,FT1,,581000,581000,NOP HOC PHI LOP 3\n", whole))
    desk.night(DAY)

    assert (desk.booked(), desk.unexplained(DAY), desk.obstacles(DAY)) == (586_000, 0, [])
    assert desk.rows("SELECT amount FROM bank_line WHERE status = 'imported'") == [(581_000,)]

    later = f"11/03/2026,FT3,,1000,587000,y\n{broken.replace('10/03', '11/03')}"
    desk.take(a_table(later, opening=586_000))  # nobody has said better of the 11th
    desk.night(NEXT)
    assert any("1 statement lines" in said for said in desk.obstacles(NEXT))
    assert desk.obstacles(DAY) == []


@pytest.mark.parametrize("later_first", [False, True])
def test_two_files_that_share_a_day_are_both_booked_and_the_shared_lines_once(
    desk: Desk, later_first: bool
) -> None:
    first = "09/03/2026,FT1,,1000,1000,a\n"
    shared = "10/03/2026,FT2,,2000,3000,b\n10/03/2026,FT3,,2000,5000,b\n"
    last = "11/03/2026,FT4,,4000,9000,c\n"
    files = [a_table(first, shared), a_table(shared, last, opening=1000)]

    for data in reversed(files) if later_first else files:
        desk.take(data)
    desk.night(NEXT)

    assert desk.booked() == 9000
    assert desk.rows("SELECT count(*) FROM bank_line") == [(4,)]
    assert desk.rows("SELECT count(*) FROM statement WHERE complete") == [(2,)]
    assert desk.unexplained(NEXT) == 0


def test_a_file_with_nothing_but_such_payments_keeps_its_day_open_too(desk: Desk) -> None:
    cash = "10/03/2026,,,100000,,NOP TIEN MAT\n"
    desk.take(a_table(cash, "Số dư cuối kỳ,100000\n"))
    desk.take(a_table(cash, "Số dư cuối kỳ,200000\n", opening=100_000))
    desk.night(DAY)

    [(told,)] = desk.rows("SELECT problems -> 1 ->> 'en' FROM statement_file ORDER BY id OFFSET 1")
    assert "not booked yet" in told
    assert desk.obstacles(DAY) == [f"There is no complete statement of account {ACCOUNT}."]

    desk.take(a_table(cash, cash, "Số dư cuối kỳ,200000\n"))
    desk.night(DAY)
    assert (desk.booked(), desk.obstacles(DAY)) == (200_000, [])

    spent = "10/03/2026,,200000,,,CHUYEN TIEN\n"
    desk.take(a_table(spent, "Số dư cuối kỳ,0\n", opening=200_000))
    desk.take(a_table(cash, cash, "\n", "Số dư cuối kỳ,200000\n"))  # again, now from nothing
    desk.night(DAY)
    assert (desk.booked(), desk.obstacles(DAY)) == (0, [])


@pytest.mark.parametrize("later_first", [False, True])
def test_a_second_payment_like_the_first_in_another_file_of_the_day_is_never_lost(
    desk: Desk, later_first: bool
) -> None:
    cash = "10/03/2026,,,100000,,NOP TIEN MAT\n"  # this bank numbers nothing
    last = "10/03/2026,,,5000,,khac\n"
    files = [
        a_table(cash, "Số dư cuối kỳ,100000\n"),
        a_table(cash, last, "Số dư cuối kỳ,205000\n", opening=100_000),
    ]

    for data in reversed(files) if later_first else files:
        desk.take(data)
    desk.night(DAY)
    [(why,)] = desk.rows("SELECT why_not FROM statement WHERE NOT complete")
    assert later_first or "exactly like lines of another file" in why
    assert (desk.booked(), desk.unexplained(DAY)) == (100_000, 0)
    assert any("1 statement lines" in said for said in desk.obstacles(DAY))

    desk.take(a_table(cash, cash, last, "Số dư cuối kỳ,205000\n"))
    desk.night(DAY)
    assert (desk.booked(), desk.unexplained(DAY)) == (205_000, 0)
    assert desk.obstacles(DAY) == []


def test_a_statement_for_a_closed_day_is_booked_today_and_points_to_its_day(desk: Desk) -> None:
    school = desk.school
    desk.take(an_mt940(ACCOUNT, DAY, 0, [Entry(1_000, "som", "FT1")]))
    desk.night(DAY)
    with desk.sessions.begin(school.biller_id) as db:
        at = school.house.clock.now()
        sheet = day_sheets.draw_up(db, DAY, at=at)
        days.check(db, DAY, by=school.accountant, at=at)
        days.sign_off(db, DAY, sheet, by=school.chief, at=at)
    assert desk.rows("SELECT status FROM business_day") == [("signed_off",)]

    desk.take(an_mt940(ACCOUNT, DAY, 0, [Entry(1_000, "som", "FT1"), Entry(7_000, "tre", "FT7")]))
    desk.night(NEXT)

    assert desk.booked() == 8_000
    [(booked_on, fact)] = desk.rows(
        "SELECT business_day, fact_day FROM journal ORDER BY posted_at DESC, id DESC LIMIT 1"
    )
    assert (booked_on, fact) == (desk.school.house.clock.now().date(), DAY)
    assert desk.rows("SELECT count(*) FROM bank_line") == [(2,)]


def test_what_the_books_cannot_hold_is_told_and_nothing_of_the_statement_is_booked(
    desk: Desk,
) -> None:
    huge, sea = "1000000000000", "9" * 18
    desk.take(a_table(f"10/03/2026,FT1,,{huge},{huge},x\n10/03/2026,FT2,,5,1000000000005,y\n"))
    desk.take(a_table(f"10/03/2026,FT3,,5,{sea},x\n", opening=int(sea) - 5))
    desk.take(a_table(f"10/03/2026,FT4,,{'9' * 40},{'9' * 40},x\n"))
    desk.take(a_table("10/03/2026,F\0T\u202e5,,5,5,a\0\u200bb" + "x" * 10_240 + "\n"))
    desk.night(DAY)

    told = [one for (found,) in desk.rows("SELECT problems FROM statement_file") for one in found]
    assert any("quá lớn để ghi sổ" in one["vi"] and "too large" in one["en"] for one in told)
    assert any("9999" in one["en"] for one in told)
    assert desk.booked() == 5
    assert ("FT5",) in desk.rows("SELECT bank_reference FROM bank_line")


def test_a_line_of_a_complete_statement_stays_in_it(desk: Desk) -> None:
    desk.take(an_mt940(ACCOUNT, DAY, 0, [Entry(7_000, "x", "FT7")]))

    with pytest.raises(Conflict):
        desk.rows("UPDATE bank_line SET line_no = 9 RETURNING id")
