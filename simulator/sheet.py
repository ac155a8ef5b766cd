"""A settlement file: its rows, and how a table of text becomes CSV or a workbook."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from simulator.statements import xlsx
from simulator.statements.layouts import Grid


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a settlement. amount: đồng, negative for what goes back; fee: what is kept.

    kind: payment, refund or chargeback; reference, request: the merchant's names;
    number: the gateway's.
    """

    batch: str
    settle_date: date
    merchant: str
    reference: str
    request: str
    number: str
    kind: str
    at: datetime
    amount: int
    fee: int

    @property
    def net(self) -> int:
        """What reaches the merchant."""
        return self.amount - self.fee


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as a gateway prints it. lines: texts; bom: as Excel likes CSV in UTF-8."""

    headings: Sequence[str]
    lines: Sequence[Sequence[str]]
    delimiter: str = ","
    bom: bool = False

    def csv(self) -> bytes:
        """As CSV, lines ended as spreadsheets do."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=self.delimiter, lineterminator="\r\n")
        writer.writerow(self.headings)
        writer.writerows(self.lines)
        return out.getvalue().encode("utf-8-sig" if self.bom else "utf-8")

    def xlsx(self) -> bytes:
        """As a workbook of texts."""
        grid: Grid = [list(self.headings)]
        grid += [list(line) for line in self.lines]
        return xlsx.render(grid)
