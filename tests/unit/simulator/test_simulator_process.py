"""The real process: started as people start it, killed as machines kill it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.unit.simulator.bench import SECRET, Listener, listening, until
from tests.unit.simulator.wallets import momo_mark

ROOT = Path(__file__).parents[3]


@dataclass
class Process:
    """A running `python -m simulator`."""

    child: subprocess.Popen[str]
    url: str

    def call(self, path: str, body: object = None, method: str = "GET") -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        ask = urllib.request.Request(  # noqa: S310  # http
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(ask, timeout=20) as answer:  # noqa: S310  # our own address
            found: dict[str, Any] = json.load(answer)
        return found

    def kill(self) -> None:
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(20)


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "simulator", "--port", "0", "--data", str(folder), *more]


@contextmanager
def running(folder: Path, *more: str) -> Iterator[Process]:
    env = {key: text for key, text in os.environ.items() if not key.startswith("THUPHI_")}
    with subprocess.Popen(
        command(folder, "--speed", "6000", *more),
        cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as child:  # fmt: skip
        try:
            assert child.stdout is not None
            said = re.search(r"http://[0-9.:]+", child.stdout.readline())
            assert said is not None
            yield Process(child, said[0])
        finally:
            child.terminate()
            child.wait(20)


def opened(process: Process, url: str) -> str:
    account = process.call("/accounts", {"opening": 1_000_000}, "POST")["number"]
    process.call(f"/accounts/{account}/hook", {"url": url, "secret": SECRET}, "PUT")
    return str(account)


def paid(process: Process, account: str, *faults: str) -> dict[str, Any]:
    body = {"to_account": account, "amount": 581_000, "memo": "HP7K2M9QX4TW", "faults": faults}
    return process.call("/transfers", body, "POST")


def test_a_killed_bank_keeps_its_balances_and_sends_what_it_promised(
    tmp_path: Path, listener: Listener
) -> None:
    with running(tmp_path) as process:
        account = opened(process, "http://127.0.0.1:1/")  # nobody serves there
        late = paid(process, account, "late:3600")
        refused = paid(process, account)
        held = paid(process, account, "out_of_order")
        before = process.call(f"/accounts/{account}")["balance"]
        process.kill()

    with running(tmp_path) as process:
        after = process.call(f"/accounts/{account}")["balance"]
        hook = {"url": listener.url, "secret": SECRET}
        process.call(f"/accounts/{account}/hook", hook, "PUT")
        process.call("/clock", {"offset_seconds": 7200}, "POST")
        paid(process, account)
        until(lambda: process.call("/health")["outstanding"] == 0)

    assert before == after == 1_000_000 + 3 * 581_000
    told = [json.loads(call.body)["id"] for call in listener.heard]
    assert {made["notice"]["id"] for made in (late, held)} <= set(told)
    assert refused["notice"]["id"] in told
    assert len(set(told)) == 4


def open_orders(process: Process, url: str, *names: str) -> None:
    """A merchant at MoMo whose calls go to the listener, and its orders."""
    keys = process.call("/gateways/momo/merchants", {"notify_url": url}, "POST")["keys"]
    signed = (
        "accessKey amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId"
        " requestType"
    )
    for name in names:
        body = {
            "partnerCode": keys["partner_code"], "requestId": name, "orderId": name,
            "amount": 581_000, "orderInfo": "Hoc phi", "redirectUrl": "http://127.0.0.1:9/",
            "ipnUrl": url, "requestType": "captureWallet", "extraData": "", "lang": "vi",
        }  # fmt: skip
        body["signature"] = momo_mark(keys, signed, body)
        made = process.call("/momo/v2/gateway/api/create", body, "POST")
        assert made["resultCode"] == 0


def test_a_killed_gateway_keeps_its_orders_and_makes_the_calls_it_promised(
    tmp_path: Path, listener: Listener
) -> None:
    listener.usual = (204, b"")
    at = "/gateways/momo/orders"
    with running(tmp_path) as process:
        open_orders(process, listener.url, "HP1", "HP2", "HP3", "HP4")
        process.call(f"{at}/HP1/pay", {"faults": ["late:3600"]}, "POST")
        process.call(f"{at}/HP2/pay", {"faults": ["out_of_order"]}, "POST")
        paid = process.call(f"{at}/HP1")["payments"]
        process.call("/gateways/momo/faults", {"faults": ["500"]}, "POST")
        process.kill()

    with running(tmp_path) as process:
        kept = process.call(at)["orders"]
        planned = process.call("/gateways/momo/faults")["faults"]
        process.call("/clock", {"offset_seconds": 3700}, "POST")
        process.call(f"{at}/HP3/pay", {}, "POST")
        until(lambda: process.call("/health")["outstanding"] == 0)
        after = process.call(f"{at}/HP1")["payments"]

    assert [(order["reference"], order["state"]) for order in kept] == [
        ("HP4", "pending"), ("HP3", "pending"), ("HP2", "paid"), ("HP1", "paid"),
    ]  # fmt: skip
    assert [fault["kind"] for fault in planned] == ["500"]
    assert after == paid
    told = sorted(json.loads(call.body)["orderId"] for call in listener.heard)
    assert told == ["HP1", "HP2", "HP3"]


def test_a_gateways_call_cut_off_by_the_kill_is_made_again(
    tmp_path: Path, listener: Listener
) -> None:
    listener.usual = (204, b"")
    listener.silent = threading.Event()
    with running(tmp_path) as process:
        open_orders(process, listener.url, "HP1")
        process.call("/gateways/momo/orders/HP1/pay", {}, "POST")
        until(lambda: listener.heard)
        process.kill()
    listener.silent.set()

    with running(tmp_path) as process:
        until(lambda: process.call("/health")["outstanding"] == 0)
        (call,) = process.call("/gateways/momo/calls")["calls"]

    assert call["state"] == "delivered"
    assert len(listener.heard) == 2
    assert listener.heard[0].body == listener.heard[1].body


def test_a_call_cut_off_by_the_kill_is_made_again(tmp_path: Path, listener: Listener) -> None:
    listener.silent = threading.Event()
    with running(tmp_path) as process:
        account = opened(process, listener.url)
        made = paid(process, account)
        until(lambda: listener.heard)
        process.kill()
    listener.silent.set()

    with running(tmp_path) as process:
        until(lambda: process.call("/health")["outstanding"] == 0)
        shown = process.call(f"/notices/{made['notice']['id']}")

    assert [call["state"] for call in shown["calls"]] == ["delivered"]
    assert listener.heard[0].body == listener.heard[-1].body
    assert len(listener.heard) == 2


def test_a_second_process_on_the_same_folder_is_refused_politely(tmp_path: Path) -> None:
    with running(tmp_path):
        second = subprocess.run(
            command(tmp_path), cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
        )

    assert second.returncode == 1
    assert str(tmp_path) in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with listening() as taken:
        port = taken.url.split(":")[2].split("/")[0]
        second = subprocess.run(
            [*command(tmp_path), "--port", port],
            cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    assert second.returncode == 1
    assert port in second.stderr
    assert "Traceback" not in second.stderr


def test_a_shared_clock_file_moves_the_process(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    file.write_text('{"offset_seconds": 86400}')

    with running(tmp_path / "bank", "--clock-file", str(file)) as process:
        assert process.call("/clock")["offset_seconds"] == 86_400


def test_a_bank_that_is_asked_to_stop_stops_in_peace(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        process.child.terminate()

        assert process.child.wait(20) == 0
