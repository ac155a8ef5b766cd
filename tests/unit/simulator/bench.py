"""A test bank inside the test, and a listener that answers as it is told.

Both are real: the bank's own store, courier and HTTP calls, and an HTTP server on a free port.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from simulator.accounts import Defaults
from simulator.app import create_app
from simulator.clock import Clock
from simulator.context import Running
from simulator.courier import Courier
from simulator.store import Store

SECRET = "whsec_for_tests_only"
PATIENCE = 20.0  # seconds until a test gives up waiting; nothing asserts how long it took
FAST = 6000.0  # a minute of SePay's schedule in ten milliseconds


@dataclass(frozen=True)
class Heard:
    """One call as it arrived."""

    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    path: str = ""


@dataclass
class Listener:
    """Hears notices. answers: what to say to the next calls, in order; afterwards success."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    usual: tuple[int, bytes] = (200, b'{"success": true}')
    together: threading.Barrier | None = None
    silent: threading.Event | None = None

    def answer(self, call: Heard) -> tuple[int, bytes]:
        self.heard.append(call)
        if self.together is not None:
            self.together.wait(PATIENCE)
        if self.silent is not None:
            self.silent.wait(PATIENCE)
        return self.answers.pop(0) if self.answers else self.usual


@contextmanager
def listening(port: int = 0) -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            heard = Heard(dict(self.headers), body, self.command, self.path)
            status, said = listener.answer(heard)
            try:
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)
            except OSError:
                self.close_connection = True  # the caller lost patience, as some tests want

        do_GET = do_POST  # noqa: N815  # VNPAY calls with GET

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: a test's output is its assertions."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    listener.url = f"http://127.0.0.1:{server.server_port}/webhooks/sepay/th-hs"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Bench:
    """A bank with its JSON door, and a clock that stands where the machine's does."""

    running: Running

    def __post_init__(self) -> None:
        self.client = create_app(self.running).test_client()

    def post(self, path: str, body: object, *, status: int = 201) -> dict[str, Any]:
        return self._json(self.client.post(path, json=body), status)

    def put(self, path: str, body: object, *, status: int = 200) -> dict[str, Any]:
        return self._json(self.client.put(path, json=body), status)

    def get(self, path: str, *, status: int = 200) -> dict[str, Any]:
        return self._json(self.client.get(path), status)

    def text(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def account(self, listener: Listener | None = None, **more: Any) -> str:
        number = str(
            self.post("/accounts", {"holder": "TRUONG TIEU HOC HOA SEN", **more})["number"]
        )
        if listener is not None:
            self.hook(number, listener)
        return number

    def hook(self, number: str, listener: Listener, **more: Any) -> None:
        self.put(f"/accounts/{number}/hook", {"url": listener.url, "secret": SECRET, **more})

    def transfer(self, account: str, *faults: object, **more: Any) -> dict[str, Any]:
        body = {"to_account": account, "amount": 581_000, "memo": "HP7K2M9QX4TW", "shape": "plain"}
        return self.post("/transfers", {**body, "faults": list(faults), **more})

    def settle(self) -> None:
        """Wait until every call that can be made has been made."""
        until(lambda: self.get("/health")["outstanding"] == 0)

    def calls(self, made: Mapping[str, Any]) -> list[dict[str, Any]]:
        return list(self.get(f"/notices/{made['notice']['id']}")["calls"])

    @staticmethod
    def _json(answer: TestResponse, status: int) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.get_json()
        return found


@contextmanager
def a_bench(folder: Path, *, seed: int = 7) -> Iterator[Bench]:
    store = Store(folder, seed=seed)
    clock = Clock(store)
    courier = Courier(store, clock)
    courier.start()
    try:
        yield Bench(Running(store, clock, courier, Defaults(speed=FAST, timeout=PATIENCE)))
    finally:
        courier.stop()
        store.close()


def until(true: Callable[[], object]) -> None:
    """Wait for a fact; fail when it does not come."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
