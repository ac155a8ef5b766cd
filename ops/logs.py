"""Structured logs: one event a line, with request and job ids, without personal data.

What may be logged is decided here and not at every call: fields whose names speak of secrets or
people are blanked, and an error is described by its kind and place, because its text may quote
a row (`Failing row contains (…)`) or a request.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import structlog
from sqlalchemy.exc import DBAPIError

from payments.domain.errors import DomainError

_ROOT: Final = Path(__file__).resolve().parent.parent
_FRAMES = 12

_NEVER: Final = (
    "password", "secret", "token", "authorization", "cookie", "api_key", "key_ring", "signature",
    "memo", "payer", "phone", "email", "citizen", "address", "full_name", "account_number",
    "counterparty", "body", "headers", "url", "totp",
)  # fmt: skip
_BLANK: Final = "[removed]"

Event = MutableMapping[str, Any]


def configure(form: str, *, level: str = "info") -> None:
    """Send every log line of this process to stderr: ours, and those of the libraries.

    form: "json", "console", or "auto" for the one that fits where stderr goes.
    """
    to_people = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _describe_errors,
        without_personal_data,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if to_people
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in (
        "sqlalchemy.engine",
        "httpx",
        "httpcore",
        "alembic",
        "rq.worker",
        "rq.job",
        "rq.cron",
    ):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of one module."""
    found: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return found


def describe(error: BaseException) -> str:
    """What went wrong, in words that never quote a row, a request or a secret."""
    if isinstance(error, DomainError):
        return f"{error.slug}: {error.en}"
    name = type(error).__name__
    if isinstance(error, DBAPIError):
        origin = error.orig
        state = getattr(origin, "sqlstate", None) or "no state"
        constraint = getattr(getattr(origin, "diag", None), "constraint_name", None)
        return f"{name} {state}" + (f" {constraint}" if constraint else "")
    if isinstance(error, ImportError):
        return f"{name} {error.name}"  # a name of a module, which is what one needs to know
    place = _places(error.__traceback__)
    return f"{name} at {place[-1]}" if place else name


def without_personal_data(_logger: object, _method: str, event: Event) -> Event:
    """Blank the fields that must not be logged, by their names."""
    for name in event:
        if any(word in name.lower() for word in _NEVER):
            event[name] = _BLANK
    return event


def _describe_errors(_logger: object, _method: str, event: Event) -> Event:
    """Turn exc_info into a description and the places it came through."""
    told = event.pop("exc_info", None)
    if told is True:
        told = sys.exc_info()
    error = told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        event["error"] = describe(error)
        event["places"] = _places(error.__traceback__)[-_FRAMES:]
        if error.__cause__ is not None:
            event["cause"] = describe(error.__cause__)
    return event


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{_short(f.filename)}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)]


def _short(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(_ROOT):
        path = path.relative_to(_ROOT)
    parts = path.parts
    start = parts.index("site-packages") + 1 if "site-packages" in parts else 0
    return "/".join(parts[start:])
