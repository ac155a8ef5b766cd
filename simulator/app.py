"""The Flask app: the JSON door, the page, and how a refusal is said."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from simulator import api, control, desk, gateway_bench, hosted, page
from simulator.context import KEY, Running
from simulator.errors import Refused
from simulator.gateway import gateways

_BODY_MAX = 262_144
_POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'"


def create_app(running: Running) -> Flask:
    """Wire everything, in view."""
    app = Flask(__name__, static_folder="static", template_folder="templates")
    app.config["MAX_CONTENT_LENGTH"] = _BODY_MAX
    provider = cast(DefaultJSONProvider, app.json)  # Vietnamese as written, fields in our order
    provider.ensure_ascii = provider.sort_keys = False
    app.extensions[KEY] = running
    app.before_request(_only_our_own_pages)
    app.after_request(_guarded)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(page.blueprint)
    app.register_blueprint(control.blueprint)
    app.register_blueprint(hosted.blueprint)
    app.register_blueprint(gateway_bench.blueprint)
    for gateway in gateways().values():
        app.register_blueprint(desk.blueprint(gateway))
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _failed)
    return app


def _only_our_own_pages() -> None:
    """A page of another site, open in the same browser, must not press our buttons."""
    origin = request.headers.get("Origin")
    if request.method != "GET" and origin and urlsplit(origin).netloc != request.host:
        raise Refused("Trang khác không được gọi", "Other sites may not call", status=403)


def _guarded(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _refused(error: Refused) -> ResponseReturnValue:
    return {"error": {"vi": error.vi, "en": error.en}}, error.status


def _failed(error: HTTPException) -> ResponseReturnValue:
    vi = "Không có đường dẫn này" if error.code == 404 else "Yêu cầu không hợp lệ"
    return {"error": {"vi": vi, "en": error.name}}, error.code or 500
