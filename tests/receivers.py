"""Billers' systems for tests: one in memory that plays any part, and one that really listens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from webhooks.sender import Failure, Heard

WELL = Heard(None, 200)
BROKEN = Heard(Failure.STATUS, 500, excerpt="no")
GONE = Heard(Failure.GONE, 410)


@dataclass(frozen=True)
class Told:
    """One call as it came in. headers: names in lower case."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        """What it tells."""
        return json.loads(self.body)


def _well(_: Told) -> Heard:
    return WELL


@dataclass
class Receivers:
    """A Sender that reaches nobody. answers: url -> what is heard there, WELL elsewhere."""

    answers: dict[str, Callable[[Told], Heard]] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, url: str) -> None:
        """Every address is as good as any."""

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Heard:
        """Note the call and answer as told."""
        told = Told(url, dict(headers), body)
        with self._lock:
            self.told.append(told)
        return self.answers.get(url, _well)(told)

    def positions(self, url: str) -> list[int]:
        """The positions told to one address, in their order, each as often as it was told."""
        return sorted(one.event["position"] for one in self.told if one.url == url)


@dataclass
class Listening:
    """A real server. answer: (status, headers, body) for each call; slow: seconds before it."""

    url: str
    told: list[Told] = field(default_factory=list)
    answer: Callable[[Told], tuple[int, Mapping[str, str], bytes]] = lambda _: (200, {}, b"ok")
    slow: float = 0.0


@contextmanager
def a_listener() -> Iterator[Listening]:
    """Listen on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = Told(listening.url, headers, body)
            listening.told.append(told)
            time.sleep(listening.slow)
            status, said, content = listening.answer(told)
            try:
                self.send_response(status)
                for name, value in said.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                return  # the caller has hung up

        do_GET = do_POST  # noqa: N815  # the name that the library looks for

        def log_message(self, *_: Any) -> None:
            """Nothing: the test says what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    listening = Listening(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield listening
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
