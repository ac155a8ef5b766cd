"""A local server that stands where ZaloPay stands and answers what a test tells it to.

with zalopay_server() as server:
    server.says({"return_code": 1})
    …
    assert server.heard[0].fields["app_id"] == 2553
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

MEGABYTE: Final = b" " * 1024 * 1024

Behaviour = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Request:
    """What was asked, as the raw bytes and as fields."""

    path: str
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


@dataclass
class Server:
    """url: where it listens. heard: every request so far."""

    url: str
    heard: list[Request] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    behaviour: Behaviour = field(default=lambda _: None)

    def says(self, answer: object, *, status: int = 200) -> None:
        """Answer with JSON, or with the bytes as they are."""
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.behaviour = lambda handler: _send(handler, body, status)

    def says_nothing(self) -> None:
        """Take the request and hang up."""
        self.behaviour = lambda handler: handler.connection.close()

    def never_says_anything(self) -> None:
        """Take the request and hold the line until the test is over."""
        self.behaviour = lambda _: (self.over.wait(60), None)[1]

    def says_half(self, body: bytes) -> None:
        """Promise twice as much as is sent."""
        self.behaviour = lambda handler: _send(handler, body, 200, promised=2 * len(body))

    def says_megabytes(self, count: int) -> None:
        """Send blanks for as long as they are read."""
        self.behaviour = lambda handler: _flood(handler, count)


@contextmanager
def zalopay_server() -> Iterator[Server]:
    """Serve on a free port of this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.heard.append(Request(self.path, body))
            with suppress(OSError):  # the client may leave first; that is what some tests are about
                told.behaviour(self)

        def log_message(self, format: str, *args: object) -> None:
            """Tests say what they have to say themselves."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # so that closing waits for them
    told = Server(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        told.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _send(
    handler: BaseHTTPRequestHandler, body: bytes, status: int, *, promised: int | None = None
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if promised is None else promised))
    handler.end_headers()
    handler.wfile.write(body)


def _flood(handler: BaseHTTPRequestHandler, count: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(count * len(MEGABYTE)))
    handler.end_headers()
    for _ in range(count):
        handler.wfile.write(MEGABYTE)
