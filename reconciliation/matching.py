"""Pair bank lines and gateway rows with orders. Pure: frames in, frames out, no clock, no I/O.

The steps: lines delivered twice are set aside; the rest, with the gateway's rows, are taken in
time; each memo is read once and all it claims is heard (claims, payers); then one decision is
made (deciding, batches, reversals). Kinds of evidence and rules are data: see evidence.RULES.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from payments.domain.memo import Reading, fold
from reconciliation import normalise
from reconciliation.engine import reversals
from reconciliation.engine.batches import Batches, GatewayRow, Settlement
from reconciliation.engine.book import Book, Decision, Outcome, Row
from reconciliation.engine.claims import Claim, Claims, References, where
from reconciliation.engine.deciding import Credit, Judge, Orders
from reconciliation.engine.folding import compacted_all
from reconciliation.engine.forms import Forms
from reconciliation.engine.gathering import Sources, gathered
from reconciliation.engine.hearing import Heard, Hearer, Listener, Told, in_turn
from reconciliation.engine.lines import Lines
from reconciliation.engine.matched import Matched
from reconciliation.engine.payers import Payers
from reconciliation.engine.quick import Plain, Quick
from reconciliation.engine.reversals import Reversals, Seen
from reconciliation.engine.sure import Sure as _Sure
from reconciliation.engine.sure import SureRows, plain_rows
from reconciliation.engine.terms import terms
from reconciliation.normalise import texts

__all__ = ["Matched", "match"]


def match(
    lines: pd.DataFrame,
    orders: pd.DataFrame,
    *,
    forms: Forms | None = None,
    gateway: pd.DataFrame | None = None,
    contract: Mapping[str, Mapping[str, Any]] | None = None,
    undone: frozenset[tuple[str, str]] = frozenset(),
    hearer: Hearer = in_turn,
    by_hand: bool = False,
) -> Matched:
    """Decide every line and row, in time. Nothing is lost and nothing is guessed.

    lines: normalise.LINE_COLUMNS in the order they were delivered; amount_vnd int64, in is
    positive; dates ISO text. orders: order_id, order_ref, payer_code, payer_name, amount_vnd
    (what is still owed), due_at, status (OPEN, PAID or CANCELLED). gateway, contract: see
    normalise.GATEWAY_COLUMNS and terms.terms. forms: learned from the orders when None.
    undone: (line_id, order_id) pairs that a person took apart; never matched again by itself.
    hearer: who has the lines heard, share by share; see hearing.
    by_hand: nothing is told by columns, every line goes the long way; the outcome is the same.
    """
    run = _Run.over(lines, orders, forms, gateway, contract or {}, undone, hearer)
    run.by_hand = by_hand
    del lines, orders  # what is needed of them is in columns now; a million rows are no trifle
    run.decide()
    return run.matched()


@dataclass(slots=True)
class _Run:
    lines: Lines
    again: dict[int, int]
    rows: list[GatewayRow]
    judge: Judge
    listener: Listener
    hearer: Hearer
    quick: Quick
    settlement: Settlement
    batches: Batches
    reversals: Reversals
    undone: dict[str, frozenset[str]]
    decided: dict[tuple[str, int], Outcome] = field(default_factory=dict)
    by_hand: bool = False
    plain: Plain = field(default_factory=lambda: Plain.joined(()))
    heard: dict[int, Heard] = field(default_factory=dict)
    sure: _Sure | None = None
    sure_rows: SureRows | None = None

    @classmethod
    def over(
        cls,
        lines: pd.DataFrame,
        orders: pd.DataFrame,
        learned: Forms | None,
        gateway: pd.DataFrame | None,
        contract: Mapping[str, Mapping[str, Any]],
        undone: frozenset[tuple[str, str]],
        hearer: Hearer,
    ) -> _Run:
        columns = _orders(orders)
        status = texts(orders, "status")
        book = Book(orders["amount_vnd"].astype("int64").tolist(), status)
        with ThreadPoolExecutor(1) as beside:  # columns are folded and sorted without the lock
            asked = beside.submit(Payers, columns.payer_codes, columns.payer_names)
            references = References(columns.refs, learned)
            payers = asked.result()
        rows = list(_gateway_rows(gateway)) if gateway is not None else []
        apart: dict[str, frozenset[str]] = {}
        for line_id, order_id in undone:
            apart[line_id] = apart.get(line_id, frozenset()) | {order_id}
        those = Lines.of(lines)
        due = Batches(_once(rows))
        return cls(
            those,
            normalise.delivered_again(lines),
            rows,
            Judge(columns, references, payers, book),
            Listener(references, payers, due),
            hearer,
            Quick(references, payers),
            Settlement(book, references, columns.refs, terms(contract)),
            due,
            Reversals(book, columns.refs),
            apart,
        )

    def decide(self) -> None:
        """An outcome for each ("bank", place) and ("gateway", place) that is not sure."""
        self._hear()
        sure = self._candidates()
        named = [self.settlement.orders(row) for row in self.rows]
        wanted = self._wanted(named)
        sure &= wanted[self.plain.order] == 1
        amounts = np.asarray(self.lines.amount, dtype=np.int64)
        self.sure_rows = self._sure_rows(named, wanted)
        self.sure = _Sure.booked(np.flatnonzero(sure), self.plain, amounts, self.judge.book)
        paid = self.sure_rows.left()
        for source, at in self._in_time(sure):
            if source == "gateway" and at in paid:
                # In its time: until then others may be told that the order is open.
                order, left = paid[at]
                self.judge.book.owed[order] = left
            elif source == "gateway":
                self.decided[source, at] = self.settlement.decide(self.rows[at])
            elif (first := self.again.get(at)) is not None:
                row = Row(None, abs(self.lines.amount[at]), "delivered_again")
                self.decided[source, at] = Outcome(
                    Decision.IGNORE, "", [row], related=self.lines.ids[first]
                )
            else:
                self.decided[source, at] = self._line(at)
        self._finish()

    def _hear(self) -> None:
        """What every line says; of those that were delivered before, what columns tell."""
        told = list(self.hearer(self._share, len(self.lines.ids)))
        self.plain = Plain.joined([one.plain for one in told])
        for one in told:
            self.heard.update(one.heard)

    def _share(self, places: range) -> Told:
        """What these lines say, and the long way those of which columns do not tell enough."""
        here = slice(places.start, places.stop)
        memos, bank_refs = self.lines.memo[here], self.lines.bank_ref[here]
        plain = Plain.none(len(memos)) if self.by_hand else self.quick.hear(memos, bank_refs)
        amount = np.asarray(self.lines.amount[here], dtype=np.int64)
        due = self.judge.book.billed
        orders = plain.order.tolist()
        billed = np.array([due[one] if one >= 0 else 0 for one in orders], dtype=np.int64)
        told = (plain.order >= 0) & (amount > 0) & (plain.whole | (amount == billed))
        heard: dict[int, Heard] = {}
        for place in np.flatnonzero(~told).tolist():
            if (at := places.start + place) in self.again:
                continue
            full = self._heard(at)
            if (claim := self._plain_claim(at, full)) is None:
                heard[at] = full
            else:
                plain.order[place] = claim.orders[0]
                plain.exact[place], plain.whole[place] = claim.how == "exact", not claim.sure
        return Told(plain, heard)

    def _plain_claim(self, at: int, heard: Heard) -> Claim | None:
        """The one claim of a line that turned out to be as plain as one that columns tell."""
        amount, claim = self.lines.amount[at], heard.alone()
        if amount <= 0 or claim is None or self.judge.conflict([claim], heard.named):
            return None
        order = claim.orders[0]
        if claim.sure and amount != self.judge.book.billed[order]:
            return None
        same = claim.kind == self.judge.references.kind(claim.ref)
        return claim if same and self._span(at, order) == (claim.start, claim.end) else None

    def _candidates(self) -> npt.NDArray[np.bool_]:
        """Lines that no other line can have to do with, but for the orders they quote."""
        book, lines, order = self.judge.book, self.lines, self.plain.order
        amount, owed = np.asarray(lines.amount, dtype=np.int64), np.asarray(book.owed)
        is_open = (np.asarray(book.status, dtype=object) == "OPEN") & (owed > 0)
        sure = (order >= 0) & (amount > 0)
        if not len(owed):
            return sure
        sure &= is_open[order] & (self.plain.whole | (amount == owed[order]))
        sure[list(self.again)] = False
        if self.undone:
            sure &= ~pd.Series(lines.ids, dtype="str").isin(list(self.undone)).to_numpy()
        back = np.flatnonzero(amount <= 0).tolist()
        named = {ref for at in back for ref in reversals.references(fold(lines.memo[at]))}
        if named:
            sure &= ~compacted_all(lines.bank_ref).isin(list(named)).to_numpy()
        return sure

    def _wanted(self, named: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
        """How many lines and rows have to do with each order. named: the orders of each row."""
        wanted = [order for orders in named for order in orders]
        for heard in self.heard.values():
            wanted += heard.claims.orders()
        plain = self.plain.order >= 0
        plain[list(self.again)] = False
        every = np.concatenate([np.asarray(wanted, dtype=np.int64), self.plain.order[plain]])
        return np.bincount(every, minlength=len(self.judge.book.owed) + 1)

    def _sure_rows(self, named: Sequence[Sequence[int]], wanted: npt.NDArray[np.int64]) -> SureRows:
        """Rows whose order is open and concerns nothing else that is to be decided."""
        book, contract = self.judge.book, self.settlement.contract
        order = np.array([one[0] if len(one) == 1 else -1 for one in named], dtype=np.int64)
        sure = plain_rows(self.rows, contract) & (order >= 0) & (wanted[order] == 1)
        sure[sure] = [book.is_open(one) for one in order[sure].tolist()]
        return SureRows.of(np.flatnonzero(sure), order[sure], self.rows, book, contract)

    def _in_time(self, sure: npt.NDArray[np.bool_]) -> list[tuple[str, int]]:
        lines = self.lines
        events = [
            ((lines.booked[at], lines.time[at].zfill(5), lines.account[at], lines.bank_ref[at]),
             lines.ids[at], ("bank", at))
            for at in np.flatnonzero(~sure).tolist()
        ]  # fmt: skip
        events += [
            ((row.paid_at[:10] or row.settle_date, row.paid_at[11:19], "", ""),
             row.row_id, ("gateway", at))
            for at, row in enumerate(self.rows)
        ]  # fmt: skip
        return [event for *_, event in sorted(events)]

    def _heard(self, at: int) -> Heard:
        reading = self._reading(at)
        if self.lines.amount[at] <= 0:
            return Heard(self.listener.claims(reading))
        return self.listener.credit(reading, self.lines.sender[at])

    def _reading(self, at: int) -> Reading:
        return self.lines.reading(at, self.judge.references)

    def _line(self, at: int) -> Outcome:
        lines = self.lines
        line_id, account, amount = lines.ids[at], lines.account[at], lines.amount[at]
        apart = self.undone.get(line_id, frozenset())
        heard = self.heard.pop(at, None)
        if heard is None and self.plain.whole[at]:
            claim = self._plainly(at)
            seen = Seen(line_id, lines.bank_ref[at], frozenset(claim.orders))
            self.reversals.saw(account, amount, seen)
            return self.judge.one(Credit(line_id, amount, lines.sender[at], apart), claim)
        # More or less than is owed by now may be for another order: all that is said counts again.
        heard = heard or self._heard(at)
        orders = _quoted(heard.claims)
        if amount <= 0:
            return self.reversals.decide(account, -amount, self._reading(at), orders)
        if self.batches.claim(line_id, amount, lines.booked[at], heard.of_batch):
            # Decided when all credits of the batch are known.
            return Outcome(Decision.EXCEPTION, "BATCH_MISMATCH", [])
        self.reversals.saw(account, amount, Seen(line_id, lines.bank_ref[at], orders))
        return self.judge.decide(Credit(line_id, amount, lines.sender[at], apart), heard)

    def _plainly(self, at: int) -> Claim:
        """What a plain line claims: one reference, whose order is known already."""
        order, references = int(self.plain.order[at]), self.judge.references
        ref, how = references.compact_of(order), "exact" if self.plain.exact[at] else "glued"
        start, end = self._span(at, order)
        read = self.lines.memo[at][start:end]
        return Claim(references.kind(ref), ref, how, (order,), start, end, "", read)

    def _span(self, at: int, order: int) -> tuple[int, int]:
        """Where the reference of this order stands in the memo."""
        return where(self.lines.memo[at], self.judge.references.compact_of(order))

    def _finish(self) -> None:
        """What only the end can tell: instalments that completed, batches that add up."""
        of_batches = self.batches.outcomes()
        for (source, at), outcome in self.decided.items():
            order = outcome.order_of_instalment()
            if order is not None and self.judge.book.owed[order] == 0:
                outcome.code = ""
            if source == "bank" and (of_batch := of_batches.get(self.lines.ids[at])):
                self.decided[source, at] = of_batch

    def matched(self) -> Matched:
        """Everything decided, in the order of the input."""
        assert self.sure is not None  # noqa: S101  # decide() has run
        assert self.sure_rows is not None  # noqa: S101  # the same
        # Nobody is named from here on, and the index of names is the largest of all.
        self.judge = replace(self.judge, payers=Payers([], []))
        self.listener = replace(self.listener, payers=self.judge.payers)
        absent = [
            (one.batch_id, one.gateway, one.settle_date, one.due) for one in self.batches.absent()
        ]
        found = gathered(
            self.decided,
            self.sure,
            self.sure_rows,
            Sources(self.lines.ids, self.lines.amount, self.lines.memo, self.rows),
            self.judge,
            pd.DataFrame(absent, columns=["batch_id", "gateway", "settle_date", "due_vnd"]),
        )
        missing = [
            (self.judge.orders.ids[order], *rest)
            for order, *rest in self.settlement.unreported(self.rows)
        ]
        found.unreported = pd.DataFrame(missing, columns=found.unreported.columns)
        return found


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
