"""Statement files, refunds and bills at the console: what comes in, goes back, and is owed."""

from __future__ import annotations

import io

import pytest
from werkzeug.test import TestResponse

from payments import refunds
from payments.access import SignedIn
from payments.domain import ids
from payments.domain.money import Money
from payments.domain.people import Actor
from payments.queries import money
from payments.queries.money import PaymentFilter
from payments.queries.paging import Cut
from reconciliation import intake
from tests.cast import ACCOUNT, a_bill, a_notice, an_order
from tests.consoles import DAY, Desk, Office, a_person, actions, an_office, tree, words
from tests.databases import QuickHouse
from tests.statement_files import Entry, an_mt940

FILES = "/console/statements"
REFUNDS = "/console/refunds"
BILLS = "/console/bills"


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return an_office(quick_house)


def send(desk: Desk, data: bytes, name: str = "hoasen.sta") -> TestResponse:
    answer = desk.post(FILES, {"file": (io.BytesIO(data), name)}, of=FILES)
    answer.request.environ["wsgi.input"].close()  # where the client kept a large one
    return answer


# ---- statement files ----


def test_no_file_yet_is_said_in_both_languages(office: Office) -> None:
    office.viewer.language = "vi"
    assert "Chưa có tệp nào." in words(office.viewer.get(FILES))
    office.viewer.language = "en"
    assert "No files yet." in words(office.viewer.get(FILES))


def test_a_file_is_read_proven_and_its_days_are_asked_for(office: Office) -> None:
    data = an_mt940(ACCOUNT, DAY, 0, [Entry(581_000, "nop tien"), Entry(-22_000, "Phi", "FT2")])

    answer = send(office.accountant, data)

    assert answer.status_code == 303
    page = office.accountant.get(answer.headers["Location"])
    assert "Đủ: đầu kỳ + ghi có − ghi nợ = cuối kỳ" in words(page)
    assert "Ghi có 581.000" in words(page)
    assert "Ghi nợ −22.000" in words(page)
    assert "Ha Vu" in words(page)
    assert (
        office.one("SELECT body->>'day' FROM message WHERE kind = 'run.requested'") == "2026-03-10"
    )


def test_the_same_file_again_is_known_by_its_bytes(office: Office) -> None:
    data = an_mt940(ACCOUNT, DAY, 0, [Entry(581_000, "nop tien")])
    send(office.accountant, data)

    answer = send(office.accountant, data, "ten-khac.sta")

    page = words(office.accountant.get(answer.headers["Location"]))
    assert "Tệp này đã nhận lúc 09:0" in page
    assert office.one("SELECT count(*) FROM statement_file") == 1
    assert office.one("SELECT count(*) FROM bank_line") == 1


HTML = b"<!doctype html><html><body>Phien lam viec da het han</body></html>"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (HTML, "Không đọc được tệp này"),
        (b"%PDF-1.7 khong phai sao ke", "Không đọc được tệp này"),
        (an_mt940("9999000000", DAY, 0, [Entry(5_000, "a")]), "Tài khoản 9999000000 không phải"),
        (an_mt940(ACCOUNT, DAY, 0, [Entry(5_000, "a")]).replace(b"VND", b"USD"), "Sao kê bằng USD"),
        (an_mt940(ACCOUNT, DAY, 0, [Entry(5_000, "a")], closing=9), "Số dư không khớp"),
        (an_mt940(ACCOUNT, DAY, 0, [Entry(5_000, "a")])[:-30], "Chưa đủ nên chưa ghi sổ"),
    ],
    ids=["html", "pdf", "account", "currency", "sum", "cut"],
)
def test_a_bad_file_is_kept_and_said_to_be_bad(office: Office, data: bytes, says: str) -> None:
    answer = send(office.accountant, data)

    page = words(office.accountant.get(answer.headers["Location"]))
    assert says in page
    assert office.one("SELECT count(*) FROM statement WHERE complete") == 0
    assert office.one("SELECT count(*) FROM message WHERE kind = 'run.requested'") == 0
    assert office.one("SELECT count(*) FROM statement_file") == 1


def test_a_file_without_content_or_none_at_all_is_refused_beside_its_field(office: Office) -> None:
    empty = send(office.accountant, b"")
    none = office.accountant.post(FILES, {"file": (io.BytesIO(b""), "")}, of=FILES)

    assert empty.status_code == none.status_code == 422
    assert "Tệp rỗng." in words(empty)
    assert "Chọn tệp sao kê của ngân hàng." in words(none)
    assert tree(none).xpath("//input[@id='file']/@aria-invalid") == ["true"]


def test_more_than_fifty_megabytes_are_refused_before_they_are_read(office: Office) -> None:
    answer = send(office.accountant, b"x" * (intake.MOST_BYTES + 70_000))

    assert answer.status_code == 413
    assert "Tệp lớn hơn 50 MB." in words(answer)
    assert office.one("SELECT count(*) FROM statement_file") == 0


def test_an_oversized_form_elsewhere_is_no_statement(office: Office) -> None:
    answer = office.accountant.post(f"{BILLS}/inv_x/undo/all_x", {"reason": "x" * 70_000})

    assert answer.status_code == 413
    assert "50 MB" not in answer.text


def test_lines_that_cannot_be_read_are_paged_with_their_numbers(office: Office) -> None:
    entries = [Entry(1_000, f"nop {n}", f"FT{n}") for n in range(230)]
    first = an_mt940(ACCOUNT, DAY, 0, entries)
    send(office.accountant, first)
    again = an_mt940(ACCOUNT, DAY, 0, [*entries, Entry(500, "them", "FTX")])

    answer = send(office.accountant, again)
    page = office.accountant.get(answer.headers["Location"])
    [following] = tree(page).xpath("//a[@rel='next']/@href")
    second = office.accountant.get(following)

    rows = "//section[@aria-labelledby='read']//table//tbody/tr"
    assert len(tree(page).xpath(rows)) == len(tree(second).xpath(rows)) == 100
    assert "Dòng này đã có từ tệp trước" in words(second)
    assert tree(second).xpath("//a[@rel='prev']/@href") == [f"{answer.headers['Location']}?from=0"]


def test_a_large_file_is_kept_at_once_and_read_by_a_worker(office: Office) -> None:
    entries = [Entry(1_000, "x" * 900 + f" {n}", f"FT{n}") for n in range(1_200)]

    answer = send(office.accountant, an_mt940(ACCOUNT, DAY, 0, entries))

    assert "đang được đọc ở nền" in words(office.accountant.get(answer.headers["Location"]))
    assert office.one("SELECT status FROM statement_file") == "received"
    assert office.one("SELECT count(*) FROM message WHERE kind = 'statement.received'") == 1


def test_a_viewer_may_look_at_files_and_send_none(office: Office) -> None:
    assert office.viewer.get(FILES).status_code == 200
    assert send(office.viewer, b"x").status_code == 403


# ---- refunds ----


def a_refund(office: Office, amount: int = 45_000) -> str:
    """Half of what was kept as credit goes back, asked for by the accountant."""
    with office.begin() as db:
        order = an_order(db, office.school, a_bill(db, office.school, 500_000))
        a_notice(db, office.school, 600_000, order.code, bank_reference="FT1")
        [paid] = money.payments(db, PaymentFilter(), Cut()).rows
        credit = db.connection().exec_driver_sql("SELECT id FROM credit").scalar_one()
        refund = refunds.request(
            db,
            refunds.Source(paid.id, credit_id=credit),
            Money(amount),
            reason="Nghỉ 3 bữa",
            to=refunds.Payee("NGUYEN THI MINH HANG", "NH Thu nghiem", "9999007731"),
            by=_actor(office, "accountant"),
            at=office.school.house.clock.now(),
        )
    return f"{REFUNDS}/{ids.shown('ref', refund)}"


def _actor(office: Office, name: str) -> Actor:
    return SignedIn(office.people[name].id, name, office.school.biller_id, name).actor


def test_no_refund_yet_is_said(office: Office) -> None:
    assert "Chưa có lệnh hoàn tiền nào." in words(office.viewer.get(REFUNDS))


def test_a_refund_is_approved_by_another_person_then_sent(office: Office) -> None:
    url = a_refund(office)
    assert "1 lệnh chờ duyệt, 45.000 ₫" in words(office.chief.get(REFUNDS))
    own = office.accountant.get(url)
    assert "Bạn là người đề nghị" in words(own)
    assert actions(own) == []

    office.chief.post(f"{url}/approve", of=url)
    assert f"{url}/sent" in actions(office.accountant.get(url))
    office.accountant.post(f"{url}/sent", of=url)

    assert office.one("SELECT status FROM refund") == "sent"
    page = words(office.chief.get(url))
    assert "Trần Gia Bảo" in page
    assert "3388 Số dư của người nộp 45.000" in page
    assert "3318 Phải hoàn trả" in page


def test_whoever_asked_for_a_refund_cannot_approve_it(office: Office) -> None:
    third = a_person(office.school.house, "Nga Tran", (office.school.biller_id, "chief_accountant"))
    office.people["accountant"] = third  # a chief who asks is a person who asks
    url = a_refund(office)

    answer = office.accountant.post(f"{url}/approve", of=url)

    assert answer.status_code == 403
    assert office.one("SELECT status FROM refund") == "requested"


def test_a_refused_refund_leaves_the_money_where_it_was(office: Office) -> None:
    url = a_refund(office)

    bare = office.chief.post(f"{url}/refuse", of=url)
    office.chief.post(f"{url}/refuse", {"reason": "Sai số bữa"}, of=url)

    assert bare.status_code == 422
    assert office.one("SELECT status FROM refund") == "refused"
    assert office.balance("credit") == 100_000
    assert "Từ chối, tiền được trả về chỗ cũ" in words(office.chief.get(url))


def test_a_payout_that_failed_is_asked_for_again_and_approved_anew(office: Office) -> None:
    url = a_refund(office)
    office.chief.post(f"{url}/approve", of=url)
    office.accountant.post(f"{url}/sent", of=url)

    office.accountant.post(f"{url}/failed", {"reason": "Sai số tài khoản"}, of=url)
    office.accountant.post(f"{url}/again", of=url)

    assert office.one("SELECT status FROM refund") == "requested"
    assert office.one("SELECT approved_by FROM refund") is None


def test_only_who_types_the_payout_sees_the_whole_account_number(office: Office) -> None:
    url = a_refund(office)

    assert "9999007731" in office.accountant.get(url).text
    viewed = office.viewer.get(url).text
    assert "9999007731" not in viewed
    assert "••••7731" in viewed


def test_refunds_are_narrowed_by_status_in_the_address(office: Office) -> None:
    a_refund(office)

    assert "Trần Gia Bảo" in words(office.viewer.get(f"{REFUNDS}?status=requested"))
    assert "Bộ lọc không thấy lệnh nào." in words(office.viewer.get(f"{REFUNDS}?status=done"))


# ---- bills ----


def test_no_bill_yet_is_said(office: Office) -> None:
    assert "Chưa có giấy báo nào." in words(office.viewer.get(BILLS))


@pytest.mark.parametrize("find", ["GB-7", "gb-7", "HS-0001", "tran gia", "Bảo", "4a2", "gia 4A2"])
def test_a_bill_is_found_by_number_code_class_or_name(office: Office, find: str) -> None:
    office.order(581_000, "GB-7")

    page = office.viewer.get(BILLS, query_string={"find": find})

    assert "GB-7" in words(page)
    assert "Trần Gia Bảo" in words(page)


def test_a_bill_is_found_by_its_payment_code(office: Office) -> None:
    order = office.order(581_000, "GB-7")
    office.order(100_000, "GB-8")

    page = words(office.viewer.get(BILLS, query_string={"find": order.code}))

    assert "GB-7" in page
    assert "GB-8" not in page


def test_nothing_found_offers_the_way_back(office: Office) -> None:
    office.order(581_000, "GB-7")

    page = office.viewer.get(f"{BILLS}?find=khong+co+ai")

    assert "Không có giấy báo nào khớp." in words(page)
    assert BILLS in tree(page).xpath("//main//p[@class='empty']/a/@href")


def test_bills_are_paged_newest_first(office: Office) -> None:
    with office.begin() as db:
        for number in range(60):
            a_bill(db, office.school, 1_000 + number, f"GB-{number:03}")

    first = office.viewer.get(BILLS)
    [following] = tree(first).xpath("//a[@rel='next']/@href")
    second = office.viewer.get(following)

    assert "GB-059" in words(first)
    assert "GB-000" not in words(first)
    assert "GB-000" in words(second)
    assert not tree(second).xpath("//a[@rel='next']")


def test_a_bill_shows_its_lines_codes_and_the_money_on_it(office: Office) -> None:
    order = office.order(581_000, "GB-7")
    office.night([Entry(541_000, order.code, "FT1")])
    url = f"{BILLS}/{ids.shown('inv', office.one('SELECT id FROM invoice'))}"

    page = words(office.viewer.get(url))

    assert "Thanh toán thiếu" in page
    assert "Còn phải nộp 40.000 ₫" in page
    assert "khớp tự động" in page
    assert actions(office.viewer.get(url)) == []  # looking is all a viewer may do
