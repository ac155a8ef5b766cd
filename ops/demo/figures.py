"""Figures: the reconciled day, biller by biller, and whether it adds up. Read by HTTP."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from ops.demo.teller import NotAsTold, in_words
from ops.demo.town import House, Town
from payments.domain.money import grouped

WIDE: Final = 100  # columns of a terminal that has room for the totals
_GONE: Final = ("sent", "unknown", "done")
_WAITS: Final = ("requested", "approved")
_UNEXPLAINED = re.compile(r'^thuphi_unexplained_dong\{biller="([^"]+)"\} ([-0-9.e+]+)$', re.M)

WAYS: Final = {
    "apply": ("ghi cho giấy báo", "applied"),
    "keep": ("giữ làm số dư", "kept as credit"),
    "bank_charge": ("phí ngân hàng", "bank charge"),
    "no_money": ("không phải ghi", "nothing to book"),
    "applied": ("tự khớp", "applied by itself"),
    "paid_in_full": ("đã nộp đủ", "paid in full"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One biller, in đồng. bank: by the bank; ledger: by our books; open: in discrepancies."""

    code: str
    bills: int
    billed: int
    received: int
    applied: int
    credit: int
    refunded: int
    open: int
    discrepancies: Sequence[dict[str, Any]]
    bank: int
    ledger: int
    unexplained: int

    @property
    def placed(self) -> int:
        """Everything received, by the places it is in."""
        return self.applied + self.credit + self.refunded + self.open

    @property
    def adds_up(self) -> bool:
        """Whether nothing is missing: by our own comparisons, and by the bank's."""
        return self.unexplained == 0 and self.bank == self.ledger


def rows(town: Town) -> list[Row]:
    """Read everything anew. Raises NotAsTold when the answers cannot be had."""
    measured = dict(_UNEXPLAINED.findall(town.web.fetch("/metrics").text))
    missing = set(town.houses) - set(measured)
    if missing:
        raise NotAsTold(
            f"/metrics không có số chưa giải thích của {sorted(missing)}",
            f"/metrics lacks the unexplained figure of {sorted(missing)}",
        )
    return [_row(town, house, int(float(measured[house.code]))) for house in town.houses.values()]


def _row(town: Town, house: House, unexplained: int) -> Row:
    api = house.api
    invoices, payments = api.every("/invoices"), api.every("/payments")
    refunds = api.every("/refunds")
    accounts = {one["code"]: one["balance"] for one in api.get("/accounts")["items"]}
    bank = town.bank.get(f"/accounts/{house.number}")
    return Row(
        code=house.code,
        bills=len(invoices),
        billed=sum(one["amount"] for one in invoices),
        # Without what was no payment after all: a gateway's batch, or money a bank took back.
        received=sum(one["amount"] - one["reversed"] for one in payments),
        applied=sum(one["applied"] for one in payments) + accounts["refunds_given"],
        credit=accounts["credit"] + _sum(refunds, _WAITS),
        refunded=_sum(refunds, _GONE),
        open=sum(one["free"] for one in payments),
        discrepancies=api.every("/discrepancies"),
        bank=bank["balance"],
        ledger=accounts[f"bank:{house.number}"],
        unexplained=unexplained,
    )


def _sum(refunds: Sequence[dict[str, Any]], statuses: Sequence[str]) -> int:
    return sum(one["amount"] for one in refunds if one["status"] in statuses)


def table(found: Sequence[Row], title: str, *, total: bool) -> Table:
    """A column for each biller, so that it fits a narrow terminal; total: one more for all."""
    # Without lines between them, five columns of nine digits fit into 80 characters.
    made = Table(title=title, title_justify="left", box=None, padding=(0, 1), pad_edge=False)
    made.add_column("₫", no_wrap=True)
    for row in found:
        made.add_column(row.code, justify="right", no_wrap=True)
    if total:
        made.add_column(in_words("Tổng", "Total"), justify="right", no_wrap=True)
    for (vi, en), values in _figures(found):
        cells = [grouped(value) for value in values]
        made.add_row(in_words(vi, en), *cells, *([grouped(sum(values))] if total else []))
    agree = ["✓" if row.bank == row.ledger else "✗" for row in found]
    agreed = "✓" if set(agree) == {"✓"} else "✗"
    made.add_row(in_words("Ngân hàng = sổ", "Bank = ledger"), *agree, *([agreed] if total else []))
    unexplained = [row.unexplained for row in found]
    cells = [grouped(value) for value in unexplained]
    all_of_it = [grouped(sum(map(abs, unexplained)))] if total else []
    made.add_row(in_words("Chưa giải thích", "Unexplained"), *cells, *all_of_it, style="bold")
    return made


def _figures(found: Sequence[Row]) -> list[tuple[tuple[str, str], list[int]]]:
    return [
        (("Số giấy báo", "Bills"), [one.bills for one in found]),
        (("Phải thu", "Billed"), [one.billed for one in found]),
        (("Đã nhận", "Received"), [one.received for one in found]),
        (("  đã ghi", "  applied"), [one.applied for one in found]),
        (("  số dư", "  credit"), [one.credit for one in found]),
        (("  đã hoàn", "  refunded"), [one.refunded for one in found]),
        (("  đang mở", "  open"), [one.open for one in found]),
        (("Ở ngân hàng", "At the bank"), [one.bank for one in found]),
        (("Trên sổ", "In the ledger"), [one.ledger for one in found]),
    ]


def discrepancies(found: Sequence[Row]) -> Table:
    """What did not match, and how it ended."""
    title = in_words("Chênh lệch", "Discrepancies")
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in (in_words("Đơn vị", "Biller"), in_words("Loại", "Kind")):
        made.add_column(heading)
    made.add_column(in_words("Số tiền", "Amount"), justify="right")
    made.add_column(in_words("Kết quả", "Outcome"))
    for row in found:
        for one in reversed(row.discrepancies):
            made.add_row(row.code, one["kind"], grouped(one["amount"]), _outcome(one))
    return made


def _outcome(one: dict[str, Any]) -> str:
    if one["status"] not in ("resolved", "auto_resolved"):
        return in_words("đang mở", "open")
    ended = WAYS.get(one["resolution"] or "", (one["resolution"] or "", one["resolution"] or ""))
    return f"{in_words(*ended)}: {one['reason']}" if one["reason"] else in_words(*ended)


def show(found: Sequence[Row], title: str) -> None:
    """Print both tables on stdout."""
    out = Console(highlight=False)
    if not out.is_terminal:
        out = Console(highlight=False, width=WIDE)
    out.print(table(found, title, total=out.width >= WIDE))
    out.print(discrepancies(found))
    unexplained = grouped(sum(abs(one.unexplained) for one in found))
    out.print(in_words(f"Chưa giải thích được: {unexplained} ₫", f"Unexplained: {unexplained} ₫"))
