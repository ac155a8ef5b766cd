"""docs/reference/problems.md lists every problem the code can answer with, and no other."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import adapters
import billing
import payments
import reconciliation
import web
import webhooks
from payments.domain.errors import DomainError
from web.problems import status_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "problems.md"
ROW = re.compile(r"^\| `([a-z-]+)` \| ([0-9]{3}) \| ([^|]+) \| ([^|]+) \|", re.M)


def errors() -> Iterator[type[DomainError]]:
    """Every error that can be answered over HTTP and has a name of its own.

    Those of ops are told on a terminal; should one get here, it is answered as `internal`.
    """
    for package in (adapters, billing, payments, reconciliation, web, webhooks):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    todo = DomainError.__subclasses__()
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if "slug" in vars(kind) and not kind.__module__.startswith(("ops.", "tests.")):
            yield kind


def _slug(kind: type[DomainError]) -> str:
    return kind.slug


def test_every_problem_is_listed_with_its_status_and_titles() -> None:
    listed = {slug: (int(code), vi.strip(), en.strip()) for slug, code, vi, en in _rows()}

    known = {e.slug: (status_of(e), e.title_vi, e.title_en) for e in errors()}

    assert listed == known


def test_a_slug_means_one_thing() -> None:
    slugs = [kind.slug for kind in errors()]

    assert len(slugs) == len(set(slugs))


@pytest.mark.parametrize("kind", list(errors()), ids=_slug)
def test_a_problem_speaks_both_languages(kind: type[DomainError]) -> None:
    assert kind.title_vi != kind.title_en
    assert kind.title_vi != DomainError.title_vi
    assert 400 <= status_of(kind) <= 599


def _rows() -> list[tuple[str, str, str, str]]:
    return ROW.findall(PAGE.read_text(encoding="utf-8"))
