"""Rate limits: per key for programs; per address only for what was refused.

Many families share one address (a school's network, a phone company's), so honest use is never
counted by address: only wrong keys, unknown links and forged calls are. Counted in Redis while
it is up, in each process while it is not; paying never depends on it.
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, g, request
from flask_limiter import ApplicationLimit, Limiter, RequestLimit

from ops.config import Config
from web.auth.keys import bearer
from web.problems import TooOften, answer
from web.rendering import Pages

_REFUSED: Final = (401, 404)
_FREE: Final = ("/static/", "/health/", "/metrics")
_REDIS_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Limits:
    """How often, in the words of the `limits` library: "6000 per minute".

    key: requests of one API key. refused: answers 401 or 404, and forged calls, of one address.
    sign_in: forms of the staff's sign-in sent from one address, two each; a whole office signs in
    at half past seven behind one. Guessing is stopped sooner, by the lock of the account itself.
    """

    key: str = "6000 per minute"
    refused: str = "120 per minute"
    sign_in: str = "120 per minute"


USUAL: Final = Limits()


def register(app: Flask, config: Config, limits: Limits, pages: Pages) -> Limiter:
    """Count the requests of an application. Blueprints may add limits of their own to it.

    pages: renders the refusal where a person is refused.
    """

    def too_often(breached: RequestLimit) -> Response:
        wait = str(max(1, math.ceil(breached.reset_at - time.time() - 1)))  # it adds a second
        error = TooOften(f"Hãy thử lại sau {wait} giây.", f"Try again in {wait} seconds.")
        return answer(error, pages=pages, headers={"Retry-After": wait})

    limiter = Limiter(
        _address,
        app=app,
        storage_uri=_storage(config.redis_url),
        storage_options=_options(config.redis_url),  # type: ignore[arg-type]  # redis takes floats
        strategy="fixed-window",
        key_prefix="thuphi",
        in_memory_fallback_enabled=True,
        swallow_errors=True,
        on_breach=too_often,
        application_limits=[
            ApplicationLimit(
                limits.key, key_function=_key, scope="key", exempt_when=lambda: bearer() is None
            ),
            ApplicationLimit(
                limits.refused, key_function=_address, scope="refused", deduct_when=_was_refused
            ),
        ],
    )
    limiter.request_filter(lambda: request.path.startswith(_FREE))
    return limiter


def _address() -> str:
    return request.remote_addr or "unknown"


def _key() -> str:
    # The key itself stays out of Redis.
    return hashlib.sha256((bearer() or "").encode()).hexdigest()[:32]


def _was_refused(response: Response) -> bool:
    # Some gateways have to be told of a forged call with 200 or 403: the status says nothing.
    return response.status_code in _REFUSED or bool(g.get("forged"))


def _storage(redis_url: str | None) -> str:
    if redis_url is None:
        return "memory://"
    return redis_url.replace("unix://", "redis+unix://", 1)


def _options(redis_url: str | None) -> dict[str, float]:
    if redis_url is None:
        return {}
    # A Redis that does not answer must not hold up a payer for longer than this.
    return {"socket_connect_timeout": _REDIS_SECONDS, "socket_timeout": _REDIS_SECONDS}
