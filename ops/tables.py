"""Tables of text in and out of files: CSV and XLSX, for commands that work without a service.

Reading keeps every cell as text and tells line numbers; a row that is no row is a Problem and
the rest is read on. Writing escapes what a spreadsheet would run as a formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no stubs
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no stubs
from pyarrow import csv as arrow_csv

from ops import csv_files
from ops.table_rows import (
    DELIMITERS,
    Cells,
    UnreadableTable,
    csv_rows,
    is_workbook,
    sheets,
    text_of,
)
from reconciliation.statement import Problem

HEADING_WITHIN = 100

_FORMULA = r"^[=+\-@\t\r]"
_PROSE = ("evidence", "what", "cause", "action")
# Control characters, zero-width ones and those that turn the direction of what follows.
_UNSEEN = "[\\x00-\\x1f\\x7f\\x{200b}-\\x{200f}\\x{202a}-\\x{202e}\\x{2060}-\\x{2069}\\x{feff}]+"


def read(path: Path, columns: Sequence[str] = ()) -> tuple[pd.DataFrame, list[Problem]]:
    """A CSV or XLSX file as text columns, indexed by line number in the file.

    columns: the names by which the line of column names is known, wherever it stands among the
    first hundred and whichever of , ; tab | stands between them; without any it is the first
    line. Raises UnreadableTable if there is no such file or no table in it.
    """
    if is_workbook(path):
        found = _best_sheet(path, columns)
    else:
        quick = csv_files.read(path)
        if quick is not None and set(columns) <= set(quick.columns):
            return quick, [] if len(quick) else [_no_rows(1)]
        found = _best_text(path, columns)
    if not found.rows:
        raise UnreadableTable(f"Tệp {path.name} trống.", f"The file {path.name} is empty.")
    return _framed(path, found, columns)


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows, the place of the column names among them if they were found, and what was left out."""

    rows: list[Cells | Problem]
    place: int | None = None
    left: tuple[Problem, ...] = ()


def _best_text(path: Path, columns: Sequence[str]) -> _Found:
    text = text_of(path)
    start = text[: HEADING_WITHIN * 20_000]
    for delimiter in DELIMITERS if columns else DELIMITERS[:1]:
        head = list(islice(csv_rows(start, delimiter), HEADING_WITHIN))
        if _place(head, columns) is not None:
            rows = list(csv_rows(text, delimiter))
            return _Found(rows, _place(rows, columns))
    return _Found(list(csv_rows(text, DELIMITERS[0])))


def _best_sheet(path: Path, columns: Sequence[str]) -> _Found:
    every = sheets(path)
    places = [_place(rows, columns) for rows in every]
    tables = [at for at, place in enumerate(places) if place is not None]
    if len(tables) > 1:
        numbers = ", ".join(str(at + 1) for at in tables)
        raise UnreadableTable(
            f"Tệp {path.name} có bảng ở nhiều trang tính ({numbers}); hãy lưu mỗi trang thành một "
            "tệp.",
            f"The file {path.name} has tables on several sheets ({numbers}); save each as a file "
            "of its own.",
        )
    chosen = tables[0] if tables else 0
    left = tuple(
        Problem(
            0,
            f"Trang tính {at + 1} không có các cột của bảng; không dòng nào của trang được đọc.",
            f"Sheet {at + 1} does not have the columns of the table; no row of it was read.",
        )
        for at, rows in enumerate(every)
        if at != chosen and any(_is_filled(row) for row in rows)
    )
    return _Found(every[chosen], places[chosen], left) if every else _Found([])


def _place(rows: Sequence[Cells | Problem], columns: Sequence[str]) -> int | None:
    """Where the line of column names stands: at least half of them, in any case of letters."""
    for at, row in enumerate(rows[:HEADING_WITHIN]):
        if isinstance(row, Problem):
            continue
        if not columns or 2 * len(set(columns) & set(_names(row[1], columns))) >= len(columns):
            return at
    return None


def _names(cells: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The column names of a line; ours in small letters, others as they are."""
    names = [cell.strip().strip("\ufeff") for cell in cells]
    return [name.lower() if name.lower() in columns else name for name in names]


def _framed(
    path: Path, found: _Found, columns: Sequence[str]
) -> tuple[pd.DataFrame, list[Problem]]:
    place = found.place
    if place is None:
        place = next((at for at, row in enumerate(found.rows) if not isinstance(row, Problem)), 0)
    head = found.rows[place]
    if isinstance(head, Problem):
        raise UnreadableTable(f"Tệp {path.name}: {head.vi}", f"The file {path.name}: {head.en}")
    names = _names(head[1], columns)
    twice = sorted({name for name in columns or names if name and names.count(name) > 1})
    if twice:
        shown = ", ".join(twice)
        raise UnreadableTable(
            f"Tệp {path.name} có cột lặp lại: {shown}.",
            f"The file {path.name} names a column twice: {shown}.",
        )
    problems = [*found.left]
    problems += [_above(row) for row in found.rows[:place] if _is_row(row, len(names))]
    lines: list[int] = []
    cells: list[list[str]] = []
    for row in found.rows[place + 1 :]:
        if isinstance(row, Problem):
            problems.append(row)
        elif not any(map(str.strip, row[1])):
            continue
        elif len(row[1]) != len(names):
            problems.append(_wrong_width(row[0], len(row[1]), len(names)))
        else:
            lines.append(row[0])
            cells.append(row[1])
    if not cells and not problems:
        problems.append(_no_rows(head[0]))
    by_column = list(zip(*cells, strict=True)) if cells else [()] * len(names)
    # Columns that nobody asks for may share a name or have none: the first one is kept.
    told = {name: by_column[at] for at, name in reversed(list(enumerate(names)))}
    frame = pd.DataFrame(
        {name: told[name] for name in dict.fromkeys(names)},
        index=pd.Index(lines, dtype="int64"),
        dtype="str",
    )
    return frame, problems


def _is_filled(row: Cells | Problem) -> bool:
    return isinstance(row, Problem) or any(map(str.strip, row[1]))


def _is_row(row: Cells | Problem, width: int) -> bool:
    """Whether a line above the column names looks like a row, not like a title."""
    if isinstance(row, Problem):
        return True
    return 2 * sum(bool(cell.strip()) for cell in row[1]) > width


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """UTF-8 with a header; text that a spreadsheet would run gets an apostrophe in front.

    Sentences lose the characters that nobody sees; identifiers stay as they came.
    """
    names = [str(name) for name in frame.columns]
    with ThreadPoolExecutor() as threads:
        cells = list(threads.map(_safe, (frame[name] for name in frame.columns), names))
    table = pa.table(dict(zip(names, cells, strict=True)))
    arrow_csv.write_csv(table, str(path))


def _safe(column: pd.Series[Any], name: str) -> Any:
    if pd.api.types.is_numeric_dtype(column):
        return pa.array(column)
    text = pa.array(column.astype("str"), type=pa.large_string())
    if name.startswith(_PROSE) and pc.any(pc.match_substring_regex(text, _UNSEEN)).as_py():
        text = pc.replace_substring_regex(text, _UNSEEN, "")
    runs = pc.match_substring_regex(text, _FORMULA)
    if not pc.any(runs).as_py():
        return text
    sign, nothing = pa.scalar("'", text.type), pa.scalar("", text.type)
    return pc.if_else(runs, pc.binary_join_element_wise(sign, text, nothing), text)


def _wrong_width(line: int, found: int, wanted: int) -> Problem:
    return Problem(
        line,
        f"Dòng có {found} ô, cần {wanted}.",
        f"The row has {found} cells, not {wanted}.",
    )


def _above(row: Cells | Problem) -> Problem:
    if isinstance(row, Problem):
        return row
    return Problem(
        row[0],
        "Dòng này đứng trên dòng tên cột nên không được đọc.",
        "This row stands above the line of column names and was not read.",
    )


def _no_rows(line: int) -> Problem:
    return Problem(
        line,
        "Tệp chỉ có dòng tên cột, không có dòng dữ liệu nào.",
        "The file holds the column names only, and no row.",
    )


def problems_frame(found: Sequence[tuple[str, Problem]]) -> pd.DataFrame:
    """problems.csv: file, line, and what is wrong in both languages."""
    rows = [(file, problem.line, problem.vi, problem.en) for file, problem in found]
    return pd.DataFrame(rows, columns=["file", "line", "what_vi", "what_en"])
