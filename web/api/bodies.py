"""Bodies: read once, strictly, before anything is made of them.

JSON is an object without repeated names, NaN or Infinity. Whatever else comes is refused with
the place where it went wrong; nothing of it is repeated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from inspect import unwrap
from typing import Any, Final, NoReturn

from flask import Flask, current_app, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import BadRequest

from web.problems import Unreadable, WrongType

_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class StrictJson(DefaultJSONProvider):
    """JSON as RFC 8259 has it, without what readers of it disagree on."""

    ensure_ascii = False
    sort_keys = True

    def loads(self, s: str | bytes, **_: Any) -> Any:
        """Read. Raises Unreadable."""
        try:
            return _sayable(json.loads(s, parse_constant=_refuse, object_pairs_hook=_once_each), s)
        except json.JSONDecodeError as wrong:
            raise Unreadable(
                f"Không phải JSON hợp lệ: dòng {wrong.lineno}, cột {wrong.colno}.",
                f"This is not valid JSON: line {wrong.lineno}, column {wrong.colno}.",
            ) from None
        except RecursionError:
            raise Unreadable("JSON lồng quá sâu.", "The JSON is nested too deeply.") from None
        except ValueError:  # not UTF-8, or a number of thousands of digits
            raise Unreadable(
                "JSON phải là UTF-8, số không quá dài.",
                "JSON must be UTF-8, and its numbers not absurdly long.",
            ) from None


def register(app: Flask) -> None:
    """Read the bodies of the API before its views are called, and after the guard."""
    app.json = StrictJson(app)

    def read() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        if view is not None and "body" in unwrap(view).__annotations__:
            _read_object()

    app.before_request(read)


def _read_object() -> None:
    if request.mimetype != "application/json":
        raise WrongType(
            "Hãy gửi JSON với Content-Type: application/json.",
            "Send JSON with Content-Type: application/json.",
        )
    try:
        body = request.get_json()
    except BadRequest:
        raise Unreadable() from None
    if not isinstance(body, dict):
        raise Unreadable("Nội dung phải là một đối tượng JSON.", "The body must be a JSON object.")


def _sayable(read: Any, text: str | bytes) -> Any:
    """What was read, unless it holds half a character, which no UTF-8 can say again."""
    raw = text.encode() if isinstance(text, str) else text
    if _HALF.search(raw):
        json.dumps(read, ensure_ascii=False).encode()  # raises a ValueError for a lone half
    return read


def _refuse(_: str) -> NoReturn:
    raise Unreadable("JSON không có NaN hay Infinity.", "NaN and Infinity are not part of JSON.")


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("Một tên xuất hiện hai lần trong JSON.", "A name is repeated in the JSON.")
    return found
