"""The finance desk: what narrows the queue, many at once, notes, and colleagues who are faster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from payments import people
from payments.domain import ids
from tests.cast import a_bill, an_order
from tests.consoles import Office, an_office, tree, words
from tests.databases import QuickHouse
from tests.statement_files import Entry

LIST = "/console/discrepancies"


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    made = an_office(quick_house)
    with quick_house.system.begin() as system:
        system.execute(text("RESET ROLE"))
        system.execute(text("UPDATE biller SET approval_limit = 350000"))
    return made


def pupils_who_named_themselves(office: Office, amounts: list[int]) -> None:
    """Bills of pupils, and transfers that give the pupil's number and no code."""
    entries = []
    for number, amount in enumerate(amounts):
        with office.begin() as db:
            pupil = people.save_beneficiary(
                db,
                kind="student",
                code=f"HS26011{number}",
                person=people.Person(f"Em Số {number}", "lớp 2B"),
                at=office.school.house.clock.now(),
            )
            of = replace(office.school, pupil_id=pupil)
            an_order(db, of, a_bill(db, of, amount, f"GB-{number}"))
        entries.append(Entry(amount, f"NOP HOC PHI HS26011{number}", f"FT2606900{number}"))
    entries.append(Entry(123_000, "chuc mung nam moi", "FT26069009"))
    office.night(entries)


def rows(page: Any) -> list[str]:
    """The rows of the queue, in words."""
    found = tree(page).xpath("//section[contains(@class, 'queue')]//li")
    return [" ".join(row.text_content().split()) for row in found]


def test_the_queue_is_narrowed_by_group_state_age_day_and_words(office: Office) -> None:
    pupils_who_named_themselves(office, [301_000])
    desk = office.accountant

    assert len(rows(desk.get(LIST))) == 2
    assert len(rows(desk.get(f"{LIST}?kind=unidentified"))) == 2
    assert len(rows(desk.get(f"{LIST}?kind=amount_mismatch"))) == 0
    assert [one[-7:] for one in rows(desk.get(f"{LIST}?says=CHÚC mừng"))] == ["123.000"]
    assert len(rows(desk.get(f"{LIST}?says=301.000"))) == 1
    assert len(rows(desk.get(f"{LIST}?says=FT26069009"))) == 1
    assert len(rows(desk.get(f"{LIST}?day=2026-03-10"))) == 2
    assert len(rows(desk.get(f"{LIST}?day=2026-03-09"))) == 0
    assert len(rows(desk.get(f"{LIST}?owner=nobody&age=0-1&state=todo"))) == 2
    assert "Bộ lọc không thấy việc nào" in words(desk.get(f"{LIST}?age=4-7"))
    assert len(rows(desk.get(f"{LIST}?kind=%27&age=x&day=2026-13-40&owner=x&state=x"))) == 2
    for _ in range(7):
        office.sleep()
    assert len(rows(office.accountant.get(f"{LIST}?age=4-7"))) == 2


def test_exact_answers_are_taken_together_after_a_look_and_approved_together(
    office: Office,
) -> None:
    pupils_who_named_themselves(office, [301_000, 302_000, 400_000])
    narrowed = f"{LIST}?kind=UNMATCHED"
    assert "Nhận tất cả 3 khoản khớp đúng" in words(office.accountant.get(narrowed))

    look = office.accountant.post(f"{LIST}/accept?kind=UNMATCHED", {"all": "yes"}, of=narrowed)
    form = {"dis": tree(look).xpath("//main//input[@name='dis']/@value"), "reason": "Đúng mã"}
    bare = office.accountant.post(f"{LIST}/accept/now", form | {"reason": " "}, of=narrowed)
    done = office.accountant.post(f"{LIST}/accept/now", form, of=narrowed)

    assert len(form["dis"]) == 3
    assert "1 khoản trên hạn mức sẽ chờ người thứ hai duyệt" in words(look)
    assert "Tổng 1.003.000" in words(look)
    assert bare.status_code == 422
    assert "2 khoản đã ghi sổ" in words(done)
    assert "1 khoản chờ người thứ hai duyệt" in words(done)
    assert office.one("SELECT count(*) FROM invoice WHERE payment_state = 'paid'") == 2

    waiting = f"{LIST}?state=proposed"
    assert "Duyệt tất cả 1 khoản" in words(office.chief.get(waiting))
    look = office.chief.post(f"{LIST}/approve?state=proposed", {"all": "yes"}, of=waiting)
    form = {"dis": tree(look).xpath("//main//input[@name='dis']/@value")}
    done = office.chief.post(f"{LIST}/approve/now", form, of=waiting)

    assert "đề nghị: Ha Vu" in words(look)
    assert "1 khoản đã ghi sổ" in words(done)
    assert office.one("SELECT count(*) FROM invoice WHERE payment_state = 'paid'") == 3
    assert office.balance("unapplied") == 123_000
    assert office.gaps() == []
    again = office.chief.post(f"{LIST}/approve/now", form, of=waiting)
    assert "Không khoản nào được ghi" in words(again)
    assert office.viewer.post(f"{LIST}/accept", {"all": "yes"}, of=LIST).status_code == 403


def test_what_is_not_exact_is_left_out_with_the_reason(office: Office) -> None:
    pupils_who_named_themselves(office, [301_000])
    every = office.one("SELECT string_agg(id::text, ' ') FROM discrepancy").split()
    shown = [ids.shown("dis", UUID(one)) for one in every]

    look = office.accountant.post(f"{LIST}/accept", {"dis": shown}, of=LIST)
    done = office.accountant.post(f"{LIST}/accept/now", {"dis": shown, "reason": "x"}, of=LIST)

    assert "1 khoản để lại" in words(look)
    assert "Không có gợi ý nào." in words(look)
    assert "1 khoản đã ghi sổ" in words(done)
    assert "Không có gợi ý nào." in words(done)


def test_a_note_is_read_by_whoever_comes_next_and_an_empty_one_says_so(office: Office) -> None:
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()

    empty = office.accountant.post(f"{url}/comment", {"comment": "  "}, of=url)
    office.accountant.post(f"{url}/comment", {"comment": "Đã gọi, chờ trả lời"}, of=url)

    assert empty.status_code == 422
    assert "Ghi chú trống." in words(empty)
    assert "Đã gọi, chờ trả lời Ha Vu" in words(office.chief.get(url))
    assert f"{url}/comment" not in office.viewer.get(url).text


def test_taken_given_back_and_decided_by_somebody_who_was_faster(office: Office) -> None:
    order = office.order(300_000)
    office.night([Entry(300_000, "chuc mung nam moi")])
    url, target = office.url(), ids.shown("ord", order.id)
    form = {"way": "apply", "candidate": target, "reason": "Đã gọi"}

    office.accountant.post(f"{url}/take", of=url)
    assert "Ha Vu" in rows(office.chief.get(LIST))[0]
    office.accountant.post(f"{url}/release", of=url)
    assert office.one("SELECT status FROM discrepancy") == "open"
    office.chief.post(f"{url}/propose", form, of=url)
    late = office.accountant.post(f"{url}/propose", form, of=url)

    assert late.status_code == 409
    assert "Hung Dang đã xử lý xong khoản này" in words(late)
    assert "Việc bạn vừa gửi chưa được ghi" in words(late)
    assert office.one("SELECT count(*) FROM allocation") == 1


def test_a_decision_leads_to_the_next_and_says_what_became_of_the_last(office: Office) -> None:
    first = office.order(300_000, "GB-1")
    office.night([Entry(300_000, "khong ro", "FT1"), Entry(310_000, "khong ro gi", "FT2")])
    urls = [
        f"{LIST}/{ids.shown('dis', office.one(f'SELECT id FROM discrepancy WHERE amount = {n}'))}"
        for n in (300_000, 310_000)
    ]
    form = {"way": "apply", "candidate": ids.shown("ord", first.id), "reason": "Đã gọi"}

    answer = office.accountant.post(f"{urls[0]}/propose?kind=UNMATCHED", form, of=urls[0])
    following = office.accountant.get(answer.headers["Location"])

    assert answer.headers["Location"].startswith(f"{urls[1]}?kind=UNMATCHED&done=")
    assert "Đã xử lý 300.000 ₫, đã ghi sổ. Xem lại, hoàn tác" in words(following)
    [back] = tree(following).xpath("//a[@data-hotkey='u']/@href")
    assert back == f"{urls[0]}?kind=UNMATCHED"
    assert "Lý do hoàn tác" in words(office.accountant.get(back))
