"""What is said about a statement, or a line of one, that was read and is not booked."""

from __future__ import annotations

from decimal import Decimal

from reconciliation.statement import Problem


def strange(number: str | None) -> Problem:
    """A statement of an account that is not there, or of none. number: as the file has it."""
    if not number:
        return Problem(
            0,
            "Tệp không ghi số tài khoản nên không ghi sổ dòng nào. Hãy lấy từ ngân hàng tệp có số "
            "tài khoản ở phần đầu.",
            "The file names no account, so nothing of it is booked. Get one from the bank that has "
            "the account number at its top.",
        )
    return Problem(
        0,
        f"Tài khoản {number} không phải của đơn vị này nên không ghi sổ dòng nào. Hãy kiểm tra có "
        "chọn nhầm tệp không.",
        f"Account {number} is not this biller's, so nothing of it is booked. Check that this is "
        "the right file.",
    )


def foreign(currency: str) -> Problem:
    """A statement in another currency."""
    return Problem(
        0,
        f"Sao kê bằng {currency}: đọc được nhưng chỉ ghi sổ VND. Hãy chọn sao kê của tài khoản "
        "VND.",
        f"A statement in {currency} is read but never posted: only VND is. Choose that of an "
        "account in VND.",
    )


def dayless() -> Problem:
    """A statement without a line and without a day."""
    return Problem(
        0,
        "Sao kê không có dòng nào và không cho biết ngày nên không dùng được. Hãy xuất lại sao kê "
        "có ngày của số dư cuối.",
        "The statement has no line and does not say which day it is for. Export one that has the "
        "day of its closing balance.",
    )


def alike(line: int) -> Problem:
    """A line like one of another file, where the balances say that it is not the same."""
    return Problem(
        line,
        "Dòng này giống hệt một dòng của tệp khác; chưa ghi.",
        "This line is exactly like one of another file; it is not booked yet.",
    )


def repeated(line: int) -> Problem:
    """A line that another file has brought."""
    return Problem(
        line,
        "Dòng này đã có từ tệp trước nên không ghi lần nữa; không cần làm gì.",
        "This line came in an earlier file and is not booked again; nothing has to be done.",
    )


def unbookable(line: int, amount: Decimal) -> Problem:
    """An amount that is no whole đồng, nothing, or too large."""
    return Problem(
        line,
        f"Số tiền {amount} không ghi sổ được; cần số đồng nguyên khác 0, không quá 12 chữ số. Hãy "
        "xuất lại sao kê từ ngân hàng.",
        f"The amount {amount} cannot be booked; whole đồng other than 0, at most 12 digits, are "
        "needed. Export the statement from the bank again.",
    )
