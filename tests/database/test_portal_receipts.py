"""A receipt as a family prints it, and as a stranger may check it."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from payments import orders, receipts, sealing, vault
from payments.domain import ids
from payments.domain import receipts as papers
from payments.domain.words import in_words
from tests.cast import School, a_school
from tests.databases import RING, House
from tests.portals import PUBLIC, Payer, an_app, an_order_of, money_comes, tree, words


@pytest.fixture
def school(house: House) -> School:
    return a_school(house)


@pytest.fixture
def app(house: House) -> Flask:
    return an_app(house)


@pytest.fixture
def order(school: School) -> orders.Order:
    made = an_order_of(school, 581_000)
    money_comes(school, 581_000, made.code)
    return made


@pytest.fixture
def payer(app: Flask, order: orders.Order) -> Payer:
    return Payer(app, order.token)


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    return app.test_client()


def the_receipt(school: School) -> UUID:
    with school.house.sessions.begin(school.biller_id) as db:
        found: UUID = db.execute(
            text("SELECT id FROM receipt WHERE status = 'issued' ORDER BY number LIMIT 1")
        ).scalar_one()
    return found


def code_of(school: School) -> str:
    with school.house.sessions.begin(school.biller_id) as db:
        return receipts.view(db, the_receipt(school)).header.code


def seal(school: School) -> None:
    assert RING.signing is not None
    assert isinstance(school.house, House)
    school.house.wait_for_others()
    sealing.seal_all(school.house.system, key=RING.signing, at=school.house.clock.now())


def test_a_receipt_says_who_what_and_how_much_in_figures_and_in_words(payer: Payer) -> None:
    said = words(payer.get("/receipts/0000001"))

    assert "Trường Tiểu học Hoa Sen" in said
    assert "Mẫu số / Ký hiệu BN01 / HS26" in said
    assert "Trần Gia Bảo · lớp 4A2" in said
    assert "Chăm sóc bán trú" in said
    assert "Năm trăm tám mươi mốt nghìn đồng" in said
    assert "FT2606992704" in said


def test_the_amount_in_words_stays_vietnamese_on_the_english_page(payer: Payer) -> None:
    said = words(payer.get("/receipts/0000001?lang=en"))

    assert "Năm trăm tám mươi mốt nghìn đồng" in said
    assert "Receipt" in said


def test_a_part_is_receipted_as_a_part_and_its_sum_is_its_own(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)
    money_comes(school, 541_000, order.code)

    page = Payer(app, order.token).get("/receipts/0000001")

    assert "Nộp một phần giấy báo GB-0-581000" in words(page)
    assert in_words(541_000) in words(page)
    assert tree(page).xpath("//tfoot[contains(@class, 'unchecked')]") == []


def test_before_the_seal_the_receipt_says_so_and_afterwards_it_names_the_root(
    school: School, payer: Payer
) -> None:
    before = words(payer.get("/receipts/0000001"))
    seal(school)

    after = words(payer.get("/receipts/0000001"))

    assert "Sẽ được niêm phong vào sổ cái trong ít phút" in before
    assert "Niêm phong sổ cái số 1" in after


def test_a_cancelled_receipt_says_why_and_leads_to_what_replaced_it(
    school: School, payer: Payer
) -> None:
    old = the_receipt(school)
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        receipts.cancel(db, old, reason="Ghi nhầm lớp", at=at, by=school.chief, replace=True)

    page = payer.get(f"/receipts/{ids.shown('rcp', old)}")

    [link] = tree(page).xpath("//main//a/@href")
    assert "Biên nhận này đã hủy" in words(page)
    assert "Lý do: Ghi nhầm lớp." in words(page)
    assert "0000002" in words(payer.get(link.removeprefix(payer.url)))


def test_the_receipt_of_an_erased_person_keeps_number_and_amount(
    school: School, payer: Payer
) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        key = db.execute(text("SELECT key_id FROM receipt")).scalar_one()
        vault.erase(db, key, at=school.house.clock.now())

    said = words(payer.get("/receipts/0000001"))

    assert "(đã xóa)" in said
    assert "581.000" in said
    assert "Năm trăm tám mươi mốt nghìn đồng" in said
    assert "Bảo" not in said


def test_the_form_leads_to_the_same_place_however_the_code_is_typed(
    school: School, order: orders.Order, stranger: FlaskClient
) -> None:
    code = code_of(school)

    answers = [
        stranger.get("/r", query_string={"code": typed})
        for typed in (code, papers.grouped(code).lower(), f" {code[:8]} {code[8:]} ")
    ]

    assert {answer.status_code for answer in answers} == {303}
    assert {answer.location for answer in answers} == {f"/r/{papers.grouped(code)}"}


def test_a_genuine_receipt_is_called_so_with_masked_names(
    school: School, order: orders.Order, stranger: FlaskClient
) -> None:
    page = stranger.get(f"/r/{papers.grouped(code_of(school))}", base_url=PUBLIC)

    said = words(page)
    assert "Biên nhận này là thật" in said
    assert "581.000 ₫" in said
    assert "T••• G•• B••" in said
    assert "Bảo" not in page.text
    assert "4A2" not in page.text
    assert order.code not in page.text


def test_the_receipt_says_where_and_with_which_code_it_is_checked(
    school: School, payer: Payer
) -> None:
    page = payer.get("/receipts/0000001")

    [label] = tree(page).xpath("//div[@class='qr']//*[local-name()='svg']/@aria-label")
    assert label == "Mã QR mở trang kiểm tra biên nhận"
    assert f"mở thuphi.example/r và nhập {papers.grouped(code_of(school))}" in words(page)


def test_an_unknown_code_is_said_plainly_and_counts_as_a_guess(stranger: FlaskClient) -> None:
    page = stranger.get("/r/7K2M-9QX4-0217-ACDE")

    assert page.status_code == 404
    assert "Không tìm thấy biên nhận này" in words(page)
    assert "7K2M-9QX4-0217-ACDE" in words(page)


def test_what_is_typed_is_never_run(stranger: FlaskClient) -> None:
    page = stranger.get("/r/%3Cscript%3Ealert(1)%3C%2Fscript%3E")

    assert "<script>alert" not in page.text


def test_a_cancelled_receipt_is_called_cancelled(
    school: School, order: orders.Order, stranger: FlaskClient
) -> None:
    code, old = code_of(school), the_receipt(school)
    with school.house.sessions.begin(school.biller_id) as db:
        at = school.house.clock.now()
        receipts.cancel(db, old, reason="Ghi nhầm lớp", at=at, by=school.chief)

    said = words(stranger.get(f"/r/{code}"))

    assert "Biên nhận này đã hủy" in said
    assert "Ghi nhầm lớp" in said


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        ("UPDATE receipt SET amount = 81000", "Chữ ký số không khớp nội dung"),
        ("UPDATE transfer SET amount = 1", "Sổ cái không có số tiền này"),
    ],
)
def test_a_receipt_that_was_tampered_with_is_not_called_genuine(
    school: School, order: orders.Order, stranger: FlaskClient, tamper: str, told: str
) -> None:
    code = code_of(school)
    assert isinstance(school.house, House)
    for one in ("SET session_replication_role = replica", tamper):
        school.house.admin.execute(one.encode())

    said = words(stranger.get(f"/r/{code}"))

    assert "Chưa xác nhận được biên nhận này" in said
    assert told in said
    assert "là thật" not in said
