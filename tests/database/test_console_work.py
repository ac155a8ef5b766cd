"""The queue and its discrepancies: evidence, two people, and everything that is undone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from payments import people
from payments.domain import ids
from reconciliation import verdicts
from tests.cast import a_bill, a_notice, a_school, an_order
from tests.consoles import Desk, Office, a_person, actions, an_office, tree, words
from tests.databases import QuickHouse
from tests.statement_files import Entry

LIST = "/console/discrepancies"


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return an_office(quick_house)


def propose(desk: Desk, url: str, **form: str) -> TestResponse:
    return desk.post(f"{url}/propose", {"reason": "Phụ huynh gọi điện"} | form, of=url)


def test_an_empty_queue_says_so_in_both_languages(office: Office) -> None:
    office.accountant.language = "vi"
    assert "Không có chênh lệch nào" in words(office.accountant.get(LIST))

    office.accountant.language = "en"
    assert "No discrepancies" in words(office.accountant.get(LIST))


def test_the_queue_is_oldest_first_and_its_filters_live_in_the_address(office: Office) -> None:
    office.night([Entry(400_000, "khong ro", "FT1"), Entry(-22_000, "Phi SMS", "FT2")])

    every = office.accountant.get(LIST)
    fees = office.accountant.get(f"{LIST}?kind=NON_ORDER")
    mine = office.accountant.get(f"{LIST}?owner=mine")

    assert len(tree(every).xpath("//section[contains(@class, 'queue')]//li")) == 2
    [row] = tree(fees).xpath("//section[contains(@class, 'queue')]//li//a/@href")
    assert row.endswith("?kind=NON_ORDER")
    assert "Bộ lọc không thấy việc nào" in words(mine)


def test_evidence_is_marked_in_the_memo_and_said_in_words(office: Office) -> None:
    order = office.order(581_000)
    office.night(
        [Entry(581_000, order.code, "FT1"), Entry(581_000, f"{order.code} NOP TIEN", "FT2")]
    )

    page = office.accountant.get(office.url("DUPLICATE_PAYMENT"))

    [mark] = tree(page).xpath("//p[@class='memo']/mark")
    assert mark.text == order.code
    assert mark.getchildren()[0].text == "a"
    assert "Đơn đã được thanh toán đủ trước đó." in words(page)
    assert "Trần Gia Bảo" in words(page)


def test_two_people_apply_money_and_the_journal_is_booked(office: Office) -> None:
    order = office.order(400_000)
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()
    found = office.accountant.get(f"{url}?find=gia bao")
    [candidate] = tree(found).xpath("//input[@name='candidate']/@value")
    assert candidate == ids.shown("ord", order.id)

    preview = office.accountant.get(f"{url}?way=apply&candidate={candidate}")
    assert _row(preview, 0) == ["3378 Tiền đã nhận, chưa ghi", "400.000"]
    assert _row(preview, 1) == ["1383 Phải thu", "400.000"]
    answer = propose(office.accountant, url, way="apply", candidate=candidate)

    assert answer.status_code == 303
    assert office.balance("unapplied") == 400_000  # nothing is booked before the second person
    waiting = office.chief.get(url)
    assert "400.000" in words(waiting)
    assert "Trần Gia Bảo" in words(waiting)
    assert office.chief.post(f"{url}/approve", of=url).status_code == 303
    assert office.balance("unapplied") == office.balance("receivable") == 0
    assert office.one("SELECT payment_state FROM invoice") == "paid"
    assert "Bút toán đã ghi" in words(office.chief.get(url))
    assert office.gaps() == []


def _row(page: TestResponse, number: int) -> list[str]:
    rows = tree(page).xpath("//div[@id='booking']//tbody/tr")
    cells = [" ".join(cell.text_content().split()) for cell in rows[number].xpath("td")]
    return [cell for cell in cells if cell]


@pytest.mark.parametrize("way", ["apply", "keep", "refund"])
def test_what_is_booked_is_what_was_shown_before(office: Office, way: str) -> None:
    order = office.order(300_000)
    office.night([Entry(400_000, "chuc mung nam moi")])
    url, target = office.url(), ids.shown("ord", order.id)

    before = journal(office.accountant.get(f"{url}?way={way}&candidate={target}"))
    propose(
        office.accountant, url, way=way, candidate=target, to_name="LE", to_account="9999001122"
    )
    office.chief.post(f"{url}/approve", of=url)

    assert before
    assert sorted(journal(office.chief.get(url))) == sorted(before)


@pytest.mark.parametrize("way", ["bank_charge", "interest", "other_income", "other_expense"])
def test_a_line_in_suspense_goes_where_it_was_shown_to_go(office: Office, way: str) -> None:
    office.night([Entry(100_000, "khong ro", "FT1"), Entry(-22_000, "Phi SMS", "FT2")])
    url = office.url("NON_ORDER")

    before = journal(office.accountant.get(f"{url}?way={way}"))
    propose(office.accountant, url, way=way)
    office.chief.post(f"{url}/approve", of=url)

    assert len(before) == 2
    assert journal(office.chief.get(url)) == before


def journal(page: TestResponse) -> list[str]:
    """The lines of the journal on a page, without its sum."""
    rows = tree(page).xpath("//section[@aria-labelledby='what']//table//tbody/tr")
    return [" ".join(row.text_content().split()) for row in rows]


def test_nobody_approves_what_they_proposed(office: Office) -> None:
    order = office.order(400_000)
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()
    propose(office.chief, url, way="apply", candidate=ids.shown("ord", order.id))

    page = office.chief.get(url)
    answer = office.chief.post(f"{url}/approve", of=url)

    assert f"{url}/approve" not in actions(page)
    assert answer.status_code == 403
    assert "Bạn không thể duyệt đề nghị của chính mình." in words(answer)
    assert office.balance("unapplied") == 400_000


def test_an_accountant_cannot_approve_and_a_viewer_can_do_nothing(office: Office) -> None:
    order = office.order(400_000)
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()
    propose(office.chief, url, way="apply", candidate=ids.shown("ord", order.id))

    assert office.accountant.post(f"{url}/approve", of=url).status_code == 403
    assert office.viewer.post(f"{url}/take", of=url).status_code == 403
    assert actions(office.viewer.get(url)) == []


def test_a_refused_proposal_comes_back_with_its_reason(office: Office) -> None:
    order = office.order(400_000)
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()
    propose(office.accountant, url, way="apply", candidate=ids.shown("ord", order.id))

    bare = office.chief.post(f"{url}/refuse", of=url)
    office.chief.post(f"{url}/refuse", {"reason": "Chưa gọi người nộp"}, of=url)

    assert bare.status_code == 422
    page = words(office.accountant.get(url))
    assert "Bị từ chối: Chưa gọi người nộp" in page
    assert "Gửi duyệt" in page


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"way": "apply", "reason": "x"}, "Chọn một giấy báo ở danh sách trên."),
        ({"way": "refund", "reason": ""}, "Ghi lý do, người duyệt cần đọc."),
        ({"way": "refund", "reason": "x", "to_account": "12"}, "Ghi tên chủ tài khoản nhận."),
        ({"way": "refund", "reason": "x", "to_account": "12"}, "Số tài khoản gồm 4 đến 34"),
        ({"way": "bank_charge", "reason": "x"}, "Cách xử lý này không phù hợp."),
        ({"way": "apply", "reason": "x", "candidate": "ord_khong_co"}, "Không tìm thấy giấy báo"),
    ],
)
def test_a_proposal_that_lacks_something_says_what(
    office: Office, form: dict[str, str], says: str
) -> None:
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()

    answer = office.accountant.post(f"{url}/propose", form, of=url)

    assert answer.status_code in (404, 422)
    assert says in words(answer)
    assert office.one("SELECT status FROM discrepancy") == "open"


def test_money_goes_back_to_a_named_account_only_after_two_decisions(office: Office) -> None:
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()
    form = {
        "way": "refund",
        "to_name": "LE VAN THINH",
        "to_bank": "NH Thu nghiem",
        "to_account": "9999001122",
    }

    propose(office.accountant, url, **form)
    shown = words(office.chief.get(url))
    office.chief.post(f"{url}/approve", of=url)

    assert "LE VAN THINH" in shown
    assert "9999001122" in shown
    assert office.one("SELECT status FROM refund") == "requested"
    assert office.balance("refunds_payable") == 400_000
    assert office.gaps() == []


def test_below_the_limit_one_person_decides(office: Office, quick_house: QuickHouse) -> None:
    with quick_house.system.begin() as system:
        system.execute(text("RESET ROLE"))
        system.execute(text("UPDATE biller SET approval_limit = 50000"))
    office.night([Entry(100_000, "khong ro", "FT1"), Entry(-22_000, "Phi dich vu SMS", "FT2")])
    url = office.url("NON_ORDER")
    assert "Dưới hạn mức của đơn vị" in words(office.accountant.get(url))

    propose(office.accountant, url, way="bank_charge")

    assert office.balance("bank_charges") == 22_000
    assert office.one("SELECT status FROM discrepancy WHERE kind = 'NON_ORDER'") == "resolved"


def test_a_colleagues_work_is_read_only_until_somebody_takes_it_over(office: Office) -> None:
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()
    office.chief.post(f"{url}/take", of=url)

    page = office.accountant.get(url)

    assert "Đang do Hung Dang xử lý." in words(page)
    assert set(actions(page)) == {f"{url}/comment", f"{url}/take"}
    office.accountant.post(f"{url}/take", of=url)
    assert f"{url}/propose" in actions(office.accountant.get(url))


def test_later_puts_it_back_and_leads_to_the_next(office: Office) -> None:
    office.night([Entry(400_000, "khong ro", "FT1"), Entry(500_000, "khong ro gi", "FT2")])
    first = f"{LIST}/" + ids.shown(
        "dis", office.one("SELECT id FROM discrepancy WHERE amount = 400000")
    )
    second = f"{LIST}/" + ids.shown(
        "dis", office.one("SELECT id FROM discrepancy WHERE amount = 500000")
    )
    office.accountant.post(f"{first}/take", of=first)

    answer = office.accountant.post(f"{first}/later", of=first)

    assert answer.headers["Location"] in (first, second)
    assert answer.headers["Location"] != first
    assert office.one("SELECT count(*) FROM discrepancy WHERE status = 'assigned'") == 0


def test_nothing_is_done_without_the_token_of_a_form(office: Office) -> None:
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()

    answer = office.accountant.client.post(f"{url}/propose", data={"way": "refund"})

    assert answer.status_code == 400
    assert office.one("SELECT status FROM discrepancy") == "open"


def test_another_biller_finds_nothing(office: Office) -> None:
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()
    other = a_school(office.school.house, code="TH-KH", number="9999018453")
    stranger = a_person(office.school.house, "Lan Pham", (other.biller_id, "chief_accountant"))
    desk = Desk(office.chief.app, office.chief.clock).sign_in(stranger)

    assert desk.get(url).status_code == 404
    assert desk.post(f"{url}/take", of=LIST).status_code == 404
    assert "Không có chênh lệch nào" in words(desk.get(LIST))


def test_what_a_person_decided_is_written_down(office: Office) -> None:
    order = office.order(400_000)
    office.night([Entry(400_000, "chuc mung nam moi")])
    url = office.url()
    propose(office.accountant, url, way="apply", candidate=ids.shown("ord", order.id))
    office.chief.post(f"{url}/approve", of=url)
    office.accountant.post(f"{url}/undo", {"reason": "Nhầm"}, of=url)

    history = words(office.accountant.get(url))

    for what in ("Gửi đề nghị", "Duyệt", "Xử lý xong, đã ghi sổ", "Mở lại bằng bút toán đảo"):
        assert what in history
    noted = office.one(
        """SELECT string_agg(action, ' ' ORDER BY at, id) FROM audit_line
           WHERE action LIKE 'discrepancy%'"""
    )
    assert noted.replace("discrepancy.", "") == "propose approve resolve reopen"


def test_the_same_page_in_english_keeps_names_and_says_the_rest(office: Office) -> None:
    office.order(400_000)
    office.night([Entry(400_000, "chuc mung nam moi")])
    office.accountant.language = "en"

    page = words(office.accountant.get(f"{office.url()}?find=gia"))

    assert "No reference decides which order is meant." in page
    assert "Trần Gia Bảo" in page
    assert "Send 400.000 ₫ for approval" in page


def test_children_with_the_same_name_are_told_apart_by_their_class(office: Office) -> None:
    with office.begin() as db:
        at = office.school.house.clock.now()
        person = people.Person("Trần Gia Bảo", "lớp 5B")
        twin = people.save_beneficiary(db, kind="student", code="HS-2", person=person, at=at)
        other = replace(office.school, pupil_id=twin)
        an_order(db, office.school, a_bill(db, office.school, 400_000, "GB-1"))
        an_order(db, other, a_bill(db, other, 400_000, "GB-2"))
    office.night([Entry(400_000, "chuc mung nam moi")])

    both = office.accountant.get(f"{office.url()}?find=gia bao")
    one = office.accountant.get(f"{office.url()}?find=bao 5b")

    assert len(tree(both).xpath("//input[@name='candidate']")) == 2
    assert not tree(both).xpath("//input[@name='candidate'][@checked]")  # we never choose for you
    [label] = tree(one).xpath("//label[@class='candidate']")
    assert "lớp\u00a05B" in label.text_content()
    for said in tree(both).xpath("//label[@class='candidate']"):  # nor are two bills of one child
        assert said.xpath(".//*[contains(@class, 'what-for')]//text()")[0].strip()


def test_a_notice_is_shown_with_its_way_and_time(office: Office) -> None:
    with office.school.house.sessions.begin(office.school.biller_id) as db:
        a_notice(db, office.school, 150_000, "khong ro", bank_reference="FT77")
        verdicts.explain_free_money(db, at=office.school.house.clock.now())

    page = words(office.accountant.get(office.url()))

    assert "VietQR (SePay báo)" in page
    assert "FT77" in page
