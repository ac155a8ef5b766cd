"""A payOS of a test's own: a real HTTP server on this machine that says what the test tells it.

It shares nothing with the adapter: it signs by itself, and fields are written out here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SETTINGS = {
    "client_id": "0c1b2a39-4857-6675-8493-a2b1c0d9e8f7",
    "api_key": "khoa-api-cua-bai-thu",
    "checksum_key": "1a54716c8f0efb2744fb28b6e38b25da7f67a925d98bc1c18bd8faaecadd7675",
}
LINK = "b1d2e3f4a5b64c7d8e9f0a1b2c3d4e5f"
REFERENCE = "FT26325123456789"
ACCOUNT = "9999001234567"

Fields = dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """One request. fields: its JSON, {} for a GET. headers: names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    fields: Fields


@dataclass(frozen=True)
class Said:
    """One answer: the pieces are written one after the other. length: what the header claims."""

    pieces: Callable[[], Iterable[bytes]]
    status: int = 200
    length: int | None = None


@dataclass
class PayosServer:
    """url: where it is. heard: every request. answer: what it says to each."""

    url: str
    answer: Callable[[Heard], Said]
    heard: list[Heard] = field(default_factory=list)


def sign(data: Fields, key: str = SETTINGS["checksum_key"]) -> str:
    """The signature of `data`, for the plain values that a payOS really sends."""

    def written(value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, list):
            return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return str(value)

    text = "&".join(f"{name}={written(data[name])}" for name in sorted(data))
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def raw(body: bytes, status: int = 200) -> Said:
    """An answer of these bytes."""
    return Said(lambda: [body], status, len(body))


def told(fields: Fields, status: int = 200) -> Said:
    """An answer that is JSON."""
    return raw(json.dumps(fields, ensure_ascii=False).encode(), status)


def signed(data: Fields, **around: Any) -> Said:
    """A successful, signed answer."""
    return told({"code": "00", "desc": "success", "data": data, "signature": sign(data), **around})


def error(code: str, status: int = 200) -> Said:
    """payOS's way to say no, also with HTTP 200."""
    return told({"code": code, "desc": "Không được", "data": None}, status)


def created(asked: Heard, **more: Any) -> Said:
    """The answer to a request to create a link."""
    data = {
        "bin": "999999",
        "accountNumber": "V3CAS0001",
        "accountName": "TRUONG THU NGHIEM",
        "amount": asked.fields["amount"],
        "description": "CSABC123 " + asked.fields["description"],
        "orderCode": asked.fields["orderCode"],
        "currency": "VND",
        "paymentLinkId": LINK,
        "status": "PENDING",
        "expiredAt": asked.fields["expiredAt"],
        "checkoutUrl": f"https://pay.example.vn/web/{LINK}",
        "qrCode": "00020101021238570010A000000727",
    }
    return signed(data | more)


def transaction(amount: int = 1_500_000, reference: str = REFERENCE, **more: Any) -> Fields:
    """One credit in a link."""
    return {
        "reference": reference,
        "amount": amount,
        "accountNumber": ACCOUNT,
        "description": "CSABC123 HP7K2M9QX",
        "transactionDateTime": "2026-11-21T10:17:33+07:00",
        "virtualAccountName": None,
        "virtualAccountNumber": "V3CAS0001",
        "counterAccountBankId": None,
        "counterAccountBankName": None,
        "counterAccountName": "NGUYEN VAN B",
        "counterAccountNumber": "9999006789",
        **more,
    }


def link(order_code: int, status: str, *credits: Fields, amount: int = 1_500_000) -> Fields:
    """The data of a link."""
    paid = sum(one["amount"] for one in credits)
    return {
        "id": LINK,
        "orderCode": order_code,
        "amount": amount,
        "amountPaid": paid,
        "amountRemaining": max(0, amount - paid),
        "status": status,
        "createdAt": "2026-11-21T10:15:00+07:00",
        "transactions": list(credits),
        "cancellationReason": None,
        "canceledAt": None,
    }


@contextmanager
def a_payos() -> Iterator[PayosServer]:
    """A payOS on a free port; it ends with the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve({})

        def do_POST(self) -> None:
            self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _serve(self, fields: Fields) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            heard = Heard(self.command, self.path, headers, fields)
            payos.heard.append(heard)
            said = payos.answer(heard)
            self.send_response(said.status)
            if said.length is not None:
                self.send_header("Content-Length", str(said.length))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # the client had enough
                for piece in said.pieces():
                    self.wfile.write(piece)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    payos = PayosServer(f"http://127.0.0.1:{server.server_port}", lambda _: error("20"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield payos
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
