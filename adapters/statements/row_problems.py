"""What is said about a row that cannot be taken: its column, what was found, what is expected,
and how to mend it. The line number stands beside the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.statements.damage import shown
from reconciliation.statement import Problem

AGAIN: Final = (
    "Hãy xuất lại sao kê từ ngân hàng rồi tải lên lại.",
    "Export the statement from the bank again and upload it.",
)
_WHOLE: Final = (
    "cần số đồng nguyên, như 1.234.567 hoặc 1234567",
    "whole đồng are needed, such as 1.234.567 or 1234567",
)
_FOREIGN: Final = (
    "cần một số với nhiều nhất ba chữ số lẻ, như 1,234.56",
    "a number with three decimals at most is needed, such as 1,234.56",
)
_DAY: Final = (
    "cần ngày có thật dạng ngày/tháng/năm, như 21/11/2026",
    "a real day is needed, day first, such as 21/11/2026",
)


def amount(line: int, column: str, said: str, currency: str) -> Problem:
    """A cell of money. column: its heading."""
    return _unread(line, column, said, ("số tiền", "amount"), _number(currency))


def balance(line: int, column: str, said: str, currency: str) -> Problem:
    """A running balance, which then proves nothing."""
    return _unread(line, column, said, ("số dư", "balance"), _number(currency))


def day(line: int, column: str, said: str) -> Problem:
    """A cell that should hold a day, in a row without money."""
    return _unread(line, column, said, ("ngày", "day"), _DAY)


def value_date(line: int, column: str, said: str) -> Problem:
    """A value date; the row is taken without it."""
    return _cell(
        line, column,
        f"không đọc được ngày hiệu lực {shown(said)}; {_DAY[0]}. Dòng vẫn được nhận, bỏ ngày này",
        f"the value date cannot be read: {shown(said)}; {_DAY[1]}. The row is taken without it",
    )  # fmt: skip


def money_without_day(line: int, column: str, said: str) -> Problem:
    """An amount that cannot be placed. said: what stands where the day should, maybe nothing."""
    return _cell(
        line, column,
        f"dòng có số tiền nhưng không có ngày hợp lệ, ô ngày ghi {shown(said)}; {_DAY[0]}",
        f"a row with an amount but without a valid day, where {shown(said)} stands; {_DAY[1]}",
    )  # fmt: skip


def no_amount(line: int, columns: Sequence[str]) -> Problem:
    """A row that may have been cut off before its amount. columns: where money may stand."""
    named = ", ".join(shown(one) for one in columns)
    return _row(
        line,
        f"Dòng có ngày nhưng không có số tiền ở cột {named}; tệp có thể bị cắt cụt.",
        f"A row with a day but no amount in column {named}; the file may be cut off.",
    )


def unclear_side(line: int, columns: Sequence[str], said: str) -> Problem:
    """Money in, or money out: both columns are filled, or nothing says which."""
    named = ", ".join(shown(one) for one in columns)
    return _row(
        line,
        f"Không rõ tiền vào hay tiền ra ở cột {named}: ghi {shown(said)}; cần số ở đúng một cột "
        "nợ hoặc có, hay dấu +/- hoặc chữ Nợ/Có bên cạnh số tiền.",
        f"Cannot tell money in from money out in column {named}: {shown(said)}; an amount in "
        "just one of debit and credit is needed, or a sign or a word for it beside the amount.",
    )


def cells(line: int, found: int, wanted: int) -> Problem:
    """More cells than the heading has: a separator stands inside one of them."""
    return _row(
        line,
        f"Dòng có {found} ô, tiêu đề có {wanted}: có thể thiếu ngoặc kép quanh một ô có dấu phân "
        "cách, hoặc số tiền viết dấu phẩy trong tệp phân cách bằng dấu phẩy.",
        f"The row has {found} cells, the heading {wanted}: quotes may be missing around a cell "
        "that holds a separator, such as an amount with commas.",
    )


def cut_off(line: int, found: int) -> Problem:
    """The last row has fewer cells than all others."""
    return _row(
        line,
        f"Dòng cuối chỉ có {found} ô; tệp có thể bị cắt cụt.",
        f"The last row has only {found} cells; the file may be cut off.",
    )


def serial_only(line: int, said: str) -> Problem:
    """A row that begins and does not go on."""
    return _row(
        line,
        f"Dòng chỉ có số thứ tự {shown(said)}; tệp có thể bị cắt cụt.",
        f"A row with a serial number only, {shown(said)}; the file may be cut off.",
    )


def digits_lost(line: int, column: str, said: str) -> Problem:
    """A reference or account that a workbook made a number of."""
    return Problem(
        line,
        f"Cột {shown(column)}: tham chiếu hoặc tài khoản được lưu dạng số nên có thể mất chữ số "
        f"{shown(said)}; hãy định dạng cột là văn bản rồi xuất lại, hoặc tải bản CSV.",
        f"Column {shown(column)}: a reference or account is stored as a number and may have lost "
        f"digits: {shown(said)}; make the column text and export again, or take the CSV.",
    )


def _number(currency: str) -> tuple[str, str]:
    return _WHOLE if currency == "VND" else _FOREIGN


def _unread(
    line: int, column: str, said: str, what: tuple[str, str], needed: tuple[str, str]
) -> Problem:
    """what: stands in the cell, in both languages; needed: what could be read there."""
    return _cell(
        line, column, f"không đọc được {what[0]} {shown(said)}; {needed[0]}",
        f"the {what[1]} cannot be read: {shown(said)}; {needed[1]}",
    )  # fmt: skip


def _cell(line: int, column: str, vi: str, en: str) -> Problem:
    return _row(line, f"Cột {shown(column)}: {vi}.", f"Column {shown(column)}: {en}.")


def _row(line: int, vi: str, en: str) -> Problem:
    return Problem(line, f"{vi} {AGAIN[0]}", f"{en} {AGAIN[1]}")
