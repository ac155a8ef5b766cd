"""ZaloPay's answers and call-backs, read strictly: what is not exactly right is not read. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from adapters.zalopay import codes
from payments.domain.calendar import HANOI
from payments.domain.gateway import Unknown

_EPOCH: Final = datetime.fromtimestamp(0, HANOI)
_TOO_LATE: Final = 10**14  # milliseconds: the year 5138
_TOO_LARGE: Final = 10**18
_TRANSACTION: Final = re.compile(r"[1-9][0-9]{0,17}")
_ADDRESS: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_OURSELVES: Final = ("127.0.0.1", "localhost", "::1")


def json_object(text: str) -> dict[str, Any]:
    """An object in which no name stands twice. Raises ValueError, RecursionError."""
    found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def whole(value: object) -> int | None:
    """A positive whole number, or None. bool is an int to Python, and 1.0 is none here."""
    return value if type(value) is int and 0 < value < _TOO_LARGE else None


def transaction(value: object) -> str | None:
    """A number of ZaloPay's as text: their pages call it a long here and a string there."""
    if isinstance(value, str):
        return value if _TRANSACTION.fullmatch(value) else None
    number = whole(value)
    return None if number is None else str(number)


def moment(milliseconds: object) -> datetime | None:
    """Milliseconds since 1970 as a moment in Hanoi; None for what is none."""
    count = whole(milliseconds)
    if count is None or count >= _TOO_LATE:
        return None
    return _EPOCH + timedelta(milliseconds=count)


def milliseconds(at: datetime) -> int:
    """A moment as ZaloPay counts them. at: aware."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def address(value: object) -> str | None:
    """Where a payer may be sent: https, or http on this machine, where the simulator is."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        return None
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return None
    plain = parts.scheme == "http" and host in _OURSELVES
    return value if host and (plain or parts.scheme == "https") else None


def return_code(fields: Mapping[str, Any]) -> int | None:
    """The answer's own code: done, failed, processing, or one of the door's."""
    code = fields.get("return_code")
    return code if type(code) is int else None


def code(fields: Mapping[str, Any]) -> int | None:
    """What went wrong, to be looked up in a table; None when nothing says so."""
    first = return_code(fields)
    if first == codes.FAILED:
        detail = fields.get("sub_return_code")
        return detail if type(detail) is int else None
    return first if first is not None and first < 0 else None


def refusal(table: Mapping[int, codes.Answer], fields: Mapping[str, Any]) -> codes.Answer:
    """What the code means. A code that nobody has listed decides nothing."""
    found = code(fields)
    return Unknown("unseen_code") if found is None else table.get(found, Unknown("unseen_code"))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")
