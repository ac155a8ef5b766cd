"""Sure lines and rows: plain, and the only one that has to do with its open order. By columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reconciliation.engine.batches import GatewayRow
from reconciliation.engine.book import Book
from reconciliation.engine.quick import Plain
from reconciliation.engine.terms import Terms

_Ints = npt.NDArray[np.int64]
_MOST_BPS = 1_000_000  # a hundred times the payment itself: beyond, sums might not fit


@dataclass(frozen=True, slots=True)
class Sure:
    """at: places of the lines; order, came, owed, part: one for each, đồng; exact: see Plain."""

    at: _Ints
    order: _Ints
    came: _Ints
    owed: _Ints
    part: _Ints
    exact: npt.NDArray[np.bool_]

    @classmethod
    def booked(cls, at: _Ints, plain: Plain, amounts: _Ints, book: Book) -> Sure:
        """Book these lines; each is the only one of its order. amounts: of all lines."""
        order = plain.order[at]
        owed = np.asarray(book.owed, dtype=np.int64)
        came, due = amounts[at], owed[order]
        part = np.minimum(came, due)
        owed[order] -= part
        book.owed[:] = owed.tolist()
        return cls(at, order, came, due, part, plain.exact[at])

    @property
    def code(self) -> npt.NDArray[np.object_]:
        """Underpaid, overpaid, or nothing to say."""
        low, high = self.came < self.owed, self.came > self.owed
        return np.where(low, "UNDERPAID", np.where(high, "OVERPAID", "")).astype(object)


@dataclass(frozen=True, slots=True)
class SureRows:
    """Payments of a gateway's report. at: places of the rows; the rest is one for each, đồng.

    came: gross; fee, due: kept and what may be kept, equal where nothing is to be said against it;
    told: whether something can be said of the fee at all.
    """

    at: _Ints
    order: _Ints
    came: _Ints
    owed: _Ints
    part: _Ints
    fee: _Ints
    due: _Ints
    told: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        at: _Ints,
        order: _Ints,
        rows: Sequence[GatewayRow],
        book: Book,
        contract: Mapping[str, Terms],
    ) -> SureRows:
        """These rows and their orders, as they will be booked when their time comes."""
        some = [rows[one] for one in at.tolist()]
        came, fee, net = (
            np.array([getattr(row, name) for row in some], dtype=np.int64)
            for name in ("gross", "fee", "net")
        )
        owed = np.asarray(book.owed, dtype=np.int64)[order]
        due, told = came - net, came - fee != net
        gateways = np.array([row.gateway.upper() for row in some], dtype=object)
        for name in set(gateways.tolist()) & contract.keys():
            here = (gateways == name) & ~told
            allowed = contract[name].fee(came[here])
            if allowed is not None:
                due[here] = allowed
                told |= here
        return cls(at, order, came, owed, np.minimum(came, owed), fee, due, told)

    def left(self) -> dict[int, tuple[int, int]]:
        """For each row's place its order, and what that owes from then on."""
        rest = zip(self.order.tolist(), (self.owed - self.part).tolist(), strict=True)
        return dict(zip(self.at.tolist(), rest, strict=True))

    @property
    def code(self) -> npt.NDArray[np.object_]:
        """As batches.Settlement flags it: the amount first, then the fee."""
        low, high = self.came < self.owed, self.came > self.owed
        varies = self.told & (self.fee != self.due)
        codes = np.select([low, high, varies], ["UNDERPAID", "AMOUNT_MISMATCH", "FEE_VARIANCE"], "")
        return codes.astype(object)


def plain_rows(rows: Sequence[GatewayRow], contract: Mapping[str, Terms]) -> npt.NDArray[np.bool_]:
    """Rows with money in whose transaction stands nowhere else in the reports."""
    times = Counter((row.gateway, row.txn_id) for row in rows)
    wild = {name for name, terms in contract.items() if terms.bps > _MOST_BPS}
    return np.array(
        [
            row.type == "PAYMENT" and row.gross > 0 and bool(row.txn_id)
            and times[row.gateway, row.txn_id] == 1 and row.gateway.upper() not in wild
            for row in rows
        ],
        dtype=bool,
    )  # fmt: skip
