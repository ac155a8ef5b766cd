"""The calendar of days: each with its state, its open money, and what nobody has explained."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.registry import STATEMENT_READERS
from payments import ledger
from payments.domain import ids, journals
from payments.domain.people import SERVICE
from reconciliation import first_nights, intake, runs, undoing, verdicts, waiting
from reconciliation.first_nights import Automatic
from reconciliation.queries import month, nights
from reconciliation.queries.nights import Band, LinesOfDay
from tests.cast import ACCOUNT, a_notice
from tests.consoles import DAY, Office, an_office, tree, words
from tests.databases import A_MORNING, QuickHouse
from tests.statement_files import Entry, an_mt940

URL = "/console/days"
NINTH = date(2026, 3, 9)
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return an_office(quick_house)


def cell(page: Any, day: date) -> str:
    """What stands in the cell of a day."""
    (found,) = tree(page).xpath("//td[.//time[@datetime=$day]]", day=day.isoformat())
    return " ".join(" ".join(found.itertext()).split())


def test_each_day_stands_in_the_calendar_with_its_state_and_leads_to_its_page(
    office: Office,
) -> None:
    order = office.order(581_000)
    office.night([Entry(581_000, order.code, "FT1")], day=NINTH)
    office.night([Entry(400_000, "khong ro", "FT2")], opening=581_000)
    office.close(NINTH)

    page = office.viewer.get(URL)

    assert "Đã khóa" in cell(page, NINTH)
    assert "Chờ ký 1 chênh lệch mở 400.000 ₫" in cell(page, DAY).replace("\u00a0", " ")
    assert "Hôm nay" in cell(page, date(2026, 3, 11))
    assert "Không có gì" in cell(page, date(2026, 3, 2))
    assert "Chưa tới" in cell(page, date(2026, 3, 12))
    leads = tree(page).xpath("//table[contains(@class, 'calendar')]//a/@href")
    assert leads == [f"{URL}/2026-03-{day:02d}" for day in range(1, 12)]
    assert f"{URL}/{DAY}" in tree(page).xpath("//main/p/a/@href")  # it waits longest
    assert tree(page).xpath("//thead/tr/th/text()")[:1] == ["Thứ Hai"]

    office.accountant.post(f"{URL}/{NINTH}/correct", {"reason": "x"}, of=f"{URL}/{NINTH}")
    office.chief.post(f"{URL}/{NINTH}/sign-correction", of=f"{URL}/{NINTH}")
    assert "Đã chỉnh phiên bản 2" in cell(office.viewer.get(URL), NINTH)


def test_a_day_whose_run_failed_is_never_said_to_hold_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(waiting, "lines", cut_off)
    with pytest.raises(ConnectionError):
        office.run(NINTH)

    assert "Đang mở" in cell(office.viewer.get(URL), NINTH)


def test_months_are_walked_by_address_and_what_is_no_month_is_not_found(office: Office) -> None:
    now = office.viewer.get(URL)
    before = office.viewer.get(f"{URL}?month=2026-02")

    assert tree(now).xpath("//a[@rel='prev']/@href") == [f"{URL}?month=2026-02"]
    assert tree(now).xpath("//a[@rel='next']") == []
    assert tree(before).xpath("//a[@rel='next']/@href") == [f"{URL}?month=2026-03"]
    assert "Lịch chốt ngày, 02/2026" in words(before)
    for odd in ("2026-04", "2026-13", "2026-3", "9999-01", "0001-01", "", "x", "٢٠٢٦-٠١"):
        assert office.viewer.get(f"{URL}?month={odd}").status_code == 404, odd


def test_a_new_biller_is_told_how_to_begin(office: Office) -> None:
    page = words(office.viewer.get(URL))

    assert "Chưa có ngày nào để chốt." in page
    assert "Tháng này chưa có dòng sao kê nào." in page
    assert "Không có chênh lệch nào." in page


def test_a_day_that_does_not_add_up_says_by_how_much(office: Office) -> None:
    office.night([Entry(400_000, "khong ro", "FT1")])
    with office.begin() as db:
        a_notice(db, office.school, 250_000, "khong ro", bank_reference="FT9",
                 received_at=A_MORNING.replace(day=9))  # fmt: skip
        assert [one.unexplained for one in month.figures(db, NINTH, DAY)] == [250_000, 0]
        verdicts.explain_free_money(db, at=office.school.house.clock.now())
        assert [one.unexplained for one in month.figures(db, NINTH, DAY)] == [0, 0]
        db.execute(text("UPDATE discrepancy SET holds = holds - 40000 WHERE amount = 400000"))

    page = office.viewer.get(URL)

    assert "Chưa giải thích 40.000" in cell(page, DAY)
    assert "Chưa giải thích" not in cell(page, NINTH)


def test_what_the_books_say_beyond_a_statement_shows_on_the_day_of_the_statement(
    office: Office,
) -> None:
    office.night([Entry(581_000, office.order(581_000).code, "FT1")], day=NINTH)
    office.night([Entry(300_000, "khong ro", "FT2")], opening=581_000)
    with office.begin() as db:
        stray = journals.to_suspense(ids.new(), ACCOUNT, 40_000, day=NINTH)
        ledger.post(db, stray, at=office.school.house.clock.now())

    with office.begin() as db:
        found = {one.day: one.unexplained for one in month.figures(db, FIRST, LAST)}

    assert {day: gap for day, gap in found.items() if gap} == {NINTH: 40_000}


def test_lines_are_counted_by_where_they_ended_and_the_rate_by_its_definition(
    office: Office,
) -> None:
    order, short = office.order(581_000), office.order(300_000, "GB-2")
    office.night(
        [
            Entry(581_000, order.code, "FT1"),
            Entry(300_000, f"NGUYEN {short.code[:-4]}", "FT2"),  # cut short: a suggestion
            Entry(123_456, "khong ro", "FT3"),
        ]
    )
    with office.begin() as db:
        (found,) = nights.by_day(db, FIRST, LAST)
        ages = nights.bands(db, date(2026, 3, 13))
    assert found == LinesOfDay(DAY, matched=1, resolved=0, suggested=1, open=1)
    assert ages == [Band("0-1", 0, 0), Band("2-3", 2, 423_456), Band("4-7", 0, 0), Band(">7", 0, 0)]

    page = office.viewer.get(URL)

    assert tree(page).xpath("//dl[@class='stat']//dd/text()")[0] == "33,3%"
    assert "Dòng khớp mà không cần người" in words(page)
    with office.begin() as db:  # what people do and a second run change the chart, not the rate
        made = db.scalar(text("SELECT id FROM allocation"))
        assert made is not None
        at = office.school.house.clock.now()
        by = office.school.accountant
        undoing.undo_match(db, made, reason="Nhầm", by=by, at=at)
        account_id = db.scalar(text("SELECT id FROM bank_account"))
    house = office.school.house
    runs.run(house.sessions, office.school.biller_id, account_id, DAY, clock=house.clock.now)
    with office.begin() as db:
        assert first_nights.between(db, FIRST, LAST) == Automatic(1, 3)
        (now,) = nights.by_day(db, FIRST, LAST)
    assert now.matched == 0
    row = tree(page).xpath("//tr[th/a[@href=$url]]", url=f"{URL}/{DAY}")[0]
    assert [one.text for one in row.findall("td")] == ["1", "0", "1", "1"]
    assert len(tree(page).xpath("//svg[@role='img']//rect[contains(@class, 'bar')]")) == 4
    assert not tree(page).xpath("//*[@style]")


def test_a_statement_that_comes_while_a_run_is_at_work_has_its_first_night_with_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = office.order(100_000, "GB-1"), office.order(200_000, "GB-2")
    explain = verdicts.explain_free_money

    def late(db: Session, *, at: datetime) -> None:
        monkeypatch.setattr(verdicts, "explain_free_money", explain)
        data = an_mt940(ACCOUNT, DAY, 100_000, [Entry(200_000, other.code, "FT2")])
        kept = intake.receive(db, name="2.sta", data=data, by=SERVICE, at=at)
        intake.read(db, kept.file_id, STATEMENT_READERS["auto"])
        explain(db, at=at)

    monkeypatch.setattr(verdicts, "explain_free_money", late)
    office.night([Entry(100_000, one.code, "FT1")])
    with office.begin() as db:
        assert first_nights.between(db, FIRST, LAST) == Automatic(1, 1)

    office.run(DAY)

    with office.begin() as db:
        assert first_nights.between(db, FIRST, LAST) == Automatic(2, 2)


def test_a_day_shows_its_accounts_and_what_is_on_its_way_by_when_it_should_come(
    office: Office,
) -> None:
    with office.begin() as db:  # told of on Tuesday the 10th, so a line is due by Thursday
        a_notice(db, office.school, 250_000, "khong ro", bank_reference="FT9")
        verdicts.explain_free_money(db, at=office.school.house.clock.now())
    office.night([Entry(400_000, "khong ro", "FT2")])

    page = office.viewer.get(f"{URL}/{DAY}")

    assert "9999018452 0 400.000 0 400.000 400.000" in words(page)
    assert "12/03/2026 VietQR (SePay báo) 1 250.000" in words(page)
    office.sleep()
    office.sleep()
    assert "đã quá ngày" in words(office.viewer.get(f"{URL}/{DAY}"))
    office.night([Entry(250_000, "khong ro", "FT9")], date(2026, 3, 11), opening=400_000)
    with office.begin() as db:
        assert nights.in_transit(db, DAY) == []


def test_a_file_with_lines_of_a_locked_day_says_where_they_go(office: Office) -> None:
    office.night([Entry(581_000, office.order(581_000).code, "FT1")])
    office.close()
    files = "/console/statements"
    late = [Entry(581_000, "again", "FT1"), Entry(70_000, "quen", "FT2")]
    data = an_mt940(ACCOUNT, DAY, 0, late)

    first = ids.shown("fil", office.one("SELECT id FROM statement_file"))

    sent = {"file": (io.BytesIO(data), "muon.sta")}
    answer = office.accountant.post(files, sent, of=files, content_type="multipart/form-data")
    page = office.accountant.get(answer.headers["Location"])
    before = office.accountant.get(f"{files}/{first}")

    assert "Tệp có dòng của ngày đã khóa: 10/03/2026 . Ngày đã khóa không đổi" in words(page)
    assert f"{URL}/{DAY}" in tree(page).xpath("//div[contains(@class, 'note')]//a/@href")
    assert "ngày đã khóa" not in words(before)
