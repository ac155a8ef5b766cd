"""Accounts and movements: what the bank accepts, what it refuses, and what chance decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.faults import FAULTS
from tests.unit.simulator.bench import Bench, a_bench


def test_accounts_get_numbers_of_the_test_range_one_after_the_other(bench: Bench) -> None:
    opened = bench.post("/accounts", [{"holder": "A"}, {"holder": "B", "opening": 5}])["accounts"]

    assert [each["number"] for each in opened] == ["9999000001", "9999000002"]
    assert [each["balance"] for each in opened] == [0, 5]


@pytest.mark.parametrize(
    "number", ["0011001234567", "999900000", "9999 00000", 9999000001, "999900000A"]
)
def test_an_account_outside_the_test_range_cannot_be_opened(bench: Bench, number: object) -> None:
    bench.post("/accounts", {"number": number}, status=422)


def test_a_number_is_given_once(bench: Bench) -> None:
    bench.account(number="9999000005", virtual_accounts=["9999VA5"])

    bench.post("/accounts", {"number": "9999000005"}, status=409)
    bench.post("/accounts", {"virtual_accounts": ["9999VA5"]}, status=409)
    assert len(bench.get("/accounts")["accounts"]) == 1


@pytest.mark.parametrize("amount", [0, -1, 1.5, "1.5", True, 10**12, "x", [], None])
def test_an_amount_is_a_positive_whole_number_of_dong(bench: Bench, amount: object) -> None:
    account = bench.account()

    bench.post("/transfers", {"to_account": account, "amount": amount}, status=422)


def test_a_transfer_to_nobody_is_refused(bench: Bench) -> None:
    bench.post("/transfers", {"to_account": "9999123456", "amount": 1, "memo": "a"}, status=404)


def test_a_field_that_is_not_known_is_named(bench: Bench) -> None:
    refused = bench.post("/transfers", {"ammount": 1}, status=422)

    assert "ammount" in refused["error"]["en"]


def test_what_is_no_json_is_said_to_be_none(bench: Bench) -> None:
    answer = bench.client.post("/transfers", data=b"{", content_type="application/json")

    assert answer.status_code == 400
    assert "JSON" in answer.get_json()["error"]["vi"]


@pytest.mark.parametrize(("fault", "amount"), [("short", 580_000), ("over:5000", 586_000)])
def test_an_amount_fault_moves_the_amount(bench: Bench, fault: str, amount: int) -> None:
    made = bench.transfer(bench.account(), fault)

    assert made["transfer"]["amount"] == amount


def test_two_bills_in_one_transfer_carry_both_codes_and_the_sum(bench: Bench) -> None:
    account = bench.account()

    made = bench.transfer(account, {"kind": "two_codes", "memo": "HPN5QD8Y2F7C", "amount": 235_000})

    assert made["transfer"]["memo"] == "HP7K2M9QX4TW HPN5QD8Y2F7C"
    assert made["transfer"]["amount"] == 816_000


@pytest.mark.parametrize(
    "faults",
    [
        ["melted"], ["late", "late"], ["short", "over"], ["one_char", "split"],
        ["row_missing", "row_twice"], ["late:-1"], ["late:1.5"], ["parallel:1000"],
        [{"kind": "late", "minutes": 1}], [{"kind": "row_twice", "file": "third"}], [7], "late",
        ["short:581000"], ["two_codes"], [{"kind": "forged", "genuine": "maybe"}],
    ],
    ids=str,
)  # fmt: skip
def test_a_fault_that_makes_no_sense_is_refused_and_nothing_moves(
    bench: Bench, faults: object
) -> None:
    account = bench.account()
    body = {"to_account": account, "amount": 581_000, "memo": "HP7K2M9QX4TW", "faults": faults}

    refused = bench.post("/transfers", body, status=422)

    assert refused["error"]["vi"]
    assert bench.get(f"/accounts/{account}")["balance"] == 0


@pytest.mark.parametrize("kind", sorted(set(FAULTS) - {"two_codes", "forged", "stale"}))
def test_every_fault_of_the_table_can_be_asked_for_by_its_name(bench: Bench, kind: str) -> None:
    made = bench.transfer(bench.account(), kind)

    assert [fault["kind"] for fault in made["transfer"]["faults"]] == [kind]


def test_a_payout_cannot_take_more_than_there_is(bench: Bench) -> None:
    account = bench.account(opening=100)

    bench.post("/payouts", {"account": account, "amount": 101}, status=409)
    bench.post("/payouts", {"account": account, "amount": 100})

    assert bench.get(f"/accounts/{account}")["balance"] == 0


def test_fee_and_interest_move_the_balance_and_say_what_they_are(bench: Bench) -> None:
    account = bench.account(opening=50_000)

    fee = bench.post("/fees", {"account": account, "amount": 22_000})["transfer"]
    interest = bench.post("/interest", {"account": account, "amount": 500})["transfer"]

    assert (fee["amount"], fee["kind"]) == (-22_000, "fee")
    assert (interest["amount"], interest["kind"]) == (500, "interest")
    assert fee["memo"].startswith("Phi dich vu")
    assert bench.get(f"/accounts/{account}")["balance"] == 28_500


def test_a_movement_is_given_back_once_by_its_reference(bench: Bench) -> None:
    account = bench.account()
    old = bench.transfer(account)["transfer"]
    ask = {"account": account, "reference": old["reference"]}

    back = bench.post("/reversals", ask)["transfer"]

    assert (back["amount"], back["reverses"]) == (-581_000, old["id"])
    assert f"HOAN TRA GD {old['reference']}" in back["memo"]
    bench.post("/reversals", ask, status=409)
    bench.post("/reversals", {"transfer": back["id"]}, status=409)
    bench.post("/reversals", {"transfer": 12345}, status=404)


def test_a_returned_payout_brings_the_money_back(bench: Bench) -> None:
    account = bench.account(opening=45_000)
    paid = bench.post("/payouts", {"account": account, "amount": 45_000})["transfer"]

    back = bench.post("/reversals", {"transfer": paid["id"]})["transfer"]

    assert back["amount"] == 45_000


def test_references_are_unique_on_an_account_and_day_and_no_further(bench: Bench) -> None:
    account, other = bench.account(), bench.account()
    same = {"reference": "FT26005000001", "at": "2026-01-05T09:00:00"}

    bench.transfer(account, **same)

    body = {"to_account": account, "amount": 1, "memo": "a", **same}
    bench.post("/transfers", body, status=409)
    bench.transfer(account, reference="FT26005000001", at="2026-01-06T09:00:00")
    bench.transfer(other, **same)


def test_a_made_reference_holds_the_day_of_the_year(bench: Bench) -> None:
    made = bench.transfer(bench.account(), at="2026-11-21T10:00:00")["transfer"]

    assert made["reference"].startswith("FT26325")
    assert len(made["reference"]) == 13


def some_trade(folder: Path, seed: int) -> list[dict[str, Any]]:
    with a_bench(folder, seed=seed) as bench:
        account = bench.account()
        faults = [["one_char"], ["split"], [], ["swapped", "short"]]
        for asked in faults:
            bench.transfer(account, *asked, shape="random", at="2026-01-05T09:00:00+07:00")
        return list(bench.get("/transfers")["transfers"])


def test_the_same_seed_and_asks_give_the_same_bank(tmp_path: Path) -> None:
    first = some_trade(tmp_path / "a", 7)
    again = some_trade(tmp_path / "b", 7)
    other = some_trade(tmp_path / "c", 8)

    assert first == again
    assert [row["memo"] for row in first] != [row["memo"] for row in other]


def test_a_restart_goes_on_where_chance_stood(tmp_path: Path) -> None:
    with a_bench(tmp_path / "a") as bench:
        account = bench.account()
        bench.transfer(account, at="2026-01-05T09:00:00")
    with a_bench(tmp_path / "a") as bench:
        bench.transfer(account, at="2026-01-05T09:00:00")
        rows = bench.get("/transfers")["transfers"]

    assert rows[0]["reference"] != rows[1]["reference"]


def test_a_reset_forgets_the_trade_and_never_gives_a_notice_id_again(bench: Bench) -> None:
    account = bench.account()
    made = bench.transfer(account, "reversed_next_day")

    bench.post("/reset", {"keep_accounts": True}, status=200)

    assert bench.get("/transfers")["transfers"] == []
    assert bench.get(f"/accounts/{account}")["balance"] == 0
    assert bench.transfer(account)["notice"]["id"] > made["notice"]["id"] + 1
    bench.post("/reset", {}, status=200)
    assert bench.get("/accounts")["accounts"] == []


def test_transfers_are_listed_by_account_and_booking_day(bench: Bench) -> None:
    one, two = bench.account(), bench.account()
    bench.transfer(one, at="2026-01-05T09:00:00")
    bench.transfer(one, at="2026-01-06T09:00:00")
    bench.transfer(two, at="2026-01-05T09:00:00")

    found = bench.get(f"/transfers?account={one}&date=2026-01-05")["transfers"]

    assert [(row["account"], row["booking_date"]) for row in found] == [(one, "2026-01-05")]
