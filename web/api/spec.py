"""openapi.json: what the code says of itself, completed by what holds for every address.

flask-openapi3 reads the shapes; added here are the problems that any address may answer with,
the header of creates, the scope each address needs, and the security of all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from flask import Blueprint, Response
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from pydantic import Field
from werkzeug.routing import BaseConverter

from web.api import creating, docs, faults
from web.api.creating import as_json
from web.api.shapes import Answer
from web.auth.marks import access_of, public

INFO: Final = Info(
    title="Thuphi",
    version="1",
    description=(
        "Bills, payment orders and reconciliation of one biller. Money is a whole number of "
        "đồng. Errors are problem+json with a stable `code` and a Vietnamese and an English "
        "message. Send a new Idempotency-Key with every create: the same key and content get "
        "the same answer."
    ),
)
_PROBLEMS: Final = {
    "400": "The body cannot be read.",
    "401": "No key, or not a good one.",
    "403": "The key lacks the scope, or only staff may do this.",
    "404": "Nothing there, or not yours.",
    "409": "Not possible in the current state.",
    "413": "The body is too large.",
    "415": "The media type is wrong.",
    "422": "A field, or what the fields say together, is wrong.",
    "429": "Too many requests; see Retry-After.",
    "503": "A part of ours is down; nothing was lost.",
}


class Said(Answer):
    """One language's words."""

    title: str
    detail: str


class FieldFault(Answer):
    """What is wrong with one field: its pointer in the body, or the parameter's name."""

    pointer: str | None = None
    parameter: str | None = None
    vi: str
    en: str


class Problem(Answer):
    """RFC 9457. title and detail are in the language asked for, `vi` and `en` always both."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="Stable; docs/reference/problems.md lists them all.")
    request_id: str
    vi: Said
    en: Said
    errors: list[FieldFault] | None = None


class ShownId(BaseConverter):
    """An id in an address, so that `invoices/batch` is not taken for the bill called "batch"."""

    regex = "[a-z]{3}_[^/]*"


class Api(OpenAPI):
    """The application: Flask, which also knows its own description."""

    def __init__(self, import_name: str, **kwargs: Any) -> None:
        super().__init__(
            import_name,
            info=INFO,
            doc_ui=False,
            security_schemes={"key": {"type": "http", "scheme": "bearer"}},
            operation_id_callback=lambda *, name, path, method: name,
            validation_error_model=Problem,
            validation_error_callback=faults.refuse,
            **kwargs,
        )
        self.url_map.converters["shown_id"] = ShownId

    def generate_spec_json(self) -> None:
        """Make the description, once."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]  # the library's own
        for uri, method, view in self._views():
            operation = self.spec_json["paths"].get(uri, {}).get(method)
            if operation is not None:
                _complete(operation, view)
        self.spec_json = _whole_numbers(self.spec_json)

    def _views(self) -> Iterator[tuple[str, str, Callable[..., Any]]]:
        for rule in self.url_map.iter_rules():
            uri = re.sub(r"<(?:[^<:>]+:)?([^<>]+)>", r"{\1}", rule.rule)
            for method in rule.methods or ():
                yield uri, method.lower(), self.view_functions[rule.endpoint]


def blueprint(app: Api) -> Blueprint:
    """The description at /openapi.json, and the same to read at /api/docs."""
    bp = Blueprint("openapi", __name__)

    @bp.get("/openapi.json")
    @public("describes the API and nothing of any biller")
    def openapi_json() -> Response:
        return as_json(app.api_doc)

    @bp.get("/api/docs")
    @public("the same, to read")
    def api_docs() -> str:
        return docs.page(app.api_doc)

    return bp


def _complete(operation: dict[str, Any], view: Callable[..., Any]) -> None:
    access = access_of(view)
    if access is not None and access.permission is not None:
        operation["security"] = [{"key": [access.permission.value]}]
        operation["x-scope"] = access.permission.value
    has_body = "requestBody" in operation
    for status, what in _PROBLEMS.items():
        if has_body or status not in ("400", "413", "415"):
            operation["responses"][status] = _problem(what)
    rule = creating.key_rule(view)
    if rule is not None:
        operation.setdefault("parameters", []).append(_key_parameter(required=rule))


def _problem(what: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": what, "content": {"application/problem+json": {"schema": schema}}}


def _key_parameter(*, required: bool) -> dict[str, Any]:
    return {
        "name": creating.HEADER,
        "in": "header",
        "required": required,
        "description": "One for each thing to create, kept for 30 days; send it again to repeat.",
        "schema": {"type": "string", "pattern": creating.KEY_FORM, "maxLength": 255},
    }


def _whole_numbers(part: Any) -> Any:
    """0.0 as 0: limits pass through floats in the library."""
    if isinstance(part, dict):
        return {name: _whole_numbers(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_whole_numbers(value) for value in part]
    return int(part) if isinstance(part, float) and part.is_integer() else part
