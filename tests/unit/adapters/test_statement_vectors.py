"""Published statement vectors, through the readers production uses."""

from __future__ import annotations

import json
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import STATEMENT_READERS
from adapters.statements.numbers import AmountError, vnd_number
from reconciliation.statement import ParsedFile, StatementLine

CASES = json.loads(
    (Path(__file__).parents[2] / "data/vectors/bank_statements.json").read_text(encoding="utf-8")
)["cases"]


def cases(kind: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case["kind"] == kind]
    assert chosen
    return pytest.mark.parametrize("case", chosen, ids=[case["name"] for case in chosen])


def read(case: dict[str, Any]) -> ParsedFile:
    return STATEMENT_READERS["auto"].read(case["input"]["text"].encode())


def as_published(line: StatementLine, keys: set[str]) -> dict[str, Any]:
    """The line under every name the vectors use, cut to the keys of one case."""
    said: dict[str, Any] = {
        "signed_amount_vnd": int(line.amount),
        "booking_date": line.booking_date.isoformat(),
        "date": line.booking_date.isoformat(),
        "value_date": line.value_date.isoformat() if line.value_date else None,
        "time": line.txn_time.isoformat() if line.txn_time else None,
        "customer_reference": line.reference,
        "end_to_end_id": line.reference,
        "bank_reference": line.bank_reference,
        "reference": line.bank_reference,
        "counterparty_name": line.counterparty_name,
        "counterparty_account": line.counterparty_account,
        "balance_vnd": None if line.balance_after is None else int(line.balance_after),
        "memo": line.memo,
    }
    return {key: said[key] for key in keys}


@cases("mt940")
def test_mt940_gives_the_published_entries(case: dict[str, Any]) -> None:
    expected = case["expected"]

    (statement,) = read(case).statements

    assert statement.account == expected["account"]
    assert statement.number == expected["statement_no"]
    assert statement.opening == expected["opening_balance"]
    assert statement.closing == expected["closing_balance"]
    assert statement.closes is expected["balance_check"]
    assert [as_published(line, set(expected["entries"][0])) for line in statement.lines] == (
        expected["entries"]
    )


@cases("camt")
def test_camt_gives_the_published_entries(case: dict[str, Any]) -> None:
    expected = case["expected"]

    parsed = read(case)
    (statement,) = parsed.statements

    assert parsed.format == expected["message"]
    assert statement.account == expected["account"]
    assert statement.opening == expected["opening_balance"]
    assert statement.closing == expected["closing_balance"]
    assert statement.closes is expected["balance_check"]
    assert [as_published(line, set(expected["entries"][0])) for line in statement.lines] == (
        expected["entries"]
    )


@cases("bank_csv")
def test_a_bank_table_gives_the_published_rows(case: dict[str, Any]) -> None:
    expected = case["expected"]

    parsed = read(case)
    (statement,) = parsed.statements

    assert parsed.problems == ()
    assert statement.closes
    assert len(statement.lines) == len(expected["rows"])
    for line, row in zip(statement.lines, expected["rows"], strict=True):
        assert as_published(line, set(row)) == row
    if "totals" in expected:
        assert statement.debit_total == expected["totals"]["debit"]
        assert statement.credit_total == expected["totals"]["credit"]
    if "closing_balance" in expected:
        assert statement.closing == expected["closing_balance"]


def test_each_published_table_is_read_with_its_own_banks_profile() -> None:
    profiles = [read(case).statements[0].bank for case in CASES if case["kind"] == "bank_csv"]

    assert profiles == ["vietcombank", "techcombank", "mb"]


@cases("vnd_number")
def test_a_printed_number_is_read_as_published(case: dict[str, Any]) -> None:
    assert vnd_number(case["input"]["text"]) == case["expected"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 234 567", 1_234_567),
        ("1\u00a0234\u00a0567", 1_234_567),
        ("\u221222.000", -22_000),
        ("+1.500", 1_500),
        ("1500.00", 1_500),
        ("1.500,00 VND", 1_500),
        ("1.500đ", 1_500),
        ("1,500 VNĐ", 1_500),
        ("-", None),
        ("\u2013", None),
        ("   ", None),
        ("0", 0),
    ],
)
def test_every_regular_form_of_a_number_is_read(text: str, value: int | None) -> None:
    assert vnd_number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "1.5", "1,50", "12.34", "1.234,567", "1.234.567.00", "1,500,00", "1,23,456", "1234,567",
        "0.500", ".500", "0123", "1e6", "NaN", "1_000", "٣٤٥", "１２３", "--5", "+-5", "(-5)", "(5",
        "5)", "1  500", "'1500", "1500 USD", "VND", "1.500-", "9" * 25,
    ],
)  # fmt: skip
def test_an_irregular_number_is_refused_and_never_guessed(text: str) -> None:
    with pytest.raises(AmountError):
        vnd_number(text)


def test_the_line_type_carries_what_the_vectors_name() -> None:
    line = StatementLine(
        line=1, booking_date=date(2026, 11, 21), amount=Decimal(5), txn_time=time(10, 17, 33)
    )

    assert as_published(line, {"time", "date"}) == {"time": "10:17:33", "date": "2026-11-21"}
