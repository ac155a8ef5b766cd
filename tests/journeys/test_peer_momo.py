"""Somebody else's MoMo client signs as we do: npm `momo-payment-api` 1.0.3, run by Node.

The package signs `create` and `refund` and checks no signature, so that is what is compared: it
posts to a server of the test, and what arrives has to carry the signature that we would send.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.momo import signing
from tests.momo_server import CREATE, REFUND, SETTINGS, MomoServer, a_momo, echo

PEER = "momo-payment-api@1.0.3"
SECONDS = 120
PROGRAM = """
const { MomoPayment } = require("momo-payment-api");
const told = JSON.parse(process.argv[1]);
const momo = new MomoPayment(told.partner, told.access, told.secret);
momo._getURL = () => told.url + "/v2/gateway/api";
(async () => {
  for (const ask of told.asks) await momo[ask.verb](ask.input);
})().catch((error) => { console.error(String(error)); process.exit(1); });
"""

CREATES: tuple[dict[str, Any], ...] = (
    {"orderInfo": "Hoc phi HK1 2026", "requestType": "captureWallet"},
    {"orderInfo": "Viện phí Trần Thị B", "requestType": "payWithMethod"},
    {"orderInfo": "a+b %41 é ✓ 🎓", "extraData": "eyJpbnZvaWNlIjoiVlAwMDAyIn0="},
)
REFUNDS: tuple[dict[str, Any], ...] = (
    {"amount": 1_000, "transId": 4088878653},
    {"amount": 50_000_000, "transId": 1},
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package; skips, saying why, where it cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"the peer {PEER} was not run: node or npm is not installed")
    folder = tmp_path_factory.mktemp("momo-peer")
    (folder / "package.json").write_text('{"private": true}')
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"]
    try:
        done = subprocess.run(
            [npm, "install", *flags, PEER],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the peer {PEER} was not run: npm had not installed it in {SECONDS} s")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        pytest.skip(f"the peer {PEER} was not run: npm could not install it ({last})")
    return folder


@pytest.fixture
def momo() -> Iterator[MomoServer]:
    with a_momo() as running:
        running.says |= {CREATE: echo(), REFUND: echo()}
        yield running


def ask_the_peer(package: Path, momo: MomoServer, verb: str, inputs: list[dict[str, Any]]) -> None:
    told = {
        "url": momo.url,
        "partner": SETTINGS["partner_code"],
        "access": SETTINGS["access_key"],
        "secret": SETTINGS["secret_key"],
        "asks": [{"verb": verb, "input": one} for one in inputs],
    }
    # No proxy of the environment between the peer and a server on this machine.
    plain = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        ["node", "-e", PROGRAM, json.dumps(told)],
        cwd=package,
        env=plain,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_it_signs_a_payment_as_we_do(package: Path, momo: MomoServer) -> None:
    asks = [
        {
            "requestId": f"HP-{number}",
            "orderId": f"HP-{number}",
            "amount": 1_500_000 + number,
            "redirectUrl": "https://thu.example.vn/pay/x/return?a=1&b=2",
            "ipnUrl": "https://thu.example.vn/webhooks/momo/TH-HS",
            **one,
        }
        for number, one in enumerate(CREATES)
    ]

    ask_the_peer(package, momo, "createPayment", asks)

    bodies = momo.bodies(CREATE)
    assert [body["orderInfo"] for body in bodies] == [one["orderInfo"] for one in CREATES]
    for body in bodies:
        assert signing.signature(signing.CREATE, body, SETTINGS) == body["signature"]
        assert signing.agrees(signing.CREATE, body, body["signature"], SETTINGS)
        assert not signing.agrees(
            signing.CREATE, body | {"amount": body["amount"] + 1}, body["signature"], SETTINGS
        )


def test_it_signs_a_refund_as_we_do(package: Path, momo: MomoServer) -> None:
    asks = [
        {"requestId": f"RF-{number}", "orderId": f"RF-{number}", **one}
        for number, one in enumerate(REFUNDS)
    ]

    ask_the_peer(package, momo, "refundPayment", asks)

    bodies = momo.bodies(REFUND)
    assert [body["amount"] for body in bodies] == [1_000, 50_000_000]
    for body in bodies:
        # It signs an empty description and leaves the field out; so do we, but we send it.
        ours = body | {"description": ""}
        assert signing.signature(signing.REFUND, ours, SETTINGS) == body["signature"]
