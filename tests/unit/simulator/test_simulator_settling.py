"""Settlement files and payouts: totals that add up, layouts, and every way they go wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

import pytest
import python_calamine
from hypothesis import given
from hypothesis import strategies as st

from simulator.gateway import Merchant
from simulator.mischief import SETTLEMENT
from simulator.settling import fee
from tests.unit.simulator.bench import Bench, Listener
from tests.unit.simulator.shops import Shop, a_shop, vnpay_ask
from tests.unit.simulator.wallets import (
    OPEN,
    RECORDED,
    momo_refund,
    zalo_day,
    zalo_refund,
)

SETTLES = ("vnpay", "momo", "zalopay")
DELIMITER = {"zalopay": ";"}
AMOUNTS = {
    "vnpay": ("Amount", "Fee", "NetAmount"),
    "momo": ("Amount", "Fee", "Net Amount"),
    "zalopay": ("Số tiền", "Phí", "Thực nhận"),
}
LEADS = {"vnpay": "VNP", "momo": "MOM", "zalopay": "ZLP"}


@pytest.fixture(params=SETTLES)
def shop(request: pytest.FixtureRequest, bench: Bench, listener: Listener) -> Shop:
    """A merchant that pays 1.1 % and 1,650 đ, on a Monday at noon."""
    listener.usual = RECORDED[request.param]
    noon = datetime.fromisoformat("2026-01-05T12:00:00+07:00").timestamp()
    bench.running.clock.move(noon - bench.running.clock.epoch())
    more = {"app_id": "2553"} if request.param == "zalopay" else {}
    return a_shop(bench, request.param, listener, fee_bps=110, fee_fixed=1650, **more)


def trade(shop: Shop, count: int = 3) -> list[str]:
    """So many paid orders, and 100,000 of the first refunded."""
    references = [OPEN[shop.gateway](shop, nth) for nth in range(1, count + 1)]
    for reference in references:
        shop.pay(reference)
    give_back(shop, references[0], 100_000)
    return references


def give_back(shop: Shop, reference: str, amount: int) -> None:
    number = shop.order(reference)["payments"][0]["number"]
    if shop.gateway == "vnpay":
        more = {"TransactionType": "03", "Amount": str(amount * 100)}
        assert vnpay_ask(shop, "refund", reference, **more)["vnp_ResponseCode"] == "00"
    elif shop.gateway == "momo":
        assert momo_refund(shop, f"RF{reference}", amount, number)["resultCode"] in {0, 7002}
    else:
        name = f"{zalo_day(shop)}_2553_1"
        assert zalo_refund(shop, number, amount, name)["return_code"] == 3


def rows_of(body: bytes, shop: Shop) -> list[dict[str, str]]:
    text = body.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=DELIMITER.get(shop.gateway, ",")))


def file(shop: Shop, day: str = "2026-01-05", **query: str) -> list[dict[str, str]]:
    path = f"/gateways/{shop.gateway}/settlement?date={day}"
    path += "".join(f"&{name}={text}" for name, text in query.items())
    answer = shop.bench.client.get(path)
    assert answer.status_code == 200, answer.text
    return rows_of(answer.data, shop)


def totals(rows: Sequence[dict[str, str]], shop: Shop) -> tuple[int, int, int]:
    """Amount, fee and net of a file, as a reader adds them up."""
    amount, kept, net = (
        sum(int(row[name].replace(".", "")) for row in rows) for name in AMOUNTS[shop.gateway]
    )
    return amount, kept, net


def settle(shop: Shop, *faults: object, day: str = "2026-01-05", **more: Any) -> dict[str, Any]:
    return shop.control("settle", date=day, faults=list(faults), **more)


def balance(shop: Shop) -> int:
    return int(shop.bench.get(f"/accounts/{shop.account}")["balance"])


KEPT = 6391 + 1650  # 1.1 % of 581,000 and the fixed part


@given(st.integers(1, 10**12), st.integers(0, 10_000), st.integers(0, 10**6))
def test_a_fee_is_rounded_half_up(amount: int, bps: int, fixed: int) -> None:
    merchant = Merchant("g", "c", "t", {}, "", None, bps, fixed, True, 1.0, 1.0, True)

    exact = Fraction(amount * bps, 10_000)

    rounded = fee(merchant, amount) - fixed
    assert -Fraction(1, 2) < rounded - exact <= Fraction(1, 2)


def test_the_file_adds_up_to_payments_less_fees_less_refunds(shop: Shop) -> None:
    trade(shop)

    amount, kept, net = totals(file(shop), shop)

    assert (amount, kept) == (3 * 581_000 - 100_000, 3 * KEPT)
    assert net == amount - kept


def test_the_payout_is_the_files_net_and_names_the_batch(shop: Shop) -> None:
    trade(shop)

    made = settle(shop)

    (credit,) = made["credits"]
    assert credit["amount"] == made["net"] == totals(file(shop), shop)[2]
    assert made["batch"] == f"{LEADS[shop.gateway]}2026010501"
    assert made["batch"] in credit["memo"]
    assert balance(shop) == made["net"]
    shop.bench.post(f"/gateways/{shop.gateway}/settle", {"date": "2026-01-05"}, status=409)
    (batch,) = shop.bench.get(f"/gateways/{shop.gateway}/batches")["batches"]
    assert (batch["batch"], batch["due"]) == (made["batch"], made["net"])


def test_the_default_layouts_are_kept(shop: Shop) -> None:
    reference = trade(shop, 1)[0]
    number = shop.order(reference)["payments"][0]["number"]
    net = str(581_000 - KEPT)

    row, back = file(shop)

    if shop.gateway == "vnpay":
        assert list(row.values()) == [
            "VNP2026010501", "20260106", shop.code, reference, number, "PAY", row["PayDate"],
            "NCB", "ATM", "581000", str(KEPT), net,
        ]  # fmt: skip
        assert row["PayDate"].startswith("2026010512")
        assert (back["Type"], back["Amount"], back["TxnRef"]) == ("REFUND", "-100000", reference)
    elif shop.gateway == "momo":
        assert list(row.values()) == [
            "MOM2026010501", "2026-01-06", shop.code, reference, "R1", number, "payment",
            row["Payment Time"], "581000", str(KEPT), net, "success",
        ]  # fmt: skip
        assert row["Payment Time"].startswith("2026-01-05 12:")
        assert (back["Order ID"], back["Transaction Type"]) == (f"RF{reference}", "refund")
    else:
        assert list(row.values()) == [
            "ZLP2026010501", "06/01/2026", reference, number, "Thanh toán", row["Thời gian"],
            "581.000", "8.041", "572.959",
        ]  # fmt: skip
        assert row["Thời gian"].startswith("05/01/2026 12:")
        assert (back["Loại"], back["Số tiền"]) == ("Hoàn tiền", "-100.000")


def test_only_vnpays_file_opens_with_a_byte_order_mark(shop: Shop) -> None:
    trade(shop, 1)

    body = shop.bench.client.get(f"/gateways/{shop.gateway}/settlement?date=2026-01-05").data

    assert body.startswith(b"\xef\xbb\xbf") is (shop.gateway == "vnpay")


def test_a_workbook_says_the_same(shop: Shop) -> None:
    trade(shop)

    path = f"/gateways/{shop.gateway}/settlement?date=2026-01-05&format=xlsx"
    book = python_calamine.CalamineWorkbook.from_filelike(
        io.BytesIO(shop.bench.client.get(path).data)
    )

    grid = book.get_sheet_by_index(0).to_python()
    assert [[str(cell) for cell in row] for row in grid[1:]] == [
        list(row.values()) for row in file(shop)
    ]


def test_a_chargeback_stands_in_the_file_and_lessens_the_payout(shop: Shop) -> None:
    reference = OPEN[shop.gateway](shop, 1)
    shop.pay(reference)

    shop.control(f"orders/{reference}/chargeback", amount=581_000)

    assert totals(file(shop), shop)[2] == -KEPT
    shop.bench.post(
        f"/gateways/{shop.gateway}/orders/{reference}/chargeback", {"amount": 1}, status=409
    )


def test_a_negative_batch_is_drawn_from_the_account(shop: Shop) -> None:
    reference = OPEN[shop.gateway](shop, 1)
    shop.pay(reference)
    settle(shop)
    shop.bench.post("/clock", {"advance_seconds": 86_400}, status=200)
    give_back(shop, reference, 100_000)

    made = settle(shop, day="2026-01-06")

    assert [credit["amount"] for credit in made["credits"]] == [-100_000]
    assert made["batch"] in made["credits"][0]["memo"]
    assert balance(shop) == 581_000 - KEPT - 100_000


def test_days_are_kept_apart_by_payment_time_and_may_be_merged(shop: Shop) -> None:
    for nth, at in enumerate(("2026-01-04T23:59:59", "2026-01-05T00:00:00"), 1):
        shop.pay(OPEN[shop.gateway](shop, nth), at=f"{at}+07:00")

    assert [len(file(shop, day)) for day in ("2026-01-04", "2026-01-05", "2026-01-06")] == [1, 1, 0]
    merged = settle(shop, **{"from": "2026-01-04"})

    assert merged["rows"] == len(file(shop)) == 2
    assert balance(shop) == 2 * (581_000 - KEPT)


def test_two_merchants_never_share_a_batch_name(shop: Shop) -> None:
    trade(shop, 1)
    second = {"app_id": "2554"} if shop.gateway == "zalopay" else {}
    other = shop.control("merchants", title="KHAC", account=shop.account, **second)

    refused = shop.bench.get(f"/gateways/{shop.gateway}/settlement?date=2026-01-05", status=422)
    made = [settle(shop, merchant=code)["batch"] for code in (shop.code, other["merchant"])]

    assert "merchant" in refused["error"]["en"]
    assert len(set(made)) == 2


@pytest.mark.parametrize(
    ("fault", "rows", "net"),
    [
        ("row_missing", 3, -(581_000 - KEPT)),
        ("row_twice", 5, 581_000 - KEPT),
        ("row_extra:500000", 5, 500_000 - 5500 - 1650),
        ({"kind": "fee_wrong", "by": 700}, 4, -700),
    ],
    ids=str,
)
@pytest.mark.parametrize("balances", ["printed", "true"])
def test_a_row_fault_changes_the_file_and_the_payout_follows_it_or_the_truth(
    shop: Shop, fault: Any, rows: int, net: int, balances: str
) -> None:
    trade(shop)
    right = totals(file(shop), shop)[2]
    name = fault.split(":")[0] if isinstance(fault, str) else fault["kind"]
    full = {"kind": name, "balances": balances}
    full |= {"amount": 500_000} if name == "row_extra" else {}
    full |= {"by": 700} if name == "fee_wrong" else {}

    made = settle(shop, full)

    shown = file(shop)
    assert len(shown) == rows
    assert totals(shown, shop)[2] == right + net
    assert balance(shop) == (right + net if balances == "printed" else right)
    assert made["due"] == balance(shop)


def test_a_row_fault_names_the_row(shop: Shop) -> None:
    references = trade(shop)

    left = file(shop, faults=f"row_missing:{references[1]}")

    assert not [row for row in left if references[1] in row.values()]
    path = f"/gateways/{shop.gateway}/settlement?date=2026-01-05&faults=row_missing:NOBODY"
    shop.bench.get(path, status=404)


@pytest.mark.parametrize("balances", ["printed", "true"])
def test_a_row_may_stand_again_in_the_next_batch(shop: Shop, balances: str) -> None:
    references = trade(shop, 1)
    settle(shop, {"kind": "row_twice", "file": "next", "balances": balances})
    before = balance(shop)
    shop.bench.post("/clock", {"advance_seconds": 86_400}, status=200)
    other = f"{zalo_day(shop)}_HP9" if shop.gateway == "zalopay" else ""
    shop.pay(OPEN[shop.gateway](shop, 9))

    made = settle(shop, day="2026-01-06")

    shown = file(shop, "2026-01-06")
    assert len(file(shop)) == 2
    assert len(shown) == 2
    assert [row for row in shown if references[0] in row.values()]
    assert {row[next(iter(row))] for row in shown} == {made["batch"]}
    twice = 2 if balances == "printed" else 1
    assert balance(shop) - before == twice * (581_000 - KEPT)
    assert not other or other in str(shown)


@pytest.mark.parametrize(
    ("fault", "credits_of"),
    [
        ("batch_short:3000", lambda net: [net - 3000]),
        ("batch_split", lambda net: [net // 2, net - net // 2]),
    ],
)
def test_a_payout_is_short_or_split(shop: Shop, fault: str, credits_of: Any) -> None:
    trade(shop)
    net = totals(file(shop), shop)[2]

    made = settle(shop, fault)

    assert [credit["amount"] for credit in made["credits"]] == credits_of(net)
    assert all(made["batch"] in credit["memo"] for credit in made["credits"])


def test_a_late_payout_stands_in_a_later_statement(shop: Shop) -> None:
    trade(shop, 1)

    made = settle(shop, "batch_late:172800", at="2026-01-06T09:00:00+07:00")

    assert made["credits"][0]["booking_date"] == "2026-01-08"
    where = f"/accounts/{shop.account}/statement?format=csv&date="
    days = {day: made["batch"] in shop.bench.text(f"{where}2026-01-{day}") for day in ("06", "08")}
    assert days == {"06": False, "08": True}


@pytest.mark.parametrize("told", [True, False])
def test_the_bank_tells_of_the_payout_unless_it_is_not_wanted(shop: Shop, told: bool) -> None:
    shop.listener.usual = (200, b'{"success": true, "return_code": 1, "RspCode": "00"}')
    name = {"vnpay": "tmn_code", "momo": "partner_code", "zalopay": "app_id"}[shop.gateway]
    shop.control("merchants", **{name: shop.code, "told_by_bank": told})
    shop.bench.hook(shop.account, shop.listener)
    shop.pay(OPEN[shop.gateway](shop, 1), "lost")

    settle(shop)

    assert len(shop.told()) == told


def test_a_file_is_cut_off_or_no_file_at_all(shop: Shop) -> None:
    trade(shop)
    where = f"/gateways/{shop.gateway}/settlement?date=2026-01-05"

    whole = shop.bench.client.get(where).data
    cut = shop.bench.client.get(f"{where}&faults=truncated").data
    page = shop.bench.client.get(f"{where}&faults=html").data

    assert whole.startswith(cut)
    assert len(cut) < len(whole)
    assert page.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("fault", sorted(SETTLEMENT))
def test_every_fault_of_the_table_can_be_asked_for_by_its_name(shop: Shop, fault: str) -> None:
    trade(shop)

    assert [each["kind"] for each in settle(shop, fault)["faults"]] == [fault]


def test_a_merchant_without_an_account_is_not_paid(bench: Bench, listener: Listener) -> None:
    bench.post("/gateways/vnpay/merchants", {"notify_url": listener.url})

    refused = bench.post("/gateways/vnpay/settle", {"date": "2026-01-05"}, status=422)

    assert "account" in refused["error"]["en"]


def test_a_day_with_nothing_has_a_file_and_no_credit(shop: Shop) -> None:
    made = settle(shop)

    assert (made["rows"], made["net"], made["credits"]) == (0, 0, [])
    assert file(shop) == []


def test_nothing_unfinished_is_settled(shop: Shop) -> None:
    reference = OPEN[shop.gateway](shop, 1)
    shop.pay(reference, "refund_held")
    give_back(shop, reference, 100_000)
    OPEN[shop.gateway](shop, 2)

    assert len(file(shop)) == 1
