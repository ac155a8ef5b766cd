"""Exceptions: every code has its group, cause and action, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from reconciliation import causes, matching, outcomes
from reconciliation.engine import evidence
from reconciliation.engine.evidence import Evidence, Verdict

PACKAGE = Path(causes.__file__).parent
SOURCES = (*PACKAGE.glob("*.py"), *PACKAGE.glob("engine/*.py"))


def test_every_code_that_the_engine_can_give_has_a_row_in_the_table() -> None:
    given = set()
    for source in SOURCES:
        given |= set(re.findall(r'"([A-Z]{3,}_[A-Z_]+)"', source.read_text(encoding="utf-8")))

    assert given == {code for code in causes.CODES if "_" in code}


def test_every_code_speaks_both_languages_and_has_a_known_group() -> None:
    for kind in causes.CODES.values():
        assert kind.group in causes.GROUPS
        assert all((kind.cause_vi, kind.cause_en, kind.action_vi, kind.action_en))
        assert kind.cause_vi != kind.cause_en


def test_evidence_reads_as_a_sentence_in_both_languages() -> None:
    seen = [
        Evidence("code", "HP9VJ P8E0W6W", "HP9VJP8E0W6W", Verdict.AGREES, (0, 13)),
        evidence.amounts(500, 600),
    ]

    assert evidence.render(seen, "vi") == (
        "mã thanh toán HP9VJ P8E0W6W ~ HP9VJP8E0W6W (khớp); số tiền 500 ~ 600 (trái)"
    )
    assert evidence.render(seen, "en") == (
        "payment code HP9VJ P8E0W6W ~ HP9VJP8E0W6W (agrees); amount 500 ~ 600 (contradicts)"
    )


def test_evidence_travels_as_data() -> None:
    data = Evidence("code", "a", "b", Verdict.AGREES, (3, 15)).as_data()

    assert data == {
        "kind": "code",
        "on_line": "a",
        "on_order": "b",
        "verdict": "agrees",
        "span": [3, 15],
    }


def test_nothing_left_over_gives_no_exceptions() -> None:
    nothing = pd.DataFrame(columns=["order_id", "order_ref", "amount_vnd", "status"])
    lines = pd.DataFrame(
        columns=["line_id", "account", "booking_date", "bank_ref", "amount_vnd", "memo"]
    )

    found = outcomes.exceptions(matching.match(lines, nothing))

    assert found.empty
    assert list(found.columns) == list(outcomes.EXCEPTION_COLUMNS)
