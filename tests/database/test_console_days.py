"""Today, the day's close, and runs: nothing closes while a đồng is unexplained."""

from __future__ import annotations

import json
from datetime import date

import pytest
from sqlalchemy import text

from payments import sealing
from payments.domain import ids
from payments.queries import sheets
from reconciliation import verdicts
from tests.cast import a_notice
from tests.consoles import DAY, Desk, Office, a_person, actions, an_office, tree, words
from tests.databases import RING, House, QuickHouse
from tests.statement_files import Entry

URL = f"/console/days/{DAY}"


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return an_office(quick_house)


def notice(office: Office, amount: int, memo: str = "khong ro", *, explained: bool = True) -> None:
    with office.begin() as db:
        a_notice(db, office.school, amount, memo, bank_reference="FT1")
        if explained:
            verdicts.explain_free_money(db, at=office.school.house.clock.now())


@pytest.mark.parametrize(
    ("language", "says"),
    [("vi", "Hôm nay chưa có khoản nào về."), ("en", "Nothing received yet today.")],
)
def test_an_empty_day_is_shown_in_both_languages(office: Office, language: str, says: str) -> None:
    office.viewer.language = language

    page = office.viewer.get()

    assert says in words(page)
    assert tree(page).xpath("//div[contains(@class, 'result')]/b")[0].text == "0\u00a0₫"


def test_today_shows_what_came_its_places_and_what_is_missing(office: Office) -> None:
    order = office.order(581_000)
    notice(office, 600_000, order.code)

    page = words(office.accountant.get())

    assert "Đã nhận 600.000" in page
    assert "Đã ghi vào giấy báo 581.000" in page
    assert "Giữ làm số dư 19.000" in page
    assert "VietQR (SePay báo) 1 600.000" in page
    assert "Chưa có sao kê đầy đủ đến ngày 09/03/2026 của tài khoản 9999018452." in page
    assert "1 khoản qua giờ quyết toán ( 600.000 ₫ )" in page


def test_money_that_nobody_has_explained_is_the_first_figure_and_named(office: Office) -> None:
    notice(office, 581_000, explained=False)

    page = office.accountant.get()

    assert tree(page).xpath("//div[contains(@class, 'result')]/b")[0].text == "581.000\u00a0₫"
    assert "Tiền đã nhận − những nơi đang giữ tiền 581.000" in words(page)


def test_the_queue_shows_what_waits_and_for_how_long(office: Office) -> None:
    office.night([Entry(400_000, "khong ro")])
    office.sleep()
    office.sleep()

    page = office.accountant.get()

    assert "Không rõ người nộp" in words(page)
    [age] = tree(page).xpath("//td[contains(@class, 'tone-warn')]")
    assert age.text_content().replace("\u00a0", " ") == "2 ngày làm việc"  # the last part is heard
    assert tree(page).xpath("//nav//span[@class='count']")[0].text == "1"


def test_the_close_is_refused_with_the_reason_while_money_is_unexplained(office: Office) -> None:
    office.night([Entry(400_000, "khong ro")])
    with office.begin() as db:
        db.execute(text("UPDATE discrepancy SET holds = 0"))  # as a mistake of ours would

    page = office.chief.get(URL)
    answer = office.chief.post(f"{URL}/sign", of=URL)

    assert f"{URL}/sign" not in actions(page)
    assert "Chưa giải thích được 400.000 ₫" in words(page)
    assert answer.status_code == 409
    assert office.one("SELECT status FROM business_day") != "signed_off"


def test_a_day_with_nothing_unexplained_is_signed_and_locked_by_a_second_person(
    house: House,
) -> None:
    office = an_office(house)
    order = office.order(581_000)
    office.night([Entry(581_000, order.code, "FT1")])
    assert RING.signing is not None
    sealing.seal_all(house.system, key=RING.signing, at=house.clock.now())
    alone = office.chief.get(URL)
    assert f"{URL}/sign" not in actions(alone)  # the night reconciled it, and nobody looked yet
    assert "Chưa ai kiểm tra và ký lập ngày này." in words(alone)
    assert "Bạn đã ký lập ngày này." in words(
        office.accountant.get(office.check().headers["Location"])
    )
    page = office.chief.get(URL)
    assert actions(page) == [f"{URL}/sign"]  # one thing to do: another first signature is no use
    assert "Sao kê 9999018452 đủ: đầu kỳ 0 + có 581.000 − nợ 0 = cuối kỳ 581.000" in words(page)

    answer = office.chief.post(f"{URL}/sign", of=URL)

    assert answer.status_code == 303
    assert office.one("SELECT status FROM business_day") == "signed_off"
    locked = office.chief.get(answer.headers["Location"])
    assert "Đã ký và khóa ngày này." in words(locked)
    assert actions(locked) == [f"{URL}/correct"]  # a further version; nothing opens it again
    with office.begin() as db:
        (sheet,) = sheets.versions(db, DAY)
    signed = json.loads(sheet.text)
    assert (signed["received"], signed["applied"], signed["unexplained"]) == (581_000, 581_000, 0)
    assert signed["seal"]["number"] == 1
    assert len(signed["seal"]["root"]) == 64
    assert sheet.text.decode() == json.dumps(
        signed, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )


def test_an_open_discrepancy_with_a_name_is_carried_and_does_not_keep_the_day_open(
    office: Office,
) -> None:
    office.night([Entry(400_000, "khong ro")])

    page = words(office.chief.get(URL))
    office.close()

    assert "1 chênh lệch (400.000 ₫) chuyển sang ngày sau, 1 chưa ai nhận" in page
    assert office.one("SELECT status FROM business_day") == "signed_off"


def test_whoever_signed_first_does_not_lock(office: Office) -> None:
    office.night([Entry(400_000, "khong ro")], day=date(2026, 3, 9))
    url = "/console/days/2026-03-09"
    third = a_person(office.school.house, "Nga Tran", (office.school.biller_id, "chief_accountant"))
    quiet = "/console/days/2026-03-08"  # no lines, but the statement of the 9th reaches over it
    nga = Desk(office.app, office.school.house.clock).sign_in(third)
    for one in (quiet, url):  # a person reconciles the first, the night has reconciled the other
        assert office.chief.post(f"{one}/check", of=one).status_code == 303

        own = office.chief.post(f"{one}/sign", of=one)

        assert own.status_code == 403
        assert "Bạn đã ký lập ngày này" in words(office.chief.get(one))
        assert nga.post(f"{one}/sign", of=one).status_code == 303
        assert "1. Người lập Hung Dang" in words(nga.get(one))
        assert "2. Kế toán trưởng: bạn Nga Tran" in words(nga.get(one))
    assert office.chief.post(f"{url}/check", of=url).status_code == 409  # it is locked by now


def test_an_accountant_may_not_close_a_day(office: Office) -> None:
    office.night([Entry(400_000, "khong ro")])
    office.check()

    assert office.viewer.post(f"{URL}/check", of=URL).status_code == 403
    assert office.accountant.post(f"{URL}/sign", of=URL).status_code == 403
    assert "Chờ người có quyền chốt ngày" in words(office.accountant.get(URL))


def test_the_oldest_day_that_is_over_and_not_signed_comes_first(office: Office) -> None:
    office.night([Entry(400_000, "khong ro")])
    waits = "//main/p/a/@href"

    assert tree(office.chief.get("/console/days")).xpath(waits) == [URL]
    office.close()
    assert tree(office.chief.get("/console/days")).xpath(waits) == []


def test_a_day_that_is_not_over_says_so_and_asks_for_runs_through_the_outbox(
    office: Office,
) -> None:
    page = words(office.chief.get(URL))

    office.chief.post(f"{URL}/reconcile", of=URL)

    assert "Ngày chưa kết thúc" in page
    assert office.one("SELECT count(*) FROM message WHERE kind = 'run.requested'") == 1


@pytest.mark.parametrize("day", ["2026-02-30", "hom-nay", "../etc"])
def test_no_such_day_is_not_found(office: Office, day: str) -> None:
    assert office.viewer.get(f"/console/days/{day}").status_code == 404


def test_a_run_shows_where_every_line_ended_and_can_be_asked_for_again(office: Office) -> None:
    order = office.order(581_000)
    office.night([Entry(581_000, order.code, "FT1"), Entry(400_000, "khong ro", "FT2")])
    url = f"/console/runs/{ids.shown('run', office.one('SELECT id FROM run'))}"

    page = office.accountant.get(url)
    again = office.accountant.post(f"{url}/again", of=url)

    assert "Khớp tự động 1 581.000" in words(page)
    assert "Chênh lệch 1 400.000" in words(page)
    assert "Tổng 2 981.000" in words(page)
    assert again.status_code == 303
    assert office.one("SELECT count(*) FROM message WHERE kind = 'run.requested'") == 1
    assert "Khớp tự động 1 (50,0%)" in words(office.accountant.get())
