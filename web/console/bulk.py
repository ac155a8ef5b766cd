"""What the pages show on which many discrepancies are decided at once: first what would be
booked, row by row with its sum, then what was done and what was left out and why.

Amounts are int đồng, codes those of web/words.py (see web/pages.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from web.console.decisions import Journal
from web.console.pages import Shell
from web.language import Both
from web.pages import FieldError


@dataclass(frozen=True, slots=True)
class BulkRow:
    """One discrepancy. beneficiary, group, code: of the bill its money goes to; where a credit is
    taken back, group is the bills that it has paid and code the bank's number of it.

    way: what is done with it. ticked: whether it is sent along. by: who proposed it.
    """

    id: str
    url: str
    kind: str
    amount: int
    way: Both
    beneficiary: str = ""
    group: str = ""
    code: str = ""
    memo: str = ""
    by: str = ""
    ticked: bool = True


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One that is not decided with the others, and why."""

    url: str
    kind: str
    amount: int
    why: Both


@dataclass(frozen=True, slots=True)
class BulkPage:
    """Before: what would be booked. act: accept or approve.

    journal: of all rows together. needs_second: how many are above the limit, so that a second
    person approves.
    action_url: POST (dis, once for each row; reason). back_url: to the list.
    """

    template: ClassVar[str] = "console/bulk.html"

    shell: Shell
    act: str
    rows: Sequence[BulkRow]
    left_out: Sequence[LeftOut]
    action_url: str
    back_url: str
    journal: Journal | None = None
    needs_second: int = 0
    reason: str = ""
    errors: Sequence[FieldError] = ()

    @property
    def amount(self) -> int:
        """The sum of the rows."""
        return sum(row.amount for row in self.rows)


@dataclass(frozen=True, slots=True)
class BulkDonePage:
    """After: what was booked, what waits for a second person, what was left out and why."""

    template: ClassVar[str] = "console/bulk_done.html"

    shell: Shell
    act: str
    booked: Sequence[BulkRow]
    proposed: Sequence[BulkRow]
    left_out: Sequence[LeftOut]
    back_url: str
    proposed_url: str = ""
