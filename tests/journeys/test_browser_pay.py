"""A parent opens the link on a phone, scans, pays, and holds a receipt that anyone can check.

Everything is real: Chromium, gunicorn, PostgreSQL, Valkey, relay, worker, and a bank that tells
us of the money through SePay's webhook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from payments import orders
from payments.domain.calendar import HANOI
from tests.browser import PHONE, Eyes, open_browser
from tests.databases import a_clone, an_empty_redis
from tests.pictures import scan
from tests.portals import an_order_of
from tests.running import Running, an_installation
from tests.servers import Addresses

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST_BYTES = 60_000
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def running(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with (
        a_clone(addresses) as house,
        an_empty_redis(addresses.redis_url) as redis_url,
        an_installation(house, redis_url, tmp_path_factory.mktemp("running")) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture
def phone(browser: Browser) -> Iterator[Eyes]:
    eyes = Eyes(browser, PHONE)
    yield eyes
    eyes.close()


def an_order(running: Running, amount: int) -> orders.Order:
    running.house.clock.at = datetime.now(HANOI)
    return an_order_of(running.school, amount)


def shown_code(eyes: Eyes) -> str:
    """What a second phone reads off this screen."""
    return scan(eyes.tab.locator(".qr svg").screenshot())


def to_the_receipt(eyes: Eyes, label: str) -> None:
    """The receipt is written a moment after the money; the page waits for it by itself."""
    eyes.tab.get_by_role("button", name=label).click(timeout=PATIENCE_MS)
    eyes.tab.wait_for_url("**/receipts/*")


def is_clean(eyes: Eyes, running: Running) -> bool:
    assert eyes.complaints == []
    assert eyes.hosts == {urlsplit(running.url).netloc}
    return True


def test_a_parent_scans_pays_and_holds_a_receipt_that_anyone_can_check(
    running: Running, phone: Eyes
) -> None:
    order = an_order(running, 581_000)
    phone.tab.goto(f"{running.url}/pay/{order.token}")
    before = phone.text()

    running.scan_and_pay(shown_code(phone), from_name="NGUYEN THI MINH HANG")
    expect(phone.tab.locator("h1#end")).to_have_text("Đã thanh toán", timeout=PATIENCE_MS)
    after = phone.text()
    to_the_receipt(phone, "Xem biên nhận")
    receipt = phone.text()
    phone.tab.goto(shown_code(phone))

    assert "Trần Gia Bảo · lớp 4A2" in before
    assert "Chờ thanh toán" in before
    assert "581.000 ₫" in after
    assert "Năm trăm tám mươi mốt nghìn đồng" in receipt
    assert order.code in re.sub(r"\s", "", receipt)
    assert "Biên nhận này là thật" in phone.text()
    assert "T••• G•• B••" in phone.text()
    assert is_clean(phone, running)


def test_the_same_in_english_with_names_and_words_of_the_receipt_as_they_are(
    running: Running, browser: Browser
) -> None:
    eyes = Eyes(browser, PHONE, locale="en-GB")
    order = an_order(running, 1_005_000)
    eyes.tab.goto(f"{running.url}/pay/{order.token}")
    before = eyes.text()

    running.scan_and_pay(shown_code(eyes))
    expect(eyes.tab.locator("h1#end")).to_have_text("Paid", timeout=PATIENCE_MS)
    to_the_receipt(eyes, "View receipt")

    assert "Awaiting payment" in before
    assert "Trần Gia Bảo" in before
    assert "Một triệu không trăm linh năm nghìn đồng" in eyes.text()
    assert is_clean(eyes, running)
    eyes.close()


def test_a_payer_who_sends_too_little_is_shown_the_rest_and_pays_it_with_the_new_picture(
    running: Running, phone: Eyes
) -> None:
    order = an_order(running, 90_000)
    phone.tab.goto(f"{running.url}/pay/{order.token}")
    first = shown_code(phone)

    running.scan_and_pay(first, amount=50_000)
    expect(phone.tab.locator(".pill").first).to_have_text(
        re.compile("Thanh toán thiếu"), timeout=PATIENCE_MS
    )
    rest = shown_code(phone)
    running.scan_and_pay(rest)
    expect(phone.tab.locator("h1#end")).to_have_text("Đã thanh toán", timeout=PATIENCE_MS)

    assert rest != first
    assert phone.text().count("Lần ") == 2
    assert is_clean(phone, running)


def test_a_code_that_is_over_is_renewed_with_one_press_and_paid(
    running: Running, phone: Eyes
) -> None:
    order = an_order(running, 42_000)
    running.house.psql(
        "owner",
        "UPDATE payment_order SET created_at = created_at - interval '2 days',"
        " expires_at = %s WHERE id = %s",
        (datetime.now(HANOI) - timedelta(days=1), order.id),
    )
    old = f"{running.url}/pay/{order.token}"
    phone.tab.goto(old)

    phone.tab.get_by_role("button", name="Tạo mã mới").click()
    phone.tab.wait_for_url(lambda url: url != old)
    running.scan_and_pay(shown_code(phone))
    expect(phone.tab.locator("h1#end")).to_have_text("Đã thanh toán", timeout=PATIENCE_MS)
    phone.tab.goto(old)

    assert "Đã thanh toán" in phone.text()
    assert is_clean(phone, running)


def test_who_asks_where_the_money_is_gets_a_number_and_a_time(
    running: Running, phone: Eyes
) -> None:
    order = an_order(running, 77_000)
    phone.tab.goto(f"{running.url}/pay/{order.token}")

    phone.tab.get_by_role("link", name="Tôi đã chuyển").click()
    phone.tab.get_by_label("Khoảng mấy giờ").fill("08:00")
    phone.tab.get_by_label("4 số cuối tài khoản chuyển").fill("0111")
    phone.tab.get_by_role("button", name="Tìm khoản tiền").click()
    expect(phone.tab.locator("h1#end")).to_have_text("Chưa thấy khoản này")

    assert re.search(r"TS-\w{6}", phone.text())
    assert is_clean(phone, running)


def test_the_page_and_all_its_parts_weigh_no_more_than_sixty_kilobytes(
    running: Running, phone: Eyes
) -> None:
    order = an_order(running, 60_000)

    phone.tab.goto(f"{running.url}/pay/{order.token}")
    phone.tab.wait_for_load_state("networkidle")

    assert 30_000 < phone.weight() <= MOST_BYTES


def test_the_secret_of_a_link_and_the_names_behind_it_are_in_no_log(
    running: Running, phone: Eyes
) -> None:
    order = an_order(running, 33_000)
    phone.tab.goto(f"{running.url}/pay/{order.token}")
    running.scan_and_pay(shown_code(phone), from_name="NGUYEN THI MINH HANG")
    expect(phone.tab.locator("h1#end")).to_have_text("Đã thanh toán", timeout=PATIENCE_MS)

    logged = running.logged()

    assert "/pay/<token>" in logged
    assert order.token not in logged
    assert "MINH HANG" not in logged
    assert "Gia Bảo" not in logged
