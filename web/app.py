"""The application: every door and every handler is registered here, in view.

The order of what happens to a request: it gets its number (security), is counted (limits), is
asked who it is (guard), has its body read (bodies), then reaches its view; whatever is raised on
the way is answered by problems.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Flask

from adapters import registry
from ops.runtime import Runtime
from web import context, health, limits, problems, security
from web.api import (
    attempts,
    bodies,
    channels,
    contracts,
    days,
    discrepancies,
    discrepancy_decisions,
    events,
    invoice_batches,
    invoices,
    ledger,
    orders,
    payments,
    payouts,
    receipts,
    reconciliation,
    refunds,
    settlements,
    spec,
    statements,
    webhook_endpoints,
)
from web.auth import guard, staff
from web.auth.either import ApiDoor
from web.auth.guard import USUAL_BYTES
from web.auth.marks import public, takes
from web.console import views as console
from web.limits import USUAL, Limits
from web.portal import views as portal
from web.rendering import Pages
from webhooks import views as webhooks

HERE: Final = Path(__file__).parent

API: Final = (
    invoices,
    invoice_batches,
    orders,
    attempts,
    payments,
    refunds,
    payouts,
    receipts,
    statements,
    settlements,
    reconciliation,
    discrepancies,
    discrepancy_decisions,
    days,
    ledger,
    channels,
    contracts,
    events,
    webhook_endpoints,
)
"""The nouns of /api/v1, in the order in which /api/docs shows them."""


def create_app(runtime: Runtime, *, limits_: Limits = USUAL) -> Flask:
    """Make the application of one process. Nothing is connected before the first request."""
    config = runtime.config
    app = spec.Api(__name__, static_folder=str(HERE / "static"), static_url_path="/static")
    pages = Pages("/static")
    context.hold(app, runtime)

    security.register(app, config)
    limiter = limits.register(app, config, limits_, pages)
    guard.register(app, [("/api/v1/", ApiDoor().enter), ("/console", staff.enter)])
    forms = staff.register(app, config)
    bodies.register(app)
    problems.register(app, pages)

    for noun in API:
        app.register_api(noun.bp)
        forms.exempt(noun.bp)
    app.register_blueprint(spec.blueprint(app))
    app.register_blueprint(health.blueprint(runtime))

    heard = webhooks.blueprint(runtime.sessions, registry.EVENT_SOURCES, runtime.clock.now)
    app.register_blueprint(heard)
    forms.exempt(heard)
    _mark(app, "webhooks.hear", "each call is signed by its gateway", webhooks.MOST_BYTES)
    _mark(app, "static", "files that everybody may have")

    app.register_blueprint(portal.blueprint(pages))
    by_address = limiter.shared_limit(limits_.sign_in, scope="sign-in")
    app.register_blueprint(console.blueprint(pages, by_address))
    return app


def _mark(app: Flask, endpoint: str, why_public: str, most_bytes: int = USUAL_BYTES) -> None:
    """Mark a view that is not ours to decorate."""
    takes(most_bytes)(public(why_public)(app.view_functions[endpoint]))
