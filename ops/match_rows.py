"""What finance staff's files do to rows: numbers in place of codes, and lines of totals.

Looks only at what is odd, so that a million good rows cost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no stubs
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no stubs

from adapters.statements.numbers import AmountError, vnd_number
from payments.domain.money import grouped
from reconciliation.statement import Problem

CODES = (
    "order_id", "order_ref", "payer_code", "line_id", "account", "bank_ref",
    "counterparty_account", "row_id", "batch_id", "txn_id", "merchant_ref",
)  # fmt: skip
AMOUNTS = ("amount_vnd", "gross_vnd", "fee_vnd", "net_vnd")

_SCIENTIFIC = r"^\s*[+-]?[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}\s*$"
_TOTAL = re.compile(r"\s*(?:tổng|tong|cộng|cong|total|grand total|sum)\b", re.IGNORECASE)


def ruined(raw: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Rows whose codes or account numbers a spreadsheet made numbers of: 1.234E+19.

    Which one it was cannot be known any more, so the row is not used. Returns the other rows.
    """
    bad: dict[int, Problem] = {}
    for column in (name for name in CODES if name in raw):
        cells = pa.array(raw[column])
        if not any(pc.any(pc.match_substring(cells, mark)).as_py() for mark in ("E+", "e+")):
            continue
        hit = pc.match_substring_regex(cells, _SCIENTIFIC).to_numpy(zero_copy_only=False)
        for line in raw.index[hit.astype(bool)]:
            bad.setdefault(int(line), _is_number(int(line), column, str(raw[column][line])))
    return (raw.drop(index=list(bad)) if bad else raw), list(bad.values())


def explained(raw: pd.DataFrame, good: pd.DataFrame, bad: Sequence[Problem]) -> list[Problem]:
    """The problems of unreadable rows: column names told as such, totals compared."""
    amounts = [name for name in AMOUNTS if name in raw]
    return [
        _heading_again(raw, problem) or _total(raw, good, problem, amounts) or problem
        for problem in bad
    ]


def _heading_again(raw: pd.DataFrame, problem: Problem) -> Problem | None:
    row = raw.loc[problem.line]
    same = sum(str(cell).strip().lower() == str(name) for name, cell in row.items())
    if 2 * same <= len(row):
        return None
    return Problem(
        problem.line,
        "Dòng này lặp lại tên cột, không phải dữ liệu.",
        "This line repeats the column names; it is no row.",
    )


def _total(
    raw: pd.DataFrame, good: pd.DataFrame, problem: Problem, amounts: Sequence[str]
) -> Problem | None:
    row = raw.loc[problem.line]
    filled = [str(cell) for cell in row if str(cell).strip()]
    if not any(_TOTAL.match(cell) for cell in filled) or 2 * len(filled) > len(row):
        return None
    above = good.loc[good.index < problem.line]
    differing_vi, differing_en = [], []
    for name in amounts:
        try:
            said = vnd_number(str(row[name]).strip())
        except AmountError:
            continue
        added = int(above[name].sum())
        if said is not None and said != added:
            differing_vi.append(f"{name} ghi {grouped(said)}, các dòng cộng lại {grouped(added)}")
            differing_en.append(f"{name} says {grouped(said)}, the rows add up to {grouped(added)}")
    if not differing_vi:
        return Problem(
            problem.line,
            "Dòng tổng cộng, không phải dữ liệu; không trái với các dòng đã đọc.",
            "A line of totals and no row; it does not contradict the rows that were read.",
        )
    return Problem(
        problem.line,
        f"Dòng tổng cộng không khớp các dòng đã đọc ở trên: {'; '.join(differing_vi)}.",
        f"A line of totals differs from the rows read above it: {'; '.join(differing_en)}.",
    )


def _is_number(line: int, column: str, said: str) -> Problem:
    return Problem(
        line,
        f"Cột {column} chứa “{said.strip()}”: bảng tính đã đổi mã thành số và mất chữ số; hãy định "
        "dạng cột là văn bản rồi xuất lại.",
        f"Column {column} holds “{said.strip()}”: a spreadsheet made a number of it and lost "
        "digits; make the column text and export again.",
    )
