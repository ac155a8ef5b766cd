"""Sign-in of staff: two steps, a lock after five failures, and a session for one biller."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.cast import School, a_school
from tests.consoles import Desk, Person, a_person, tree, words
from tests.databases import QuickHouse
from tests.doors import an_app
from web.limits import Limits

HOME = "/console"


@pytest.fixture
def school(quick_house: QuickHouse) -> School:
    return a_school(quick_house)


@pytest.fixture
def app(quick_house: QuickHouse) -> Flask:
    return an_app(quick_house)


@pytest.fixture
def ha(school: School) -> Person:
    return a_person(school.house, "Ha Vu", (school.biller_id, "accountant"))


@pytest.fixture
def desk(app: Flask, school: School) -> Desk:
    return Desk(app, school.house.clock)


def test_nobody_sees_the_console_without_signing_in(desk: Desk) -> None:
    answer = desk.get("/console/discrepancies?kind=UNMATCHED")

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/console/sign-in?next=%2Fconsole%2Fdiscrep")


def test_a_right_password_and_code_open_a_session_and_lead_on(desk: Desk, ha: Person) -> None:
    first = desk.password(ha.email, next="/console/bills")
    assert first.status_code == 303
    assert desk.get(HOME).status_code == 303  # one step is not enough

    second = desk.six_digits(ha.code(desk.clock), next="/console/bills")

    assert second.headers["Location"] == "/console/bills"
    cookie = next(one for one in second.headers.getlist("Set-Cookie") if one.startswith("thuphi="))
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert desk.get(HOME).status_code == 200


@pytest.mark.parametrize(
    "next_", ["https://elsewhere.example/", "//elsewhere.example", "/pay/x", "/console/sign-in"]
)
def test_sign_in_leads_nowhere_but_into_the_console(desk: Desk, ha: Person, next_: str) -> None:
    desk.password(ha.email)

    answer = desk.six_digits(ha.code(desk.clock), next=next_)

    assert answer.headers["Location"] == HOME


def test_a_wrong_password_and_an_unknown_person_are_told_the_same(desk: Desk, ha: Person) -> None:
    wrong = desk.password(ha.email, "mat khau khac han")
    unknown = desk.password("khong.co@vidu.example", "mat khau khac han")

    assert wrong.status_code == unknown.status_code == 403
    assert "Thư điện tử hoặc mật khẩu chưa đúng." in words(wrong)
    assert words(wrong) == words(unknown)


def test_a_wrong_code_says_nothing_of_what_is_right(desk: Desk, ha: Person) -> None:
    desk.password(ha.email)

    answer = desk.six_digits("000000")

    assert answer.status_code == 403
    assert "Mã chưa đúng hoặc đã dùng." in words(answer)
    assert desk.get(HOME).status_code == 303


def test_a_code_works_once(app: Flask, desk: Desk, ha: Person) -> None:
    code = ha.code(desk.clock)
    desk.password(ha.email)
    desk.six_digits(code)
    other = Desk(app, desk.clock)
    other.password(ha.email)

    answer = other.six_digits(code)

    assert answer.status_code == 403
    assert other.get(HOME).status_code == 303


def test_the_second_step_is_over_after_five_minutes(desk: Desk, ha: Person) -> None:
    desk.password(ha.email)
    desk.clock.advance(minutes=6)

    answer = desk.post(
        "/console/sign-in/code", {"code": ha.code(desk.clock)}, of="/console/sign-in"
    )

    assert answer.headers["Location"].startswith("/console/sign-in")
    assert desk.get(HOME).status_code == 303


def test_five_failures_lock_the_account_and_the_page_says_until_when(
    desk: Desk, ha: Person
) -> None:
    for _ in range(5):
        desk.password(ha.email, "mat khau khac han")

    answer = desk.password(ha.email)

    assert answer.status_code == 403
    assert "Đăng nhập lại được từ 09:15, 10/03/2026" in words(answer)
    assert not tree(answer).xpath("//input[@name='password']")
    desk.clock.advance(minutes=16)
    assert desk.password(ha.email).status_code == 303


def test_wrong_codes_count_towards_the_lock(desk: Desk, ha: Person) -> None:
    desk.password(ha.email)
    for _ in range(5):
        desk.six_digits("000000")

    answer = desk.six_digits(ha.code(desk.clock))

    assert answer.status_code == 403
    assert "Tài khoản tạm khóa" in words(answer)
    assert desk.get(HOME).status_code == 303


def test_a_form_without_its_token_is_refused(desk: Desk, ha: Person) -> None:
    form = {"email": ha.email, "password": "bat ky dieu gi"}

    answer = desk.client.post("/console/sign-in", data=form)

    assert answer.status_code == 400
    assert "Biểu mẫu đã quá cũ" in words(answer)


def test_guessing_from_one_address_is_slowed_down_and_said_on_a_page(
    quick_house: QuickHouse, school: School
) -> None:
    hasty = Desk(an_app(quick_house, limits=Limits(sign_in="3 per minute")), school.house.clock)
    for _ in range(3):
        hasty.password("khong.co@vidu.example", "mat khau khac han")

    answer = hasty.password("khong.co@vidu.example", "mat khau khac han")

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "Hãy thử lại sau" in words(answer)


def test_signing_out_ends_the_session_everywhere(app: Flask, desk: Desk, ha: Person) -> None:
    desk.sign_in(ha)
    kept = desk.client.get_cookie("thuphi")
    assert kept is not None

    desk.post("/console/sign-out")

    assert desk.get(HOME).status_code == 303
    thief = app.test_client()
    thief.set_cookie("thuphi", kept.value)
    assert thief.get(HOME).status_code == 303


def test_a_session_is_over_after_ten_hours(desk: Desk, ha: Person) -> None:
    desk.sign_in(ha)

    desk.clock.advance(hours=10, minutes=1)

    assert desk.get(HOME).status_code == 303


def test_who_works_for_two_billers_chooses_one_and_sees_only_that(
    desk: Desk, school: School
) -> None:
    other = a_school(school.house, code="TH-KH", number="9999018453")
    both = a_person(
        school.house,
        "Lan Pham",
        (school.biller_id, "accountant"),
        (other.biller_id, "viewer"),
    )
    desk.password(both.email)
    answer = desk.six_digits(both.code(desk.clock))
    assert answer.headers["Location"] == "/console/biller"
    page = desk.get("/console/biller")
    choices = tree(page).xpath("//button[@name='biller']/@value")
    assert len(choices) == 2

    chosen = desk.post("/console/biller", {"biller": choices[1]}, of="/console/biller")

    assert chosen.headers["Location"] == HOME
    assert desk.get(HOME).status_code == 200
    assert "Đổi đơn vị" in desk.get(HOME).text


def test_nobody_chooses_a_biller_where_they_have_no_role(
    desk: Desk, school: School, ha: Person
) -> None:
    other = a_school(school.house, code="TH-KH", number="9999018453")
    lan = a_person(
        school.house, "Lan Pham", (school.biller_id, "viewer"), (other.biller_id, "viewer")
    )
    desk.sign_in(lan)
    foreign = tree(desk.get("/console/biller")).xpath("//button[@name='biller']/@value")
    stranger = Desk(desk.app, desk.clock).sign_in(ha)
    mine = tree(stranger.get("/console/biller")).xpath("//button[@name='biller']/@value")

    [theirs] = set(foreign) - set(mine)
    answer = stranger.post("/console/biller", {"biller": theirs}, of="/console/biller")

    assert answer.status_code == 403


def test_every_sign_in_is_written_down(desk: Desk, ha: Person, school: School) -> None:
    desk.sign_in(ha)

    with school.house.sessions.begin(school.biller_id) as db:
        rows = db.connection().exec_driver_sql(
            "SELECT actor_id FROM audit_line WHERE action = 'staff.sign_in'"
        )
        assert [row.actor_id for row in rows] == [ha.id]
