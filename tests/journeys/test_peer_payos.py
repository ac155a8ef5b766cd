"""payOS's own libraries and we sign alike, in both directions."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.payos import signing
from adapters.payos.events import PayosEvents
from tests import peers
from webhooks.event import Call, Forged

HERE = Path(__file__).parent
KEY = "1a54716c8f0efb2744fb28b6e38b25da7f67a925d98bc1c18bd8faaecadd7675"
NOW = datetime(2026, 11, 21, 3, 17, 40, tzinfo=UTC)
MEMOS = ("HP7K2M9QX4TW", "+ & % = ?", "Học phí 🎓 Nguyễn Văn Ân", 'a"b\\c/d', "null", "", "\u2028")
REQUESTS = [
    {
        "orderCode": 4096 + at * 1_000_000_007,
        "amount": 2_000 + at,
        "description": memo,
        "cancelUrl": "https://thuphi.example.vn/pay/abc?a=1&b=%2B",
        "returnUrl": "https://thuphi.example.vn/pay/abc?a=1&b=%2B",
    }
    for at, memo in enumerate(MEMOS)
]
CALLS: list[dict[str, Any]] = [
    {
        "orderCode": 9_007_199_254_740_991 - at,
        "amount": 3_000 + at,
        "description": memo,
        "accountNumber": "9999001234567",
        "reference": "FT26325123456789",
        "transactionDateTime": "2026-11-21 10:17:33",
        "currency": "VND",
        "paymentLinkId": "b1d2e3f4a5b64c7d8e9f0a1b2c3d4e5f",
        "code": "00",
        "desc": "Thành công",
        "counterAccountBankId": None,
        "counterAccountBankName": "undefined",
        "counterAccountName": memo,
        "counterAccountNumber": "",
        "virtualAccountName": None,
        "virtualAccountNumber": "null",
    }
    for at, memo in enumerate(MEMOS)
]
ANSWERS = [
    {
        "status": "PAID",
        "amountPaid": 1_500_000,
        "moi": True,
        "cu": False,
        "trong": [],
        "transactions": [
            {"reference": "FT1", "amount": 1_500_000, "description": memo, "b": None, "a": {"z": 1}}
        ],
    }
    for memo in MEMOS
]
AS_JAVASCRIPT_SEES_IT: list[dict[str, Any]] = [
    {"so": 3000.0, "le": 0.5, "nho": 0.00002},
    {"memo": "HP \ud83c", "ds": [{"memo": "\ud83c", "so": 3000.0}]},
]
"""What only the Node library can judge: Python has other numbers and other text."""

AS_PYTHON_SEES_IT: list[dict[str, Any]] = [{"ds": [None, True, 1, "chữ", {"b": 1, "a": None}]}]
"""What the Node library takes apart: a list of anything but objects."""

Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    folder = tmp_path_factory.mktemp("payos-node")
    peers.npm(folder, "@payos/node@2.0.5")
    shutil.copy(HERE / "payos_peer.cjs", folder)
    return lambda question: peers.ask(["node", "payos_peer.cjs"], folder, question)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    folder = tmp_path_factory.mktemp("payos-python")
    peers.pypi(folder, "payos==1.1.0")
    program = [sys.executable, str(HERE / "payos_peer.py")]
    return lambda question: peers.ask(program, folder, question, PYTHONPATH=str(folder))


def call(data: Mapping[str, Any], signature: str) -> dict[str, Any]:
    return {"code": "00", "desc": "s", "success": True, "data": data, "signature": signature}


def agree(ask: Ask, more: list[dict[str, Any]]) -> None:
    """Both directions: their signatures are ours, they verify ours, and we verify theirs."""
    ours = [call(data, signing.sign_data(data, KEY)) for data in CALLS]
    changed = [one | {"data": one["data"] | {"amount": 1}} for one in ours]
    everything = [*CALLS, *ANSWERS, *more]

    told = ask({"key": KEY, "requests": REQUESTS, "data": everything, "webhooks": ours + changed})

    assert told["requests"] == [signing.sign_request(one, KEY) for one in REQUESTS]
    assert told["data"] == [signing.sign_data(one, KEY) for one in everything]
    assert told["verified"] == [True] * len(ours) + [False] * len(changed)
    for data, signature in zip(CALLS, told["data"], strict=False):
        body = json.dumps(call(data, signature)).encode()
        found = PayosEvents().verify(Call({}, body), {"checksum_key": KEY}, now=NOW)
        assert not isinstance(found, Forged)


def test_the_node_library_of_payos_and_we_sign_alike(node: Ask) -> None:
    agree(node, AS_JAVASCRIPT_SEES_IT)


def test_the_python_library_of_payos_and_we_sign_alike(python: Ask) -> None:
    agree(python, AS_PYTHON_SEES_IT)
