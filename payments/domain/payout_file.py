"""PayoutWriter: the port to a bank's form of a file that orders many transfers at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """One transfer. bank: BIN or name, as it was given. amount: đồng.

    code: the refund code, which has to stand in the memo that the bank's statement will show.
    """

    number: int
    name: str
    account: str
    bank: str
    amount: int
    code: str


@dataclass(frozen=True, slots=True)
class PayoutSheet:
    """The transfers of one file, and the account that pays them."""

    account_number: str
    holder: str
    day: date
    rows: Sequence[PayoutRow]


class PayoutWriter(Protocol):
    """Writes the file as one bank takes it."""

    profile: str

    def write(self, sheet: PayoutSheet) -> Mapping[str, bytes]:
        """Format ("csv", "xlsx") -> the bytes. The same sheet gives the same bytes.

        Raises Invalid for what this bank's form cannot carry, naming the row.
        """
        ...
