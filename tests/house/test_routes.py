"""Every route says who may call it, and the API's routes are all described."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from payments.domain.people import Permission
from tests.doors import a_bare_app
from web.auth.marks import access_of


@pytest.fixture(scope="module")
def app() -> Flask:
    return a_bare_app()


# Before there is a session at a biller: each looks at the form or the session itself.
ASKS_ITSELF = {
    "/console/sign-in",
    "/console/sign-in/code",
    "/console/biller",
    "/console/sign-out",
}


def rules(app: Flask) -> Iterator[Rule]:
    return app.url_map.iter_rules()


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    forgotten = [
        rule.rule for rule in rules(app) if access_of(app.view_functions[rule.endpoint]) is None
    ]

    assert forgotten == []


def test_a_public_route_says_why(app: Flask) -> None:
    for rule in rules(app):
        access = access_of(app.view_functions[rule.endpoint])
        assert access is not None
        assert access.permission is not None or len(access.why_public) > 10, rule.rule


def test_nothing_of_the_api_and_the_console_is_public(app: Flask) -> None:
    public = {
        rule.rule
        for rule in rules(app)
        if rule.rule.startswith(("/api/v1/", "/console"))
        and (access := access_of(app.view_functions[rule.endpoint])) is not None
        and access.permission is None
    }

    assert public <= ASKS_ITSELF


def test_reading_needs_a_scope_to_read_and_writing_another(app: Flask) -> None:
    for rule in rules(app):
        access = access_of(app.view_functions[rule.endpoint])
        if access is None or not rule.rule.startswith("/api/v1/"):
            continue
        reads = not {"POST", "PUT", "PATCH", "DELETE"} & (rule.methods or set())
        assert (access.permission is Permission.READ) is reads, rule.rule


def test_every_route_of_the_api_is_described(app: Flask) -> None:
    described = {
        (method.upper(), uri)
        for uri, methods in app.test_client().get("/openapi.json").get_json()["paths"].items()
        for method in methods
    }
    routes = {
        (method, re.sub(r"<(?:[^<:>]+:)?([^<>]+)>", r"{\1}", rule.rule))
        for rule in rules(app)
        if rule.rule.startswith("/api/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes == described
