"""A MoMo of a test's own: a real HTTP server on this machine that says what the test tells it.

What it answers is written out here and shares nothing with the adapter.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from adapters.http import Client
from adapters.momo.config import API_URL, MomoConfig
from adapters.momo.gateway import MomoGateway
from payments.domain.gateway import Ask, Known, Receiver
from payments.domain.money import Money

SETTINGS = {
    "partner_code": "MOMO",
    "access_key": "F8BBA842ECF85",
    "secret_key": "K951B6PE1waDMi640xX08PD3vg6EkVlz",
}
"""MoMo's public sandbox credentials."""

PAID_AT_MS = 1795232253123
CREATE, QUERY = "/v2/gateway/api/create", "/v2/gateway/api/query"
REFUND, REFUND_QUERY = "/v2/gateway/api/refund", "/v2/gateway/api/refund/query"

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ATTEMPT = UUID(int=7)
REFERENCE = f"HP7K2M9QX4TC-{ATTEMPT.hex}"
PAGE = "https://payment.momo.vn/v2/gateway/pay?t=abc"
ASK = Ask(
    ATTEMPT,
    "HP7K2M9QX4TC",
    Money(581_000),
    Receiver("999999", "9999018452", "TRUONG HOA SEN"),
    NOW + timedelta(minutes=100),
    reference=REFERENCE,
    started_at=NOW,
    return_url="https://thu.example.vn/pay/x/return",
    notify_url="https://thu.example.vn/webhooks/momo/TH-HS",
)
KNOWN = Known(ATTEMPT, REFERENCE, None, Money(581_000), NOW, ASK.expires_at, NOW)
LONG_AFTER = replace(KNOWN, now=ASK.expires_at + timedelta(hours=1))

Fields = dict[str, Any]
Answers = Callable[[Fields], object]


@dataclass
class Raw:
    """Bytes that are no JSON of a dict. pieces are written one after the other."""

    pieces: Callable[[], Iterator[bytes]]
    status: int = 200
    length: int | None = None


@dataclass
class MomoServer:
    """url: where it is. heard: (path, body) of every call. says: path -> what is answered."""

    url: str
    heard: list[tuple[str, Fields]] = field(default_factory=list)
    says: dict[str, Answers] = field(default_factory=dict)
    status: int = 200

    def bodies(self, path: str) -> list[Fields]:
        return [body for at, body in self.heard if at == path]


def raw(body: bytes, status: int = 200) -> Answers:
    """An answer of these bytes, whatever was asked."""
    return lambda asked: Raw(lambda: iter([body]), status, len(body))


def echo(**more: Any) -> Answers:
    """An answer that names what was asked, as MoMo's answers do, with the fields given."""

    def answer(asked: Fields) -> Fields:
        named: Fields = {
            name: asked[name]
            for name in ("partnerCode", "requestId", "orderId", "amount")
            if name in asked
        }
        return {**named, "responseTime": PAID_AT_MS, "message": "…", "resultCode": 0, **more}

    return answer


@contextmanager
def a_momo() -> Iterator[MomoServer]:
    """A MoMo on a free port; it ends with the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            momo.heard.append((self.path, body))
            said = momo.says[self.path](body)
            if not isinstance(said, Raw):
                text = json.dumps(said).encode()
                said = Raw(lambda: iter([text]), momo.status, len(text))
            self.send_response(said.status)
            if said.length is not None:
                self.send_header("Content-Length", str(said.length))
            self.end_headers()
            try:
                for piece in said.pieces():
                    self.wfile.write(piece)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client had enough

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    momo = MomoServer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield momo
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def gateway(url: str, seconds: float = 10) -> MomoGateway:
    """The adapter, turned to that address."""
    return MomoGateway(MomoConfig.read({API_URL: url}), Client(seconds=seconds))
