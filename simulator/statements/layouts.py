"""The exports of Vietnamese banks as grids of cells, and the grid as CSV.

Source: headings of published statements. A cell is a text, or a number of đồng where a workbook
keeps a number; None is an empty cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime

from simulator.statements.day import Line, Statement

Cell = str | int | None
Grid = list[list[Cell]]
_BANK = "NGÂN HÀNG THỬ NGHIỆM"
_VIETINBANK_HEAD = 31  # rows above the heading: it stands as low as row 32


def as_csv(grid: Grid) -> bytes:
    """UTF-8 with a mark at the start, as spreadsheet programs expect it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([["" if cell is None else cell for cell in row] for row in grid])
    return out.getvalue().encode("utf-8-sig")


def vietcombank(statement: Statement) -> Grid:
    """Day and document number share a cell; totals and closing balance stand below."""
    grid = _head(statement)
    grid.append(
        [
            "STT/No.", "Ngày GD/ TNX Date / Số CT/ Doc No", "Số tiền ghi nợ/ Debit",
            "Số tiền ghi có/ Credit", "Số dư/ Balance", "Nội dung chi tiết/ Transactions in detail",
        ]
    )  # fmt: skip
    for number, line in enumerate(statement.lines, 1):
        debit, credit = _sides(line)
        when = f"{line.booking_date:%d/%m/%Y}\n{line.reference}"
        grid.append(
            [number, when, _grouped(debit), _grouped(credit), _grouped(line.balance), line.memo]
        )
    debits, credits = _grouped(statement.debits), _grouped(statement.credits)
    grid.append([None, None, debits, credits, None, "Tổng số/Total"])
    closing = _grouped(statement.closing)
    grid.append(["Số dư cuối kỳ/ Closing balance", None, None, None, closing, None])
    return grid


def mb(statement: Statement) -> Grid:
    """A zero in the unused column, `.00` behind every amount, the day with its time."""
    grid = _head(statement)
    grid.append(
        [
            "STT/No", "Ngày giao dịch/Transaction Date", "Số bút toán/Reference No",
            "Phát sinh nợ/Debit", "Phát sinh có/Credit", "Số dư/Balance", "Nội dung/Details",
            "Đơn vị thụ hưởng/Beneficiary", "Tài khoản/Account", "Ngân hàng/Bank",
        ]
    )  # fmt: skip
    for number, line in enumerate(statement.lines, 1):
        debit, credit = _sides(line)
        at = datetime.fromisoformat(line.at)
        grid.append(
            [
                number, f"{line.booking_date:%d/%m/%Y} {at:%H:%M:%S}", line.reference,
                f"{debit or 0:,}.00", f"{credit or 0:,}.00", f"{line.balance:,}.00", line.memo,
                line.name, line.number, None,
            ]
        )  # fmt: skip
    closing = f"{statement.closing:,}.00"
    grid.append(["Số dư cuối kỳ/Closing balance", *[None] * 4, closing, *[None] * 4])
    return grid


def vietinbank(statement: Statement) -> Grid:
    """The heading stands far down; amounts are plain numbers."""
    grid = _head(statement)
    grid += [[None]] * (_VIETINBANK_HEAD - len(grid))
    grid.append(
        [
            "Ngày hạch toán/Accounting date", "Mô tả giao dịch/Transaction description",
            "Nợ/ Debit", "Có / Credit", "Số dư TK/ Account Balance",
            "Số giao dịch/ Transaction number", "Tài khoản đối ứng/Corresponsive account",
            "Tên tài khoản đối ứng/Corresponsive name",
        ]
    )  # fmt: skip
    for line in statement.lines:
        debit, credit = _sides(line)
        grid.append(
            [
                f"{line.booking_date:%d/%m/%Y}", line.memo, debit, credit, line.balance,
                line.reference, line.number, line.name,
            ]
        )  # fmt: skip
    grid.append(["Số dư cuối kỳ/ Closing balance", None, None, None, statement.closing, None])
    return grid


LAYOUTS: dict[str, Callable[[Statement], Grid]] = {
    "vietcombank": vietcombank,
    "mb": mb,
    "vietinbank": vietinbank,
}


def _head(statement: Statement) -> Grid:
    days = f"{statement.first:%d/%m/%Y} - {statement.last:%d/%m/%Y}"
    return [
        [_BANK],
        ["SAO KÊ TÀI KHOẢN/ ACCOUNT STATEMENT"],
        ["Số tài khoản/ Account No", statement.account],
        ["Chủ tài khoản/ Account name", statement.holder],
        ["Loại tiền/ Currency", statement.currency],
        ["Từ ngày - đến ngày/ From - to", days],
        ["Số dư đầu kỳ/ Opening balance", _grouped(statement.opening)],
    ]


def _sides(line: Line) -> tuple[int | None, int | None]:
    """(debit, credit), the unused one None."""
    return (None, line.amount) if line.amount > 0 else (-line.amount, None)


def _grouped(amount: int | None) -> str | None:
    return None if amount is None else f"{amount:,}"
