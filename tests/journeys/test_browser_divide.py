"""One transfer divided between two bills by keys: ticked, an amount corrected, approved on a phone.

Everything is real: Chromium, gunicorn, PostgreSQL, Valkey, relay and worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import text

from payments.domain import ids
from payments.domain.calendar import HANOI
from reconciliation import verdicts
from tests.browser import DESK, PHONE, Eyes, open_browser
from tests.browser_desks import an_open_office, fits, sign_in
from tests.cast import a_notice
from tests.consoles import a_person
from tests.portals import an_order_of
from tests.running import Running
from tests.servers import Addresses

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def running(addresses: Addresses, tmp_path: Path) -> Iterator[Running]:
    with an_open_office(addresses, tmp_path) as made:
        yield made


@pytest.fixture
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


def test_money_is_divided_by_keys_and_approved_on_a_phone(
    running: Running, browser: Browser, tmp_path: Path
) -> None:
    here = running.school.biller_id
    ha = a_person(running.house, "Vu Thu Ha", (here, "accountant"))
    hung = a_person(running.house, "Dang Quoc Hung", (here, "chief_accountant"))
    first, second = an_order_of(running.school, 581_000), an_order_of(running.school, 250_000)
    with running.house.sessions.begin(here) as db:
        memo = f"{first.code} {second.code} nop cho hai con"
        a_notice(db, running.school, 800_000, memo, "N1")
        verdicts.explain_free_money(db, at=datetime.now(HANOI))
        found = ids.shown("dis", db.scalar(text("SELECT id FROM discrepancy")))
    url = f"{running.url}/console/discrepancies/{found}"
    desk, phone = Eyes(browser, DESK), Eyes(browser, PHONE, locale="en-GB")
    sign_in(desk, running, ha)
    sign_in(phone, running, hung)
    tab = desk.tab

    tab.goto(url)
    tab.keyboard.press("d")
    shares = tab.locator("#divided input[name^='amount-']")
    tab.locator("#divided").wait_for()
    tab.keyboard.press("1")
    expect(shares).to_have_count(1)
    tab.keyboard.press("2")
    expect(shares).to_have_count(2)
    expect(tab.locator("#booking tfoot")).to_contain_text("800.000")
    tab.screenshot(path=tmp_path / "1-divided.png", full_page=True)
    shares.nth(1).fill("200.000")
    shares.nth(1).press("Tab")
    expect(tab.locator("#booking tfoot")).not_to_contain_text("800.000")
    tab.screenshot(path=tmp_path / "2-rest.png", full_page=True)
    assert fits(desk)
    tab.keyboard.press("Escape")
    tab.locator("#divided #reason").fill("Mẹ nộp cho hai con")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator(".pill:has-text('Chờ duyệt')").first).to_be_visible()

    phone.tab.goto(url)
    phone.tab.screenshot(path=tmp_path / "3-approve-phone.png", full_page=True)
    assert fits(phone)
    phone.tab.get_by_role("button", name="Approve").click()
    # What was left is the next task.
    expect(phone.tab.get_by_text("800.000 ₫ resolved and booked.").first).to_be_visible()
    assert "19.000" in phone.text()
    phone.tab.goto(url)
    phone.tab.screenshot(path=tmp_path / "4-booked-phone.png", full_page=True)
    assert desk.complaints == phone.complaints == []
