"""CSV files of millions of rows, read by columns. What is odd in a file goes the slow way.

tables.read takes rows one by one and can tell what is wrong with each; it needs that only for
files in which something is wrong. A file of good UTF-8 whose every line has as many cells as the
header is read here, at the speed of the disk, and gives the same frame.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no stubs
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no stubs
from pyarrow import csv as arrow_csv

_BLOCK = 1 << 26
_MARK = b"\xef\xbb\xbf"


def read(path: Path) -> pd.DataFrame | None:
    """Text columns indexed by line number, or None if the file must be read row by row."""
    data = path.read_bytes()
    if data.startswith(_MARK):
        data = data[len(_MARK) :]
    end = data.find(b"\n")
    if end < 0 or b"\r" in data or b"\x00" in data or b"\n\n" in data or b'"' in data[:end]:
        return None
    if data.count(b'"') % 2:  # a quote that is never closed
        return None
    try:
        head = next(csv.reader([data[:end].decode()]))
    except (UnicodeDecodeError, StopIteration):
        return None
    columns = [name.strip() for name in head]
    if not all(columns) or len(set(columns)) != len(columns):
        return None
    table = _parsed(data, columns)
    lines = data.count(b"\n") + (not data.endswith(b"\n")) - 1
    # As many rows as lines: no cell holds a line break, and none was skipped.
    if table is None or table.num_rows != lines or not _is_plain(data, table):
        return None
    frame = pd.DataFrame({name: pd.Series(pd.array(table[name], dtype="str")) for name in columns})
    frame.index = pd.Index(np.arange(2, lines + 2), dtype="int64")
    return _without_empty(frame)


def _without_empty(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the rows in which every cell is empty, of which there are few."""
    empty = np.arange(len(frame))
    for name in frame.columns:
        empty = empty[(frame[name].iloc[empty] == "").to_numpy(dtype=bool)]
        if not len(empty):
            return frame
    return frame.drop(index=frame.index[empty])


def _parsed(data: bytes, columns: list[str]) -> pa.Table | None:
    try:
        return arrow_csv.read_csv(
            io.BytesIO(data),
            read_options=arrow_csv.ReadOptions(
                column_names=columns, skip_rows=1, block_size=_BLOCK
            ),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=False),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.large_string()),
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None


def _is_plain(data: bytes, table: pa.Table) -> bool:
    """Whether quotes only stand around whole cells: both readers take those alike."""
    if b'"' not in data:
        return True
    shown = sum(pc.sum(pc.count_substring(column, '"')).as_py() or 0 for column in table.columns)
    if shown:
        return False
    return data.count(b'"') == data.count(b',"') + data.count(b'\n"') + data.count(
        b'",'
    ) + data.count(b'"\n') + data.endswith(b'"')
