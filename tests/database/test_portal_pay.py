"""The page behind a pay link, in every state a family can meet."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask

from adapters.vietqr import qr
from payments import allocations, invoices, orders, people, receipts, refunds
from payments.domain.money import Money
from payments.refunds import Payee, Source
from tests.cast import ACCOUNT, School, a_notice, a_school
from tests.databases import QuickHouse
from tests.pictures import scan
from tests.portals import (
    Payer,
    an_app,
    an_order_of,
    an_order_over,
    bills_of,
    money_comes,
    tree,
    words,
)

PAYEE = Payee("NGUYEN THI MINH HANG", "999999", "9999000111")


@pytest.fixture
def school(quick_house: QuickHouse) -> School:
    return a_school(quick_house)


@pytest.fixture
def app(quick_house: QuickHouse) -> Flask:
    return an_app(quick_house)


def allocation_of(school: School, payment_id: UUID) -> UUID:
    with school.house.sessions.begin(school.biller_id) as db:
        rows = db.connection().exec_driver_sql(
            "SELECT id FROM allocation WHERE payment_id = %s AND live", (payment_id,)
        )
        [(found,)] = rows.all()
    assert isinstance(found, UUID)
    return found


# ---- owed ----


def test_the_page_says_who_how_much_and_what_to_type(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)

    said = words(Payer(app, order.token).get())

    assert "Trần Gia Bảo · lớp 4A2 581.000 ₫" in said
    assert "Chờ thanh toán" in said
    assert ACCOUNT in said
    assert order.code in said
    assert "TRUONG TIEU HOC HOA SEN · Ngân hàng Thử nghiệm" in said


def test_opening_the_page_marks_the_order_as_opened_once(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)

    payer.get()
    payer.get()

    with school.house.sessions.begin(school.biller_id) as db:
        rows = db.connection().exec_driver_sql(
            "SELECT status FROM payment_order WHERE id = %s", (order.id,)
        )
        assert [status for (status,) in rows.all()] == ["awaiting"]


def test_the_code_asks_for_exactly_what_is_due_and_quotes_the_order(
    school: School, app: Flask
) -> None:
    order = an_order_of(school, 581_000)

    picture = Payer(app, order.token).get("/qr.png")

    told = qr.parse(scan(picture.data))
    assert (told.amount, told.purpose) == (581_000, order.code)
    assert (told.bank_bin, told.account) == ("999999", ACCOUNT)


def test_a_part_leaves_the_rest_to_pay_in_a_new_picture_of_the_same_code(
    school: School, app: Flask
) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)

    money_comes(school, 541_000, order.code)

    told = qr.parse(scan(payer.get("/qr.png").data))
    assert payer.status() == "part_paid:541000"
    assert "Đã nhận 541.000 ₫. Số trên là phần còn thiếu." in words(payer.get())
    assert (told.amount, told.purpose) == (40_000, order.code)


def test_two_children_of_one_order_are_listed_with_names_classes_and_amounts(
    school: School, app: Flask
) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        sister = people.save_beneficiary(
            db,
            kind="student",
            code="HS-0002",
            person=people.Person("Trần Ngọc Minh Châu", "lớp 1A3"),
            at=at,
        )
        hers = invoices.Bill(
            reference="GB-CHAU",
            kind="tuition",
            title="Khoản thu tháng 01/2026",
            beneficiary_id=sister,
            lines=[invoices.Line("Chăm sóc bán trú", Money(546_000))],
        )
        bill = invoices.issue(db, hers, by=school.accountant, at=at)
    order = an_order_over(school, [*bills_of(school, 581_000), bill])

    said = words(Payer(app, order.token).get())

    assert "2 giấy báo trong một lần nộp" in said
    assert "Trần Gia Bảo · lớp 4A2" in said
    assert "Trần Ngọc Minh Châu · lớp 1A3" in said
    assert "1.127.000 ₫" in said


@pytest.mark.parametrize(
    ("amount", "has_notice", "has_code"),
    [
        (10_000_000, False, True),
        (10_000_001, True, True),
        (499_999_999, True, True),
        (500_000_000, False, False),
    ],
)
def test_large_amounts_warn_of_the_face_check_and_very_large_ones_have_no_code(
    school: School, app: Flask, amount: int, has_notice: bool, has_code: bool
) -> None:
    payer = Payer(app, an_order_of(school, amount).token)

    page = payer.get()

    assert ("quét khuôn mặt" in words(page)) is has_notice
    assert bool(tree(page).xpath("//div[@class='qr']")) is has_code
    assert payer.get("/qr.png").status_code == (200 if has_code else 404)
    assert ACCOUNT in words(page)


# ---- over ----


def test_a_paid_order_shows_proof_and_its_receipt(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)

    money_comes(school, 581_000, f"CK {order.code}")

    said = words(payer.get())
    assert payer.status() == "paid:581000"
    assert "Đã thanh toán 581.000 ₫" in said
    assert "cho Trần Gia Bảo, lớp 4A2" in said
    assert "Số biên nhận0000001" in said
    assert "FT2606992704" in said
    assert payer.get("/qr.png").status_code == 404


def test_until_the_receipt_is_written_the_paid_page_looks_for_it_by_itself(
    school: School, app: Flask
) -> None:
    order = an_order_of(school, 581_000)

    with school.house.sessions.begin(school.biller_id) as db:
        a_notice(db, school, 581_000, order.code)

    payer = Payer(app, order.token)
    fresh = payer.get()
    school.house.clock.advance(minutes=15)
    assert "Biên nhận đang được lập" in words(fresh)
    assert "hx-trigger" in fresh.text
    assert "hx-trigger" not in payer.get().text  # nobody waits for ever on a page


def test_more_than_owed_is_paid_and_says_what_happens_to_the_rest(
    school: School, app: Flask
) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)

    money_comes(school, 600_000, order.code)

    assert payer.status() == "overpaid:581000"
    assert "Bạn đã chuyển thừa 19.000 ₫." in words(payer.get())


def test_a_second_transfer_of_a_paid_bill_is_seen_before_anybody_has_decided_about_it(
    school: School, app: Flask
) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)
    money_comes(school, 581_000, order.code)

    money_comes(school, 581_000, f"NGUYEN THI MINH HANG {order.code.lower()}", "92999")

    said = words(payer.get())
    assert "Bạn đã chuyển thừa 581.000 ₫." in said
    assert "FT2606992999" in said


def test_a_stranger_s_free_money_is_never_shown(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)
    money_comes(school, 581_000, order.code)

    money_comes(school, 581_000, "nop tien hoc cho con", "92999")

    assert "thừa" not in words(Payer(app, order.token).get())


def test_when_the_code_is_over_the_amount_stays_and_a_new_code_can_be_made(
    school: School, app: Flask
) -> None:
    payer = Payer(app, an_order_of(school, 581_000, days=1).token)

    school.house.clock.advance(days=1)

    said = words(payer.get())
    assert payer.status() == "expired:0"
    assert "Số tiền phải nộp vẫn là 581.000 ₫" in said
    assert "Tạo mã mới" in said
    assert payer.get("/qr.png").status_code == 404


def test_a_new_code_asks_for_the_rest_and_pressing_twice_makes_one(
    school: School, app: Flask
) -> None:
    order = an_order_of(school, 581_000, days=1)
    money_comes(school, 181_000, order.code)
    payer = Payer(app, order.token)
    school.house.clock.advance(days=1)

    first = payer.post("/renew")
    second = payer.post("/renew")

    assert first.status_code == 303
    assert first.location == second.location != payer.url
    renewed = Payer(app, first.location.removeprefix("/pay/"))
    told = qr.parse(scan(renewed.get("/qr.png").data))
    assert told.amount == 400_000
    assert told.purpose != order.code
    assert words(renewed.get()).count(str(told.purpose)) == 1


def test_the_old_link_says_paid_once_the_new_code_was_paid(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000, days=1)
    old = Payer(app, order.token)
    school.house.clock.advance(days=1)
    new = Payer(app, old.post("/renew").location.removeprefix("/pay/"))

    money_comes(school, 581_000, str(qr.parse(scan(new.get("/qr.png").data)).purpose))

    assert old.status() == new.status() == "paid:581000"
    assert "FT2606992704" in words(old.get())
    assert "Số biên nhận0000001" in words(old.get())


def test_money_for_a_code_that_is_over_still_pays_and_says_so(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000, days=1)
    with school.house.sessions.begin(school.biller_id) as db:
        school.house.clock.advance(days=2)
        orders.expire_due(db, at=school.house.clock.now())

    money_comes(school, 581_000, order.code)

    payer = Payer(app, order.token)
    assert payer.status() == "late_paid:581000"
    assert "Tiền về sau khi mã hết hạn và vẫn được ghi nhận đủ" in words(payer.get())


def test_a_code_that_is_still_good_is_not_renewed(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)

    answer = payer.client.post(f"{payer.url}/renew", base_url="http://thuphi.example")

    assert answer.status_code == 400  # no form of ours offers it
    assert payer.status() == "awaiting:0"


def test_a_withdrawn_order_asks_for_nothing(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)
    with school.house.sessions.begin(school.biller_id) as db:
        at = school.house.clock.now()
        orders.cancel(db, order.id, reason="Nhầm lớp", by=school.accountant, at=at)

    said = words(payer.get())

    assert payer.status() == "cancelled:0"
    assert "Bạn không cần chuyển tiền" in said
    assert ACCOUNT not in said


def test_a_withdrawn_bill_is_no_longer_asked_for(school: School, app: Flask) -> None:
    first, second = bills_of(school, 581_000, 20_000)
    payer = Payer(app, an_order_over(school, [first, second]).token)
    with school.house.sessions.begin(school.biller_id) as db:
        at = school.house.clock.now()
        invoices.cancel(db, second, reason="Nhầm lớp", by=school.accountant, at=at)

    assert qr.parse(scan(payer.get("/qr.png").data)).amount == 581_000


def test_a_bill_of_nothing_is_complete_and_still_gives_a_confirmation(
    school: School, app: Flask
) -> None:
    at = school.house.clock.now()
    bill = invoices.Bill(
        reference="GB-0",
        kind="tuition",
        title="Học phí tháng 01/2026",
        beneficiary_id=school.pupil_id,
        lines=[
            invoices.Line("Học phí", Money(155_000)),
            invoices.Line("Miễn học phí", Money(155_000), kind="exemption"),
        ],
    )
    with school.house.sessions.begin(school.biller_id) as db:
        invoice = invoices.issue(db, bill, by=school.accountant, at=at)
        receipts.confirm(db, invoice, at=at)
    payer = Payer(app, an_order_over(school, [invoice]).token)

    said = words(payer.get())

    assert "Không phải nộp 0 ₫" in said
    assert "Xem biên nhận" in said
    assert payer.status() == "paid:0"


# ---- back ----


def test_a_refund_is_shown_from_its_approval_until_it_is_done(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)
    payment = money_comes(school, 581_000, order.code)
    at = school.house.clock.now()

    with school.house.sessions.begin(school.biller_id) as db:
        source = Source(payment, allocation_id=allocation_of(school, payment))
        back = refunds.request(
            db, source, Money(45_000), reason="Nghỉ ba ngày", to=PAYEE, by=school.accountant, at=at
        )
    asked = payer.status()
    with school.house.sessions.begin(school.biller_id) as db:
        refunds.approve(db, back, by=school.chief, at=at)

    said = words(payer.get())
    assert asked == "paid:581000"
    assert payer.status() == "refunding:581000"
    assert "Lệnh hoàn 45.000 ₫ đang ở ngân hàng" in said
    assert "Đã thanh toán581.000 ₫" in said
    assert PAYEE.account not in said


def test_excess_that_is_being_given_back_is_named_once(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)
    payment = money_comes(school, 600_000, order.code)
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        rows = db.connection().exec_driver_sql("SELECT id FROM credit")
        [(credit,)] = rows.all()
        back = refunds.request(
            db,
            Source(payment, credit_id=credit),
            Money(19_000),
            reason="Nộp thừa",
            to=PAYEE,
            by=school.accountant,
            at=at,
        )
    asked = words(payer.get())

    with school.house.sessions.begin(school.biller_id) as db:
        refunds.approve(db, back, by=school.chief, at=at)

    assert "Bạn đã chuyển thừa 19.000 ₫." in asked
    assert payer.status() == "refunding:581000"
    assert "thừa" not in words(payer.get())


def test_what_was_taken_back_from_a_bill_is_owed_again(school: School, app: Flask) -> None:
    order = an_order_of(school, 581_000)
    payer = Payer(app, order.token)
    payment = money_comes(school, 581_000, order.code)
    allocation = allocation_of(school, payment)

    with school.house.sessions.begin(school.biller_id) as db:
        at = school.house.clock.now()
        allocations.unapply(db, allocation, reason="Nhầm em", by=school.accountant, at=at)

    assert payer.status() == "awaiting:0"
    assert "Xem biên nhận" not in words(payer.get())
