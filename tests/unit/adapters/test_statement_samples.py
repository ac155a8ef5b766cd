"""Statements nobody here wrote, against the figures published beside them (README.md there)."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.registry import STATEMENT_READERS

SAMPLES = Path(__file__).parents[2] / "data/statements"
COLUMNS = [
    "file",
    "statements",
    "entries",
    "credit",
    "debit",
    "net",
    "opening",
    "closing",
    "currency",
    "closes",
    "origin",
]
TABLE = [
    dict(zip(COLUMNS, (cell.strip() for cell in row.strip("|").split("|")), strict=True))
    for row in (SAMPLES / "README.md").read_text().splitlines()
    if re.match(r"\| (camt|mt940)", row)
]


def figure(text: str) -> Decimal | None:
    return None if text == "-" else Decimal(text)


def test_every_sample_has_its_row_of_figures() -> None:
    files = {path.name for path in SAMPLES.iterdir() if path.suffix in {".xml", ".sta"}}

    assert files == {row["file"] for row in TABLE}


@pytest.mark.parametrize("row", TABLE, ids=[row["file"] for row in TABLE])
def test_a_sample_gives_the_published_figures(row: dict[str, str]) -> None:
    parsed = STATEMENT_READERS["auto"].read((SAMPLES / row["file"]).read_bytes())

    found = parsed.statements
    assert len(found) == int(row["statements"])
    assert sum(statement.entries for statement in found) == int(row["entries"].split()[0])
    assert sum(statement.credit_total for statement in found) == Decimal(row["credit"])
    assert sum(statement.debit_total for statement in found) == Decimal(row["debit"])
    assert (found[0].opening if found else None) == figure(row["opening"])
    assert (found[-1].closing if found else None) == figure(row["closing"])
    assert {statement.currency for statement in found} <= {row["currency"]}
    assert parsed.complete == (row["closes"] == "yes")


@pytest.mark.parametrize("row", TABLE, ids=[row["file"] for row in TABLE])
def test_the_lines_of_a_sample_add_up_to_its_totals(row: dict[str, str]) -> None:
    parsed = STATEMENT_READERS["auto"].read((SAMPLES / row["file"]).read_bytes())

    lines = [line for statement in parsed.statements for line in statement.lines]

    assert sum(line.amount for line in lines) == Decimal(row["net"])


def test_xml_without_a_statement_is_an_error_and_not_a_quiet_day() -> None:
    parsed = STATEMENT_READERS["auto"].read((SAMPLES / "camt053.v2.wrong.xml").read_bytes())

    assert parsed.statements == ()
    assert parsed.error is not None
    assert parsed.error.slug == "no-statement"


def test_a_batch_whose_details_do_not_add_up_stays_one_line_and_says_so() -> None:
    parsed = STATEMENT_READERS["auto"].read((SAMPLES / "camt054.v4.xml").read_bytes())

    (line,) = parsed.statements[0].lines
    (problem,) = parsed.problems

    assert line.amount == Decimal(-200_000)
    assert "do not add up" in problem.en


def test_a_balance_in_another_currency_is_shown_and_proves_nothing() -> None:
    parsed = STATEMENT_READERS["auto"].read((SAMPLES / "camt053.v8.xml").read_bytes())

    assert parsed.statements[0].closing == Decimal("-27.00")
    assert "SEK" in parsed.problems[0].en
    assert not parsed.statements[0].closes


def test_each_block_of_a_file_with_many_accounts_keeps_its_own_account() -> None:
    parsed = STATEMENT_READERS["auto"].read((SAMPLES / "mt940-two-accounts.sta").read_bytes())

    moved = {statement.account: len(statement.lines) for statement in parsed.statements}

    assert moved == {"1567.50.961": 2, "9914.30.727": 0, "1325.76.155": 1}


def test_a_damaged_header_is_reported_with_the_account_that_was_left_out() -> None:
    parsed = STATEMENT_READERS["auto"].read((SAMPLES / "mt940-two-accounts.sta").read_bytes())

    damaged, left_out = parsed.problems

    assert (damaged.line, left_out.line) == (23, 24)
    assert "3462.483.153" in left_out.en
