"""Cursors: where the next page of a list begins, sealed so that nobody has to be believed.

A cursor names the list and the biller it belongs to only in its signature, so one from another
list, another biller or somebody's imagination is refused as what it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Final
from uuid import UUID

from payments.domain.errors import Invalid
from payments.queries.paging import Cut
from web import context
from web.api.shapes import Listed

_ID: Final = 16
_MARK: Final = 12


class BadCursor(Invalid):
    """Not a cursor of this list."""

    slug = "bad-cursor"
    title_vi = "Con trỏ trang không hợp lệ"
    title_en = "The cursor is not valid"


def cut(query: Listed, of: str) -> Cut:
    """Which page a query asks for. of: the name of the list. Raises BadCursor."""
    before = None if query.after is None else opened(query.after, of)
    return Cut(before, query.limit)


def sealer(of: str) -> Callable[[UUID], str]:
    """What turns the last id of a page into a cursor of this list."""
    return lambda last: _encoded(last.bytes + _mark(last.bytes, of))


def opened(cursor: str, of: str) -> UUID:
    """The id in a cursor. Raises BadCursor."""
    try:
        plain = base64.urlsafe_b64decode(cursor.encode("ascii") + b"==")
    except (ValueError, binascii.Error):
        plain = b""
    id_, mark = plain[:_ID], plain[_ID:]
    if len(plain) != _ID + _MARK or not hmac.compare_digest(mark, _mark(id_, of)):
        raise BadCursor(
            "Hãy dùng “next” của trang trước, không sửa đổi.",
            "Use `next` of the page before, as it is.",
        )
    return UUID(bytes=id_)


def _mark(id_: bytes, of: str) -> bytes:
    secret = context.runtime().config.need("web_secret").encode()
    what = f"cursor:{context.caller().biller_id}:{of}:".encode() + id_
    return hmac.new(secret, what, hashlib.sha256).digest()[:_MARK]


def _encoded(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")
