"""Two people at the console: a day that cannot close, one discrepancy, two signatures, a lock.

Everything is real: Chromium, gunicorn, PostgreSQL, Valkey, relay and worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from payments.domain.calendar import HANOI
from tests.browser import DESK, PHONE, Eyes, open_browser
from tests.browser_desks import an_open_office, fits, sign_in
from tests.cast import ACCOUNT
from tests.consoles import a_person
from tests.portals import an_order_of
from tests.running import Running
from tests.servers import Addresses
from tests.statement_files import Entry, an_mt940

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS: Final = 60_000
MOST_BYTES: Final = 60_000


@pytest.fixture(scope="module")
def running(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with an_open_office(addresses, tmp_path_factory.mktemp("running")) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


def is_clean(eyes: Eyes, running: Running) -> bool:
    assert eyes.complaints == []
    assert eyes.hosts == {urlsplit(running.url).netloc}
    return True


def test_a_bad_day_is_cleared_by_two_people_and_closed(
    running: Running, browser: Browser, tmp_path: Path
) -> None:
    yesterday = datetime.now(HANOI).date() - timedelta(days=1)
    here = running.school.biller_id
    ha = a_person(running.house, "Vu Thu Ha", (here, "accountant"))
    hung = a_person(running.house, "Dang Quoc Hung", (here, "chief_accountant"))
    paid = an_order_of(running.school, 581_000)
    an_order_of(running.school, 400_000)
    file = tmp_path / "hoasen.sta"
    lines = [Entry(581_000, f"{paid.code} NGUYEN VAN A", "FT1"), Entry(400_000, "nop tien", "FT2")]
    file.write_bytes(an_mt940(ACCOUNT, yesterday, 0, lines))
    desk, phone = Eyes(browser, DESK), Eyes(browser, PHONE, locale="en-GB")
    sign_in(desk, running, ha)
    sign_in(phone, running, hung)
    day = f"{running.url}/console/days/{yesterday}"

    # The day cannot close: its statement is missing.
    desk.tab.goto(day)
    assert f"Chưa có sao kê đầy đủ của tài khoản {ACCOUNT}" in desk.text()
    assert desk.tab.locator("form[action$='/sign']").count() == 0
    desk.tab.screenshot(path=tmp_path / "1-day-blocked.png", full_page=True)

    # It is handed over, read, and reconciled by the worker: one line is left for a person.
    desk.tab.goto(f"{running.url}/console/statements")
    desk.tab.set_input_files("#file", file)
    desk.tab.get_by_role("button", name="Đọc tệp").click()
    expect(desk.tab.locator("#read")).to_have_text("hoasen.sta")
    desk.tab.screenshot(path=tmp_path / "2-statement.png", full_page=True)
    queue = desk.tab.locator(".queue li")
    until_the_queue_has_one(desk, running)
    queue.first.locator("a").click()
    desk.tab.fill("#find", "gia bảo")
    desk.tab.get_by_role("button", name="Tìm").click()
    desk.tab.locator("label.candidate:has-text('400.000') input").check()
    expect(desk.tab.locator("#booking")).to_contain_text("1383 Phải thu")  # shown as it is chosen
    desk.tab.screenshot(path=tmp_path / "3-proposal.png", full_page=True)
    desk.tab.locator("form[data-propose] #reason").fill("Phụ huynh gọi điện xác nhận")
    desk.tab.get_by_role("button", name="Gửi duyệt 400.000 ₫").click()
    expect(desk.tab.locator("#it ~ .pill, .pill:has-text('Chờ duyệt')").first).to_be_visible()
    assert "Bạn là người đề nghị nên cần một người khác duyệt." in desk.text()

    # The second person approves on a phone, in English.
    phone.tab.goto(desk.tab.url)
    assert "Approve 400.000 ₫" in phone.text()
    assert "Trần Gia Bảo" in phone.text()
    phone.tab.screenshot(path=tmp_path / "4-approve-phone.png", full_page=True)
    assert fits(phone)
    phone.tab.get_by_role("button", name="Approve 400.000 ₫").click()
    expect(phone.tab.locator(".pill:has-text('Resolved')").first).to_be_visible()
    phone.tab.screenshot(path=tmp_path / "5-resolved-phone.png", full_page=True)

    # Nothing is left: one has checked it and signs first, the other locks it for ever.
    desk.tab.goto(day)
    desk.tab.get_by_role("button", name="Ký lập: đã kiểm tra").click()
    assert "Bạn đã ký lập ngày này" in desk.text()
    assert desk.tab.locator("form[action$='/sign']").count() == 0
    phone.tab.goto(day)
    phone.tab.screenshot(path=tmp_path / "6-day-ready-phone.png", full_page=True)
    assert fits(phone)
    phone.tab.get_by_role("button", name="Sign and lock").click()
    expect(phone.tab.locator(".pill:has-text('Locked')").first).to_be_visible()
    desk.tab.goto(day)
    desk.tab.screenshot(path=tmp_path / "7-day-locked.png", full_page=True)
    assert "Đã khóa" in desk.text()
    assert is_clean(desk, running)
    assert is_clean(phone, running)
    phone.close()
    desk.close()


def until_the_queue_has_one(desk: Eyes, running: Running) -> None:
    """The worker reconciles a moment after the file was taken."""

    def there() -> bool:
        desk.tab.goto(f"{running.url}/console/discrepancies")
        return desk.tab.locator(".queue li").count() == 1

    running.wait_until(there)


@pytest.mark.parametrize("size", [DESK, PHONE, (320, 640)], ids=["desk", "phone", "narrow"])
@pytest.mark.parametrize("locale", ["vi-VN", "en-GB"])
def test_every_page_fits_the_screen_and_keeps_to_the_policy(
    running: Running, browser: Browser, tmp_path: Path, size: tuple[int, int], locale: str
) -> None:
    name = f"Nguoi {size[0]} {locale}"
    eyes = Eyes(browser, size, locale=locale)
    reader = a_person(running.house, name, (running.school.biller_id, "accountant"))
    sign_in(eyes, running, reader)

    for page in ("", "/discrepancies", "/bills", "/statements", "/days", "/refunds"):
        eyes.tab.goto(f"{running.url}/console{page}")
        picture = tmp_path / f"{page.strip('/') or 'today'}.png"
        eyes.tab.screenshot(path=picture, full_page=True)
        assert fits(eyes), page

    eyes.tab.goto(f"{running.url}/console/bills")
    first = eyes.tab.locator("tbody a").first
    if first.count():
        first.click()
        eyes.tab.screenshot(path=tmp_path / "bill.png", full_page=True)
        assert fits(eyes)
    assert is_clean(eyes, running)
    eyes.close()


def test_the_first_page_with_all_its_parts_is_light(running: Running, browser: Browser) -> None:
    eyes = Eyes(browser, DESK)
    reader = a_person(running.house, "Nguoi nhe", (running.school.biller_id, "viewer"))
    sign_in(eyes, running, reader)
    known = eyes.context.storage_state()
    eyes.close()
    fresh = Eyes(browser, DESK, state=known)  # signed in, with nothing in its cache

    fresh.tab.goto(f"{running.url}/console", wait_until="networkidle")

    assert fresh.weight() <= MOST_BYTES
    fresh.close()
