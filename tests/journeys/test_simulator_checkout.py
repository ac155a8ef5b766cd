"""A payer's browser at the pretend gateways: it pays, gives up or walks away, and is sent back.

The simulator is a real process; the merchant is a listener of the test on another port, so that
the page's policy is asked about a foreign origin as it is in life.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import DESK, PHONE, Eyes, open_browser
from tests.unit.simulator.bench import Listener, listening, until
from tests.unit.simulator.shops import query_of
from tests.unit.simulator.wallets import MOMO_CREATE, momo_mark

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


@contextmanager
def simulating(folder: Path) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", "--data", str(folder)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as child:  # fmt: skip
        try:
            assert child.stdout is not None
            said = re.search(r"http://[0-9.:]+", child.stdout.readline())
            assert said is not None
            yield said[0]
        finally:
            child.terminate()
            child.wait(20)


def ask(url: str, body: object = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(call, timeout=20) as answer:  # noqa: S310  # our own address
        found: dict[str, Any] = json.load(answer)
    return found


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with simulating(tmp_path_factory.mktemp("bank")) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def eyes(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Eyes]:
    opened = Eyes(browser, request.param)
    yield opened
    opened.close()


@pytest.fixture
def merchant() -> Iterator[Listener]:
    """Hears the IPN and the browser that comes back."""
    with listening() as heard:
        heard.usual = (204, b"")
        yield heard


def an_order(simulator: str, merchant: Listener, name: str) -> tuple[str, dict[str, str]]:
    """The payment page of a new MoMo order, and the merchant's keys."""
    keys = ask(f"{simulator}/gateways/momo/merchants", {"title": "Trường Hoa Sen"})["keys"]
    body: dict[str, Any] = {
        "partnerCode": keys["partner_code"], "requestId": name, "orderId": name,
        "amount": 581_000, "orderInfo": f"Học phí {name}", "lang": "vi",
        "redirectUrl": merchant.url.replace("/webhooks/sepay/th-hs", "/return"),
        "ipnUrl": merchant.url, "requestType": "captureWallet", "extraData": "",
    }  # fmt: skip
    body["signature"] = momo_mark(keys, MOMO_CREATE, body)
    return str(ask(f"{simulator}/momo/v2/gateway/api/create", body)["payUrl"]), keys


def returned(merchant: Listener) -> list[dict[str, str]]:
    return [query_of(call.path) for call in merchant.heard if call.path.startswith("/return")]


@pytest.mark.parametrize(("button", "code"), [("Thanh toán", "0"), ("Hủy và quay lại", "1006")])
def test_a_payer_pays_or_cancels_and_is_sent_back_with_a_signed_result(
    simulator: str, merchant: Listener, eyes: Eyes, button: str, code: str
) -> None:
    page, _ = an_order(simulator, merchant, uuid4().hex)

    eyes.tab.goto(page)
    expect(eyes.tab.get_by_role("heading")).to_contain_text("581.000")
    eyes.tab.get_by_role("button", name=re.compile(f"^{button}")).click(no_wait_after=True)

    until(lambda: returned(merchant))
    assert returned(merchant)[0]["resultCode"] == code
    until(lambda: [call for call in merchant.heard if call.method == "POST"])


def test_a_payer_fails_with_a_reason_of_his_choice(
    simulator: str, merchant: Listener, eyes: Eyes
) -> None:
    page, _ = an_order(simulator, merchant, uuid4().hex)

    eyes.tab.goto(page)
    eyes.tab.get_by_text("Kết quả khác").click()
    eyes.tab.get_by_label("Lý do thất bại").select_option("1004")
    eyes.tab.get_by_role("button", name="Thất bại").click(no_wait_after=True)

    until(lambda: returned(merchant))
    assert returned(merchant)[0]["resultCode"] == "1004"


def test_a_payer_closes_the_page_and_may_come_back(
    simulator: str, merchant: Listener, eyes: Eyes
) -> None:
    page, _ = an_order(simulator, merchant, uuid4().hex)

    eyes.tab.goto(page)
    eyes.tab.get_by_text("Kết quả khác").click()
    eyes.tab.get_by_role("button", name="Đóng trang").click()

    expect(eyes.tab.get_by_role("status")).to_contain_text("chưa thanh toán")
    assert merchant.heard == []
    eyes.tab.get_by_role("link", name="Mở lại").click()
    expect(eyes.tab.get_by_role("button", name=re.compile("^Thanh toán"))).to_be_visible()
    assert eyes.complaints == []
    assert eyes.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_gateways_bench_fits_and_complains_of_nothing(simulator: str, eyes: Eyes) -> None:
    for name in [each["name"] for each in ask(f"{simulator}/gateways")["gateways"]]:
        eyes.tab.goto(f"{simulator}/?gateway={name}")

        expect(eyes.tab.get_by_role("navigation")).to_be_visible()
        for summary in eyes.tab.locator("summary").all():
            summary.click()
        assert eyes.tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    assert eyes.complaints == []
    assert len(eyes.hosts) == 1
