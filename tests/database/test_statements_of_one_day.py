"""Several statements speak for one day: half-days, and files that overlap at a part of a day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Final

import pytest

from adapters.registry import STATEMENT_READERS
from ops import replaying
from payments.domain.people import SERVICE
from reconciliation import intake
from reconciliation.queries import daybook, month
from reconciliation.statement import ParsedFile
from tests.cast import ACCOUNT
from tests.consoles import DAY, Office, an_office
from tests.databases import House, QuickHouse
from tests.statement_files import Entry, an_mt940

NEXT: Final = DAY + timedelta(days=1)
_AM, _PM = Entry(100_000, "sang", "FT1"), Entry(105_000, "chieu", "FT2")
MORNING: Final = an_mt940(ACCOUNT, DAY, 0, [_AM])
EVENING: Final = an_mt940(ACCOUNT, DAY, 100_000, [_PM])
WHOLE: Final = an_mt940(ACCOUNT, DAY, 0, [_AM, _PM])


def a_table(opening: int, *rows: str) -> bytes:
    head = "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả"
    top = [f"Số tài khoản,{ACCOUNT}", f"Số dư đầu kỳ,{opening}", head]
    return "\n".join([*top, *rows, ""]).encode()


_SHARED: Final = "10/03/2026,FT1,,100000,101000,sang"
UNTIL_NOON: Final = a_table(0, "09/03/2026,FT0,,1000,1000,x", _SHARED)
FROM_MORNING: Final = a_table(
    1_000, _SHARED, "10/03/2026,FT2,,105000,206000,chieu", "11/03/2026,FT3,,7,206007,mai"
)


def take(office: Office, *files: bytes) -> None:
    for data in files:
        with office.begin() as db:
            at = office.school.house.clock.now()
            kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=at)
            intake.read(db, kept.file_id, STATEMENT_READERS["auto"])


@pytest.mark.parametrize(
    ("files", "last"),
    [
        ((MORNING, EVENING), DAY),
        ((EVENING, MORNING), DAY),
        ((EVENING, WHOLE, MORNING), DAY),
        ((UNTIL_NOON, FROM_MORNING), NEXT),
    ],
)
def test_a_day_of_several_statements_adds_up_is_signed_and_drawn_up_again(
    quick_house: QuickHouse, files: tuple[bytes, ...], last: date
) -> None:
    office = an_office(quick_house)

    take(office, *files)
    while quick_house.clock.now().date() <= last:
        office.sleep()
    for day in (DAY, last):
        office.run(day)

    for day in sorted({DAY, last}):
        assert office.gaps(day) == []
        with office.begin() as db:
            [paper] = daybook.on_paper(db, day)
            [figures] = month.figures(db, day, day)
        assert paper.opening + paper.credits + paper.debits == paper.closing
        assert paper.ledger in (None, paper.closing)
        assert figures.unexplained == 0
        assert office.close(day).status_code == 303
        with office.begin() as db:
            assert [one.difference for one in replaying.replay(db, day)] == [None]


def test_two_files_that_share_lines_may_be_read_at_the_same_time(house: House) -> None:
    office, met = an_office(house), Barrier(2)

    class Reader:
        def read(self, data: bytes, *, name: str = "", profile: str | None = None) -> ParsedFile:
            found = STATEMENT_READERS["auto"].read(data, name=name, profile=profile)
            met.wait(timeout=30)
            return found

    def take_beside(data: bytes) -> str:
        with office.begin() as db:
            at = house.clock.now()
            kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=at)
            return intake.read(db, kept.file_id, Reader())

    with ThreadPoolExecutor(2) as pool:
        read = list(pool.map(take_beside, (WHOLE, WHOLE + b"\n")))

    assert read == ["read", "read"]
    assert house.psql("admin", "SELECT count(*) FROM bank_line") == [(2,)]
