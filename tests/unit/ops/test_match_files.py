"""`thuphi match`: files in, files out, every đồng in one bucket."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from ops import match, tables
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
    with pytest.raises(tables.UnreadableTable, match="no file"):
        match.run(tmp_path / "a.csv", tmp_path / "b.csv", out=tmp_path)


def test_a_contract_that_is_no_contract_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text('{"MOMO": {"bps": "much"}}')

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
