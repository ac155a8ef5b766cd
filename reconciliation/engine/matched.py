"""What matching found, as frames: one outcome per line and row, with evidence made when asked.

Nine lines in ten are plain: one reference, one order. Their evidence is two short pieces that can
be told from the line and the order, so it is made only for whoever looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no stubs
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no stubs

from reconciliation.engine.book import Decision
from reconciliation.engine.claims import where
from reconciliation.engine.evidence import Evidence, Verdict, amounts, render
from reconciliation.engine.telling import sides, tell, tell_fee

MATCH_COLUMNS = (
    "source", "source_id", "order_id", "alloc_vnd", "decision", "exception_code", "related_id",
    "rank", "rule", "score", "evidence",
)  # fmt: skip
OUTCOME_COLUMNS = (
    "source", "source_id", "amount_vnd", "decision", "exception_code", "related_id", "rule",
    "score", "credit_vnd",
)  # fmt: skip

Told = tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Quoted:
    """The plain lines, by column: what each says, of which order, and the đồng of both."""

    memos: Sequence[str]
    refs: Sequence[str]
    compact: Sequence[str]
    ours: npt.NDArray[np.bool_]
    came: npt.NDArray[np.int64]
    owed: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.memos)

    def evidence(self, at: int) -> Told:
        """The reference where it stands in the memo, and the amount."""
        memo, came, owed = self.memos[at], int(self.came[at]), int(self.owed[at])
        span = where(memo, self.compact[at])
        kind = "code" if self.ours[at] else "reference"
        read = memo[span[0] : span[1]]
        quoted = Evidence(kind, read, self.refs[at], Verdict.AGREES, span)
        return quoted, amounts(came, owed)

    def reasons(self, places: npt.NDArray[np.int64], lang: Literal["vi", "en"]) -> Any:
        """The same as lines for people: what render() makes of it, without the detour."""
        which = places.tolist()
        read = []
        for at in which:
            memo = self.memos[at]
            start, end = where(memo, self.compact[at])
            read.append(memo[start:end])
        shown = sides(read, [self.refs[at] for at in which])
        return tell(lang, self.ours[places], shown, self.came[places], self.owed[places])


@dataclass(frozen=True, slots=True)
class QuotedRows:
    """The plain rows of a gateway, by column, as sure.SureRows has them."""

    read: Sequence[str]
    refs: Sequence[str]
    came: npt.NDArray[np.int64]
    owed: npt.NDArray[np.int64]
    fee: npt.NDArray[np.int64]
    due: npt.NDArray[np.int64]
    told: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.read)

    def evidence(self, at: int) -> Told:
        """The reference, the amount, and the fee if something can be said of it."""
        quoted = Evidence("reference", self.read[at], self.refs[at], Verdict.AGREES)
        pieces = (quoted, amounts(int(self.came[at]), int(self.owed[at])))
        if not self.told[at]:
            return pieces
        fee, due = int(self.fee[at]), int(self.due[at])
        verdict = Verdict.AGREES if fee == due else Verdict.CONTRADICTS
        return (*pieces, Evidence("fee", str(fee), str(due), verdict))

    def reasons(self, places: npt.NDArray[np.int64], lang: Literal["vi", "en"]) -> Any:
        """The same as lines for people."""
        which = places.tolist()
        shown = sides([self.read[at] for at in which], [self.refs[at] for at in which])
        none = np.zeros(len(which), dtype=bool)
        text = tell(lang, none, shown, self.came[places], self.owed[places])
        fee = tell_fee(lang, self.told[places], self.fee[places], self.due[places])
        return pc.binary_join_element_wise(text, fee, pa.scalar("", pa.large_string()))


class Matched:
    """Where everything ended up.

    rows       MATCH_COLUMNS without evidence, one row per allocation or candidate
    outcomes   OUTCOME_COLUMNS, exactly one row per line and per gateway row
    orders     order_id, owed_vnd (after the run), place: paid, part_paid, open, paid_before, closed
    absent     batch_id, gateway, settle_date, due_vnd: batches that no credit claimed
    unreported order_id, txn_id, row_id, amount_vnd: given back by row_id, never reported
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        outcomes: pd.DataFrame,
        orders: pd.DataFrame,
        absent: pd.DataFrame,
        *,
        told: Sequence[Told],
        quoted: tuple[Quoted, QuotedRows],
        origin: npt.NDArray[np.int64],
    ) -> None:
        """origin: for each row its place in told, or, from -1 down, its place in both quoted."""
        self.rows, self.outcomes, self.orders, self.absent = rows, outcomes, orders, absent
        self.unreported = pd.DataFrame(columns=["order_id", "txn_id", "row_id", "amount_vnd"])
        self._told, self._quoted, self._origin = told, quoted, origin

    @cached_property
    def matches(self) -> pd.DataFrame:
        """The rows with their evidence: a tuple of Evidence each."""
        found = pd.Series([self.evidence(at) for at in range(len(self.rows))], dtype=object)
        return self.rows.assign(evidence=found.to_numpy())

    def evidence(self, at: int) -> Told:
        """Why the row at this place is what it is."""
        origin = int(self._origin[at])
        if origin >= 0:
            return self._told[origin]
        (lines, rows), place = self._quoted, -1 - origin
        return lines.evidence(place) if place < len(lines) else rows.evidence(place - len(lines))

    def reasons(
        self, lang: Literal["vi", "en"], at: npt.NDArray[np.int64] | None = None
    ) -> pd.Series[str]:
        """The evidence of every row, or of those at these places, as lines for people."""
        origin = self._origin if at is None else self._origin[at]
        (lines, rows), place = self._quoted, -1 - origin
        long = origin >= 0
        parts = long, ~long & (place < len(lines)), place >= len(lines)
        told = [render(self._told[one], lang) for one in origin[long].tolist()]
        found = [
            pa.array(told, type=pa.large_string()),
            lines.reasons(place[parts[1]], lang),
            rows.reasons(place[parts[2]] - len(lines), lang),
        ]
        whose = np.concatenate([np.flatnonzero(part) for part in parts])
        in_order = pa.concat_arrays(found).take(pa.array(np.argsort(whose)))
        return pd.Series(pd.array(in_order, dtype="str"))

    @property
    def allocations(self) -> pd.DataFrame:
        """The rows that book money to an order."""
        booked = (self.rows["decision"] == Decision.AUTO) & (self.rows["order_id"] != "")
        return self.rows[booked]

    @property
    def leftovers(self) -> pd.DataFrame:
        """The outcomes that a person must see: everything with an exception code."""
        return self.outcomes[self.outcomes["exception_code"] != ""]
