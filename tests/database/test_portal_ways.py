"""A payer chooses another way to pay, goes there, comes back, and is told the truth."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from payments import attempts, channels, orders
from payments.domain import ids
from payments.domain.gateway import Checkout, Ending, Refused, Unknown
from payments.domain.people import SERVICE
from tests.cast import a_notice
from tests.databases import QuickHouse
from tests.doors import a_runtime
from tests.portals import PUBLIC, Payer, tree, words
from tests.tries import NAME, OWED, Till, a_till
from web.app import create_app

QR = "vietqr"


class Visitor:
    """Somebody with a link to one order of the school."""

    def __init__(self, till: Till, amount: int = OWED) -> None:
        self.till = till
        self.order = till.order(amount)
        self.app = create_app(till.runtime)
        self.payer = Payer(self.app, self.order.token)

    def choose(self, way: str = NAME) -> TestResponse:
        """Press the button of the page of ways."""
        hidden = tree(self.payer.get("/ways")).xpath("//input[@name='csrf_token']/@value")
        return self.payer.client.post(
            f"{self.payer.url}/ways",
            data={"way": way, "csrf_token": "".join(hidden[:1])},
            base_url=PUBLIC,
            headers={"Referer": f"{PUBLIC}{self.payer.url}/ways"},
        )

    def attempt(self) -> UUID:
        return UUID(str(self.till.one("SELECT id FROM attempt ORDER BY created_at DESC LIMIT 1")))

    def try_url(self) -> str:
        return f"/tries/{ids.shown('att', self.attempt())}"


@pytest.fixture
def till(quick_house: QuickHouse) -> Till:
    made = a_till(quick_house)
    runtime = a_runtime(quick_house, THUPHI_PUBLIC_URL=PUBLIC)
    runtime.__dict__["gateways"] = made.runtime.gateways
    made.runtime = runtime
    return made


@pytest.fixture
def visitor(till: Till) -> Visitor:
    return Visitor(till)


def test_the_page_of_ways_says_limits_and_fees_before_anything_is_pressed(
    visitor: Visitor,
) -> None:
    page = visitor.payer.get("/ways")

    said = words(page)
    assert "Chuyển khoản bằng mã VietQR" in said
    assert "Từ 5.000 ₫ đến 50.000.000 ₫ mỗi lần" in said
    assert "Phí 0 ₫" in said
    assert visitor.till.one("SELECT count(*) FROM attempt") == 0


def test_a_way_that_does_not_take_the_amount_says_why_and_cannot_be_chosen(till: Till) -> None:
    visitor = Visitor(till, 4_000)
    page = visitor.payer.get("/ways")

    assert "nằm ngoài mức" in words(page)
    assert tree(page).xpath("//input[@value='vnpay']/@disabled")
    refused = visitor.choose()
    assert refused.status_code == 409
    assert "nhận mỗi lần từ 5.000 ₫" in words(refused)
    assert till.one("SELECT count(*) FROM attempt") == 0


def test_choosing_a_gateway_leads_there_by_a_page_of_ours(visitor: Visitor) -> None:
    chosen = visitor.choose()
    assert chosen.status_code == 303
    page = visitor.payer.client.get(chosen.headers["Location"], base_url=PUBLIC)

    reference = visitor.till.reference(visitor.attempt())
    assert page.headers["Refresh"] == f"0;url=https://cong.example/{reference}"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "Đang chuyển sang VNPAY" in words(page)


def test_opening_the_page_of_a_try_again_sends_nobody_away(visitor: Visitor) -> None:
    visitor.choose()

    page = visitor.payer.get(visitor.try_url())

    assert "Refresh" not in page.headers
    assert "Đang chờ VNPAY xác nhận" in words(page)


@pytest.mark.parametrize("address", [
    "http://cong.example/x", "javascript:alert(1)", "https://", "//cong.example", "https:///x",
    "data:text/html,x", "ftp://127.0.0.1/x", "http://127.0.0.1.evil.example/",
    "https://cong.example/a b", "https://[", "",
])  # fmt: skip
def test_a_browser_is_sent_to_no_address_but_a_safe_one(visitor: Visitor, address: str) -> None:
    written = visitor.till.written(visitor.order.id)
    with visitor.till.begin() as db:
        attempts.record(db, written.started.id, Checkout(redirect_url=address), at=visitor.till.now)

    page = visitor.payer.get(f"{visitor.try_url()}?go=1")

    assert page.status_code == 200
    assert "Refresh" not in page.headers
    hrefs = tree(page).xpath("//main//a/@href")
    assert all(href.startswith("/pay/") for href in hrefs)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8100/x", "http://localhost/x"])
def test_a_simulator_on_this_machine_is_a_safe_address(visitor: Visitor, address: str) -> None:
    written = visitor.till.written(visitor.order.id)
    with visitor.till.begin() as db:
        attempts.record(db, written.started.id, Checkout(redirect_url=address), at=visitor.till.now)

    page = visitor.payer.get(f"{visitor.try_url()}?go=1")

    assert page.headers["Refresh"] == f"0;url={address}"


def test_the_qr_is_no_gateway_and_an_unknown_way_is_refused_in_words(visitor: Visitor) -> None:
    assert visitor.choose(QR).headers["Location"] == visitor.payer.url
    for way in ("paypal", "", "momo' OR 1=1", "x" * 300):
        refused = visitor.choose(way)
        assert refused.status_code == 422
        assert "Hãy chọn một cách trả" in words(refused)
    assert visitor.till.one("SELECT count(*) FROM attempt") == 0


def test_a_channel_that_is_off_is_neither_offered_nor_begun(visitor: Visitor) -> None:
    with visitor.till.begin() as db:
        channels.switch(db, NAME, on=False, by=SERVICE, at=visitor.till.now)

    assert "VNPAY" not in words(visitor.payer.get("/ways"))
    assert visitor.choose().status_code == 409
    assert visitor.till.one("SELECT count(*) FROM attempt") == 0


def test_a_form_without_its_hidden_token_begins_nothing(visitor: Visitor) -> None:
    for form in ({"way": NAME}, {"way": NAME, "csrf_token": "made up"}):
        refused = visitor.payer.client.post(
            f"{visitor.payer.url}/ways", data=form, base_url=PUBLIC, headers={"Referer": PUBLIC}
        )
        assert refused.status_code in {400, 403}
    assert visitor.till.one("SELECT count(*) FROM attempt") == 0


def test_pressing_twice_is_one_try(visitor: Visitor) -> None:
    first, second = visitor.choose(), visitor.choose()

    assert first.headers["Location"] == second.headers["Location"]
    assert len(visitor.till.far.started) == 1


def test_while_a_try_is_in_doubt_the_payer_is_told_to_wait(visitor: Visitor) -> None:
    visitor.till.far.mood = "loses_answer"
    visitor.choose()
    visitor.till.far.mood = "fine"

    refused = visitor.choose()

    assert refused.status_code == 409
    assert "đang được kiểm tra" in words(refused)
    assert "Đang chờ VNPAY xác nhận" in words(visitor.payer.get(visitor.try_url()))


def test_an_order_that_is_over_or_paid_offers_no_ways(till: Till) -> None:
    cancelled, paid = Visitor(till), Visitor(till)
    with till.begin() as db:
        orders.cancel(db, cancelled.order.id, reason="Thử", by=SERVICE, at=till.now)
        a_notice(db, till.school, OWED, paid.order.code)

    for visitor in (cancelled, paid):
        page = visitor.payer.get("/ways")
        assert (page.status_code, page.headers["Location"]) == (303, visitor.payer.url)


# One link opens its own order and nothing else


@pytest.mark.parametrize("path", ["", "/status"])
def test_a_try_of_another_order_is_not_there(till: Till, path: str) -> None:
    mine, theirs = Visitor(till), Visitor(till)
    theirs.choose()
    foreign = theirs.try_url()

    assert theirs.payer.get(foreign + path).status_code == 200
    assert mine.payer.get(foreign + path).status_code == 404


@pytest.mark.parametrize("shown", ["att_0", "ord_x", "att_" + "z" * 26, "x", "%00", "att_%F0"])
def test_a_try_of_nobody_is_not_there(visitor: Visitor, shown: str) -> None:
    assert visitor.payer.get(f"/tries/{shown}").status_code == 404
    assert visitor.payer.get(f"/tries/{shown}/status").status_code == 404


@pytest.mark.parametrize("path", ["/ways", "/back/vnpay", "/tries/att_x", "/tries/att_x/status"])
def test_a_link_of_nobody_opens_no_door(visitor: Visitor, path: str) -> None:
    stranger = Payer(visitor.app, "a" * 32)

    assert stranger.get(path).status_code == 404


# Coming back


def test_coming_back_has_the_gateway_asked_and_books_nothing_by_itself(visitor: Visitor) -> None:
    visitor.choose()
    reference = visitor.till.reference(visitor.attempt())
    number = visitor.till.far.pay(reference)

    back = visitor.payer.get("/back/vnpay")
    before = visitor.till.payments()
    visitor.till.later(seconds=3)

    assert back.headers["Location"] == visitor.payer.url + visitor.try_url()
    assert before == []
    assert visitor.till.payments() == [(number, OWED)]
    paid = visitor.payer.get(visitor.try_url())
    assert (paid.status_code, paid.headers["Location"]) == (303, visitor.payer.url)


@pytest.mark.parametrize("query", [
    "vnp_ResponseCode=00&vnp_TransactionStatus=00&vnp_Amount=58100000&vnp_TransactionNo=1",
    "resultCode=0&transId=1", "status=1", "code=00&status=PAID&cancel=false",
    "status=-49", "cancel=true", "%00=%00", "a" * 4_000,
])  # fmt: skip
def test_whatever_the_address_says_on_the_way_back_is_not_believed(
    visitor: Visitor, query: str
) -> None:
    visitor.choose()

    back = visitor.payer.get(f"/back/vnpay?{query}")
    visitor.till.later(seconds=3)

    assert back.headers["Location"] == visitor.payer.url + visitor.try_url()
    assert visitor.till.payments() == []
    assert visitor.till.status(visitor.attempt()) == "redirected"


def test_reloading_the_way_back_asks_the_gateway_once_a_minute(visitor: Visitor) -> None:
    visitor.choose()
    for _ in range(40):
        visitor.payer.get("/back/vnpay")
    asked = "SELECT count(*) FROM message WHERE kind = 'attempt.look_up'"
    within_a_minute = visitor.till.one(asked)
    visitor.till.school.house.clock.advance(minutes=1)
    visitor.payer.get("/back/vnpay")

    assert within_a_minute == 2  # the one that every try begins with, and one more
    assert visitor.till.one(asked) == 3


def test_coming_back_from_where_nobody_went_leads_to_the_order(visitor: Visitor) -> None:
    for gateway in ("vnpay", "momo", "../console", "x" * 100):
        back = visitor.payer.get(f"/back/{gateway}")
        assert back.status_code in {303, 404}
        assert back.headers.get("Location", visitor.payer.url) == visitor.payer.url


# Waiting


def test_the_strip_is_not_sent_again_while_nothing_moves(visitor: Visitor) -> None:
    visitor.choose()
    url = f"{visitor.try_url()}/status"
    first = visitor.payer.get(url)
    tag = first.headers["ETag"]

    same = visitor.payer.get(url, headers={"If-None-Match": tag})
    other_language = visitor.payer.get(f"{url}?lang=en", headers={"If-None-Match": tag})
    with visitor.till.begin() as db:
        said = Refused("balance", Ending.FAILED)
        attempts.record(db, visitor.attempt(), said, at=visitor.till.now)
    moved = visitor.payer.get(url, headers={"If-None-Match": tag})

    assert (first.status_code, same.status_code, same.data) == (200, 304, b"")
    assert other_language.status_code == 200
    assert moved.status_code == 200
    assert tree(moved).xpath("//@data-state") == ["failed"]


@pytest.mark.parametrize(("said", "words_vi", "words_en"), [
    (Refused("x", Ending.CANCELLED), "Bạn đã hủy trên trang thanh toán", "You cancelled"),
    (Refused("x", Ending.EXPIRED), "hết thời gian", "ran out of time"),
    (Refused("balance"), "không đủ số dư", "lacks the money"),
    (Refused("a word of nobody"), "không thực hiện được", "did not carry this out"),
])  # fmt: skip
def test_a_try_that_failed_says_why_and_offers_another_way(
    visitor: Visitor, said: Refused, words_vi: str, words_en: str
) -> None:
    visitor.choose()
    with visitor.till.begin() as db:
        attempts.record(db, visitor.attempt(), said, at=visitor.till.now)

    page = visitor.payer.get(visitor.try_url())
    english = visitor.payer.get(f"{visitor.try_url()}?lang=en")

    assert words_vi in words(page)
    assert words_en in words(english)
    assert f"{visitor.payer.url}/ways" in tree(page).xpath("//a/@href")
    assert not re.search(r"cong\.example", page.text)


def test_a_reason_of_ours_is_never_shown_as_a_code(visitor: Visitor) -> None:
    visitor.choose()
    with visitor.till.begin() as db:
        attempts.record(db, visitor.attempt(), Unknown("no_answer"), at=visitor.till.now)

    assert "no_answer" not in visitor.payer.get(visitor.try_url()).text


def test_an_order_paid_by_another_way_ends_the_waiting(visitor: Visitor) -> None:
    visitor.choose()
    with visitor.till.begin() as db:
        a_notice(db, visitor.till.school, OWED, visitor.order.code)

    status = visitor.payer.get(f"{visitor.try_url()}/status")
    page = visitor.payer.get(f"{visitor.try_url()}?go=1")

    assert tree(status).xpath("//@data-state") == ["succeeded"]
    assert (page.status_code, page.headers["Location"]) == (303, visitor.payer.url)
    assert "Refresh" not in page.headers


def test_a_payer_who_paid_twice_sees_what_is_owed_back(visitor: Visitor) -> None:
    visitor.choose()
    with visitor.till.begin() as db:
        a_notice(db, visitor.till.school, OWED, visitor.order.code)
    visitor.till.hear(visitor.till.call(visitor.attempt()))
    visitor.till.work()

    page: Any = visitor.payer.get()

    assert "581.000 ₫" in words(page)
    assert re.search(r"nộp thừa|trả thừa|phần thừa|dư", words(page), re.IGNORECASE)
