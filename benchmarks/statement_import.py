"""Row: a bank's workbook, read into lines and kept in the database, against reading its sheet.

The file holds 10,000 credits with a running balance, as a bank exports them. The floor is
python-calamine turning the same sheet into rows of cells: nothing is understood, proven or kept.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence

import xlsxwriter  # type: ignore[import-untyped]  # it ships no stubs
from python_calamine import load_workbook

from adapters.registry import STATEMENT_READERS
from benchmarks import nightly_school
from benchmarks.nightly_school import HEAD, Line, School
from benchmarks.place import Place, now
from benchmarks.results import Effort, Figure, Row
from payments.domain.people import SERVICE
from reconciliation import intake

GOAL = 4.0
_WIDTHS = 2  # a full run has half as many lines as a bulk


def measure(place: Place, effort: Effort) -> Row:
    """Each round takes a new school's workbook in; the sheet alone is read beside it."""
    count = effort.bulk // _WIDTHS
    read, kept, floor = [], [], []
    for _ in range(effort.rounds):
        school = nightly_school.founded(place, orders=count)
        data = workbook(school, list(nightly_school.lines_of(school)))
        floor.append(_sheet_alone(data, count))
        began = time.perf_counter()
        parsed = STATEMENT_READERS["auto"].read(data, name="sao-ke.xlsx")
        read.append(time.perf_counter() - began)
        assert [len(one.lines) for one in parsed.statements] == [count], parsed.problems
        kept.append(_kept(place, school, data))
    return Row(
        "Statement import",
        [
            Figure(
                f"a workbook of {count:,} lines, read and proven",
                "calamine reads its sheet",
                "s",
                read,
                floor,
                goal=GOAL,
                at_most=True,
            ),
            Figure(
                "the same, kept line by line in the database",
                "calamine reads its sheet",
                "s",
                kept,
                floor,
            ),
        ],
        sizes={"lines": count, "rounds": effort.rounds},
        why="each cell becomes a day, an amount or a text that is checked, and the balance is "
        "followed from line to line; kept, every line is also numbered and sealed",
    )


def workbook(school: School, lines: Sequence[Line]) -> bytes:
    """The bank's export: texts as texts, amounts as numbers."""
    made, balance = io.BytesIO(), 0
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ("Số tài khoản", school.account))
        sheet.write_row(1, 0, HEAD)
        for at, line in enumerate(lines, 2):
            balance += line.amount
            told = (f"{school.day:%d/%m/%Y}", "08:00:00", line.reference)
            sheet.write_row(at, 0, (*told, line.amount, balance, line.memo, line.sender))
    return made.getvalue()


def _sheet_alone(data: bytes, count: int) -> float:
    began = time.perf_counter()
    rows = load_workbook(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    spent = time.perf_counter() - began
    assert len(rows) == count + 2, len(rows)
    return spent


def _kept(place: Place, school: School, data: bytes) -> float:
    began = time.perf_counter()
    with place.runtime.sessions.begin(school.biller_id) as db:
        kept = intake.receive(db, name="sao-ke.xlsx", data=data, by=SERVICE, at=now())
        intake.read(db, kept.file_id, STATEMENT_READERS["auto"])
    return time.perf_counter() - began
