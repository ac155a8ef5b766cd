"""The lines of a statement as columns, and what the bank's own words in each of them are. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import pandas as pd

from payments.domain import memo as memos
from payments.domain.memo import Reading, fold
from reconciliation.engine import reading
from reconciliation.engine.claims import References
from reconciliation.normalise import texts

_SHORTEST_TOKEN = 5
_DAYS_BEFORE, _DAYS_AFTER = 40, 10  # a bank writes no day that is further from its own


@dataclass(slots=True)
class Lines:
    """The columns of the lines as lists: rows are visited in an order of their own."""

    ids: list[str]
    account: list[str]
    booked: list[str]
    value: list[str]
    time: list[str]
    bank_ref: list[str]
    amount: list[int]
    sender: list[str]
    memo: list[str]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Lines:
        """frame: as matching.match takes it."""
        return cls(
            ids=texts(frame, "line_id"),
            account=texts(frame, "account"),
            booked=texts(frame, "booking_date"),
            value=texts(frame, "value_date"),
            time=texts(frame, "txn_time"),
            bank_ref=texts(frame, "bank_ref"),
            amount=frame["amount_vnd"].astype("int64").tolist(),
            sender=texts(frame, "counterparty_name"),
            memo=texts(frame, "memo"),
        )

    def reading(self, at: int, references: References) -> Reading:
        """The memo, parsed; what repeats the line's own dates and number is the bank's."""
        foreign = _stamps(self.booked[at], self.value[at]) | _tokens(self.bank_ref[at])
        near = _near(self.booked[at], self.value[at])
        return reading.read(self.memo[at], foreign=foreign, written=references.spelled, near=near)


@lru_cache(maxsize=4096)
def _stamps(booked: str, value: str) -> frozenset[str]:
    return memos.day_stamps(date.fromisoformat(day[:10]) for day in {booked, value} if day)


@lru_cache(maxsize=4096)
def _near(booked: str, value: str) -> frozenset[str]:
    """The days that a bank may have written into a line of these days."""
    known = [date.fromisoformat(day[:10]) for day in {booked, value} if day]
    around = range(-_DAYS_BEFORE, _DAYS_AFTER + 1)
    days = {day.toordinal() + off for day in known for off in around}
    last = date.max.toordinal()
    return memos.day_stamps(date.fromordinal(min(max(day, 1), last)) for day in days)


def _tokens(bank_ref: str) -> frozenset[str]:
    words = re.findall(r"[0-9A-Z]+", fold(bank_ref))
    return frozenset(word for word in words if len(word) >= _SHORTEST_TOKEN)
