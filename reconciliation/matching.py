"""Pair bank lines and gateway rows with orders. Pure: frames in, frames out, no clock, no I/O.

The steps: lines delivered twice are set aside; the rest, with the gateway's rows, are taken in
time; each memo is read once and all it claims is heard (claims, payers); then one decision is
made (deciding, batches, reversals). Kinds of evidence and rules are data: see evidence.RULES.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import pandas as pd

from payments.domain import memo as memos
from payments.domain.memo import Reading, fold
from reconciliation import batches, normalise
from reconciliation.batches import Batches, GatewayRow, Settlement
from reconciliation.book import Book, Decision, Outcome, Row
from reconciliation.claims import Claims, References
from reconciliation.deciding import Credit, Judge, Orders
from reconciliation.forms import Forms
from reconciliation.normalise import texts
from reconciliation.payers import Payers
from reconciliation.quick import Quick
from reconciliation.reversals import Reversals, Seen

_SHORTEST_TOKEN = 5

MATCH_COLUMNS = (
    "source", "source_id", "order_id", "alloc_vnd", "decision", "exception_code", "related_id",
    "rank", "rule", "score", "evidence",
)  # fmt: skip
OUTCOME_COLUMNS = (
    "source", "source_id", "amount_vnd", "decision", "exception_code", "related_id", "rule",
    "score", "credit_vnd",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Matched:
    """Where everything ended up.

    matches    MATCH_COLUMNS, one row per allocation or candidate; evidence: a tuple of Evidence
    outcomes   OUTCOME_COLUMNS, exactly one row per line and per gateway row
    orders     order_id, owed_vnd (after the run), place: paid, part_paid, open, paid_before, closed
    absent     batch_id, gateway, settle_date, due_vnd: batches that no credit claimed
    """

    matches: pd.DataFrame
    outcomes: pd.DataFrame
    orders: pd.DataFrame
    absent: pd.DataFrame

    @property
    def allocations(self) -> pd.DataFrame:
        """The rows of matches that book money to an order."""
        rows = self.matches
        return rows[(rows["decision"] == Decision.AUTO) & (rows["order_id"] != "")]

    @property
    def leftovers(self) -> pd.DataFrame:
        """The outcomes that a person must see: everything with an exception code."""
        return self.outcomes[self.outcomes["exception_code"] != ""]


def match(
    lines: pd.DataFrame,
    orders: pd.DataFrame,
    *,
    forms: Forms | None = None,
    gateway: pd.DataFrame | None = None,
    contract: Mapping[str, Mapping[str, Any]] | None = None,
    undone: frozenset[tuple[str, str]] = frozenset(),
) -> Matched:
    """Decide every line and row, in time. Nothing is lost and nothing is guessed.

    lines: normalise.LINE_COLUMNS in the order they were delivered; amount_vnd int64, in is
    positive; dates ISO text. orders: order_id, order_ref, payer_code, payer_name, amount_vnd
    (what is still owed), due_at, status (OPEN, PAID or CANCELLED). gateway, contract: see
    normalise.GATEWAY_COLUMNS and batches.terms. forms: learned from the orders when None.
    undone: (line_id, order_id) pairs that a person took apart; never matched again by itself.
    """
    run = _Run.over(lines, orders, forms, gateway, contract or {}, undone)
    decided = run.decide()
    return _frames(run, decided)


@dataclass(slots=True)
class _Lines:
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
    def of(cls, frame: pd.DataFrame) -> _Lines:
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

    def reading(self, at: int) -> Reading:
        """The memo, parsed; what repeats the line's own dates and number is the bank's."""
        foreign = _stamps(self.booked[at], self.value[at]) | _tokens(self.bank_ref[at])
        return memos.read(self.memo[at], foreign=foreign)


@dataclass(slots=True)
class _Run:
    lines: _Lines
    again: dict[int, int]
    rows: list[GatewayRow]
    judge: Judge
    quick: Quick
    settlement: Settlement
    batches: Batches
    reversals: Reversals
    undone: dict[str, frozenset[str]]

    @classmethod
    def over(
        cls,
        lines: pd.DataFrame,
        orders: pd.DataFrame,
        learned: Forms | None,
        gateway: pd.DataFrame | None,
        contract: Mapping[str, Mapping[str, Any]],
        undone: frozenset[tuple[str, str]],
    ) -> _Run:
        columns = _orders(orders)
        status = texts(orders, "status")
        book = Book(orders["amount_vnd"].astype("int64").tolist(), status)
        references = References(columns.refs, learned)
        payers = Payers(columns.payer_codes, columns.payer_names)
        rows = list(_gateway_rows(gateway)) if gateway is not None else []
        settlement = Settlement(book, references, columns.refs, batches.terms(contract))
        apart: dict[str, frozenset[str]] = {}
        for line_id, order_id in undone:
            apart[line_id] = apart.get(line_id, frozenset()) | {order_id}
        return cls(
            _Lines.of(lines),
            normalise.delivered_again(lines),
            rows,
            Judge(columns, references, payers, book),
            Quick(references, payers),
            settlement,
            Batches(_once(rows)),
            Reversals(book, columns.refs),
            apart,
        )

    def decide(self) -> dict[tuple[str, int], Outcome]:
        """An outcome for each ("bank", place) and ("gateway", place)."""
        decided: dict[tuple[str, int], Outcome] = {}
        for source, at in self._in_time():
            if source == "gateway":
                decided[source, at] = self.settlement.decide(self.rows[at])
            elif (first := self.again.get(at)) is not None:
                row = Row(None, abs(self.lines.amount[at]), "delivered_again")
                decided[source, at] = Outcome(
                    Decision.IGNORE, "", [row], related=self.lines.ids[first]
                )
            else:
                decided[source, at] = self._line(at)
        self._finish(decided)
        return decided

    def _in_time(self) -> list[tuple[str, int]]:
        lines = self.lines
        events = [
            ((lines.booked[at], lines.time[at].zfill(5), lines.account[at], lines.bank_ref[at]),
             lines.ids[at], ("bank", at))
            for at in range(len(lines.ids))
        ]  # fmt: skip
        events += [
            ((row.paid_at[:10] or row.settle_date, row.paid_at[11:19], "", ""),
             row.row_id, ("gateway", at))
            for at, row in enumerate(self.rows)
        ]  # fmt: skip
        return [event for *_, event in sorted(events)]

    def _line(self, at: int) -> Outcome:
        lines = self.lines
        quick = (
            self.quick.claims(lines.memo[at], lines.bank_ref[at]) if lines.amount[at] > 0 else None
        )
        reading = lines.reading(at) if quick is None else _unread(lines.memo[at])
        claims = quick or self.judge.hear(reading)
        orders = _quoted(claims)
        if lines.amount[at] <= 0:
            return self.reversals.decide(lines.account[at], -lines.amount[at], reading, orders)
        if not claims.firm and self.batches.claim(
            lines.ids[at], lines.amount[at], lines.booked[at], reading
        ):
            # Decided when all credits of the batch are known.
            return Outcome(Decision.EXCEPTION, "BATCH_MISMATCH", [])
        seen = Seen(lines.ids[at], lines.bank_ref[at], orders)
        self.reversals.saw(lines.account[at], lines.amount[at], seen)
        apart = self.undone.get(lines.ids[at], frozenset())
        credit = Credit(lines.ids[at], lines.amount[at], lines.sender[at], reading, apart)
        return self.judge.decide(credit, claims)

    def _finish(self, decided: dict[tuple[str, int], Outcome]) -> None:
        """What only the end can tell: instalments that completed, batches that add up."""
        of_batches = self.batches.outcomes()
        for (source, at), outcome in decided.items():
            order = outcome.order_of_instalment()
            if order is not None and self.judge.book.owed[order] == 0:
                outcome.code = ""
            if source == "bank" and (of_batch := of_batches.get(self.lines.ids[at])):
                decided[source, at] = of_batch


def _frames(run: _Run, decided: dict[tuple[str, int], Outcome]) -> Matched:
    matches: list[tuple[Any, ...]] = []
    outcomes: list[tuple[Any, ...]] = []
    ids = run.judge.orders.ids
    for source, at in sorted(decided):
        outcome = decided[source, at]
        if source == "bank":
            source_id, amount = run.lines.ids[at], abs(run.lines.amount[at])
        else:
            source_id, amount = run.rows[at].row_id, abs(run.rows[at].gross)
        common = (outcome.decision.value, outcome.code, outcome.related)
        ranked = outcome.decision is Decision.SUGGEST
        for place, row in enumerate(outcome.rows):
            order = "" if row.order is None else ids[row.order]
            rank = place + 1 if ranked else pd.NA
            tail = (rank, row.rule, row.score, row.evidence)
            matches.append((source, source_id, order, row.amount, *common, *tail))
        best = outcome.rows[0]
        outcomes.append((source, source_id, amount, *common, best.rule, best.score, outcome.credit))
    return Matched(
        pd.DataFrame(matches, columns=list(MATCH_COLUMNS)).astype(
            {"alloc_vnd": "int64", "rank": "Int64", "score": "float64"}
        ),
        pd.DataFrame(outcomes, columns=list(OUTCOME_COLUMNS)).astype(
            {"amount_vnd": "int64", "credit_vnd": "int64", "score": "float64"}
        ),
        _places(run),
        pd.DataFrame(
            [(one.batch_id, one.gateway, one.settle_date, one.due) for one in run.batches.absent()],
            columns=["batch_id", "gateway", "settle_date", "due_vnd"],
        ),
    )


def _places(run: _Run) -> pd.DataFrame:
    book = run.judge.book
    places = []
    for order, order_id in enumerate(run.judge.orders.ids):
        if book.status[order] == "CANCELLED":
            place = "closed"
        elif book.status[order] != "OPEN":
            place = "paid_before"
        elif book.owed[order] <= 0:
            place = "paid"
        else:
            place = "part_paid" if book.payers_of.get(order) else "open"
        places.append((order_id, book.owed[order], place))
    return pd.DataFrame(places, columns=["order_id", "owed_vnd", "place"])


def _unread(memo: str) -> Reading:
    """A memo whose one claim is known already: nothing in it is left to hear."""
    return Reading(memo, "", (), (), ())


def _quoted(claims: Claims) -> frozenset[int]:
    return frozenset(order for claim in claims.firm for order in claim.orders)


def _orders(frame: pd.DataFrame) -> Orders:
    columns = ("order_id", "order_ref", "payer_code", "payer_name", "due_at")
    return Orders(*(texts(frame, column) for column in columns))


def _gateway_rows(frame: pd.DataFrame) -> Iterator[GatewayRow]:
    words = [texts(frame, column) for column in normalise.GATEWAY_COLUMNS[:8]]
    amounts = [frame[c].astype("int64").tolist() for c in normalise.GATEWAY_COLUMNS[8:]]
    for row in zip(*words, *amounts, strict=True):
        yield GatewayRow(*row)


def _once(rows: list[GatewayRow]) -> Iterator[GatewayRow]:
    """The rows without those repeated inside their own batch, which the gateway pays once."""
    seen = set()
    for row in rows:
        key = (row.gateway, row.batch_id, row.txn_id, row.type, row.gross, row.net)
        if not row.txn_id or key not in seen:
            seen.add(key)
            yield row


@lru_cache(maxsize=4096)
def _stamps(booked: str, value: str) -> frozenset[str]:
    return memos.day_stamps(date.fromisoformat(day[:10]) for day in {booked, value} if day)


def _tokens(bank_ref: str) -> frozenset[str]:
    words = re.findall(r"[0-9A-Z]+", fold(bank_ref))
    return frozenset(word for word in words if len(word) >= _SHORTEST_TOKEN)
