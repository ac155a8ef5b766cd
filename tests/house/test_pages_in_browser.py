"""Pages in a real browser under the strict policy: the script, the width, the strip."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Final

import pytest
from playwright.sync_api import Browser

from tests.browser import DESK, Eyes, open_browser
from tests.house import preview
from tests.house.cast_payer import PAY
from web.language import Language
from web.rendering import HERE, Pages

pytestmark = pytest.mark.browser

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NIGHT: Final = "/console/runs/of/2026-01-09"
TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
HTML: Final = "text/html; charset=utf-8"
PAGES: Final = Pages()
SAMPLES: Final = preview.samples(Language.VI)
WHOLE: Final = sorted(name for name in SAMPLES if not name.startswith("strip"))


@cache
def drawn(name: str) -> bytes:
    """One sample as a page."""
    return PAGES.render(SAMPLES[name], preview.frame(name, Language.VI)).encode()


class House:
    """Serves the samples; `paid` is what a bank would change, `over` what the night's end does."""

    def __init__(self) -> None:
        self.address = ""  # set once the port is known
        self.paid = False
        self.over = False
        self.asked = 0

    def answer(self, path: str) -> tuple[bytes, str]:
        if path.startswith("/static/"):
            file = HERE / path.removeprefix("/")
            return file.read_bytes(), TYPES[file.suffix.removeprefix(".")]
        if path == PAY:
            return drawn("paid" if self.paid else "pay"), HTML
        if path == f"{PAY}/status":
            self.asked += 1
            return drawn("strip-paid" if self.paid else "strip"), HTML
        if path == NIGHT:
            self.asked += 1
            return drawn("strip-night-done" if self.over else "strip-night"), HTML
        if path == "/today-night" and self.over:
            return drawn("today"), HTML
        return drawn(path.removeprefix("/")), HTML


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture
def house() -> Iterator[House]:
    serving = House()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, kind = serving.answer(self.path.partition("?")[0])
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Cache-Control", "no-cache")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    serving.address = f"http://127.0.0.1:{server.server_port}"
    yield serving
    server.shutdown()
    server.server_close()
    thread.join()


SETTLING = 100  # ms; a part that was swapped in is wired up by a timer


NOTE_REQUESTS = """
    window.asks = [];
    document.addEventListener("htmx:beforeRequest", () => asks.push(Date.now()));
"""


def stop_the_clock(eyes: Eyes) -> None:
    """From here a page's time passes only by `run_for`, however slow the machine is.

    An installed clock alone would go on ticking beside it.
    """
    eyes.tab.clock.install(time=0)
    eyes.tab.clock.pause_at(1_000)


def test_every_page_fits_320_pixels_and_breaks_no_rule_of_the_policy(
    browser: Browser, house: House
) -> None:
    eyes = Eyes(browser, (320, 640))

    too_wide = []
    for name in WHOLE:
        eyes.tab.goto(f"{house.address}/{name}")
        if eyes.tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
            too_wide.append(name)

    assert too_wide == []
    assert eyes.complaints == []


def test_the_pay_page_becomes_the_paid_page_by_itself(browser: Browser, house: House) -> None:
    eyes = Eyes(browser)
    stop_the_clock(eyes)
    eyes.tab.goto(house.address + PAY)

    with eyes.tab.expect_response("**/status"):
        eyes.tab.clock.run_for(3_000)
    unpaid = eyes.tab.inner_text("h1")
    house.paid = True
    eyes.tab.clock.run_for(3_000)
    eyes.tab.wait_for_selector(".done.ok")
    eyes.tab.clock.run_for(SETTLING)

    assert "Trần Gia Bảo" in unpaid
    assert eyes.tab.inner_text("h1") == "Đã thanh toán"
    assert eyes.tab.evaluate("document.activeElement.id") == "end"
    assert eyes.complaints == []


def test_the_strip_asks_less_often_after_two_minutes_and_owns_up_after_five(
    browser: Browser, house: House
) -> None:
    eyes = Eyes(browser)
    stop_the_clock(eyes)
    eyes.tab.goto(house.address + PAY)
    late = eyes.tab.locator(".live .if-late")

    for _ in range(40):
        with eyes.tab.expect_response("**/status"):
            eyes.tab.clock.run_for(3_000)
    in_two_minutes, soon = house.asked, late.is_visible()
    for _ in range(13):
        with eyes.tab.expect_response("**/status"):
            eyes.tab.clock.run_for(15_000)

    assert in_two_minutes == 40
    assert house.asked == 53
    assert not soon
    assert late.is_visible()


def test_a_night_is_followed_more_and_more_slowly_until_it_is_done(
    browser: Browser, house: House
) -> None:
    eyes = Eyes(browser, DESK)
    stop_the_clock(eyes)
    eyes.tab.goto(f"{house.address}/today-night")
    eyes.tab.evaluate(NOTE_REQUESTS)

    def pass_time_until(done: str) -> None:
        for _ in range(100):
            eyes.tab.clock.run_for(500)
            eyes.tab.wait_for_selector("#night[aria-busy]", state="detached")
            if eyes.tab.evaluate(done):
                return
        raise AssertionError(f"not in 50 s: {done}")

    pass_time_until("asks.length === 5")  # the first answer is taken, those after it are the same
    asks = eyes.tab.evaluate("asks")
    house.over = True
    pass_time_until("!document.querySelector('#night')")  # the page's other figures moved with it
    asked = house.asked
    eyes.tab.clock.run_for(60_000)

    waits = [later - earlier for earlier, later in pairwise(asks)]
    assert waits[0] >= 3_000
    assert all(longer > shorter for shorter, longer in pairwise(waits[1:]))
    assert eyes.tab.inner_text("#voice") == "Đã xong 1 trên 1 tài khoản"
    assert house.asked == asked
    assert eyes.complaints == []


def test_copying_takes_the_bare_code_and_says_so(browser: Browser, house: House) -> None:
    eyes = Eyes(browser)
    eyes.tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    eyes.tab.goto(house.address + PAY)

    eyes.tab.click("[data-copy=HP7K2M9QX4TW]")
    eyes.tab.wait_for_function("document.getElementById('voice').textContent !== ''")

    assert eyes.tab.evaluate("navigator.clipboard.readText()") == "HP7K2M9QX4TW"
    assert "Đã chép" in eyes.tab.inner_text("[data-copy=HP7K2M9QX4TW]")
    assert eyes.tab.text_content("#voice") == "Đã chép: Nội dung chuyển khoản (giữ nguyên)"


def test_while_the_line_is_down_the_page_says_that_money_is_safe(
    browser: Browser, house: House
) -> None:
    eyes = Eyes(browser)
    eyes.tab.goto(house.address + PAY)
    strip = eyes.tab.locator("[data-offline]")

    before = strip.is_visible()
    eyes.tab.context.set_offline(True)
    strip.wait_for(state="visible")
    eyes.tab.context.set_offline(False)
    strip.wait_for(state="hidden")

    assert not before
    assert eyes.tab.locator(".qr svg").is_visible()


def test_the_picture_of_the_code_can_be_saved_without_a_server(
    browser: Browser, house: House
) -> None:
    eyes = Eyes(browser)
    eyes.tab.goto(f"{house.address}/pay-more-ways")

    with eyes.tab.expect_download() as saved:
        eyes.tab.click("[data-save]")

    assert saved.value.suggested_filename == "thuphi-HP7K2M9QX4TW.png"
    assert saved.value.path().read_bytes().startswith(b"\x89PNG")
    assert eyes.complaints == []


def test_without_the_script_the_pay_page_still_says_everything(
    browser: Browser, house: House
) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(house.address + PAY)

    assert tab.locator(".qr svg").is_visible()
    assert tab.get_by_text("9999").first.is_visible()
    assert tab.get_by_role("link", name="Tải lại để xem tiền đã về chưa").is_visible()
    assert not tab.locator("[data-copy]").first.is_visible()
    context.close()


def test_staff_choose_a_bill_by_its_number_and_see_all_keys(browser: Browser, house: House) -> None:
    eyes = Eyes(browser, DESK)
    eyes.tab.goto(f"{house.address}/discrepancies")
    keys = eyes.tab.keyboard

    keys.press("2")
    chosen = eyes.tab.locator("input[data-hotkey='2']").is_checked()
    keys.press("Enter")
    led_to = eyes.tab.evaluate("document.activeElement.id")
    keys.type("1?js")  # letters in a field are letters
    typed = eyes.tab.locator("#reason").input_value()
    keys.press("Escape")
    keys.press("?")

    assert chosen
    assert led_to == "reason"
    assert typed.endswith("1?js")
    assert eyes.tab.locator("input[data-hotkey='2']").is_checked()
    assert eyes.tab.locator("#keys").is_visible()
    assert eyes.complaints == []


def test_single_keys_can_be_switched_off_and_the_machine_remembers(
    browser: Browser, house: House
) -> None:
    eyes = Eyes(browser, DESK)
    eyes.tab.goto(f"{house.address}/discrepancies")
    eyes.tab.get_by_role("button", name="Phím tắt").click()
    eyes.tab.locator("[data-keys-switch]").uncheck()
    eyes.tab.keyboard.press("Escape")
    eyes.tab.reload()

    eyes.tab.keyboard.press("2")
    eyes.tab.keyboard.press("?")

    assert not eyes.tab.locator("input[data-hotkey='2']").is_checked()
    assert not eyes.tab.locator("#keys").is_visible()
    assert eyes.tab.locator("kbd:visible").count() == 0
    eyes.tab.get_by_role("button", name="Phím tắt").click()
    assert not eyes.tab.locator("[data-keys-switch]").is_checked()
    assert eyes.complaints == []


def test_every_key_of_the_sheet_is_on_a_button_link_or_field(
    browser: Browser, house: House
) -> None:
    eyes = Eyes(browser, DESK)
    visible = set()

    for name in ("discrepancies-no-candidate", "discrepancies-approve", "discrepancies-resolved",
                 "discrepancies"):  # fmt: skip
        eyes.tab.goto(f"{house.address}/{name}")
        visible |= set(
            eyes.tab.eval_on_selector_all(
                "[data-hotkey]",
                "them => them.filter(it => it.checkVisibility()).map(it => it.dataset.hotkey)",
            )
        )
    gone_to = eyes.tab.eval_on_selector_all("[data-go]", "them => them.map(it => it.dataset.go)")

    assert visible >= {"j", "k", "1", "2", "3", "a", "u", "s", "/", "?"}
    assert gone_to == ["t", "c", "d"]


def test_a_receipt_prints_on_one_page_of_a5(browser: Browser, house: House) -> None:
    eyes = Eyes(browser)
    eyes.tab.goto(f"{house.address}/receipt")

    pdf = eyes.tab.pdf(prefer_css_page_size=True)

    assert pdf.count(b"/Type /Page\n") == 1
    boxes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)
    assert [(round(float(width)), round(float(height))) for width, height in boxes] == [(595, 420)]
