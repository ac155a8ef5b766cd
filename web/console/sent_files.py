"""Files that staff hand over: what was sent, and what a page says of any kind of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from flask import request
from werkzeug.datastructures import FileStorage

from payments.domain.errors import Invalid
from reconciliation.queries.files import Trouble
from web.console.answers import HOME, with_query
from web.console.papers import BadLine, ClosedDay
from web.language import Both
from web.pages import Pager

_LONGEST_NAME: Final = 200
_SHOWN_PROBLEMS: Final = 100
MOST_READ_AT_ONCE: Final = 1_000_000
"""A larger file is read by a worker: the request must not hold a transaction for long."""


def sent(file: FileStorage | None, *, missing: Both) -> tuple[str, bytes]:
    """Name and bytes of what was sent. missing: what to say without a file. Raises Invalid."""
    name = (file.filename or "") if file is not None else ""
    name = name.replace("\\", "/").rsplit("/", 1)[-1].strip()[:_LONGEST_NAME]
    if file is None or not name:
        raise Invalid(missing.vi, missing.en)
    if not name.isprintable():
        raise Invalid(
            "Tên tệp có ký tự lạ. Hãy đổi tên tệp.",
            "The name of the file holds odd characters. Rename the file.",
        )
    return name, file.stream.read()


def start() -> int:
    """The problem that the asked page begins with."""
    asked = request.args.get("from", "0")
    return int(asked) if asked.isdecimal() and len(asked) < 8 else 0


def bad_lines(problems: Sequence[Trouble], at: int) -> tuple[BadLine, ...]:
    """A page of what could not be read."""
    return tuple(
        BadLine(one.line, Both(one.vi, one.en)) for one in problems[at : at + _SHOWN_PROBLEMS]
    )


def pager(url: str, total: int, at: int) -> Pager:
    """The pages beside it. url: of the file; total: its problems."""
    before, after = at - _SHOWN_PROBLEMS, at + _SHOWN_PROBLEMS
    return Pager(
        with_query(url, **{"from": str(max(before, 0))}) if at > 0 else "",
        with_query(url, **{"from": str(after)}) if after < total else "",
    )


def closed_days(days: Sequence[date]) -> tuple[ClosedDay, ...]:
    """Days that were locked before the file came, each with its page."""
    return tuple(ClosedDay(day, f"{HOME}/days/{day}") for day in days)
