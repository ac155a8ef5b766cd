"""Calls: HTTP as the outside does it, with the standard library: JSON, forms, files, cookies."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from ops.config import language
from ops.demo.teller import NotAsTold

SECONDS: Final = 30.0
_MOST_STEPS: Final = 5
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    body: bytes
    headers: http.client.HTTPMessage

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises NotAsTold when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise NotAsTold(
                f"Câu trả lời không phải JSON: {self.text[:200]}",
                f"The answer is not JSON: {self.text[:200]}",
            ) from None


def call(
    base: str,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """One request, one answer; redirects are not followed. Raises OSError, HTTPException."""
    where = urlsplit(base)
    line = http.client.HTTPConnection(where.hostname or "", where.port or 80, timeout=SECONDS)
    try:
        line.request(method, path, body=body, headers=dict(headers or {}))
        answer = line.getresponse()
        return Reply(answer.status, answer.read(), answer.headers)
    finally:
        line.close()


class Json:
    """A door that speaks JSON: our API with a key, or the test bank without one."""

    def __init__(self, base: str, *, prefix: str = "", key: str = "") -> None:
        self.base = base
        self._prefix = prefix
        self._auth = {"Authorization": f"Bearer {key}"} if key else {}

    def get(self, path: str) -> Any:
        """Read. Raises NotAsTold for anything but 200."""
        return self._ask("GET", path).json()

    def fetch(self, path: str) -> Reply:
        """Read something that is no JSON, with its headers."""
        return self._ask("GET", path)

    def post(self, path: str, asked: object, *, once: str | None = None) -> Any:
        """Create or do something. once: the Idempotency-Key; a random one if left out."""
        headers = {"Idempotency-Key": once or secrets.token_hex(12)} if self._auth else {}
        return self._send("POST", path, asked, headers).json()

    def put(self, path: str, asked: object) -> Any:
        """Set something."""
        return self._send("PUT", path, asked, {}).json()

    def see(self, path: str) -> Reply:
        """Open a page as a browser does, and follow where it leads on the same machine."""
        for _ in range(_MOST_STEPS):
            try:
                reply = call(self.base, "GET", path)
            except (OSError, http.client.HTTPException) as error:
                said = type(error).__name__
                raise NotAsTold(f"GET {path}: {said}", f"GET {path}: {said}") from None
            if reply.status not in (301, 302, 303):
                break
            path = reply.headers["Location"].removeprefix(self.base)
        if reply.status != 200:
            raise refused(f"GET {path.split('?')[0]}", reply)
        return reply

    def upload(self, path: str, name: str, data: bytes, **fields: str) -> Any:
        """Hand a file over, as the field `file` of a form with other fields."""
        body, kind = multipart(fields, name, data)
        return self._ask("POST", path, body, {"Content-Type": kind}).json()

    def every(self, path: str) -> list[dict[str, Any]]:
        """All the items of a list, page by page."""
        found: list[dict[str, Any]] = []
        joined, after = "&" if "?" in path else "?", ""
        while True:
            page = self.get(f"{path}{joined}limit=100{after}")
            found += page["items"]
            if page["next"] is None:
                return found
            after = "&" + urlencode({"after": page["next"]})

    def _send(self, method: str, path: str, asked: object, headers: Mapping[str, str]) -> Reply:
        body = json.dumps(asked).encode()
        return self._ask(method, path, body, {"Content-Type": "application/json", **headers})

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        sent = {**self._auth, **(headers or {})}
        try:
            reply = call(self.base, method, f"{self._prefix}{path}", body=body, headers=sent)
        except (OSError, http.client.HTTPException) as error:
            said = type(error).__name__
            raise NotAsTold(
                f"{method} {path} không có câu trả lời ({said})",
                f"{method} {path} was not answered ({said})",
            ) from None
        if not 200 <= reply.status < 300:
            raise refused(f"{method} {path}", reply)
        return reply


def multipart(fields: Mapping[str, str], name: str, data: bytes) -> tuple[bytes, str]:
    """A form with a file in the field `file`: its body and its content type."""
    mark = secrets.token_hex(16)
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    parts += [f"{head}\r\n".encode(), data, f"\r\n--{mark}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={mark}"


def refused(what: str, reply: Reply) -> NotAsTold:
    """A refusal, in its own words as far as it has any."""
    try:
        told = json.loads(reply.body)
    except ValueError:
        told = {}
    said = ""
    if isinstance(told, dict):
        own = told.get("error")
        own = own if isinstance(own, dict) else {}
        said = str(told.get("detail") or own.get(language()) or own.get("en") or "")
        if told.get("errors"):
            said += f" {json.dumps(told['errors'], ensure_ascii=False)}"
    return NotAsTold(
        f"{what} bị từ chối ({reply.status}) {said}".strip(),
        f"{what} was refused ({reply.status}) {said}".strip(),
    )
