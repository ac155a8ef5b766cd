"""The objects `thuphi parse-statement` prints: one a file, in order, refused files too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops.parse_statement import FORMATS, parse_statements

SAMPLES = Path(__file__).parents[2] / "data/statements"

LINE_KEYS = [
    "line", "booking_date", "value_date", "amount", "reference", "bank_reference",
    "counterparty", "memo",
]  # fmt: skip
STATEMENT_KEYS = [
    "account", "currency", "opening", "closing", "entries", "credit_total", "debit_total",
    "closes", "lines",
]  # fmt: skip


def test_every_file_gives_one_object_in_the_order_given(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    paths = [
        SAMPLES / "mt940-knab.sta",
        empty,
        tmp_path / "nowhere",
        tmp_path,
        SAMPLES / "camt053.v8.xml",
    ]

    objects = list(parse_statements(paths))

    assert [found["format"] for found in objects] == ["mt940", None, None, None, "camt.053.001.08"]
    assert [bool(found["error"]) for found in objects] == [False, True, True, True, False]


def test_an_object_has_exactly_the_keys_of_the_contract() -> None:
    (found,) = parse_statements([SAMPLES / "camt053.v8.xml"])

    assert list(found) == ["format", "statements", "problems", "error"]
    assert list(found["statements"][0]) == STATEMENT_KEYS
    assert list(found["statements"][0]["lines"][0]) == LINE_KEYS
    assert list(found["problems"][0]) == ["line", "what"]
    assert json.loads(json.dumps(found)) == found


def test_amounts_are_signed_decimal_strings_and_a_missing_balance_is_null() -> None:
    (found,) = parse_statements([SAMPLES / "camt054.v4.xml"])
    (statement,) = found["statements"]

    assert statement["opening"] is None
    assert statement["lines"][0]["amount"] == "-200000"
    assert (statement["credit_total"], statement["debit_total"]) == ("0", "200000")
    assert statement["closes"] is False


def test_messages_hold_both_languages() -> None:
    (found,) = parse_statements([SAMPLES / "camt053.v2.wrong.xml"])

    english, vietnamese = found["error"].split(" / ")

    assert "no statement" in english
    assert "không chứa sao kê" in vietnamese


def test_the_only_reference_of_a_table_row_is_shown_under_both_names(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text(
        "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Tên tài khoản đối ứng,"
        "Tài khoản đối ứng,Mô tả\n21/11/2026,FT1,,1.500,TRAN THI C,9999000002,HP\n",
        encoding="utf-8",
    )

    (found,) = parse_statements([table])
    (line,) = found["statements"][0]["lines"]

    assert line == {
        "line": 2,
        "booking_date": "2026-11-21",
        "value_date": None,
        "amount": "1500",
        "reference": "FT1",
        "bank_reference": "FT1",
        "counterparty": "TRAN THI C (9999000002)",
        "memo": "HP",
    }


def test_an_unknown_format_is_refused_before_any_file_is_opened() -> None:
    with pytest.raises(KeyError):
        next(parse_statements([SAMPLES / "mt940-knab.sta"], format="nosuch"))

    assert FORMATS[0] == "auto"
