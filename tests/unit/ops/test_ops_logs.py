"""Logs carry ids and places, never people or secrets."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from sqlalchemy.exc import IntegrityError

from ops import logs
from payments.domain.errors import TooMuch

PERSON = "Nguyễn Văn Mẫu"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    before, level = logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure("json")
    yield stream
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.getLogger().handlers[:] = before
    logging.getLogger().setLevel(level)


def last(lines: io.StringIO) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return found


def test_a_line_is_one_json_object_with_the_ids_that_are_bound(lines: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(request="r-1", job="drain-1")

    logs.logger("x").info("payment.booked", payment="pay_1", amount=581_000)

    line = last(lines)
    assert (line["event"], line["request"], line["job"]) == ("payment.booked", "r-1", "drain-1")
    assert (line["amount"], line["level"]) == (581_000, "info")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "memo", "payer_name", "phone", "api_key", "database_url"]
)
def test_a_field_whose_name_speaks_of_a_secret_or_a_person_is_blanked(
    lines: io.StringIO, name: str
) -> None:
    logs.logger("x").info("event", **{name: PERSON})

    assert PERSON not in lines.getvalue()
    assert last(lines)[name] == "[removed]"


def test_an_error_is_told_by_kind_and_place_without_its_text(lines: io.StringIO) -> None:
    try:
        raise ValueError(PERSON)
    except ValueError:
        logs.logger("x").exception("it.broke")

    line = last(lines)
    assert PERSON not in lines.getvalue()
    assert line["error"].startswith("ValueError at tests/unit/ops/test_ops_logs.py:")
    assert line["places"]


def test_the_libraries_lines_take_the_same_way(lines: io.StringIO) -> None:
    try:
        raise KeyError(PERSON)
    except KeyError:
        logging.getLogger("some.library").error("it broke", exc_info=True)

    line = last(lines)
    assert (line["event"], line["logger"]) == ("it broke", "some.library")
    assert PERSON not in lines.getvalue()


def test_what_the_database_refused_is_told_by_state_and_constraint() -> None:
    class Origin(Exception):
        sqlstate = "23505"

        class diag:  # noqa: N801  # psycopg's name for it
            constraint_name = "payment_once"

    error = IntegrityError("INSERT …", {"memo": PERSON}, Origin(PERSON))

    assert logs.describe(error) == "IntegrityError 23505 payment_once"


def test_an_error_for_people_is_told_as_it_is() -> None:
    assert logs.describe(TooMuch()) == "too-much: More than is available"
