"""The console: every door of the staff's pages, and what its errors become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from web.console import (
    answers,
    views_bills,
    views_bulk,
    views_calendar,
    views_callbacks,
    views_calls,
    views_channels,
    views_days,
    views_discrepancies,
    views_payouts,
    views_refunds,
    views_runs,
    views_settlements,
    views_signin,
    views_statements,
    views_today,
)
from web.problems import LacksScope, NeedsSignIn, TooLarge, answer
from web.rendering import Pages

View = Callable[..., Any]

NOUNS: Final = (
    ("signin", views_signin.ROUTES),
    ("today", views_today.ROUTES),
    ("discrepancies", views_discrepancies.ROUTES),
    ("bulk", views_bulk.ROUTES),
    ("calendar", views_calendar.ROUTES),
    ("days", views_days.ROUTES),
    ("statements", views_statements.ROUTES),
    ("settlements", views_settlements.ROUTES),
    ("refunds", views_refunds.ROUTES),
    ("payouts", views_payouts.ROUTES),
    ("bills", views_bills.ROUTES),
    ("runs", views_runs.ROUTES),
    ("channels", views_channels.ROUTES),
    ("calls", views_calls.ROUTES),
    ("callbacks", views_callbacks.ROUTES),
)
"""Noun -> its doors: method, rule, view."""


def blueprint(pages: Pages, limited: Callable[[View], View]) -> Blueprint:
    """Return the blueprint of all of them.

    pages: what renders them. limited: counts the calls of a view by address, for sign-in.
    """
    bp = Blueprint("console", __name__)
    answers.hold(bp, pages)

    def no_role(error: LacksScope) -> ResponseReturnValue:
        # Somebody who lost the role at this biller may have one at another.
        if "caller" not in g and request.method == "GET":
            return answers.elsewhere(f"{answers.HOME}/biller")
        return answer(error, pages=pages)

    def too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
        if request.endpoint == "console.statements_receive":
            return views_statements.too_large(error)
        if request.endpoint == "console.settlements_receive":
            return views_settlements.too_large(error)
        return answer(TooLarge(), pages=pages)

    bp.register_error_handler(NeedsSignIn, views_signin.to_sign_in)
    bp.register_error_handler(LacksScope, no_role)
    bp.register_error_handler(RequestEntityTooLarge, too_large)
    for noun, routes in NOUNS:
        for method, rule, view in routes:
            called = limited(view) if view in views_signin.LIMITED else view
            bp.add_url_rule(rule, f"{noun}_{view.__name__}", called, methods=[method])
    return bp
