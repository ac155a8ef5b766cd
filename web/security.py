"""What every answer carries, and what every request is known by: headers, number, one log line."""

from __future__ import annotations

import re
import time
from typing import Final
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from ops import logs
from ops.config import Config

CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    # Pay links are secrets: no other site is told where one came from.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_HSTS: Final = "max-age=31536000; includeSubDomains"
_A_YEAR: Final = "public, max-age=31536000, immutable"
_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")

log = logs.logger("web.requests")


def register(app: Flask, config: Config) -> None:
    """Number and log every request, and put the headers on every answer."""
    is_https = config.public_url.startswith("https:")
    if config.proxy_hops:
        hops = config.proxy_hops
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # the way Flask documents
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_prefix=0
        )

    def number() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _GIVEN_ID.fullmatch(given) else uuid4().hex
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=g.request_id)

    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if is_https:
            response.headers["Strict-Transport-Security"] = _HSTS
        if request.endpoint == "static":
            # The address of a file changes with its content; without that it is asked again.
            response.headers["Cache-Control"] = _A_YEAR if "v" in request.args else "no-cache"
        else:
            response.headers.setdefault("Cache-Control", "no-store")
        _tell(response)
        return response

    app.before_request(number)
    app.after_request(finish)


def _tell(response: Response) -> None:
    # The rule, never the path: the path of a pay link is a secret.
    rule = request.url_rule.rule if request.url_rule is not None else None
    spent = time.perf_counter() - g.get("began", time.perf_counter())
    say = log.warning if response.status_code >= 500 else log.info
    say(
        "request",
        method=request.method,
        rule=rule,
        status=response.status_code,
        ms=round(spent * 1000, 1),
    )
