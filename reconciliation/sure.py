"""Sure lines: plain, and the only one that has to do with its open order. Booked by columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reconciliation.book import Book
from reconciliation.quick import Plain

_Ints = npt.NDArray[np.int64]


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
