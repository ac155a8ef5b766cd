"""A call-back goes to the checked address and nowhere else, and always ends in time."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.callbacks import MOST_READ, Callbacks, readable
from tests.receivers import Listening, a_listener
from webhooks.addresses import BadAddress
from webhooks.sender import EXCERPT, Failure

NAME = "erp.hoasen.example.vn"
BODY = b'{"type":"invoice.issued"}'


@pytest.fixture
def listener() -> Iterator[Listening]:
    with a_listener() as made:
        yield made


def resolving(*answers: Sequence[str]) -> tuple[Callbacks, list[tuple[str, int]]]:
    """A sender whose resolver gives these answers in turn, and whom it was asked about."""
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return answers[min(len(asked), len(answers)) - 1]

    return Callbacks(resolve=resolve, seconds=5), asked


def test_a_call_is_a_post_with_its_headers_and_body(listener: Listening) -> None:
    heard = Callbacks(anywhere=True).send(listener.url, {"webhook-id": "evt_1"}, BODY)

    [told] = listener.told
    assert (heard.failure, heard.status, heard.address) == (None, 200, "127.0.0.1")
    assert told.body == BODY
    assert told.headers["webhook-id"] == "evt_1"
    assert told.headers["host"] == listener.url.split("/")[2]


def test_a_redirect_to_a_private_address_is_not_followed(listener: Listening) -> None:
    with a_listener() as inside:
        listener.answer = lambda _: (307, {"location": inside.url}, b"this way")

        heard = Callbacks(anywhere=True).send(listener.url, {}, BODY)

    assert (heard.failure, heard.status) == (Failure.REDIRECT, 307)
    assert inside.told == []
    assert len(listener.told) == 1


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["::ffff:7f00:1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::1"],
        ["fe80::1%eth0"],
        ["fd00:ec2::254"],
        ["93.184.216.34", "127.0.0.1"],
        ["2606:2800:220:1::1", "::1"],
    ],
)
def test_one_private_address_among_the_answers_refuses_them_all(answers: list[str]) -> None:
    sender, _ = resolving(answers)

    heard = sender.send(f"https://{NAME}/x", {}, BODY)

    assert (heard.failure, heard.status, heard.address) == (Failure.ADDRESS, None, None)


def test_a_name_that_is_public_when_checked_and_private_a_moment_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the address that was checked is called, and the next attempt looks anew."""
    sender, asked = resolving(["93.184.216.34"], ["127.0.0.1"])
    called = []

    def connect(_: object, host: str, *__: object) -> None:
        called.append(host)  # a test calls nobody outside
        raise httpcore.ConnectError("not from here")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)

    first = sender.send(f"https://{NAME}/x", {}, BODY)
    second = sender.send(f"https://{NAME}/x", {}, BODY)

    assert (first.failure, first.address) == (Failure.UNREACHABLE, "93.184.216.34")
    assert (second.failure, second.address) == (Failure.ADDRESS, None)
    assert called == ["93.184.216.34"]
    assert asked == [(NAME, 443), (NAME, 443)]


def test_the_connection_goes_to_the_checked_address_without_a_second_look(
    listener: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name means another machine by the time of the connection: it is not asked again."""
    port = int(listener.url.split(":")[2].split("/")[0])
    asked = []

    def resolve(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["192.0.2.1"]

    looked_up: list[object] = []
    real = socket.getaddrinfo

    def watched(host: object, *rest: object, **named: object) -> object:
        looked_up.append(host)
        return real(host, *rest, **named)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(socket, "getaddrinfo", watched)

    heard = Callbacks(anywhere=True, resolve=resolve).send(f"http://{NAME}:{port}/x", {}, BODY)

    assert heard.failure is None
    assert asked == [NAME]
    assert NAME not in looked_up
    assert listener.told[0].headers["host"] == f"{NAME}:{port}"


def test_the_next_address_is_tried_when_one_does_not_answer(listener: Listening) -> None:
    port = int(listener.url.split(":")[2].split("/")[0])
    sender = Callbacks(anywhere=True, resolve=lambda *_: ["127.0.0.99", "127.0.0.1"])

    heard = sender.send(f"http://{NAME}:{port}/x", {}, BODY)

    assert (heard.failure, heard.address) == (None, "127.0.0.1")


def test_no_proxy_of_the_environment_is_asked(
    listener: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert Callbacks(anywhere=True).send(listener.url, {}, BODY).failure is None


def test_a_name_without_an_address_and_a_resolver_that_hangs_are_failures() -> None:
    def nobody(*_: object) -> Sequence[str]:
        raise socket.gaierror("no such name")

    freed = threading.Event()

    def hangs(*_: object) -> Sequence[str]:
        freed.wait(60)
        return []

    url = f"https://{NAME}/x"
    try:
        assert Callbacks(resolve=nobody).send(url, {}, BODY).failure is Failure.HOST
        assert Callbacks(resolve=hangs, seconds=0.2).send(url, {}, BODY).failure is Failure.HOST
        assert Callbacks(resolve=lambda *_: []).send(url, {}, BODY).failure is Failure.HOST
        assert Callbacks(resolve=lambda *_: ["?"]).send(url, {}, BODY).failure is Failure.HOST
    finally:
        freed.set()


def test_nobody_listening_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    heard = Callbacks(anywhere=True).send(f"http://127.0.0.1:{port}/x", {}, BODY)

    assert heard.failure is Failure.UNREACHABLE


def test_an_answer_that_takes_too_long_is_a_failure(listener: Listening) -> None:
    listener.slow = 2

    heard = Callbacks(anywhere=True, seconds=0.3).send(listener.url, {}, BODY)

    assert (heard.failure, heard.status) == (Failure.TIMEOUT, None)


def test_a_drip_of_header_bytes_does_not_go_on_for_ever() -> None:
    """Each byte comes in time; all of them together do not."""
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
            while not over.wait(0.05):
                try:
                    connection.sendall(b"a")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        try:
            heard = Callbacks(anywhere=True, seconds=0.5).send(url, {}, BODY)
        finally:
            over.set()
            thread.join()

    assert heard.failure is Failure.TIMEOUT


def test_what_is_no_http_is_a_failure() -> None:
    def babble(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=babble, args=(server,))
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        heard = Callbacks(anywhere=True).send(url, {}, BODY)
        thread.join()

    assert heard.failure is Failure.BROKEN


def test_only_the_start_of_a_bad_answer_is_kept_readable_and_without_secrets(
    listener: Listening,
) -> None:
    said = "lỗi\x00\x1b[31m <b>đỏ</b>\r\n whsec_c2VjcmV0 Bearer abc.def " + "x" * 100_000
    listener.answer = lambda _: (500, {"retry-after": "120"}, said.encode())

    heard = Callbacks(anywhere=True).send(listener.url, {}, BODY)

    assert (heard.failure, heard.status, heard.retry_after) == (Failure.STATUS, 500, "120")
    assert heard.excerpt.startswith("lỗi [31m <b>đỏ</b> whsec_… Bearer … xxx")
    assert len(heard.excerpt) == EXCERPT


def test_no_more_of_an_answer_is_read_than_64_kilobytes() -> None:
    """A flood: the caller hangs up, and the status counts."""
    sent = [0]

    class Flood(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(2_000):
                    sent[0] += self.wfile.write(b"x" * MOST_READ)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Flood)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/x"
    heard = Callbacks(anywhere=True).send(url, {}, BODY)
    server.shutdown()
    thread.join()
    server.server_close()

    assert (heard.failure, heard.status) == (None, 200)
    assert sent[0] < 2_000 * MOST_READ


def test_an_answer_of_success_keeps_nothing_of_its_body(listener: Listening) -> None:
    listener.answer = lambda _: (204, {}, b"")
    assert Callbacks(anywhere=True).send(listener.url, {}, BODY).excerpt == ""

    listener.answer = lambda _: (200, {}, b"a name")
    assert Callbacks(anywhere=True).send(listener.url, {}, BODY).excerpt == ""


def test_gone_is_told_apart(listener: Listening) -> None:
    listener.answer = lambda _: (410, {}, b"")

    assert Callbacks(anywhere=True).send(listener.url, {}, BODY).failure is Failure.GONE


def test_certificates_are_checked_against_the_name(tmp_path: Path) -> None:
    certificate = a_certificate(NAME, tmp_path)
    believed = ssl.create_default_context(cafile=str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with a_listener() as listener, a_tls_front(listener, context) as port:
        sender = Callbacks(anywhere=True, resolve=lambda *_: ["127.0.0.1"], tls=believed)
        stranger = Callbacks(anywhere=True, resolve=lambda *_: ["127.0.0.1"])

        right = sender.send(f"https://{NAME}:{port}/x", {}, BODY)
        other_name = sender.send(f"https://other.example.vn:{port}/x", {}, BODY)
        unknown = stranger.send(f"https://{NAME}:{port}/x", {}, BODY)

    assert (right.failure, right.status) == (None, 200)
    assert (other_name.failure, unknown.failure) == (Failure.TLS, Failure.TLS)
    assert len(listener.told) == 1


def test_a_form_that_is_refused_is_refused_at_every_attempt_too() -> None:
    sender = Callbacks(resolve=lambda *_: ["93.184.216.34"])

    with pytest.raises(BadAddress):
        sender.check("http://erp.hoasen.example.vn/x")
    assert sender.send("http://erp.hoasen.example.vn/x", {}, BODY).failure is Failure.ADDRESS
    assert sender.send("https://2130706433/x", {}, BODY).failure is Failure.ADDRESS


def test_an_answer_that_is_no_text_reads_as_little() -> None:
    assert readable(b"\xff\xfe\x00\x01") == ""


def a_certificate(name: str, folder: Path) -> Path:
    """A self-signed certificate and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "pair.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


class a_tls_front:  # noqa: N801  # reads as a factory, as the others do
    """A port where TLS is spoken, before a listener."""

    def __init__(self, listener: Listening, context: ssl.SSLContext) -> None:
        self._behind = int(listener.url.split(":")[2].split("/")[0])
        self._context = context

    def __enter__(self) -> int:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return int(self._server.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._server.accept()
            except OSError:
                return
            try:
                with (
                    self._context.wrap_socket(plain, server_side=True) as caller,
                    socket.create_connection(("127.0.0.1", self._behind)) as behind,
                ):
                    while b"invoice.issued" not in (part := caller.recv(65536)):
                        behind.sendall(part)
                    behind.sendall(part)
                    while part := behind.recv(65536):
                        caller.sendall(part)
            except OSError:
                continue
