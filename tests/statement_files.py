"""Statement files as a bank would write them, for tests: MT940 text from a list of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Entry:
    """One row. amount: signed đồng, in is positive."""

    amount: int
    memo: str
    reference: str = "FT26069000001"


def an_mt940(
    account: str, day: date, opening: int, entries: Sequence[Entry], *, closing: int | None = None
) -> bytes:
    """A statement of one day that closes, unless another closing is asked for."""
    end = opening + sum(entry.amount for entry in entries) if closing is None else closing
    stamp = f"{day:%y%m%d}"
    rows = [
        f":61:{stamp}{day:%m%d}{'C' if e.amount > 0 else 'D'}{abs(e.amount)},NTRFNONREF"
        f"//{e.reference}\n:86:{e.memo}"
        for e in entries
    ]
    return "\n".join(
        [
            f":20:STMT{stamp}",
            f":25:{account}",
            ":28C:00001/00001",
            f":60F:C{stamp}VND{opening},",
            *rows,
            f":62F:C{stamp}VND{end},",
            "-",
            "",
        ]
    ).encode()
