"""Notices on the wire: fields, signatures, retries, and every fault a notice can have."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from simulator import sepay
from tests.unit.simulator.bench import SECRET, Bench, Heard, Listener, until

FIELDS = {
    "id", "gateway", "transactionDate", "accountNumber", "code", "content", "transferType",
    "transferAmount", "accumulated", "subAccount", "referenceCode", "description",
}  # fmt: skip
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data/vectors/sepay.json").read_text()
)["cases"]


def signature(call: Heard, secret: str = SECRET) -> str:
    """The rule of the provider's page, worked out on the raw bytes that arrived."""
    stamp = call.headers["X-SePay-Timestamp"].encode()
    return "sha256=" + hmac.digest(secret.encode(), stamp + b"." + call.body, hashlib.sha256).hex()


def signed(call: Heard) -> bool:
    return call.headers["X-SePay-Signature"] == signature(call)


def states(bench: Bench, made: dict[str, Any]) -> list[tuple[str, str]]:
    return [(call["kind"], call["state"]) for call in bench.calls(made)]


def test_a_transfer_is_told_with_every_field_and_a_right_signature(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account(listener, opening=1_000_000)

    made = bench.transfer(account, at="2026-01-09T10:17:33+07:00")
    bench.settle()

    (call,) = listener.heard
    told = json.loads(call.body)
    assert set(told) == FIELDS
    assert told["id"] == made["notice"]["id"]
    assert told["transactionDate"] == "2026-01-09 10:17:33"
    assert (told["accountNumber"], told["transferType"]) == (account, "in")
    assert (told["transferAmount"], told["accumulated"]) == (581_000, 1_581_000)
    assert (told["content"], told["code"], told["subAccount"]) == ("HP7K2M9QX4TW", None, None)
    assert told["referenceCode"] == made["transfer"]["reference"]
    assert signed(call)
    assert abs(int(call.headers["X-SePay-Timestamp"]) - time.time()) < 300
    assert states(bench, made) == [("genuine", "delivered")]


def test_the_published_call_is_signed_as_published() -> None:
    case = next(case for case in VECTORS if case["name"] == "hmac_ok")
    asked = case["input"]
    raw, stamp = asked["http_body"].encode(), asked["headers"]["X-SePay-Timestamp"]
    hook = {"secret": asked["secret"], "api_key": None}

    made = sepay.headers(hook, raw, epoch=int(stamp), forged=False)

    assert made["X-SePay-Signature"] == asked["headers"]["X-SePay-Signature"]
    assert signature(Heard(made, raw), asked["secret"]) == made["X-SePay-Signature"]


def test_a_hook_with_an_api_key_gets_the_key_and_no_signature(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account()
    bench.put(f"/accounts/{account}/hook", {"url": listener.url, "api_key": "KEY123"})

    bench.transfer(account)
    bench.settle()

    (call,) = listener.heard
    assert call.headers["Authorization"] == "Apikey KEY123"
    assert "X-SePay-Signature" not in call.headers


def test_a_virtual_account_is_named_beside_its_account(bench: Bench, listener: Listener) -> None:
    account = bench.account(listener, virtual_accounts=["9999VA0001"])

    bench.transfer("9999VA0001")
    bench.settle()

    told = json.loads(listener.heard[0].body)
    assert (told["accountNumber"], told["subAccount"]) == (account, "9999VA0001")


def test_sepay_names_the_code_only_when_it_was_told_the_pattern(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account()
    bench.hook(account, listener, code_pattern="HP[0-9A-Z]{10}")

    bench.transfer(account, shape="bidv")
    bench.settle()

    assert json.loads(listener.heard[0].body)["code"] == "HP7K2M9QX4TW"


def test_an_unanswered_notice_is_repeated_byte_for_byte_until_success(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account(listener)
    listener.answers = [(500, b""), (200, b'{"success": false}'), (200, b"no json"), (302, b"")]

    made = bench.transfer(account)
    bench.settle()

    assert len(listener.heard) == 5
    assert len({call.body for call in listener.heard}) == 1
    assert all(signed(call) for call in listener.heard)
    (call,) = bench.calls(made)
    assert [attempt["status"] for attempt in call["attempts"]] == [500, 200, 200, 302, 200]
    assert call["state"] == "delivered"


def test_after_eight_attempts_the_notice_is_given_up(bench: Bench, listener: Listener) -> None:
    account = bench.account(listener)
    listener.answers = [(503, b"")] * 20

    made = bench.transfer(account)
    bench.settle()

    assert len(listener.heard) == 8
    assert states(bench, made) == [("genuine", "given_up")]


def test_repetitions_keep_to_the_published_gaps_at_the_hooks_speed(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account()
    bench.hook(account, listener, speed=1)
    listener.answers = [(500, b"")]

    made = bench.transfer(account)
    until(lambda: bench.calls(made)[0]["attempts"])

    (call,) = bench.calls(made)
    assert call["state"] == "pending"
    first = datetime.fromisoformat(call["attempts"][0]["at"]).timestamp()  # whole seconds
    assert 60 <= call["due_at"] - first < 61
    bench.post("/clock", {"advance_seconds": 61}, status=200)
    bench.settle()
    assert states(bench, made) == [("genuine", "delivered")]


def test_a_hook_without_retries_is_called_once(bench: Bench, listener: Listener) -> None:
    account = bench.account()
    bench.hook(account, listener, retry=False)
    listener.answers = [(500, b"")]

    made = bench.transfer(account)
    bench.settle()

    assert states(bench, made) == [("genuine", "given_up")]


def test_a_listener_that_never_answers_is_called_again(bench: Bench, listener: Listener) -> None:
    account = bench.account()
    bench.hook(account, listener, timeout=0.05)
    listener.silent = threading.Event()

    made = bench.transfer(account)
    until(lambda: len(listener.heard) >= 2)
    listener.silent.set()
    bench.settle()

    (call,) = bench.calls(made)
    assert "TimeoutError" in call["attempts"][0]["error"]


def test_a_hook_that_nobody_serves_leaves_the_reason_in_the_log(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account()
    bench.put(f"/accounts/{account}/hook", {"url": "http://127.0.0.1:1/", "retry": False})

    made = bench.transfer(account)
    bench.settle()

    (attempt,) = bench.calls(made)[0]["attempts"]
    assert attempt["status"] is None
    assert "ConnectionRefusedError" in attempt["error"]


def test_a_late_notice_waits_for_the_banks_clock(bench: Bench, listener: Listener) -> None:
    account = bench.account(listener)

    made = bench.transfer(account, "late:3600")
    bench.transfer(account)
    until(lambda: len(listener.heard) == 1)
    assert states(bench, made) == [("genuine", "pending")]

    bench.post("/clock", {"offset_seconds": 3601}, status=200)
    bench.settle()
    assert states(bench, made) == [("genuine", "delivered")]
    stamp = int(listener.heard[-1].headers["X-SePay-Timestamp"])
    assert stamp > time.time() + 3500  # signed by the bank's clock, not the machine's


def test_a_notice_sent_twice_is_the_same_bytes_one_after_the_other(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account(listener)

    made = bench.transfer(account, "twice")
    bench.settle()

    assert [json.loads(call.body)["id"] for call in listener.heard] == [made["notice"]["id"]] * 2
    assert listener.heard[0].body == listener.heard[1].body
    assert states(bench, made) == [("genuine", "delivered"), ("copy", "delivered")]


def test_parallel_notices_are_all_on_the_wire_at_the_same_moment(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account(listener)
    listener.together = threading.Barrier(4)  # opens only when four calls are inside

    made = bench.transfer(account, "parallel:4")
    bench.settle()

    assert len({call.body for call in listener.heard}) == 1
    assert [state for _, state in states(bench, made)] == ["delivered"] * 4


def test_an_out_of_order_notice_comes_right_after_the_next_one(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account(listener)

    held = bench.transfer(account, "out_of_order")
    assert states(bench, held) == [("genuine", "held")]
    later = bench.transfer(account)
    bench.settle()

    told = [json.loads(call.body)["id"] for call in listener.heard]
    assert told == [later["notice"]["id"], held["notice"]["id"]]


def test_a_held_notice_can_be_released_by_hand(bench: Bench, listener: Listener) -> None:
    account = bench.account(listener)
    held = bench.transfer(account, "out_of_order")

    bench.post(f"/notices/{held['notice']['id']}/release", {}, status=200)
    bench.settle()

    assert states(bench, held) == [("genuine", "delivered")]


def test_a_lost_notice_is_never_sent_and_the_money_is_there(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account(listener)

    lost = bench.transfer(account, "lost")
    bench.transfer(account)
    bench.settle()

    assert len(listener.heard) == 1
    assert bench.calls(lost) == []
    assert bench.get(f"/accounts/{account}")["balance"] == 2 * 581_000
    assert lost["transfer"]["reference"] in bench.text(f"/accounts/{account}/statement")


def test_a_forged_call_comes_before_the_genuine_one_with_the_same_id(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account(listener)
    listener.answers = [(401, b"")]

    made = bench.transfer(account, "forged")
    bench.settle()

    assert [signed(call) for call in listener.heard] == [False, True]
    assert listener.heard[0].body == listener.heard[1].body
    assert states(bench, made) == [("forged", "answered"), ("genuine", "delivered")]


def test_a_forged_call_alone_is_made_once_and_not_repeated(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account(listener)
    listener.answers = [(401, b"")]

    made = bench.transfer(account, {"kind": "forged", "genuine": False})
    bench.settle()

    assert [signed(call) for call in listener.heard] == [False]
    assert states(bench, made) == [("forged", "answered")]


def test_a_forged_key_is_not_the_key(bench: Bench, listener: Listener) -> None:
    account = bench.account()
    bench.put(f"/accounts/{account}/hook", {"url": listener.url, "api_key": "KEY123"})

    bench.transfer(account, {"kind": "forged", "genuine": False})
    bench.settle()

    assert listener.heard[0].headers["Authorization"] != "Apikey KEY123"


def test_a_forgery_tells_of_money_that_never_came(bench: Bench, listener: Listener) -> None:
    account = bench.account(listener)

    bench.post("/forgeries", {"account": account, "amount": 581_000, "memo": "HP7K2M9QX4TW"})
    bench.settle()

    (call,) = listener.heard
    assert not signed(call)
    assert json.loads(call.body)["transferAmount"] == 581_000
    assert bench.get(f"/accounts/{account}")["balance"] == 0
    assert bench.get("/transfers")["transfers"] == []


def test_a_stale_call_is_signed_rightly_for_a_time_long_gone(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account(listener)

    bench.transfer(account, "stale:600")
    bench.settle()

    stale, fresh = listener.heard
    assert signed(stale)
    assert signed(fresh)
    behind = int(fresh.headers["X-SePay-Timestamp"]) - int(stale.headers["X-SePay-Timestamp"])
    assert behind >= 600


@pytest.mark.parametrize("fault", ["forged", "stale"])
def test_what_a_hook_does_not_sign_cannot_be_forged(
    bench: Bench, listener: Listener, fault: str
) -> None:
    account = bench.account()
    bench.put(f"/accounts/{account}/hook", {"url": listener.url})

    bench.post(
        "/transfers",
        {"to_account": account, "amount": 1, "memo": "a", "faults": [fault]},
        status=422,
    )

    assert bench.get("/transfers")["transfers"] == []


def test_a_notice_can_be_replayed_by_hand_long_after(bench: Bench, listener: Listener) -> None:
    account = bench.account(listener)
    made = bench.transfer(account)
    bench.settle()

    bench.post(f"/notices/{made['notice']['id']}/replay", {}, status=200)
    bench.settle()

    assert listener.heard[0].body == listener.heard[1].body


def test_outgoing_money_is_told_only_to_hooks_that_ask_for_it(
    bench: Bench, listener: Listener
) -> None:
    quiet = bench.account(listener, opening=1_000_000)
    told = bench.account(opening=1_000_000)
    bench.hook(told, listener, events="both")

    for account in (quiet, told):
        bench.post("/payouts", {"account": account, "amount": 45_000, "memo": "Hoan tien an"})
    bench.settle()

    (call,) = listener.heard
    body = json.loads(call.body)
    assert (body["accountNumber"], body["transferType"]) == (told, "out")
    assert (body["transferAmount"], body["accumulated"]) == (45_000, 955_000)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://127.0.0.1/hook",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@10.0.0.1/",
        "http://localhost:99999/",
        "http://[::1/",
        "file:///etc/passwd",
        "",
        None,
        7,
    ],
)
def test_only_hooks_on_this_machine_are_accepted(bench: Bench, url: object) -> None:
    account = bench.account()

    refused = bench.put(f"/accounts/{account}/hook", {"url": url}, status=422)

    assert "127.0.0.1" in refused["error"]["vi"]
    assert bench.get(f"/accounts/{account}")["hook"] is None


def test_a_secret_is_never_shown_again(bench: Bench, listener: Listener) -> None:
    account = bench.account(listener)

    shown = bench.text(f"/accounts/{account}") + bench.text("/accounts") + bench.text("/")

    assert SECRET not in shown
