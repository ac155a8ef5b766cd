"""`thuphi match`: files in, files out, every đồng in one bucket."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from ops import match, table_rows, tables
from ops.match import Summary
from reconciliation import normalise

ORDERS = (
    "order_id,order_ref,biz,payer_code,payer_name,amount_vnd,issued_at,due_at,status\n"
    "o1,HP9VJP8E0W6W,HP,HS0001,Trần Gia Bảo,581000,2026-09-01,2026-09-30,OPEN\n"
    "o2,MSHS0012345,HP,HS0002,Trần Khánh An,250000,2026-09-01,2026-09-30,OPEN\n"
)
HEAD = ",".join(normalise.LINE_COLUMNS) + "\n"


def line(at: int, amount: str, memo: str) -> str:
    return f"l{at},f1,9999,VCB,2026-09-10,2026-09-10,08:0{at},B{at},{amount},,,,{memo}\n"


def run(folder: Path, statement: str, orders: str = ORDERS) -> Summary:
    (folder / "orders.csv").write_text(orders, encoding="utf-8")
    (folder / "lines.csv").write_text(statement, encoding="utf-8")
    return match.run(folder / "orders.csv", folder / "lines.csv", out=folder / "out")


def written(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "out" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_dong_ends_in_one_bucket(tmp_path: Path) -> None:
    statement = HEAD + line(1, "600000", "HP9VJP8E0W6W") + line(2, "5000", "hoc phi")
    statement += line(3, "-11000", "THU PHI SMS") + line(4, "250000", "MSHS00123")

    summary = run(tmp_path, statement)

    assert summary.unexplained_vnd == 0
    assert summary.total_vnd == 866000
    assert summary.buckets == {
        "allocated": 581000,
        "credit": 19000,
        "batches": 0,
        "suggest": 250000,
        "exception": 16000,
        "ignore": 0,
    }
    assert json.loads((tmp_path / "out/summary.json").read_text())["unexplained_vnd"] == 0


def test_the_files_have_the_columns_of_the_contract(tmp_path: Path) -> None:
    run(tmp_path, HEAD + line(1, "581000", "HP9VJP8E0W6W") + line(2, "250000", "MSHS00123"))

    booked, suggested = written(tmp_path, "matches.csv")
    assert list(booked) == [
        "source", "source_id", "order_id", "alloc_vnd", "decision", "exception_code",
        "related_id", "rank", "rule", "score", "evidence",
    ]  # fmt: skip
    assert (booked["order_id"], booked["alloc_vnd"], booked["decision"]) == ("o1", "581000", "AUTO")
    assert (suggested["order_id"], suggested["rank"], suggested["decision"]) == (
        "o2",
        "1",
        "SUGGEST",
    )
    [left] = written(tmp_path, "exceptions.csv")
    assert left["exception_code"] == "UNMATCHED"
    assert left["cause_vi"]
    assert left["action_en"]


def test_bad_rows_are_told_with_their_line_and_the_rest_is_matched(tmp_path: Path) -> None:
    statement = HEAD + line(1, "12.5", "x") + "l2,too,short\n"
    statement += line(3, "581000", "HP9VJP8E0W6W") + line(3, "1", "again")

    summary = run(tmp_path, statement)

    assert [row["line"] for row in written(tmp_path, "problems.csv")] == ["2", "3", "5"]
    assert summary.problems == 3
    assert summary.decisions["AUTO"].count == 1


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    statement = HEAD + line(1, "5000", '"hoc phi') + line(2, "581000", "HP9VJP8E0W6W")

    summary = run(tmp_path, statement)

    assert [row["line"] for row in written(tmp_path, "problems.csv")] == ["2"]
    assert summary.decisions["AUTO"].sum_vnd == 581000


def test_a_memo_with_a_line_wrap_is_one_row(tmp_path: Path) -> None:
    summary = run(tmp_path, HEAD + line(1, "581000", '"HP9VJP8E\n0W6W"') + line(2, "x", "y"))

    assert summary.decisions["AUTO"].count == 1
    assert [row["line"] for row in written(tmp_path, "problems.csv")] == ["4"]


def test_a_missing_column_names_the_file_and_the_column(tmp_path: Path) -> None:
    with pytest.raises(normalise.MissingColumn, match=r"lines\.csv.*memo"):
        run(tmp_path, HEAD.replace(",memo", "") + "l1,f1,9999,V,2026-09-10,,,B1,5,,,\n")


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(table_rows.UnreadableTable, match="no file"):
        match.run(tmp_path / "a.csv", tmp_path / "b.csv", out=tmp_path)


def test_a_contract_that_is_no_contract_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text("MOMO: 110")

    with pytest.raises(match.BadContract, match=r"contract\.json"):
        match.run(
            tmp_path / "a.csv", tmp_path / "b.csv", None, tmp_path / "contract.json", out=tmp_path
        )


def test_text_that_a_spreadsheet_would_run_is_escaped(tmp_path: Path) -> None:
    orders = ORDERS.replace("o1,", "=1+1,")

    run(tmp_path, HEAD + line(1, "581000", "HP9VJP8E0W6W"), orders)

    [row] = written(tmp_path, "matches.csv")
    assert row["order_id"] == "'=1+1"


def test_a_spreadsheet_gives_the_same_result_as_its_csv(tmp_path: Path) -> None:
    statement = HEAD + line(1, "581000", "HP9VJP8E0W6W") + line(2, "250000", "mshs 001 2345")
    run(tmp_path, statement)
    from_csv = written(tmp_path, "matches.csv")
    for name in ("orders", "lines"):
        table = pd.read_csv(tmp_path / f"{name}.csv", dtype={"account": str})
        table.to_excel(tmp_path / f"{name}.xlsx", index=False, engine="xlsxwriter")

    match.run(tmp_path / "orders.xlsx", tmp_path / "lines.xlsx", out=tmp_path / "out")

    assert written(tmp_path, "matches.csv") == from_csv


def test_the_same_files_again_change_nothing(tmp_path: Path) -> None:
    statement = HEAD + line(1, "600000", "HP9VJP8E0W6W") + line(2, "250000", "MSHS00123")
    run(tmp_path, statement)
    first = {
        name: (tmp_path / "out" / name).read_bytes() for name in ("matches.csv", "exceptions.csv")
    }

    run(tmp_path, statement)

    assert first == {name: (tmp_path / "out" / name).read_bytes() for name in first}


GATEWAY_HEAD = ",".join(normalise.GATEWAY_COLUMNS) + "\n"
SETTLED = "g1,WHO,W1,2026-09-11,2026-09-10T08:00,T1,MSHS0012345,PAYMENT,250000,2750,247250\n"


def with_gateway(folder: Path, contract: str) -> Summary:
    (folder / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (folder / "lines.csv").write_text(HEAD + line(1, "581000", "HP9VJP8E0W6W"), encoding="utf-8")
    (folder / "rows.csv").write_text(GATEWAY_HEAD + SETTLED, encoding="utf-8")
    (folder / "contract.json").write_text(contract, encoding="utf-8")
    names = ("orders.csv", "lines.csv", "rows.csv", "contract.json")
    return match.run(*(folder / name for name in names), out=folder / "out")


def test_a_gateway_that_the_contract_does_not_name_is_told_and_its_rows_are_matched(
    tmp_path: Path,
) -> None:
    summary = with_gateway(tmp_path, '{"MOMO": {"bps": 110}}')

    [told] = written(tmp_path, "problems.csv")
    assert (told["file"], told["line"]) == ("rows.csv", "0")
    assert "WHO" in told["what_en"]
    assert summary.decisions["AUTO"].count == 2


@pytest.mark.parametrize(
    ("terms", "what"),
    [
        ("{}", "WHO: needs bps"),
        ('{"bps": -1}', "WHO: needs bps"),
        ('{"bps": true}', "WHO: needs bps"),
        ('{"bps": "much"}', "WHO: needs bps"),
        ('{"bps": 110, "rounding": "as we like"}', "half up per row"),
    ],
)
def test_a_fee_that_the_contract_does_not_tell_is_not_taken_to_be_nothing_but_left_unchecked(
    tmp_path: Path, terms: str, what: str
) -> None:
    summary = with_gateway(tmp_path, f'{{"WHO": {terms}, "MOMO": {{"bps": 110}}}}')

    [told] = written(tmp_path, "problems.csv")
    assert (told["file"], told["line"]) == ("contract.json", "0")
    assert what in told["what_en"]
    assert "fees are not checked" in told["what_en"]
    assert summary.decisions["AUTO"].count == 2
    assert summary.exceptions == {}


def test_a_second_header_row_a_footer_and_formulas_are_told_and_the_rest_is_matched(
    tmp_path: Path,
) -> None:
    statement = HEAD + HEAD + line(1, "581000", "HP9VJP8E0W6W") + line(2, "=250000", "MSHS0012345")
    statement += line(3, '"250000,00"', "MSHS0012345") + "Tong cong,,,,,,,,581000,,,,\n"

    summary = run(tmp_path, statement)

    assert [row["line"] for row in written(tmp_path, "problems.csv")] == ["2", "4", "5", "6"]
    assert summary.decisions["AUTO"].sum_vnd == 581000


def test_a_row_in_an_old_encoding_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    rows = HEAD + line(1, "581000", "HP9VJP8E0W6W") + line(2, "250000", "Trân MSHS0012345")
    (tmp_path / "lines.csv").write_bytes(rows.encode("latin-1"))

    match.run(tmp_path / "orders.csv", tmp_path / "lines.csv", out=tmp_path / "out")

    [told] = written(tmp_path, "problems.csv")
    assert told["line"] == "3"
    assert "The row is not UTF-8" in told["what_en"]


def test_a_number_that_a_spreadsheet_has_blurred_is_told(tmp_path: Path) -> None:
    run(tmp_path, HEAD + line(1, "581000", "HP9VJP8E0W6W") + line(2, "250000", "MSHS0012345"))
    table = pd.read_csv(tmp_path / "lines.csv")
    table["account"] = [9999000001, 9_999_000_012_345_678]
    table.to_excel(tmp_path / "lines.xlsx", index=False, engine="xlsxwriter")

    match.run(tmp_path / "orders.csv", tmp_path / "lines.xlsx", out=tmp_path / "out")

    [told] = written(tmp_path, "problems.csv")
    assert (told["line"], "make the column text" in told["what_en"]) == ("3", True)


def test_two_files_that_hold_the_same_lines_are_taken_once(tmp_path: Path) -> None:
    first = line(1, "581000", "HP9VJP8E0W6W") + line(2, "250000", "MSHS0012345")
    again = first.replace("l1,f1", "l8,f2").replace("l2,f1", "l9,f2")

    summary = run(tmp_path, HEAD + first + again)

    assert {name: one.count for name, one in summary.decisions.items()} == {"AUTO": 2, "IGNORE": 2}
    assert summary.unexplained_vnd == 0


@pytest.mark.parametrize(
    "memo",
    [
        "x " * 5000 + "HP9VJP8E0W6W",
        "\u202eHP9VJP8E\u200b0W6W\u202c",
        "\x07HP9VJP8E0W6W\x1b",
        "\u200fHP9VJP8E0W6W \ufeff",
    ],
    ids=["ten thousand characters", "turned round", "control characters", "marks"],
)
def test_an_odd_memo_is_read_for_what_it_says(tmp_path: Path, memo: str) -> None:
    summary = run(tmp_path, HEAD + line(1, "581000", memo))

    assert summary.decisions["AUTO"].sum_vnd == 581000


def test_many_equal_amounts_without_a_reference_are_all_left_to_people(tmp_path: Path) -> None:
    orders = ORDERS.splitlines()[0] + "\n"
    orders += "".join(f"o{n},MSHS{n:07d},HP,PH{n:06d},,250000,,,OPEN\n" for n in range(20_000))
    rows = "".join(
        f"l{n},f1,9999,VCB,2026-09-10,,08:00,B{n},250000,,,,chuyen tien\n" for n in range(20_000)
    )

    summary = run(tmp_path, HEAD + rows, orders)

    assert {name: one.count for name, one in summary.decisions.items()} == {"EXCEPTION": 20_000}
    assert summary.unexplained_vnd == 0


def test_a_file_read_by_columns_is_the_file_read_row_by_row(tmp_path: Path) -> None:
    rows = HEAD + line(1, "581000", '"HP9VJP8E0W6W, lop 4A"') + line(2, "250000", "đóng tiền")
    (tmp_path / "lines.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "odd.csv").write_text(rows + "l3,too,short\n", encoding="utf-8")

    quick, _ = tables.read(tmp_path / "lines.csv")
    slow, problems = tables.read(tmp_path / "odd.csv")

    pd.testing.assert_frame_equal(quick, slow)
    assert [problem.line for problem in problems] == [4]
