"""Creates: one transaction with the work and the answer; the same key and content get it again.

A view hands over the work; everything about keys is here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Response, current_app, request
from sqlalchemy.orm import Session

from payments import idempotency
from payments.domain.errors import Invalid
from payments.idempotency import Answer as Kept
from web import context
from web.api.shapes import Answer

HEADER: Final = "Idempotency-Key"
KEY_FORM: Final = r"^[\x21-\x7e]{1,255}$"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_MARK: Final = "__thuphi_idempotent__"

View = TypeVar("View", bound=Callable[..., Any])
Work = Callable[[Session], Answer]


class KeyMissing(Invalid):
    """Nothing is created here without a key, because a repeat would create it twice."""

    slug = "key-missing"
    title_vi = "Thiếu Idempotency-Key"
    title_en = "The Idempotency-Key is missing"


def creates(*, key_required: bool) -> Callable[[View], View]:
    """Mark a view that creates something; openapi.json tells of the header by it."""

    def mark(view: View) -> View:
        setattr(view, _MARK, key_required)
        return view

    return mark


def key_rule(view: Callable[..., Any]) -> bool | None:
    """Whether the view needs a key; None when it creates nothing."""
    found = getattr(view, _MARK, None)
    return found if isinstance(found, bool) else None


def created(work: Work, *, status: int = 201, place: str | None = None) -> Response:
    """Do the work once for its key and answer with what it returns.

    place: the address of what was made, with its fields in braces: "/api/v1/invoices/{id}".
    Raises KeyMissing, KeyInUse, KeyReused, and whatever the work raises; then nothing is kept.
    """
    key = request_key(required=bool(_required()))
    with context.transaction() as db:
        kept = once(db, key, work, status=status)
    return rendered(kept, place)


def once(db: Session, key: str | None, work: Work, *, status: int) -> Kept:
    """The answer to this request: the one kept under its key, or that of the work."""
    if key is None:
        return Kept(status, work(db).model_dump(mode="json"))
    # The path is part of the route: the same key at another order is another request.
    route, content = f"{request.method} {request.path}", request.get_json()
    before = idempotency.recall(db, route=route, key=key, request=content)
    if before is not None:
        return before
    answer = Kept(status, work(db).model_dump(mode="json"))
    idempotency.remember(db, answer, route=route, key=key, request=content, at=context.now())
    return answer


def rendered(kept: Kept, place: str | None = None) -> Response:
    """The response. Names are sorted, so a repeat is the same to the byte."""
    response = as_json(kept.body, kept.status)
    if place is not None and "id" in kept.body:
        response.headers["Location"] = place.format(**kept.body)
    return response


def as_json(answer: Answer | dict[str, Any], status: int = 200) -> Response:
    """An answer as JSON."""
    body = answer if isinstance(answer, dict) else answer.model_dump(mode="json")
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Response(text, status, mimetype="application/json")


def request_key(*, required: bool) -> str | None:
    """The key of this request. Raises KeyMissing, Invalid for one that is not 1 to 255 signs."""
    key = request.headers.get(HEADER)
    if key is None:
        if required:
            raise KeyMissing(
                "Hãy gửi tiêu đề Idempotency-Key, mỗi yêu cầu một khóa riêng.",
                "Send the header Idempotency-Key, a new one for each new request.",
            )
        return None
    if not _KEY.fullmatch(key):
        raise Invalid(
            "Idempotency-Key gồm 1 đến 255 ký tự ASCII in được, không có dấu cách.",
            "An Idempotency-Key has 1 to 255 visible ASCII characters.",
        )
    return key


def _required() -> bool | None:
    return key_rule(current_app.view_functions[request.endpoint or ""])
