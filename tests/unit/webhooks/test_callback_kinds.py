"""What may be heard of is what the code emits and what the reference shows; nothing personal."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from payments.domain.errors import Invalid
from payments.queries.events import INTERNAL
from webhooks import kinds

ROOT = Path(__file__).parents[3]
PACKAGES = ("payments", "billing", "reconciliation", "webhooks", "ops", "web")
EMITS = {"emit", "emit_many", "_tell"}
PERSONAL = {"name", "payer", "phone", "email", "memo", "account_number", "citizen", "address"}


def emitted() -> Iterator[str]:
    """Every kind that some module emits by its name, or the beginning of one it composes."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in EMITS and len(node.args) > 1:
                    yield from _kinds(node.args[1])


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _kinds(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield str(node.values[0].value) + "*"
    elif isinstance(node, ast.IfExp):
        yield from _kinds(node.body)
        yield from _kinds(node.orelse)


def test_every_kind_that_is_emitted_is_internal_or_in_the_table() -> None:
    found = set(emitted())

    assert len(found) > 25
    unknown = {
        kind
        for kind in found - INTERNAL - kinds.KINDS.keys()
        if not (kind.endswith(".*") and kinds.matching(kind))
    }
    assert unknown == set(), "say in webhooks/kinds.py what its data are, or that it is internal"


def test_no_kind_is_both_told_and_internal() -> None:
    assert not INTERNAL & kinds.KINDS.keys()


def test_no_kind_carries_a_personal_field() -> None:
    assert not {name for fields in kinds.KINDS.values() for name in fields} & PERSONAL


def test_the_reference_shows_the_table() -> None:
    page = (ROOT / "docs/reference/call-backs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| [^|]+ \| ([^|]+) \|$", page, re.M)

    shown = {kind: tuple(re.findall(r"`([a-z_]+)`", data)) for kind, data in rows}

    assert shown == dict(kinds.KINDS)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["*", "refund.done"], ["*"]),
        (["refund.done", "day.*", "refund.done"], ["day.*", "refund.done"]),
    ],
)
def test_a_choice_is_kept_without_repeats(given: list[str], kept: list[str]) -> None:
    assert kinds.chosen(given) == kept


@pytest.mark.parametrize("given", [[], ["refund"], ["refund."], ["*.done"], ["nothing.*"]])
def test_a_choice_that_means_nothing_is_refused(given: list[str]) -> None:
    with pytest.raises(Invalid):
        kinds.chosen(given)


def test_a_group_means_its_own_kinds_and_no_others() -> None:
    assert kinds.wants(["payment.*"], "payment.received")
    assert not kinds.wants(["payment.*"], "payment_order.created")
    assert not kinds.wants(["*"], kinds.TESTED)
    assert not any(kinds.wants(["*"], kind) for kind in INTERNAL)
