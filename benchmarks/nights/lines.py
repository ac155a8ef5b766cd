"""Statement lines as they are drawn, the truth about each, and how files deliver them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

ACCOUNTS = (("9999000001", "VCB"), ("9999000002", "BIDV"), ("9999000003", "CTG"))
DAYS = tuple(f"2026-09-{day:02d}" for day in range(10, 15))

AUTO, PERSON, IGNORE, ANY = "AUTO", "PERSON", "IGNORE", "ANY"


@dataclass(frozen=True, slots=True)
class Truth:
    """What should become of a line or row.

    decision: AUTO, PERSON (SUGGEST or EXCEPTION), IGNORE, or ANY: the data do not tell, only a
    booking to another order would be wrong. code: the exception code, None where several are
    right. meant: order -> đồng that may be booked to it. first: orders that are right as the
    first suggestion.
    """

    decision: str
    code: str | None = ""
    meant: Mapping[str, int] = field(default_factory=dict)
    related: str = ""
    first: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One movement. key tells it from the others until it gets its line_id; day: index in DAYS."""

    key: int
    day: int
    second: int
    amount: int
    memo: str
    sender: str
    scenario: str
    spoiling: str
    truth: Truth
    account: int = 0
    bank_ref: str = ""
    takes_back: int = -1
    again_of: int = -1

    @property
    def time(self) -> str:
        """HH:MM:SS."""
        hours, rest = divmod(self.second, 3600)
        return f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"


@dataclass(slots=True)
class Book:
    """The lines drawn so far, in any order."""

    rng: random.Random
    lines: list[Line] = field(default_factory=list)

    def moment(self, after: tuple[int, int] | None = None) -> tuple[int, int]:
        """(day, second of the day), behind another moment if asked; nights are quiet."""
        if after is None:
            return self.rng.randrange(len(DAYS) - 1), self.rng.randrange(6 * 3600, 23 * 3600)
        day, second = after
        if self.rng.random() < 0.5 or day == len(DAYS) - 1:
            return day, min(86_399, second + self.rng.randrange(5, 3600))
        return day + 1, self.rng.randrange(6 * 3600, 23 * 3600)

    def add(self, line: Line) -> Line:
        """Keep a line; it gets its key and the bank's number."""
        key = len(self.lines)
        account = key % len(ACCOUNTS) if line.account < 0 else line.account
        # What the bank calls it is unique per account and day only.
        ref = line.bank_ref or f"{5200 + line.day}.{10_000 + key}"
        kept = replace(line, key=key, account=account, bank_ref=ref)
        self.lines.append(kept)
        return kept


_AGAIN: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    lambda memo: memo.replace(" ", "  ", 1),
    lambda memo: f"{memo} ",
)


def deliver_again(book: Book, share: float) -> None:
    """Some lines stand in the next night's file once more: word for word, in capitals, or with
    other blanks."""
    for line in list(book.lines):
        if book.rng.random() < share:
            truth = Truth(IGNORE, "", {}, related=str(line.key))
            book.lines.append(
                replace(
                    line,
                    key=len(book.lines),
                    memo=book.rng.choice(_AGAIN)(line.memo),
                    truth=truth,
                    scenario="delivered again",
                    again_of=line.key,
                )
            )


def delivered(lines: Iterable[Line]) -> list[Line]:
    """In the order of the nightly files: a line that comes again comes a file later."""
    return sorted(
        lines,
        key=lambda line: (line.day + (line.again_of >= 0), line.account, line.second, line.key),
    )


def balances(lines: Iterable[Line]) -> dict[int, int]:
    """What each account held after each line, by key; a line that comes again says the same."""
    held: Counter[int] = Counter(dict.fromkeys(range(len(ACCOUNTS)), 1000000000))
    after: dict[int, int] = {}
    for line in sorted(lines, key=lambda line: (line.day, line.second, line.key)):
        if line.again_of < 0:
            held[line.account] += line.amount
            after[line.key] = held[line.account]
        else:
            after[line.key] = after[line.again_of]
    return after
