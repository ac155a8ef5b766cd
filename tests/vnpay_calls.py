"""Calls and answers as VNPAY makes them, signed here by hand and not by the code under test."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import quote_plus
from uuid import UUID

from adapters.http import Client
from adapters.vnpay.config import API, PAGE, VnpayConfig
from adapters.vnpay.gateway import VnpayGateway
from payments.domain.gateway import Known
from payments.domain.money import Money

SECRET: Final = "K7Q0M3XW9ZB2V5T8R1Y4U6I0O3P7A2S5"
SETTINGS: Final = {"tmn_code": "HSPTEST1", "hash_secret": SECRET}
SANDBOX: Final = "https://sandbox.vnpayment.vn/paymentv2/vpcpay.html"
NOW: Final = datetime(2026, 11, 21, 3, 20, tzinfo=UTC)
STARTED: Final = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)
ENDS: Final = STARTED + timedelta(minutes=15)
REFERENCE: Final = "HP7K2M9QX4TW-AGP6MBD4FZ7XPCQ2WJ5XH2KZ3E"

ANSWERED: Final = [
    "ResponseId",
    "Command",
    "ResponseCode",
    "Message",
    "TmnCode",
    "TxnRef",
    "Amount",
    "BankCode",
    "PayDate",
    "TransactionNo",
    "TransactionType",
    "TransactionStatus",
    "OrderInfo",
    "PromotionCode",
    "PromotionAmount",
]
REFUND_ANSWERED: Final = ANSWERED[:-2]

PAID: Final = {
    "vnp_ResponseId": "a1b2c3d4",
    "vnp_Command": "querydr",
    "vnp_ResponseCode": "00",
    "vnp_Message": "QueryDR Success",
    "vnp_TmnCode": "HSPTEST1",
    "vnp_TxnRef": REFERENCE,
    "vnp_Amount": "58100000",
    "vnp_OrderInfo": "HP7K2M9QX4TW",
    "vnp_BankCode": "NCB",
    "vnp_PayDate": "20261121101733",
    "vnp_TransactionNo": "14999001",
    "vnp_TransactionType": "01",
    "vnp_TransactionStatus": "00",
}
NOTICE: Final = {
    "vnp_TmnCode": "HSPTEST1",
    "vnp_Amount": "58100000",
    "vnp_BankCode": "NCB",
    "vnp_BankTranNo": "VNP14999001",
    "vnp_CardType": "ATM",
    "vnp_OrderInfo": "HP7K2M9QX4TW",
    "vnp_PayDate": "20261121101733",
    "vnp_ResponseCode": "00",
    "vnp_TransactionNo": "14999001",
    "vnp_TransactionStatus": "00",
    "vnp_TxnRef": REFERENCE,
}

Behaviour = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


def hashed(data: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), data.encode(), hashlib.sha512).hexdigest()


def query_of(fields: Mapping[str, str], *, secret: str = SECRET, star: str = "*") -> str:
    """A signed query. star: "*" as Java encodes, "" as PHP does."""
    data = "&".join(
        f"{quote_plus(name, safe=star)}={quote_plus(value, safe=star).replace('~', '%7E')}"
        for name, value in sorted(fields.items())
    )
    return f"{data}&vnp_SecureHash={hashed(data, secret)}"


def notice(**changes: str) -> str:
    """VNPAY's notice of a payment of 581.000 ₫; keyword TxnRef stands for vnp_TxnRef."""
    return query_of(NOTICE | {f"vnp_{name}": value for name, value in changes.items()})


def answer(
    fields: Mapping[str, Any], *, names: list[str] = ANSWERED, secret: str = SECRET
) -> dict[str, Any]:
    """A signed answer to querydr, or to refund with its names."""
    data = "|".join(str(fields.get(f"vnp_{name}", "")) for name in names)
    return {**fields, "vnp_SecureHash": hashed(data, secret)}


def known(**changes: Any) -> Known:
    told: dict[str, Any] = {
        "attempt_id": UUID(int=7),
        "reference": REFERENCE,
        "provider_reference": None,
        "amount": Money(581_000),
        "started_at": STARTED,
        "expires_at": ENDS,
        "now": NOW,
    }
    return Known(**(told | changes))


def gateway_at(address: str, *, seconds: float = 5.0) -> VnpayGateway:
    config = VnpayConfig.read({PAGE: SANDBOX, API: address})
    return VnpayGateway(config, Client(seconds=seconds))


class Pretend:
    """A server in place of VNPAY's API. asked: every body it was sent."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[dict[str, Any]] = []


@contextmanager
def pretend(behaviour: Behaviour) -> Iterator[Pretend]:
    """Serve `behaviour` on this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            served.asked.append(json.loads(body))
            with suppress(OSError):  # whoever asked may have gone
                behaviour(self, served.asked[-1])

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Pretend(f"http://127.0.0.1:{server.server_port}/merchant_webapi/api/transaction")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sends(body: bytes, *, status: int = 200, length: int | None = None) -> Behaviour:
    """Answer these bytes. length: what to claim."""

    def behave(handler: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def tells(fields: Mapping[str, Any], *, status: int = 200) -> Behaviour:
    """Answer these fields as JSON."""
    return sends(json.dumps(fields).encode(), status=status)


def hangs_up(handler: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
    """Take the request and say nothing."""
    handler.close_connection = True


def dawdles(handler: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
    """Answer after everybody has given up."""
    time.sleep(1.5)
    tells(answer(PAID))(handler, asked)


def floods(handler: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
    """Answer with 200 MB."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(200 * 1024 * 1024))
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" " * 1024 * 1024)
