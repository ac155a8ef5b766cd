"""An independent peer: npm `vnpay` 2.5.0 (MIT) reads what we write, and we read what it writes.

It is installed from the registry into a folder of this run. Where Node, npm or the registry is
missing, every test here is left out and says why.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from adapters.vnpay import api, signing
from adapters.vnpay.events import VnpayEvents
from payments.domain.gateway import Ask, Checkout, Receiver
from payments.domain.money import Money
from tests.unit.simulator.bench import a_bench, listening
from tests.unit.simulator.shops import a_shop, query_of, vnpay_open
from tests.vnpay_calls import (
    ENDS,
    NOTICE,
    NOW,
    PAID,
    REFERENCE,
    SANDBOX,
    SECRET,
    SETTINGS,
    STARTED,
    gateway_at,
    pretend,
    tells,
)
from webhooks.event import Call, Event, Kind

PACKAGE = "vnpay@2.5.0"
LONGEST = 120  # seconds, for npm and for a program

PROGRAM = """
import { VNPay } from 'vnpay';
import { buildPaymentUrlSearchParams, calculateSecureHash } from 'vnpay/utils';

const { does, settings, told, host } = JSON.parse(await new Response(process.stdin).text());
const peer = new VNPay({
    tmnCode: settings.tmn_code,
    secureSecret: settings.hash_secret,
    vnpayHost: host,
    queryDrAndRefundHost: host,
    enableLog: false,
});
const sign = (fields) => {
    const data = buildPaymentUrlSearchParams(fields).toString();
    const hash = calculateSecureHash({
        secureSecret: settings.hash_secret, data, hashAlgorithm: 'SHA512', bufferEncode: 'utf-8',
    });
    return `${data}&vnp_SecureHash=${hash}`;
};
const verbs = {
    verifyReturn: (fields) => peer.verifyReturnUrl(fields),
    verifyIpn: (fields) => peer.verifyIpnCall(fields),
    address: (fields) => peer.buildPaymentUrl(fields),
    sign,
    query: (fields) => peer.queryDr(fields),
    refund: (fields) => peer.refund(fields),
};
console.log(JSON.stringify(await verbs[does](told)));
"""


class Peer:
    """The package, and a program that calls it."""

    def __init__(self, folder: Path, node: str) -> None:
        self._folder = folder
        self._node = node

    def does(self, verb: str, told: Mapping[str, Any], *, host: str = "") -> Any:
        """What the peer makes of `told`."""
        asked = {"does": verb, "settings": SETTINGS, "told": told}
        asked |= {"host": host or SANDBOX.removesuffix("/paymentv2/vpcpay.html")}
        done = subprocess.run(
            [self._node, "peer.mjs"],
            cwd=self._folder,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Peer:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"the peer {PACKAGE} could not run: node or npm is not installed")
    folder = tmp_path_factory.mktemp("peer")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    asked = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE]
    try:
        done = subprocess.run(
            asked, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the peer {PACKAGE} could not be installed: npm did not end in {LONGEST} s")
    if done.returncode != 0:
        pytest.skip(f"the peer {PACKAGE} could not be installed: {done.stderr.strip()[-300:]}")
    installed = json.loads((folder / "node_modules/vnpay/package.json").read_text())
    assert f"vnpay@{installed['version']}" == PACKAGE
    (folder / "peer.mjs").write_text(PROGRAM)
    return Peer(folder, node)


def our_address(**changes: Any) -> str:
    told: dict[str, Any] = {
        "attempt_id": UUID(int=7),
        "code": "HP7K2M9QX4TW: học phí",
        "amount": Money(581_000),
        "receiver": Receiver("999999", "9999018452", "TRUONG HOA SEN"),
        "expires_at": ENDS,
        "reference": REFERENCE,
        "started_at": STARTED,
        "return_url": "https://pay.example.edu.vn/pay/abc/return?x=1&y=*~",
        "payer_address": "2001:db8::7",
    }
    started = gateway_at("https://api.example.vn").start(Ask(**(told | changes)), SETTINGS)
    assert isinstance(started, Checkout)
    assert started.redirect_url is not None
    return started.redirect_url


def fields_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query, strict_parsing=True))


def test_the_peer_verifies_our_payment_address(peer: Peer) -> None:
    fields = fields_of(our_address())

    honest = peer.does("verifyReturn", fields)
    changed = peer.does("verifyReturn", fields | {"vnp_Amount": "100"})

    assert (honest["isVerified"], honest["vnp_Amount"]) == (True, 581_000)
    assert changed["isVerified"] is False


@pytest.mark.parametrize(
    "changes",
    [{}, {"language": "en", "payer_address": "203.0.113.7", "code": "A.B-C_D:E"}],
    ids=str,
)
def test_the_peer_builds_the_very_same_address(peer: Peer, changes: dict[str, Any]) -> None:
    ours = our_address(**changes)
    told: dict[str, Any] = fields_of(ours)
    del told["vnp_SecureHash"]
    told |= {name: int(told[name]) for name in ("vnp_CreateDate", "vnp_ExpireDate")}
    told["vnp_Amount"] = 581_000  # the peer counts in đồng and multiplies itself

    assert peer.does("address", told) == ours


@pytest.mark.parametrize(
    "text", ["HP7K2M9QX4TW", "Nộp học phí & phụ thu + 5%", "😀 *~!'()", "a=b&c=d;e%zz"]
)
def test_a_notice_that_the_peer_signs_is_genuine(peer: Peer, text: str) -> None:
    query = peer.does("sign", NOTICE | {"vnp_OrderInfo": text, "vnp_CardType": ""})

    found = VnpayEvents().verify(Call({}, b"", query, "GET"), SETTINGS, now=NOW)

    assert isinstance(found, tuple)
    (event,) = found
    assert isinstance(event, Event)
    assert (event.kind, event.amount, event.memo) == (Kind.PAID, Money(581_000), text)


@pytest.mark.parametrize("text", ["HP7K2M9QX4TW", "Nộp học phí & phụ thu + 5%", "😀 *~!'()"])
def test_the_peer_takes_a_notice_that_we_sign(peer: Peer, text: str) -> None:
    fields = NOTICE | {"vnp_OrderInfo": text}
    signed = fields_of(signing.signed_url(SANDBOX, fields, SECRET))

    said = peer.does("verifyIpn", signed)

    assert (said["isVerified"], said["isSuccess"], said["vnp_Amount"]) == (True, True, 581_000)


def test_the_peers_question_is_signed_as_we_sign_and_it_takes_an_answer_that_we_sign(
    peer: Peer,
) -> None:
    data = signing.joined(PAID, signing.QUERY_ANSWER)
    assert data is not None
    told = {
        "vnp_RequestId": "Q1",
        "vnp_TxnRef": REFERENCE,
        "vnp_OrderInfo": f"Truy van {REFERENCE}",
        "vnp_TransactionNo": 14999001,
        "vnp_TransactionDate": 20261121101500,
        "vnp_CreateDate": 20261121102000,
        "vnp_IpAddr": "127.0.0.1",
    }

    with pretend(tells({**PAID, signing.HASH: signing.secure_hash(data, SECRET)})) as served:
        said = peer.does("query", told, host=_host(served.address))

    assert (said["isVerified"], said["isSuccess"]) == (True, True)
    _require_our_signature(served.asked[0], signing.QUERY)


@pytest.mark.parametrize(("kind", "amount"), [("02", 581_000), ("03", 100_000)])
def test_the_peers_request_for_a_refund_is_signed_as_we_sign(
    peer: Peer, kind: str, amount: int
) -> None:
    told = {
        "vnp_RequestId": "R1",
        "vnp_TransactionType": kind,
        "vnp_TxnRef": REFERENCE,
        "vnp_Amount": amount,
        "vnp_TransactionNo": 14999001,
        "vnp_TransactionDate": 20261121101500,
        "vnp_CreateBy": "ketoan01",
        "vnp_CreateDate": 20261122090000,
        "vnp_IpAddr": "127.0.0.1",
        "vnp_OrderInfo": "Hoan tien R1",
    }

    with pretend(tells({"vnp_ResponseCode": "99"})) as served:
        peer.does("refund", told, host=_host(served.address))

    _require_our_signature(served.asked[0], signing.REFUND)


def _host(address: str) -> str:
    return address.removesuffix("/merchant_webapi/api/transaction")


def _require_our_signature(sent: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """The peer's body, signed by us, carries the peer's signature."""
    texts = {name: str(value) for name, value in sent.items() if name != signing.HASH}
    assert api.signed(texts, names, SECRET)[signing.HASH] == sent[signing.HASH]


def test_the_peer_believes_the_notices_of_our_simulator(peer: Peer, tmp_path: Path) -> None:
    """Its signatures are written apart from the adapter's: a third hand agrees with both."""
    with a_bench(tmp_path / "bank") as bench, listening() as listener:
        listener.usual = (200, b'{"RspCode":"00","Message":"Confirm Success"}')
        shop = a_shop(bench, "vnpay", listener, **SETTINGS)
        vnpay_open(shop, "HP1")
        vnpay_open(shop, "HP2")
        shop.pay("HP1")
        shop.control("orders/HP2/cancel")
        notices = {told["vnp_TxnRef"]: told for told in (query_of(c.path) for c in shop.told())}

    paid, cancelled = (peer.does("verifyIpn", notices[name]) for name in ("HP1", "HP2"))
    forged = peer.does("verifyIpn", notices["HP1"] | {"vnp_Amount": "100"})

    assert (paid["isVerified"], paid["isSuccess"]) == (True, True)
    assert (cancelled["isVerified"], cancelled["isSuccess"]) == (True, False)
    assert not forged["isVerified"]
