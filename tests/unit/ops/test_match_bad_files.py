"""Bad files at `thuphi match`: what is said of them, in both languages, and what is kept."""

from __future__ import annotations

import csv
import gzip
import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter  # type: ignore[import-untyped]  # ships no types
from hypothesis import given, settings
from hypothesis import strategies as st

from ops import match
from ops.match import Summary
from payments.domain.errors import DomainError
from reconciliation import normalise

ORDERS = (
    "order_id,order_ref,biz,payer_code,payer_name,amount_vnd,issued_at,due_at,status\n"
    "o1,HP9VJP8E0W6W,HP,HS0001,Trần Gia Bảo,581000,2026-09-01,2026-09-30,OPEN\n"
    "o2,MSHS0012345,HP,HS0002,Trần Khánh An,250000,2026-09-01,2026-09-30,OPEN\n"
)
HEAD = ",".join(normalise.LINE_COLUMNS) + "\n"


def line(at: int, amount: str = "5000", memo: str = "x", **cells: str) -> str:
    row = {
        "line_id": f"l{at}", "file_id": "f1", "account": "9999000001", "bank": "VCB",
        "booking_date": "2026-09-10", "value_date": "2026-09-10", "txn_time": "08:00",
        "bank_ref": f"B{at}", "amount_vnd": amount, "balance_after": "",
        "counterparty_account": "", "counterparty_name": "", "memo": memo,
    }  # fmt: skip
    return ",".join((row | cells).values()) + "\n"


GOOD = line(1, "581000", "HP9VJP8E0W6W")
OTHER = line(2, "250000", "Trần Khánh An")


def run(folder: Path, data: bytes | str, name: str = "lines.csv") -> Summary:
    (folder / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return match.run(folder / "orders.csv", folder / name, out=folder / "out")


def problems(folder: Path) -> list[dict[str, str]]:
    with (folder / "out/problems.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def a_workbook(*sheets: Sequence[Sequence[object]], hidden: int | None = None) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    for rows in sheets:
        sheet = book.add_worksheet()
        for at, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, tuple):
                    sheet.write_formula(at, column, cell[0], None, cell[1])
                else:
                    sheet.write(at, column, cell)
        if hidden is not None:
            sheet.set_row(hidden, None, None, {"hidden": True})
    book.close()
    return out.getvalue()


def cells(text: str, **changed: object) -> list[list[object]]:
    names = HEAD.strip().split(",")
    rows = [row.split(",") for row in text.strip().split("\n")]
    return [
        [changed.get(name, said) for name, said in zip(names, row, strict=True)] for row in rows
    ]


READ_ALL: dict[str, bytes | str] = {
    "UTF-8 with a mark": "\ufeff" + HEAD + GOOD + OTHER,
    "UTF-16 LE with a mark": (HEAD + GOOD + OTHER).encode("utf-16"),
    "UTF-16 BE with a mark": b"\xfe\xff" + (HEAD + GOOD + OTHER).encode("utf-16-be"),
    "UTF-16 without a mark": (HEAD + GOOD + OTHER).encode("utf-16-le"),
    "a title block above": "SAO KÊ TÀI KHOẢN\nTừ ngày 01/09\n\n" + HEAD + GOOD + OTHER,
    "a title as wide as the table": f"SAO KÊ{12 * ','}\n{12 * ','}\n" + HEAD + GOOD + OTHER,
    "semicolons": (HEAD + GOOD + OTHER).replace(",", ";"),
    "tabs": (HEAD + GOOD + OTHER).replace(",", "\t"),
    "CR only": (HEAD + GOOD + OTHER).replace("\n", "\r"),
    "CR LF in one line only": HEAD + GOOD.replace("\n", "\r\n") + OTHER,
    "names in capitals": HEAD.upper() + GOOD + OTHER,
    "columns nobody asks for share a name": "".join(
        row.strip() + more for row, more in [(HEAD, ",n,n,\n"), (GOOD, ",a,b,\n"), (OTHER, ",,,\n")]
    ),
    "a thousand columns": "".join(
        row.strip() + "," + ",".join(f"c{at}" for at in range(987)) + "\n"
        for row in (HEAD, GOOD, OTHER)
    ),
    "a text that is called xlsx": HEAD + GOOD + OTHER,
    "a sheet that is called csv": a_workbook(cells(HEAD + GOOD + OTHER)),
    "a sheet with a title, a blank row and a hidden row": a_workbook(
        [["SAO KÊ"], [], *cells(HEAD + GOOD + OTHER)], hidden=3
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", READ_ALL)
def test_what_can_be_read_without_a_guess_is_read(tmp_path: Path, what: str) -> None:
    summary = run(tmp_path, READ_ALL[what], "lines.xlsx" if "xlsx" in what else "lines.csv")

    assert problems(tmp_path) == []
    assert {name: one.sum_vnd for name, one in summary.decisions.items()} == {
        "AUTO": 581000,
        "SUGGEST": 250000,
    }
    assert summary.unexplained_vnd == 0


TOTAL = line(0, "831000", line_id="Tổng cộng", booking_date="", bank="", account="", file_id="")
ASIDE: dict[str, tuple[bytes | str, str, str, str]] = {
    # what: (file, line of the problem, Vietnamese, English); the good line is booked all the same
    "the names again": (HEAD + GOOD + HEAD, "3", "lặp lại tên cột", "repeats the column names"),
    "a row above the names": (OTHER + HEAD + GOOD, "1", "trên dòng tên cột", "stands above"),
    "names only": (HEAD, "1", "chỉ có dòng tên cột", "column names only"),
    "too few cells": (HEAD + GOOD + "l2,f1\n", "3", "2 ô, cần 13", "2 cells, not 13"),
    "too many": (HEAD + GOOD + OTHER.strip() + ",y\n", "3", "14 ô, cần 13", "14 cells, not 13"),
    "cut off": ((HEAD + GOOD + OTHER)[:-40], "3", "ô, cần 13", "cells, not 13"),
    "cut off inside quotes": (HEAD + GOOD + line(2, memo='"x'), "3", "không đóng", "never closed"),
    "an open quote": (HEAD + line(2, memo='"x') + GOOD, "2", "không đóng", "never closed"),
    "totals that agree": (HEAD + GOOD + OTHER + TOTAL, "4", "không trái", "not contradict"),
    "totals that do not": (HEAD + GOOD + TOTAL, "3", "581.000", "says 831.000"),
    "Windows-1258": (
        (HEAD + GOOD).encode() + line(2, memo="h\xf4c ph\xed").encode("cp1258"),
        "3", "không phải UTF-8", "not UTF-8",
    ),
    "TCVN3": (
        (HEAD + GOOD + line(2, memo="N!p")).encode().replace(b"N!p", b"N\xe9p ti\xd2n"),
        "3", "TCVN3", "save the file as CSV UTF-8",
    ),
    "a lone surrogate": (
        (HEAD + GOOD + line(2, memo="\ud800")).encode("utf-8", "surrogatepass"),
        "3", "không phải UTF-8", "not UTF-8",
    ),
    "a lone surrogate in UTF-16": (
        (HEAD + GOOD + line(2, memo="\ud800")).encode("utf-16", "surrogatepass"),
        "3", "không phải UTF-8", "not UTF-8",
    ),
    "an account made a number": (
        HEAD + GOOD + line(2, account="1.234E+19"), "3", "Cột account", "Column account",
    ),
    "a reference made a number": (
        HEAD + GOOD + line(2, bank_ref="1.23e+15"), "3", "Cột bank_ref", "Column bank_ref",
    ),
    "an identifier again": (HEAD + GOOD + GOOD, "3", "đã có ở dòng trước", "an earlier row"),
    "a blank identifier": (HEAD + GOOD + line(2, line_id=" "), "3", "để trống", "be blank"),
    "a number beyond a sheet's digits": (
        a_workbook(cells(HEAD + GOOD) + cells(OTHER, account=1.234e19)),
        "3", "Ô C3", "Cell C3 holds the number 12340000000000000000",
    ),
    "sixteen digits": (
        a_workbook(cells(HEAD + GOOD) + cells(OTHER, bank_ref=1234567890123456)),
        "3", "Ô H3", "Cell H3",
    ),
    "a formula that failed": (
        a_workbook(cells(HEAD + GOOD) + cells(OTHER, amount_vnd=("=1/0", "#DIV/0!"))),
        "3", "amount_vnd", "amount_vnd",
    ),
    "a formula as text": (
        a_workbook(cells(HEAD + GOOD) + cells(OTHER, amount_vnd="=250000")),
        "3", "“=250000”", "“=250000”",
    ),
    "a day as a number": (
        a_workbook(cells(HEAD + GOOD) + cells(OTHER, booking_date=46275)),
        "3", "năm-tháng-ngày", "year first",
    ),
    "half a đồng": (
        a_workbook(cells(HEAD + GOOD) + cells(OTHER, amount_vnd=250000.5)),
        "3", "số nguyên đồng", "whole đồng",
    ),
    "notes on another sheet": (
        a_workbook(cells(HEAD + GOOD), [["Ghi chú"]]), "0", "Trang tính 2", "Sheet 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ASIDE)
def test_what_is_bad_is_told_with_its_line_and_the_rest_is_booked(
    tmp_path: Path, what: str
) -> None:
    data, at, vi, en = ASIDE[what]

    summary = run(tmp_path, data)

    [told] = problems(tmp_path)
    assert told["line"] == at
    assert vi in told["what_vi"]
    assert en in told["what_en"]
    booked = [one.sum_vnd for name, one in summary.decisions.items() if name == "AUTO"]
    assert booked == ([] if what == "names only" else [581000])
    assert summary.unexplained_vnd == 0


ODD_CELLS = [
    *(("amount_vnd", said, "số nguyên đồng") for said in (
        '"1.234.567,00"', '"1,234,567.00"', "1.5", "1.234.567", "1e6", "581000.0", "", "NaN",
        "=1+1", "0x10", "(5000)", "5000 VND", "1000000000000", "99999999999999999999",
        "\uff11\uff12\uff13", "\u0663",
    )),
    *(("booking_date", said, "năm-tháng-ngày") for said in (
        "10/09/2026", "09/25/2026", "05/09/2026", "31/02/2026", "2026-02-31", "2026-9-1", "46275",
        "20260910", "", "0000-00-00", "\uff12\uff10\uff12\uff16-09-10",
    )),
    ("value_date", "31/12/2026", "năm-tháng-ngày"),
    ("txn_time", "25:61", "08:05"),
    ("txn_time", "8:05 AM", "08:05"),
]  # fmt: skip


def test_a_cell_that_could_mean_two_things_is_told_and_never_booked(tmp_path: Path) -> None:
    rows = [line(at, "5000", **{column: said}) for at, (column, said, _) in enumerate(ODD_CELLS, 3)]

    summary = run(tmp_path, HEAD + GOOD + "".join(rows))

    told = problems(tmp_path)
    assert [int(one["line"]) for one in told] == [at for at, _ in enumerate(ODD_CELLS, 3)]
    for one, (column, _, wanted) in zip(told, ODD_CELLS, strict=True):
        assert f"Cột {column}" in one["what_vi"]
        assert wanted in one["what_vi"]
        assert f"Column {column}" in one["what_en"]
    assert {name: bucket.count for name, bucket in summary.decisions.items()} == {"AUTO": 1}
    assert summary.unexplained_vnd == 0


def _zip(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, HEAD)
    return out.getvalue()


def _bomb() -> bytes:
    """An archive that says it unpacks to 500 MB."""
    told = struct.pack("<I", 12_345)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "x" * 12_345)
    return out.getvalue().replace(told, struct.pack("<I", 500 * 2**20))


REFUSED: dict[str, tuple[Callable[[], bytes | str], str, str]] = {
    "nothing": (lambda: b"", "trống", "is empty"),
    "blanks": (lambda: b"\xef\xbb\xbf \r\n\n", "trống", "is empty"),
    "a missing column": (lambda: HEAD.replace(",memo", "") + "\n", "cột: memo", "column(s): memo"),
    "no names at all": (lambda: GOOD + OTHER, "100 dòng đầu", "first 100 lines"),
    "a column twice": (
        lambda: HEAD.replace("value_date", "booking_date"), "booking_date", "names a column twice",
    ),
    "zeros": (lambda: bytes(5000), "nhị phân", "binary"),
    "gzip": (lambda: gzip.compress(HEAD.encode()), "gzip", "gzip"),
    "zip": (lambda: _zip("lines.csv"), "tệp nén", "archive"),
    "PDF": (lambda: b"%PDF-1.7\n", "PDF", "PDF"),
    "a page called .xls": (lambda: "<html><table><tr><td>line_id", "trang web", "web page"),
    "an old workbook, damaged": (lambda: b"\xd0\xcf\x11\xe0" + bytes(9000), "hỏng", "damaged"),
    "a workbook, cut off": (lambda: a_workbook(cells(HEAD + GOOD))[:3000], "cắt cụt", "cut off"),
    "a bomb": (_bomb, "400 MB", "400 MB"),
    "cells far apart": (
        lambda: a_workbook([["x"], *[[]] * 900_000, [*[""] * 16_000, "y"]]), "xa nhau", "far apart",
    ),
    "tables on two sheets": (
        lambda: a_workbook(cells(HEAD + GOOD), cells(HEAD + OTHER)), "(1, 2)", "several sheets",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_without_one_table_is_refused_in_two_languages(tmp_path: Path, what: str) -> None:
    make, vi, en = REFUSED[what]

    with pytest.raises(DomainError) as refused:
        run(tmp_path, make())

    assert "lines.csv" in refused.value.vi
    assert "lines.csv" in refused.value.en
    assert vi in refused.value.vi
    assert en in refused.value.en


def test_what_nobody_sees_is_not_written_into_sentences(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    orders = ORDERS.replace("Trần Gia Bảo", "\u202eTrần\x07 Gia\u200b Bảo")
    (tmp_path / "orders.csv").write_text(orders, encoding="utf-8")
    rows = line(1, "1000", "\u202ehoc phi tran gia bao \U0001f600") + line(2, "1\u202e5")
    (tmp_path / "lines.csv").write_text(HEAD + rows, encoding="utf-8")

    match.run(tmp_path / "orders.csv", tmp_path / "lines.csv", out=tmp_path / "out")

    for name in ("matches.csv", "exceptions.csv", "problems.csv"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert not set(text) & {"\u202e", "\x07", "\u200b"}
    assert "Trần Gia Bảo" in (tmp_path / "out/matches.csv").read_text(encoding="utf-8")


def test_a_sheet_and_its_csv_give_the_same_problems_on_the_same_lines(tmp_path: Path) -> None:
    text = HEAD + GOOD + line(2, "1.5") + line(3, "", account="1.2E+19") + GOOD
    run(tmp_path, text)
    from_csv = [(one["line"], one["what_en"]) for one in problems(tmp_path)]

    run(tmp_path, a_workbook(cells(text)))

    assert [(one["line"], one["what_en"]) for one in problems(tmp_path)] == from_csv


MUTANTS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "double"]),
        st.integers(0, 10_000),
        st.binary(min_size=1, max_size=6) | st.sampled_from([b",", b'"', b"\n", b"\r", b"\0"]),
    ),
    min_size=1,
    max_size=6,
)


def mutated(data: bytes, steps: Sequence[tuple[str, int, bytes]]) -> bytes:
    for how, where, what in steps:
        at = where % (len(data) + 1)
        if how == "flip":
            data = data[:at] + what + data[at + len(what) :]
        elif how == "cut":
            data = data[: max(at, len(data) // 2)]
        elif how == "insert":
            data = data[:at] + what + data[at:]
        else:
            data = data[:at] + data[max(0, at - 40) :]
    return data


WHOLE = (
    HEAD + "".join(line(at, str(1000 * at), f"HP9VJP8E0W6W {at}") for at in range(1, 9))
).encode()
SHEET = a_workbook(cells(WHOLE.decode()))  # fmt: skip


@settings(deadline=None)
@given(MUTANTS, st.sampled_from([WHOLE, SHEET]))
def test_whatever_happens_to_a_file_every_line_is_in_one_place_or_it_is_refused(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, bytes]], whole: bytes
) -> None:
    folder = tmp_path_factory.mktemp("mutant")
    try:
        summary = run(folder, mutated(whole, steps))
    except DomainError:
        return  # refused, with a reason in words

    assert summary.unexplained_vnd == 0
    matches = pd.read_csv(folder / "out/matches.csv", dtype=str, keep_default_na=False)
    assert matches["source_id"].nunique() == summary.rows["lines"]
