"""Casso tells of the bank's credits where a hook asks for it, in both versions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from simulator import casso
from tests.unit.simulator.bench import Bench, Heard, Listener
from tests.unit.simulator.shops import cases, sha512

KEY = "casso_key_for_tests_only"


def by_rule(call: Heard, key: str = KEY) -> bool:
    """The v2 signature worked out from the page: keys sorted at every level, compact."""
    mark = re.fullmatch(r"t=([0-9]+),v1=([0-9a-f]{128})", call.headers["X-Casso-Signature"])
    assert mark is not None
    text = json.dumps(
        json.loads(call.body), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return mark[2] == sha512(key, f"{mark[1]}.{text}")


@pytest.mark.parametrize("case", cases("casso", "casso_v2"), ids=lambda case: case["name"])
def test_the_published_notices_are_signed_as_published(case: Mapping[str, Any]) -> None:
    told = case["input"]
    mark = re.fullmatch(r"t=([0-9]+),v1=(.*)", told["headers"]["X-Casso-Signature"])
    assert mark is not None

    made = casso.signature(told["checksum_key"], mark[1], json.loads(told["http_body"]))

    valid = case["expected"]["signature_valid"]
    ascii_only = told["http_body"].isascii() and "\\/" not in told["http_body"]
    assert (made == mark[2]) is valid or not ascii_only


def test_version_two_tells_one_signed_transaction(bench: Bench, listener: Listener) -> None:
    account = bench.account(opening=1_000)
    bench.hook(account, listener, secret=KEY, source="casso", events="both")

    made = bench.transfer(account, from_name="NGUYEN VAN A")
    bench.settle()
    bench.post("/payouts", {"account": account, "amount": 500})
    bench.settle()

    first, second = listener.heard
    told = json.loads(first.body)["data"]
    assert by_rule(first)
    assert by_rule(second)
    assert (told["id"], told["amount"]) == (made["notice"]["id"], 581_000)
    assert (told["reference"], told["description"]) == (
        made["transfer"]["reference"], "HP7K2M9QX4TW",
    )  # fmt: skip
    assert (told["accountNumber"], told["runningBalance"]) == (account, 582_000)
    assert told["counterAccountName"] == "NGUYEN VAN A"
    assert json.loads(second.body)["data"]["amount"] == -500


def test_version_one_carries_the_key_and_a_list(bench: Bench, listener: Listener) -> None:
    account = bench.account()
    bench.hook(account, listener, secret=KEY, source="casso-v1")

    bench.transfer(account)
    bench.settle()

    (call,) = listener.heard
    (told,) = json.loads(call.body)["data"]
    headers = {name.lower(): text for name, text in call.headers.items()}
    assert headers["secure-token"] == KEY
    assert "x-casso-signature" not in headers
    assert (told["amount"], told["cusum_balance"]) == (581_000, 581_000)


def test_a_forged_notice_comes_first_in_both_versions(bench: Bench, listener: Listener) -> None:
    for source in ("casso", "casso-v1"):
        account = bench.account()
        bench.hook(account, listener, secret=KEY, source=source)
        bench.transfer(account, "forged")
        bench.settle()

    forged, genuine, token_forged, token = listener.heard
    assert [by_rule(forged), by_rule(genuine)] == [False, True]
    assert token_forged.headers.get("secure-token") != KEY
    assert token.headers.get("secure-token") == KEY


def test_an_unanswered_notice_is_repeated_with_the_same_body(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account()
    bench.hook(account, listener, secret=KEY, source="casso")
    listener.answers = [(500, b""), (204, b"")]

    made = bench.transfer(account)
    bench.settle()

    assert len({call.body for call in listener.heard}) == 1
    assert [call["state"] for call in bench.calls(made)] == ["delivered"]


def test_a_source_nobody_knows_is_refused(bench: Bench, listener: Listener) -> None:
    account = bench.account()
    body = {"url": listener.url, "secret": KEY, "source": "pigeon"}

    refused = bench.put(f"/accounts/{account}/hook", body, status=422)

    assert "casso" in refused["error"]["en"]
    assert bench.get(f"/accounts/{account}")["hook"] is None
