"""What each order still owes while a run goes on, and what became of each line or row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from reconciliation.engine.evidence import RULES, Evidence

MOST_SUGGESTED = 5


class Decision(StrEnum):
    """Who acts: nobody (AUTO, IGNORE) or a person (SUGGEST: with candidates; EXCEPTION)."""

    AUTO = "AUTO"
    SUGGEST = "SUGGEST"
    EXCEPTION = "EXCEPTION"
    IGNORE = "IGNORE"


@dataclass(slots=True)
class Row:
    """One allocation or candidate. order: place of the order, None for none; amount in đồng."""

    order: int | None
    amount: int
    rule: str
    evidence: tuple[Evidence, ...] = ()

    @property
    def score(self) -> float:
        """For sorting what people see; it decides nothing."""
        return RULES[self.rule].score


@dataclass(slots=True)
class Outcome:
    """What became of one line or row: its one place. credit: the part above what was owed."""

    decision: Decision
    code: str
    rows: list[Row]
    related: str = ""
    credit: int = 0

    def order_of_instalment(self) -> int | None:
        """The order this line paid in part, if that is all it did."""
        return self.rows[0].order if self.code == "UNDERPAID" else None


@dataclass(slots=True)
class Book:
    """Orders by place: what each still owes, and who paid it. Changed line after line, in time."""

    owed: list[int]
    status: Sequence[str]
    payers_of: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    booked: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    billed: Sequence[int] = ()

    def __post_init__(self) -> None:
        self.billed = tuple(self.owed)

    def is_open(self, order: int) -> bool:
        """Whether the order still takes money."""
        return self.status[order] == "OPEN" and self.owed[order] > 0

    def apply(self, source_id: str, parts: list[tuple[int, int]]) -> None:
        """Book these (order, amount) for one line or row."""
        for order, amount in parts:
            self.owed[order] -= amount
            self.payers_of[order].append(source_id)
        self.booked[source_id] = parts

    def release(self, source_id: str) -> list[tuple[int, int]]:
        """Money taken back: the orders owe again what this line had paid. Gives what it was."""
        parts = self.booked.pop(source_id, [])
        for order, amount in parts:
            self.owed[order] += amount
            self.payers_of[order].remove(source_id)
        return parts
