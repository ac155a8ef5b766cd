"""Payout files: columns as data, cells that are never formulas, the same bytes again."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from adapters.payouts import profiles, writer
from payments.domain import refund_codes
from payments.domain.errors import Invalid
from payments.domain.payout_file import PayoutRow, PayoutSheet

ROW = PayoutRow(1, "Nguyễn Thị Minh Hằng", "0009990007731", "970436", 45_000, "HT4W8N2RXBTD")
SHEET = PayoutSheet("9999018452", "TRUONG TIEU HOC HOA SEN", date(2026, 3, 10), (ROW,))


def cells(data: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=delimiter))


def sheet_cells(data: bytes) -> list[list[Any]]:
    rows: list[list[Any]] = (
        CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    )
    return rows


def test_both_forms_hold_the_same_cells_and_account_numbers_keep_their_zeros() -> None:
    written = writer.for_bank("970422").write(SHEET)

    heading, row = cells(written["csv"])
    assert heading[2:5] == ["Tên người nhận", "Số tài khoản nhận", "Ngân hàng nhận"]
    assert row == ["1", "9999018452", "Nguyễn Thị Minh Hằng", "0009990007731", "Vietcombank",
                   "45000", "HT4W8N2RXBTD HOAN TIEN"]  # fmt: skip
    [title, again] = sheet_cells(written["xlsx"])
    assert title == heading
    assert again == [1.0, *row[1:5], 45_000.0, row[6]]


def test_a_bank_with_a_form_of_its_own_gets_its_columns() -> None:
    written = writer.for_bank("999999").write(SHEET)

    heading, row = cells(written["csv"], ";")
    assert heading[3] == "Mã ngân hàng thụ hưởng"
    assert row[1:5] == ["0009990007731", "NGUYEN THI MINH HANG", "970436", "Vietcombank"]


@pytest.mark.parametrize(("told", "found"), [("Vietcombank", "970436"), ("vcb", "970436")])
def test_a_bank_that_is_named_is_found_by_its_name(told: str, found: str) -> None:
    sheet = replace(SHEET, rows=(replace(ROW, bank=told),))

    [_, row] = cells(writer.for_bank("999999").write(sheet)["csv"], ";")

    assert row[3] == found


def test_a_bank_nobody_knows_stops_a_form_that_needs_its_number() -> None:
    sheet = replace(SHEET, rows=(replace(ROW, bank="Ngân hàng nào đó"),))

    with pytest.raises(Invalid, match="Row 1"):
        writer.for_bank("999999").write(sheet)
    assert writer.for_bank("970422").write(sheet)["csv"]


@given(st.sampled_from("=+-@\t\r\n"), st.text(st.characters(codec="utf-8"), max_size=30))
def test_no_name_becomes_a_formula(sign: str, rest: str) -> None:
    sheet = replace(SHEET, rows=(replace(ROW, name=sign + rest.replace("\x00", "")),))

    text = writer.safe(sheet.rows[0].name)
    [row] = list(csv.reader(io.StringIO(_line_of(text)), delimiter=","))

    assert not text.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert row == [text]


def _line_of(text: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerow([text])
    return out.getvalue()


def test_a_formula_stays_a_text_in_both_forms() -> None:
    evil = "=HYPERLINK(0)"
    written = writer.for_bank("970422").write(replace(SHEET, rows=(replace(ROW, name=evil),)))

    assert cells(written["csv"])[1][2] == f"'{evil}"
    assert sheet_cells(written["xlsx"])[1][2] == f"'{evil}"
    assert b"<f>" not in written["xlsx"]


def test_the_same_sheet_gives_the_same_bytes() -> None:
    first, second = (writer.for_bank("970422").write(SHEET) for _ in range(2))

    assert first == second


def test_the_refund_code_is_whole_in_the_memo_of_every_form() -> None:
    code = refund_codes.generate()
    sheet = replace(SHEET, rows=(replace(ROW, code=code),))

    for name, profile in profiles.all_profiles().items():
        [_, row] = cells(writer.FormWriter(profile).write(sheet)["csv"], profile.delimiter)
        memo = row[[column.field for column in profile.columns].index("memo")]
        assert refund_codes.find(memo) == [code], name
        assert len(memo) <= profile.most_memo


WHOLE = [{"heading": field, "field": field} for field in ("name", "account", "amount", "memo")]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"memo": "HOAN TIEN {code}", "columns": WHOLE}, "begins"),
        ({"columns": [{"heading": "Tên", "field": "name"}]}, "no column for account"),
        ({"columns": [{"heading": "Tên", "field": "nickname"}]}, "no such field"),
    ],
)
def test_a_form_that_could_not_be_proven_is_refused(change: dict[str, object], what: str) -> None:
    told = {"title": "t", "banks": [], "delimiter": ",", "sheet": "s", "memo": "{code}",
            "most_memo": 50, "columns": []}  # fmt: skip

    with pytest.raises(ValueError, match=what):
        profiles.read("bad", told | change)
