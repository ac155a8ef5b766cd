"""Figures: the reconciled day, biller by biller, and whether it adds up. Read by HTTP."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from ops.demo.teller import NotAsTold, in_words
from ops.demo.town import House, Town
from payments.domain.money import grouped

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
        received=sum(one["amount"] for one in payments),
        applied=sum(one["applied"] for one in payments),
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


def table(found: Sequence[Row], title: str) -> Table:
    """The rows to print, with a line of totals."""
    made = Table(title=title, show_footer=True, title_justify="left")
    made.add_column(in_words("Đơn vị", "Biller"), footer=in_words("Tổng", "Total"))
    for heading, values in _columns(found).items():
        made.add_column(heading, footer=grouped(sum(values)), justify="right", no_wrap=True)
    made.add_column(in_words("NH = sổ", "Bank = ledger"), footer=_yes(found), justify="center")
    unexplained = sum(abs(one.unexplained) for one in found)
    made.add_column(
        in_words("Chưa giải thích", "Unexplained"), footer=grouped(unexplained), justify="right"
    )
    columns = list(_columns(found).values())
    for place, one in enumerate(found):
        cells = [grouped(values[place]) for values in columns]
        made.add_row(one.code, *cells, _yes([one]), grouped(one.unexplained))
    return made


def _columns(found: Sequence[Row]) -> dict[str, list[int]]:
    return {
        in_words("Giấy báo", "Bills"): [one.bills for one in found],
        in_words("Phải thu", "Billed"): [one.billed for one in found],
        in_words("Đã nhận", "Received"): [one.received for one in found],
        in_words("Đã ghi", "Applied"): [one.applied for one in found],
        in_words("Số dư", "Credit"): [one.credit for one in found],
        in_words("Đã hoàn", "Refunded"): [one.refunded for one in found],
        in_words("Chênh lệch mở", "Open"): [one.open for one in found],
        in_words("Ngân hàng", "At the bank"): [one.bank for one in found],
    }


def _yes(found: Sequence[Row]) -> str:
    return "✓" if all(one.bank == one.ledger for one in found) else "✗"


def discrepancies(found: Sequence[Row]) -> Table:
    """What did not match, and how it ended."""
    made = Table(title=in_words("Chênh lệch", "Discrepancies"), title_justify="left")
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
        out = Console(highlight=False, width=150)
    out.print(table(found, title))
    out.print(discrepancies(found))
