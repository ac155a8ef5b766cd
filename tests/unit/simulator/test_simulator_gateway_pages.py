"""What people see of the gateways: the payment page, and the page that plays them by hand."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

import pytest

from simulator.gateway import gateways
from simulator.mischief import DOOR, ORDER, SETTLEMENT
from tests.unit.simulator.bench import Bench, Listener
from tests.unit.simulator.shops import RETURN, Shop, a_shop, vnpay_open
from tests.unit.simulator.wallets import OPEN, RECORDED


@pytest.fixture(params=sorted(OPEN))
def shop(request: pytest.FixtureRequest, bench: Bench, listener: Listener) -> Shop:
    listener.usual = RECORDED[request.param]
    more = {"app_id": "2553"} if request.param == "zalopay" else {}
    return a_shop(bench, request.param, listener, **more)


@pytest.fixture
def reference(shop: Shop) -> str:
    return OPEN[shop.gateway](shop, 1)


def press(
    shop: Shop,
    verb: str,
    typed: Mapping[str, object] | None = None,
    *,
    status: int = 303,
    **form: object,
) -> str:
    where = f"/page/gateway/{shop.gateway}/{verb}"
    answer = shop.bench.client.post(where, data={**(typed or {}), **form})
    assert answer.status_code == status, answer.text
    return answer.headers.get("Location", answer.text)


@pytest.mark.parametrize(
    ("language", "words"),
    [("vi", ("Thanh toán", "Hủy và quay lại", "Đóng trang")), ("en", ("Pay", "Cancel", "Close"))],
)
def test_the_payment_page_speaks_both_languages(
    shop: Shop, reference: str, language: str, words: tuple[str, ...]
) -> None:
    shown = shop.bench.text(f"{shop.order(reference)['page']}?lang={language}")

    assert f'<html lang="{language}">' in shown
    assert "581.000" in shown
    assert reference in shown
    for word in words:
        assert word in shown


def test_the_payment_page_asks_nothing_of_anybody_else(shop: Shop, reference: str) -> None:
    answer = shop.bench.client.get(shop.order(reference)["page"])

    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', answer.text)
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    # The form's answer leads to the merchant, and to nobody else.
    origin = RETURN.rsplit("/", 1)[0]
    assert f"form-action 'self' {origin}" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("verb", ["pay", "cancel", "fail", "expire"])
def test_each_button_ends_the_order_and_leads_back(shop: Shop, reference: str, verb: str) -> None:
    gateway = gateways()[shop.gateway]
    code = next(iter(gateway.codes), "")

    gone = shop.bench.client.post(f"{shop.order(reference)['page']}/{verb}", data={"code": code})

    if verb == "fail" and not gateway.codes:  # a bank transfer comes or it does not
        assert gone.status_code == 422
        return
    assert gone.status_code == 303
    assert gone.headers["Location"].startswith(RETURN)
    ends = {"pay": "paid", "cancel": "cancelled", "fail": "failed", "expire": "expired"}
    assert shop.order(reference)["state"] == ends[verb]
    again = shop.bench.text(shop.order(reference)["page"])
    assert gone.headers["Location"].replace("&", "&amp;") in again


def test_closing_the_page_leaves_the_order_open_and_leads_nowhere(
    shop: Shop, reference: str
) -> None:
    answer = shop.bench.client.post(f"{shop.order(reference)['page']}/close")

    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert shop.order(reference)["state"] == "pending"
    assert shop.told() == []


def test_pressing_pay_twice_pays_once(shop: Shop, reference: str) -> None:
    page = shop.order(reference)["page"]

    first, second = (shop.bench.client.post(f"{page}/pay") for _ in range(2))

    assert first.headers["Location"] == second.headers["Location"]
    assert len(shop.order(reference)["payments"]) == 1
    assert len(shop.told()) == 1


def test_a_page_nobody_was_given_is_not_there(shop: Shop, reference: str) -> None:
    other = next(name for name in OPEN if name != shop.gateway)
    token = shop.order(reference)["page"].rsplit("/", 1)[1]

    assert shop.bench.client.get(f"/{shop.gateway}/checkout/{'0' * 32}").status_code == 404
    assert shop.bench.client.get(f"/{other}/checkout/{token}").status_code == 404


def test_text_from_outside_is_shown_as_text(bench: Bench, listener: Listener) -> None:
    shop = a_shop(bench, "vnpay", listener, title="<b>TRUONG</b>")
    order = vnpay_open(shop, "HP1", vnp_OrderInfo="<script>alert(1)</script>")

    for path in (order["page"], "/?gateway=vnpay"):
        shown = bench.text(path)
        assert "<script" not in shown
        assert "<b>TRUONG" not in shown
        assert "&lt;script&gt;" in shown


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_of_a_gateway_shows_every_fault_and_no_python(shop: Shop, language: str) -> None:
    shop.upset("500")

    shown = html.unescape(shop.bench.text(f"/?gateway={shop.gateway}&lang={language}"))

    kinds = [*ORDER.values(), *DOOR.values()]
    kinds += SETTLEMENT.values() if gateways()[shop.gateway].holds_money else ()
    for kind in kinds:
        assert (kind.vi if language == "vi" else kind.en) in shown
    assert "object at 0x" not in shown
    assert 'aria-current="page"' in shown


def test_a_gateway_is_played_by_hand(shop: Shop, reference: str) -> None:
    ticked = {"fault": ["twice", "forged"], "forged.genuine": "true"}
    press(shop, "end", {"reference": reference, "ending": "pay", **ticked})
    shop.bench.settle()
    assert len(shop.listener.heard) == 3

    call = shop.order(reference)["calls"][0]
    press(shop, "call", {"id": call["id"], "verb": "replay"})
    press(shop, "chargeback", reference=reference)
    press(shop, "upset", {"d.fault": "slow", "d.slow.seconds": "3", "calls": "2"})
    planned = shop.bench.get(f"/gateways/{shop.gateway}/faults")["faults"]
    press(shop, "clear")

    assert (planned[0]["kind"], planned[0]["seconds"], planned[0]["calls"]) == ("slow", 3, 2)
    assert shop.bench.get(f"/gateways/{shop.gateway}/faults")["faults"] == []
    shown = shop.bench.text(f"/?gateway={shop.gateway}")
    assert reference in shown
    press(shop, "explode", status=404)
    assert "role" in press(shop, "end", status=409, reference=reference, ending="pay")


def test_an_unticked_box_means_that_the_true_call_never_comes(shop: Shop, reference: str) -> None:
    press(shop, "end", reference=reference, ending="pay", fault="forged")

    assert len(shop.told()) == 1


def test_a_merchant_is_signed_up_by_hand_and_its_keys_are_there_to_copy(bench: Bench) -> None:
    account = bench.account()
    form = {"title": "Bệnh viện Tim", "account": account, "fee_bps": "110", "fee_fixed": ""}

    answer = bench.client.post("/page/gateway/vnpay/merchants", data=form)

    (made,) = bench.get("/gateways/vnpay/merchants")["merchants"]
    shown = bench.text("/?gateway=vnpay")
    assert answer.status_code == 303
    assert (made["title"], made["fee_bps"]) == ("Bệnh viện Tim", 110)
    assert made["merchant"] in shown
    assert len(re.findall(r"<dd><code>[0-9A-Z]{32}</code>", shown)) == 1


def test_a_batch_is_paid_and_its_file_fetched_by_hand(bench: Bench, listener: Listener) -> None:
    listener.usual = RECORDED["momo"]
    shop = a_shop(bench, "momo", listener)
    shop.pay(OPEN["momo"](shop, 1))
    today = f"{bench.running.clock.now():%Y-%m-%d}"
    form = {"date": today, "merchant": shop.code}

    where = press(shop, "settle", {**form, "s.fault": "row_missing"}, do="csv")
    press(shop, "settle", {**form, "s.fault": "batch_split"}, do="pay")

    assert len(bench.text(where).splitlines()) == 1
    (batch,) = bench.get("/gateways/momo/batches")["batches"]
    assert len(batch["transfers"]) == 2
    assert batch["batch"] in bench.text("/?gateway=momo")


def test_the_clock_button_of_a_gateways_page_stays_there(bench: Bench) -> None:
    answer = bench.client.post("/page/clock", data={"by": "3600", "here": "momo"})

    assert "gateway=momo" in answer.headers["Location"]
    assert bench.get("/clock")["offset_seconds"] == 3600


def test_a_gateway_that_is_not_there_is_named(bench: Bench) -> None:
    refused = bench.get("/?gateway=paypal", status=404)

    assert "momo" in refused["error"]["en"]
    bench.get("/gateways/paypal/orders", status=404)
