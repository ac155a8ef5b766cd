"""The doors that gateways knock on: /webhooks/<gateway>/<biller>."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog
from flask import Blueprint, Response, abort, g, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import MethodNotAllowed, RequestEntityTooLarge

from payments import billers
from payments.domain.errors import NotFound, Unavailable
from payments.store.sessions import Sessions
from webhooks import inbox
from webhooks.event import Call, EventSource

MOST_BYTES = 256 * 1024

log = structlog.get_logger(__name__)


def blueprint(
    sessions: Sessions, sources: Mapping[str, EventSource], clock: Callable[[], datetime]
) -> Blueprint:
    """Return the blueprint. The caller adds rate limits; there is no CSRF and no session here."""
    bp = Blueprint("webhooks", __name__, url_prefix="/webhooks")
    known: dict[str, UUID] = {}  # a biller's code never changes, and only those that exist are kept

    def biller_of(code: str) -> UUID:
        if code not in known:
            with sessions.begin(None) as db:
                known[code] = billers.find(db, code)
        return known[code]

    @bp.route("/<gateway>/<biller>", methods=["POST", "GET"], provide_automatic_options=False)
    def hear(gateway: str, biller: str) -> Response:
        source = sources.get(gateway)
        if source is None:
            abort(404)
        if request.method not in source.methods:
            raise MethodNotAllowed(valid_methods=source.methods)
        call = _call()
        try:
            with sessions.begin(biller_of(biller)) as db:
                answer = inbox.receive(db, source, call, at=clock())
        except NotFound:
            abort(404)
        except Exception as error:
            # Nothing was kept: the gateway has to call again, so it hears that in its own words.
            log.error("webhook.failed", gateway=gateway, exc_info=error)
            answer = source.failed()
            if isinstance(error, Unavailable | OperationalError) and answer.status == 500:
                answer = replace(answer, status=503)
        g.forged = answer.forged  # counted against its address, whatever the gateway's own answer
        return Response(answer.body, answer.status, content_type=answer.content_type)

    return bp


def _call() -> Call:
    # At most one byte more than allowed is read, so that a huge body never fills the memory. That
    # byte tells one that goes on from one that ends: without a length, werkzeug cuts in silence.
    request.max_content_length = MOST_BYTES + 1
    body = request.stream.read()
    if len(body) > MOST_BYTES:
        raise RequestEntityTooLarge()
    headers = {name.lower(): value for name, value in request.headers}
    query = request.query_string.decode("ascii", "replace")
    return Call(headers, body, query, request.method)
