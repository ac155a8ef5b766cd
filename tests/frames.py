"""frame("…"): a table drawn in a test.

The first row names the columns; columns are told apart by two blanks or more, so a cell may
hold single ones. "-" alone is an empty cell. Columns whose name ends in _vnd are int64.
"""

from __future__ import annotations

import re

import pandas as pd


def frame(head: str, *rows: str) -> pd.DataFrame:
    """The drawn table. A row with another number of cells than the head is a mistake."""
    columns = _cells(head)
    cells = [_cells(row) for row in rows]
    wrong = [row for row, found in zip(rows, cells, strict=True) if len(found) != len(columns)]
    if wrong:
        raise ValueError(f"{len(columns)} columns, but: {wrong[0]!r}")
    drawn = pd.DataFrame(cells, columns=columns, dtype="str")
    amounts = {column: "int64" for column in columns if column.endswith("_vnd")}
    return drawn.astype(amounts)


def _cells(row: str) -> list[str]:
    return ["" if cell == "-" else cell for cell in re.split(r"\s{2,}", row.strip())]
