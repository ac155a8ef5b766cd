"""One HTTP call to a listener on this machine, and what came back."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_ANSWER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Errand:
    """A call to be made. url: on this machine; timeout: seconds until nobody answered."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. status None: nothing did, and error says why."""

    status: int | None
    answer: bytes = b""
    error: str = ""


def send(errand: Errand) -> Reply:
    """Make the call. Redirects are not followed: the answer must come from the listener itself."""
    where = urlsplit(errand.url)
    path = (where.path or "/") + (f"?{where.query}" if where.query else "")
    connection = http.client.HTTPConnection(
        where.hostname or "127.0.0.1", where.port or 80, timeout=errand.timeout
    )
    try:
        body = errand.body if errand.method != "GET" else None
        connection.request(errand.method, path, body=body, headers=dict(errand.headers))
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(_ANSWER_BYTES))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Reply(None, error=f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def json_object(answer: bytes) -> Mapping[str, Any]:
    """The JSON object in an answer; empty if it is none."""
    try:
        said = json.loads(answer)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
