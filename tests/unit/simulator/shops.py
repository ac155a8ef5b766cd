"""A merchant at a pretend gateway, and its calls signed as the provider's own pages say.

The signatures here are worked out anew, so that the simulator is not asked about itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

from werkzeug.test import TestResponse

from tests.unit.simulator.bench import Bench, Heard, Listener

VECTORS = Path(__file__).parents[2] / "data/vectors"
RETURN = "http://127.0.0.1:9/return"


def cases(provider: str, *kinds: str) -> list[dict[str, Any]]:
    """The published cases of these kinds."""
    found: list[dict[str, Any]] = json.loads((VECTORS / f"{provider}.json").read_text())["cases"]
    return [case for case in found if case["kind"] in kinds]


def sha256(secret: str, text: str) -> str:
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha256).hex()


def sha512(secret: str, text: str) -> str:
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha512).hex()


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


@dataclass
class Shop:
    """A merchant of one gateway. keys: its credentials; listener: what hears its calls."""

    bench: Bench
    gateway: str
    listener: Listener
    keys: Mapping[str, str]
    code: str
    account: str
    now: int = field(default=0)

    def control(self, verb: str, **body: Any) -> dict[str, Any]:
        """POST /gateways/<gateway>/<verb>."""
        status = 201 if verb in {"merchants", "faults", "settle"} or "chargeback" in verb else 200
        return self.bench.post(f"/gateways/{self.gateway}/{verb}", body, status=status)

    def pay(self, reference: str, *faults: object, **more: Any) -> dict[str, Any]:
        return self.control(f"orders/{reference}/pay", faults=list(faults), **more)

    def order(self, reference: str) -> dict[str, Any]:
        return self.bench.get(f"/gateways/{self.gateway}/orders/{reference}")

    def upset(self, *faults: object, **more: Any) -> None:
        self.control("faults", faults=list(faults), **more)

    def ask(self, path: str, body: Mapping[str, Any]) -> TestResponse:
        return self.bench.client.post(f"/{self.gateway}{path}", json=dict(body))

    def told(self) -> list[Heard]:
        """Every call that arrived, once nothing is outstanding."""
        self.bench.settle()
        return self.listener.heard

    def kinds(self, reference: str) -> list[tuple[str, str]]:
        self.bench.settle()
        calls = self.order(reference)["calls"]
        return [(call["kind"], call["state"]) for call in reversed(calls)]


def a_shop(bench: Bench, gateway: str, listener: Listener, **more: Any) -> Shop:
    """Signed up, with a bank account, heard by the listener."""
    account = bench.account()
    body = {"notify_url": listener.url, "account": account, "title": "TRUONG HOA SEN", **more}
    made = bench.post(f"/gateways/{gateway}/merchants", body)
    return Shop(bench, gateway, listener, made["keys"], made["merchant"], account)


# --- VNPAY: encoded and sorted for browsers, joined by | for programs.


def vnpay_sign_data(params: Mapping[str, str]) -> str:
    kept = sorted((name, text) for name, text in params.items() if text)
    return "&".join(
        f"{name}={quote_plus(text, safe='*').replace('~', '%7E')}" for name, text in kept
    )


def vnpay_url(shop: Shop, reference: str, amount: int = 581_000, **more: str) -> str:
    clock = shop.bench.running.clock
    params = {
        "vnp_Version": "2.1.0", "vnp_Command": "pay", "vnp_TmnCode": shop.code,
        "vnp_Amount": str(amount * 100), "vnp_CreateDate": f"{clock.now():%Y%m%d%H%M%S}",
        "vnp_CurrCode": "VND", "vnp_IpAddr": "127.0.0.1", "vnp_Locale": "vn",
        "vnp_OrderInfo": f"Hoc phi {reference}", "vnp_OrderType": "other",
        "vnp_ReturnUrl": RETURN, "vnp_TxnRef": reference, **more,
    }  # fmt: skip
    data = vnpay_sign_data(params)
    return f"/vnpay/paymentv2/vpcpay.html?{data}&vnp_SecureHash=" + sha512(
        shop.keys["hash_secret"], data
    )


def vnpay_open(shop: Shop, reference: str, amount: int = 581_000, **more: str) -> dict[str, Any]:
    """The browser follows the signed address; the order is there now."""
    answer = shop.bench.client.get(vnpay_url(shop, reference, amount, **more))
    assert answer.status_code == 302, answer.text
    return shop.order(reference)


QUERY = "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo"
REFUND = (
    "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo"
    " TransactionDate CreateBy CreateDate IpAddr OrderInfo"
)
SAID = (
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo"
    " TransactionType TransactionStatus OrderInfo"
)


def vnpay_ask(shop: Shop, command: str, reference: str, **more: str) -> dict[str, Any]:
    """A signed call of the API; the answer's signature is checked too."""
    shop.now += 1
    order = shop.bench.get(f"/gateways/vnpay/orders?reference={reference}")["orders"]
    made_at = "".join(c for c in order[0]["made_at"][:19] if c.isdigit()) if order else "2" * 14
    params = {
        "vnp_RequestId": f"R{shop.now:06d}", "vnp_Version": "2.1.0", "vnp_Command": command,
        "vnp_TmnCode": shop.code, "vnp_TxnRef": reference, "vnp_TransactionDate": made_at,
        "vnp_CreateDate": made_at, "vnp_IpAddr": "127.0.0.1", "vnp_OrderInfo": "Hoi",
        "vnp_CreateBy": "stf_1", **{f"vnp_{name}": text for name, text in more.items()},
    }  # fmt: skip
    names = (REFUND if command == "refund" else QUERY).split()
    text = "|".join(params.get(f"vnp_{name}", "") for name in names)
    params["vnp_SecureHash"] = sha512(shop.keys["hash_secret"], text)
    answer = shop.ask("/merchant_webapi/api/transaction", params)
    said: dict[str, Any] = answer.get_json()
    tail = " PromotionCode PromotionAmount" if command == "querydr" else ""
    signed = "|".join(said.get(f"vnp_{name}", "") for name in f"{SAID}{tail}".split())
    assert said["vnp_SecureHash"] == sha512(shop.keys["hash_secret"], signed)
    return said
