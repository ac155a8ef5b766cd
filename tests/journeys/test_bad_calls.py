"""Bad calls over real HTTP, without Redis: each gets its own answer, nothing of it is booked, and
genuine ones go on being heard."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from ops.embedded import ports
from payments import channels
from payments.domain.calendar import HANOI
from payments.domain.people import SERVICE
from tests.cast import ACCOUNT, a_school
from tests.databases import House, a_clone
from tests.plain_http import PLAIN
from tests.sepay_calls import REFUSED, SECRET, SUCCESS, Notice, signed
from tests.servers import Addresses

PROJECT = Path(__file__).resolve().parent.parent.parent
MOST_BYTES = 256 * 1024
HUGE_BYTES = 50 * 1024 * 1024
PIECE = b" " * 65_536
SLACK_KB = 8 * 1024  # what the memory of a process moves by in any case
PATIENCE_SECONDS = 60

pytestmark = pytest.mark.slow


@dataclass
class Web:
    """`thuphi web` and the school that it serves."""

    house: House
    biller_id: UUID
    port: int
    program: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks/sepay/TH-HS"

    def post(self, body: Any, headers: Mapping[str, str], url: str = "") -> httpx.Response:
        return httpx.post(
            url or self.address, content=body, headers=dict(headers), timeout=60, verify=PLAIN
        )

    def rows(self, sql: str) -> list[Any]:
        with self.house.sessions.begin(self.biller_id) as db:
            return list(db.execute(text(sql)).all())

    def calls(self) -> list[tuple[str, int]]:
        """What is kept: status and the number of times it came."""
        found = self.rows("SELECT status, times FROM inbound_call ORDER BY received_at, id")
        return [(row.status, row.times) for row in found]

    def peak_kb(self) -> int:
        """The most memory that the process which answers has ever held."""
        children = Path(f"/proc/{self.program.pid}/task/{self.program.pid}/children").read_text()
        [child] = children.split()
        said = Path(f"/proc/{child}/status").read_text()
        return int(said.partition("VmHWM:")[2].split()[0])


@pytest.fixture(scope="module")
def program(addresses: Addresses) -> Iterator[tuple[House, int, subprocess.Popen[bytes]]]:
    with a_clone(addresses) as house, tempfile.TemporaryDirectory() as home:
        port = ports.choose(None)
        env = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": house.app_url,
            "REDIS_URL": "redis://127.0.0.1:1/0",  # nobody is there
            "THUPHI_HOME": home,
            "THUPHI_PORT": str(port),
            "THUPHI_WEB_PROCESSES": "1",
            "THUPHI_KEY_RING": "test:" + "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
            "THUPHI_WEB_SECRET": "x" * 32,
        }
        argv = [sys.executable, "-m", "ops.cli", "web"]
        running = subprocess.Popen(argv, cwd=PROJECT, env=env, stderr=subprocess.DEVNULL)
        try:
            _wait_for(f"http://127.0.0.1:{port}/health/live")
            yield house, port, running
        finally:
            running.terminate()
            running.wait(30)


@pytest.fixture
def web(program: tuple[House, int, subprocess.Popen[bytes]]) -> Web:
    """The same process; every test begins with nothing kept."""
    house, port, running = program
    found = house.psql("admin", "SELECT id FROM biller")
    if not found:
        house.clock.at = datetime.now(HANOI)
        school = a_school(house)
        with house.sessions.begin(school.biller_id) as db:
            channels.put(db, "sepay", {"secret": SECRET}, by=SERVICE, at=house.clock.now())
        return Web(house, school.biller_id, port, running)
    # As the owner of everything: what is verified is never deleted otherwise.
    house.psql("admin", "SET LOCAL session_replication_role = replica; DELETE FROM inbound_call")
    return Web(house, found[0][0], port, running)


def _wait_for(url: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if httpx.get(url, verify=PLAIN).is_success:
                return
        except httpx.TransportError:
            assert time.monotonic() < until
        time.sleep(0.1)


def a_notice() -> Notice:
    return Notice(92704, ACCOUNT, 581_000, "nop tien", datetime.now(HANOI))


def now() -> datetime:
    return datetime.now(HANOI)


def test_a_genuine_call_is_heard_although_redis_is_away(web: Web) -> None:
    body = a_notice().body()

    answer = web.post(body, signed(body, at=now()))

    assert (answer.status_code, answer.text) == (200, SUCCESS)
    assert web.calls() == [("received", 1)]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (lambda body: signed(body, at=now(), secret="ke gia mao"), "wrong signature"),
        (lambda body: signed(body, at=now() - timedelta(seconds=301)), "timestamp outside"),
        (lambda body: signed(body, at=now() + timedelta(seconds=330)), "timestamp outside"),
        (lambda _: {}, "no timestamp"),
        (lambda _: {"authorization": f"Apikey {SECRET}"}, "no timestamp"),
    ],
    ids=["forged", "stale", "from the future", "unsigned", "by key where HMAC is asked for"],
)
def test_a_call_that_is_not_genuine_is_kept_refused_and_never_told_why(
    web: Web, headers: Any, why: str
) -> None:
    body = a_notice().body()

    answer = web.post(body, headers(body))

    assert (answer.status_code, answer.text) == (401, REFUSED)
    [kept] = web.rows("SELECT status, refusal, event_id FROM inbound_call")
    assert (kept.status, kept.event_id) == ("refused", None)
    assert kept.refusal.startswith(why)
    assert (
        web.rows("SELECT FROM message WHERE body->>'call' IN (SELECT id::text FROM inbound_call)")
        == []
    )


def test_as_much_as_is_allowed_is_taken_and_a_byte_more_is_not(web: Web) -> None:
    most = a_notice().body().ljust(MOST_BYTES)

    taken = web.post(most, signed(most, at=now()))
    refused = web.post(most + b" ", signed(most + b" ", at=now()))

    assert (taken.status_code, taken.text) == (200, SUCCESS)
    assert refused.status_code == 413
    assert refused.json()["code"] == "too-large"
    assert web.calls() == [("received", 1)]


def test_a_call_in_chunks_is_as_good_as_any(web: Web) -> None:
    most = a_notice().body().ljust(MOST_BYTES)

    answer = web.post(iter([most[:10], most[10:]]), signed(most, at=now()))

    assert (answer.status_code, answer.text) == (200, SUCCESS)


def test_a_byte_too_many_in_chunks_is_not_cut_off_but_refused(web: Web) -> None:
    most = a_notice().body().ljust(MOST_BYTES)

    answer = web.post(iter([most, b"x"]), signed(most, at=now()))

    assert answer.status_code == 413
    assert web.calls() == []


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "in chunks"])
def test_fifty_megabytes_are_refused_and_never_held(web: Web, chunked: bool) -> None:
    """The answer comes before the body is through, and the process does not grow by it."""
    web.post(b"{}", {})
    before = web.peak_kb()

    answer = _send_huge(web.port, chunked=chunked)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert web.peak_kb() - before < SLACK_KB
    assert web.calls() == [("refused", 1)]  # the small one from before


def _send_huge(port: int, *, chunked: bool) -> bytes:
    """Send until the other side has heard enough; return what it answered."""
    how = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {HUGE_BYTES}"
    head = f"POST /webhooks/sepay/TH-HS HTTP/1.1\r\nHost: x\r\n{how}\r\n\r\n".encode()
    piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if chunked else PIECE
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(head)
        try:
            for _ in range(HUGE_BYTES // len(PIECE)):
                line.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it closed the door, as it may
        try:
            return line.recv(4096)
        except ConnectionResetError:
            return b""


def test_no_body_is_refused_like_any_call_that_is_not_genuine(web: Web) -> None:
    answer = web.post(b"", {})

    assert (answer.status_code, answer.text) == (401, REFUSED)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_wrong_method_says_which_is_right(web: Web, method: str) -> None:
    answer = httpx.request(method, web.address, verify=PLAIN)

    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]
    assert web.calls() == []


@pytest.mark.parametrize(
    "path", ["sepay/TH-XX", "nobody/TH-HS", "sepay/%FF%00", "sepay/", "sepay/TH-HS/more"]
)
def test_an_unknown_gateway_or_biller_is_not_found_and_nothing_is_kept(web: Web, path: str) -> None:
    body = a_notice().body()
    url = f"http://127.0.0.1:{web.port}/webhooks/{path}"

    answer = web.post(body, signed(body, at=now()), url)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert web.calls() == []


def test_a_sender_that_leaves_in_the_middle_leaves_a_refusal_and_nothing_else(web: Web) -> None:
    body = a_notice().body()
    lines = [f"{name}: {value}" for name, value in signed(body, at=now()).items()]
    head = [
        "POST /webhooks/sepay/TH-HS HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *lines
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", web.port)) as line:
        line.sendall("\r\n".join([*head, "", ""]).encode() + body[:-1])

    answer = web.post(body, signed(body, at=now()))

    assert (answer.status_code, answer.text) == (200, SUCCESS)
    until = time.monotonic() + PATIENCE_SECONDS
    while len(web.calls()) < 2:  # the torn one is heard to its end in a thread of its own
        assert time.monotonic() < until
        time.sleep(0.01)
    assert sorted(web.calls()) == [("received", 1), ("refused", 1)]


def test_a_flood_of_forged_calls_is_held_back_and_only_so_many_are_kept(web: Web) -> None:
    """From an address of its own, so that the other callers of this file are not meant."""
    body = a_notice().body()
    genuine = body.ljust(2_000)
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2", verify=PLAIN)
    with httpx.Client(transport=elsewhere) as forger:
        answers = [forger.post(web.address, content=body.ljust(1_000 + n)) for n in range(300)]

    heard = web.post(genuine, signed(genuine, at=now()))

    kept = [answer for answer in answers if answer.status_code == 401]
    assert {answer.status_code for answer in answers} == {401, 429}
    held_back = next(answer for answer in answers if answer.status_code == 429)
    assert int(held_back.headers["retry-after"]) >= 1
    assert web.calls() == [("refused", 1)] * len(kept) + [("received", 1)]
    assert (heard.status_code, heard.text) == (200, SUCCESS)
