"""The one client for gateways, against a server that answers in every wrong way there is."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import pytest

from adapters.http import MOST_BYTES, Client, NoAnswer, NotSent

HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Answering = Callable[[socket.socket, threading.Event], None]


@contextmanager
def a_server(answer: Answering) -> Iterator[str]:
    """One that reads a request, then does as told until the block ends."""
    over = threading.Event()
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            caller, _ = door.accept()
            with caller, suppress(OSError):
                _read_all(caller)
                answer(caller, over)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}/api"
    finally:
        over.set()
        door.close()
        thread.join()


def _read_all(caller: socket.socket) -> None:
    """Head and body may come in two pieces; a socket closed over unread bytes resets its answer."""
    asked = b""
    while b"\r\n\r\n" not in asked:
        asked += caller.recv(65_536)
    head, _, body = asked.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length[1]):
        body += caller.recv(65_536)


def says(body: bytes) -> Answering:
    def answer(caller: socket.socket, over: threading.Event) -> None:
        caller.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    return answer


def half(caller: socket.socket, over: threading.Event) -> None:
    caller.sendall(HEAD + b'Content-Length: 100\r\n\r\n{"resultCode": ')


def nothing(caller: socket.socket, over: threading.Event) -> None:
    """Hang up."""


def silence(caller: socket.socket, over: threading.Event) -> None:
    over.wait()


def drops(caller: socket.socket, over: threading.Event) -> None:
    """One byte at a time, each faster than any time limit of a single read."""
    caller.sendall(HEAD + b"Content-Length: 100000\r\n\r\n{")
    while not over.wait(0.02):
        caller.sendall(b" ")


def flood(caller: socket.socket, over: threading.Event) -> None:
    caller.sendall(HEAD + b"Content-Length: 209715200\r\n\r\n")
    while not over.is_set():
        caller.sendall(b" " * 65_536)


def elsewhere(caller: socket.socket, over: threading.Event) -> None:
    caller.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n{}"
    )


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (says(b"<html>502 Bad Gateway</html>"), "not JSON"),
        (says(b""), "not JSON"),
        (says(b'["a list"]'), "not a JSON object"),
        (says(b"[" * 100_000), "not JSON"),
        (half, "RemoteProtocolError"),
        (nothing, "RemoteProtocolError|ReadError"),
        (silence, "ReadTimeout"),
        (drops, "too slow"),
        (flood, "longer than 1 MB"),
    ],
    ids=["html", "empty", "list", "nested", "half", "nothing", "silence", "drops", "flood"],
)
def test_whatever_is_no_answer_of_a_gateway_leaves_us_in_doubt(
    answer: Answering, what: str
) -> None:
    with a_server(answer) as address, pytest.raises(NoAnswer, match=what):
        Client(seconds=0.3).post_json(address, {"amount": 1})


def test_a_redirect_is_an_answer_and_is_never_followed() -> None:
    with a_server(elsewhere) as address:
        reply = Client(seconds=2).get(address)

    assert (reply.status, reply.fields) == (302, {})


def test_an_answer_of_just_the_size_that_is_allowed_is_read() -> None:
    body = b'{"a": "' + b"x" * (MOST_BYTES - 9) + b'"}'
    with a_server(says(body)) as address:
        reply = Client(seconds=5).post_form(address, {"a": "b"})

    assert (len(body), len(reply.fields["a"])) == (MOST_BYTES, MOST_BYTES - 9)


def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        free = door.getsockname()[1]

    with pytest.raises(NotSent):
        Client(seconds=1).post_json(f"http://127.0.0.1:{free}/", {})
