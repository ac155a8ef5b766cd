"""What a gateway may keep of a payment by its contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:  # the pages that show a contract do not wait for numpy
    import numpy as np
    import numpy.typing as npt

Amounts = TypeVar("Amounts", int, "npt.NDArray[np.int64]")
ROUNDINGS = ("half up per row", "down per row", "up per row")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a gateway may keep of a payment: basis points, rounded as `rounding` says, and a sum."""

    bps: int
    fixed: int
    rounding: str

    def fee(self, gross: Amounts) -> Amounts | None:
        """The fee for one row or a column of rows, đồng; None if the rounding is unknown."""
        hundredths = gross * self.bps
        half, down, up = ROUNDINGS
        rounded = {
            half: (2 * hundredths + 10_000) // 20_000,
            down: hundredths // 10_000,
            up: -(-hundredths // 10_000),
        }.get(self.rounding)
        return None if rounded is None else rounded + self.fixed


def terms(contract: Mapping[str, Mapping[str, Any]]) -> dict[str, Terms]:
    """The contract file's content, by gateway in upper case."""
    return {
        name.upper(): Terms(
            int(one.get("bps", 0)),
            int(one.get("fixed_vnd", 0)),
            str(one.get("rounding", ROUNDINGS[0])),
        )
        for name, one in contract.items()
    }
