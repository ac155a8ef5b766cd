"""A gateway's settlement: its rows against orders, its net batches against bank credits.

A batch is paid by one credit of the sum of its net amounts, on time, late or in two parts. Only
an exact sum is booked; everything else waits for a person.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations

from payments.domain.memo import Reading, compact, day_stamps, fold
from reconciliation.engine import forms
from reconciliation.engine.book import Book, Decision, Outcome, Row
from reconciliation.engine.claims import References
from reconciliation.engine.evidence import Evidence, Verdict, amounts
from reconciliation.engine.forms import Forms
from reconciliation.engine.spelling import Spelling, Spellings
from reconciliation.engine.terms import Terms

MOST_PARTS = 3
MOST_LOOSE = 20
_SETTLES = re.compile(r"QUYET TOAN|TAT TOAN|SETTLE|PAYOUT|\bMID\b|\bMERCHANT\b|\bLO\b|\bBATCH\b")
_STAMP = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{6,8}")
_OTHER = re.compile(r"\D")


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One row of a settlement report; amounts in đồng, signed as the gateway writes them."""

    row_id: str
    gateway: str
    batch_id: str
    settle_date: str
    paid_at: str
    txn_id: str
    merchant_ref: str
    type: str
    gross: int
    fee: int
    net: int


@dataclass(slots=True)
class Settlement:
    """Decides the rows of the reports, one by one in time."""

    book: Book
    references: References
    refs: Sequence[str]
    contract: Mapping[str, Terms]
    _first: dict[tuple[str, str, str], GatewayRow] = field(default_factory=dict)

    def decide(self, row: GatewayRow) -> Outcome:
        """A payment is applied out of gross; refunds, charge-backs and repeats are shown."""
        key = (row.gateway, row.txn_id, row.type)
        first = self._first.setdefault(key, row) if row.txn_id else row
        if first is not row:
            return self._seen_before(row, first)
        orders = self.orders(row)
        if row.type != "PAYMENT":
            return self._money_back(row, orders)
        if len(orders) != 1:
            missing = Evidence("reference", row.merchant_ref, "", Verdict.MISSING)
            code = "UNMATCHED" if orders else "UNKNOWN_REF"
            rows = [Row(None, abs(row.gross), "none", (missing,))]
            return Outcome(Decision.EXCEPTION, code, rows)
        return self._payment(row, orders[0])

    def orders(self, row: GatewayRow) -> tuple[int, ...]:
        """The orders that a row names."""
        known = self.references.places.only(row.merchant_ref)
        return (known,) if known >= 0 else self.references.orders(compact(row.merchant_ref))

    def unreported(self, rows: Sequence[GatewayRow]) -> list[tuple[int, str, str, int]]:
        """(order, transaction, row, đồng) given back or charged back without a payment of it.

        Only of orders that nobody paid in this run and that were open before: the payment of an
        older one stands in an older report.
        """
        back = [row for row in rows if row.type != "PAYMENT" and row.txn_id]
        wanted = {(row.gateway, row.txn_id) for row in back}
        paid = {
            (row.gateway, row.txn_id)
            for row in rows
            if row.type == "PAYMENT" and (row.gateway, row.txn_id) in wanted
        }
        found: dict[tuple[str, str], tuple[int, str, str, int]] = {}
        for row in back:
            orders, key = self.orders(row), (row.gateway, row.txn_id)
            if key in paid or len(orders) != 1:
                continue
            order = orders[0]
            untouched = self.book.owed[order] == self.book.billed[order]
            if self.book.status[order] == "OPEN" and untouched:
                found.setdefault(key, (order, row.txn_id, row.row_id, abs(row.gross)))
        return list(found.values())

    def _payment(self, row: GatewayRow, order: int) -> Outcome:
        owed = self.book.owed[order]
        quoted = Evidence("reference", row.merchant_ref, self.refs[order], Verdict.AGREES)
        evidence = (quoted, amounts(row.gross, owed), *self._fee(row))
        if not self.book.is_open(order) or row.gross <= 0:
            code = "ORDER_CLOSED" if self.book.status[order] == "CANCELLED" else "DUPLICATE_PAYMENT"
            code = code if row.gross > 0 else "UNMATCHED"
            paid_by = next(iter(self.book.payers_of.get(order, ())), "")
            rows = [Row(order, abs(row.gross), "gateway_reference", evidence)]
            related = paid_by if code == "DUPLICATE_PAYMENT" else ""
            return Outcome(Decision.SUGGEST, code, rows, related=related)
        part = min(row.gross, owed)
        self.book.apply(row.row_id, [(order, part)])
        code = "UNDERPAID" if row.gross < owed else "AMOUNT_MISMATCH" if row.gross > owed else ""
        if not code and any(one.verdict is Verdict.CONTRADICTS for one in evidence):
            code = "FEE_VARIANCE"
        rows = [Row(order, part, "gateway_reference", evidence)]
        return Outcome(Decision.AUTO, code, rows, credit=row.gross - part)

    def _fee(self, row: GatewayRow) -> tuple[Evidence, ...]:
        known = self.contract.get(row.gateway.upper())
        due = known.fee(row.gross) if known else None
        if row.gross - row.fee != row.net:
            return (fee_is(row.fee, row.gross - row.net, Verdict.CONTRADICTS),)
        if due is None:
            return ()
        return (fee_is(row.fee, due, Verdict.AGREES if due == row.fee else Verdict.CONTRADICTS),)

    def _money_back(self, row: GatewayRow, orders: Sequence[int]) -> Outcome:
        paid = self._first.get((row.gateway, row.txn_id, "PAYMENT"))
        seen = Evidence("reference", row.merchant_ref, row.merchant_ref, Verdict.AGREES)
        rows = [Row(order, abs(row.gross), "gateway_reference", (seen,)) for order in orders]
        decision = Decision.SUGGEST if rows else Decision.EXCEPTION
        rows = rows or [Row(None, abs(row.gross), "none")]
        return Outcome(decision, row.type, rows, related=paid.row_id if paid else "")

    def _seen_before(self, row: GatewayRow, first: GatewayRow) -> Outcome:
        orders = self.orders(row)
        seen = Evidence("batch", row.batch_id, first.batch_id, Verdict.AGREES)
        if row.batch_id == first.batch_id and (row.gross, row.net) == (first.gross, first.net):
            rows = [Row(None, abs(row.gross), "delivered_again", (seen,))]
            return Outcome(Decision.IGNORE, "", rows, related=first.row_id)
        seen = Evidence("batch", row.batch_id, first.batch_id, Verdict.CONTRADICTS)
        rows = [Row(order, abs(row.gross), "gateway_reference", (seen,)) for order in orders]
        decision = Decision.SUGGEST if rows else Decision.EXCEPTION
        rows = rows or [Row(None, abs(row.gross), "none", (seen,))]
        return Outcome(decision, "DUPLICATE_SETTLEMENT", rows, related=first.row_id)


def fee_is(kept: int, due: int, verdict: Verdict) -> Evidence:
    """What a gateway kept against what it may keep, in đồng."""
    return Evidence("fee", str(kept), str(due), verdict)


@dataclass(frozen=True, slots=True)
class OfBatch:
    """What a credit says of settlements: the batches and the gateways that it names.

    settles: whether it tells that one gateway settles, but not which batch; days: what it writes
    that may be the day of one, digits only.
    """

    named: tuple[str, ...]
    gateways: tuple[str, ...]
    settles: bool
    days: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Loose:
    """A credit that tells of a settlement of this gateway, but not of which."""

    line_id: str
    amount: int
    booked: str
    gateway: str
    days: tuple[str, ...]


@dataclass(slots=True)
class Batch:
    """One payout of a gateway: what is due and which credits named it, in order of arrival."""

    batch_id: str
    gateway: str
    settle_date: str
    due: int
    credits: list[tuple[str, int]] = field(default_factory=list)

    @property
    def came(self) -> int:
        """What the credits that named it add up to."""
        return sum(amount for _, amount in self.credits)


def _stamps(day: str) -> frozenset[str]:
    try:
        return day_stamps([date.fromisoformat(day)])
    except ValueError:
        return frozenset()


class Batches:
    """The batches of a report, and the credits that claim to pay them."""

    def __init__(self, rows: Iterable[GatewayRow]) -> None:
        """rows: all of the report but those that were delivered again."""
        self._batches: dict[str, Batch] = {}
        for row in rows:
            key = compact(row.batch_id)
            batch = Batch(row.batch_id, row.gateway.upper(), row.settle_date, 0)
            self._batches.setdefault(key, batch).due += row.net
        self._forms: Forms = forms.learn(one.batch_id for one in self._batches.values())
        parted = [Spelling.of(form) for form in self._forms.forms if form.cuts]
        self._spellings = Spellings(parted, self._as_written)
        self._by_sum: dict[int, list[Batch]] = defaultdict(list)
        for one in self._batches.values():
            self._by_sum[one.due].append(one)
        self._loose: list[_Loose] = []
        self._gateways = {one.gateway for one in self._batches.values() if one.gateway}

    def told(self, reading: Reading, sender: str = "", *, alone: bool = True) -> OfBatch | None:
        """What a credit's memo and sender say of settlements. Pure.

        alone: whether nothing in the memo could be an order's reference.
        """
        if not self._batches:
            return None
        named = {
            read.ref: None
            for piece in reading.pieces
            for read in self._forms.read(piece)
            if read.ref in self._batches and not read.doubt
        }
        # A batch's name may hold the very day of its credit, which is no wall then.
        for start, end in self._spellings.spans(reading.text, reading.near or frozenset()):
            if (ref := compact(reading.text[start:end])) in self._batches:
                named[ref] = None
        text = f"{reading.text} {fold(sender)}"
        gateways = [name for name in self._gateways if name in text]
        if not named and not gateways:
            return None
        settles = alone and not named and len(gateways) == 1 and bool(_SETTLES.search(text))
        days = [_OTHER.sub("", one) for one in _STAMP.findall(reading.text)] if settles else []
        return OfBatch(tuple(named), tuple(gateways), settles, tuple(days))

    def claim(self, line_id: str, amount: int, booked: str, told: OfBatch | None) -> Batch | None:
        """The batch that this credit pays, by its name or else by gateway, sum and day.

        A credit that tells of a settlement but not of which is kept: outcomes() tries sums.
        """
        if told is None:
            return None
        found = [self._batches[name] for name in told.named]
        found = found or self._by_amount(amount, booked, told.gateways)
        if len(found) == 1:
            found[0].credits.append((line_id, amount))
            return found[0]
        if told.settles:
            self._loose.append(_Loose(line_id, amount, booked, told.gateways[0], told.days))
        return None

    def _as_written(self, ref: str) -> str:
        known = self._batches.get(ref)
        return fold(known.batch_id).strip() if known else ""

    def _by_amount(self, amount: int, booked: str, gateways: Sequence[str]) -> list[Batch]:
        return [
            batch
            for batch in self._by_sum.get(amount, ())
            if batch.gateway in gateways and batch.settle_date <= booked and not batch.credits
        ]

    def outcomes(self) -> dict[str, Outcome]:
        """For each credit that claimed a batch: AUTO if all its credits add up, else shown."""
        rules = self._sums()
        rules |= self._dated(rules)
        decided = {}
        for batch in self._batches.values():
            whole = batch.came == batch.due
            verdict = Verdict.AGREES if whole else Verdict.CONTRADICTS
            for line_id, amount in batch.credits:
                seen = (
                    Evidence("batch", batch.batch_id, batch.batch_id, Verdict.AGREES),
                    Evidence("amount", str(batch.came), str(batch.due), verdict),
                )
                row = Row(None, amount, rules.get(line_id, "batch_named"), seen)
                decision = Decision.AUTO if whole else Decision.EXCEPTION
                code = "" if whole else "BATCH_MISMATCH"
                decided[line_id] = Outcome(decision, code, [row], related=batch.batch_id)
        return decided

    def _sums(self) -> dict[str, str]:
        """Tie credits that name no batch to the one whose due they alone make up.

        Only where one set of at most MOST_PARTS credits adds up to one batch, each credit is in
        no other such set, and there are at most MOST_LOOSE to choose from: uniqueness decides.
        """
        made = [
            (batch, parts)
            for batch in self._batches.values()
            if batch.came < batch.due
            for parts in self._parts(batch)
        ]
        batches = Counter(batch.batch_id for batch, _ in made)
        credits = Counter(part.line_id for _, parts in made for part in parts)
        tied: dict[str, str] = {}
        for batch, parts in made:
            if batches[batch.batch_id] == 1 and all(credits[one.line_id] == 1 for one in parts):
                batch.credits += [(one.line_id, one.amount) for one in parts]
                tied |= {one.line_id: "batch_amount" for one in parts}
        return tied

    def _dated(self, tied: Mapping[str, str]) -> dict[str, str]:
        """Credits of another sum that name gateway and day: of the one batch of that day, if
        nothing came for it. Never booked, as the sum is another: a person sees which it is."""
        of_day: dict[tuple[str, str], list[Batch]] = defaultdict(list)
        for batch in self._batches.values():
            if batch.due > 0 and not batch.credits:
                for stamp in _stamps(batch.settle_date):
                    of_day[batch.gateway, stamp].append(batch)
        found: dict[str, str] = {}
        for one in self._loose:
            if one.line_id in tied:
                continue
            meant = {
                batch.batch_id: batch
                for day in one.days
                for batch in of_day[one.gateway, day]
                if batch.settle_date <= one.booked
            }
            if len(meant) == 1:
                next(iter(meant.values())).credits.append((one.line_id, one.amount))
                found[one.line_id] = "batch_day"
        return found

    def _parts(self, batch: Batch) -> list[tuple[_Loose, ...]]:
        """Every set of loose credits that makes up what is missing of a batch."""
        wanted = batch.due - batch.came
        some = [
            one
            for one in self._loose
            if one.gateway == batch.gateway
            and one.booked >= batch.settle_date
            and one.amount <= wanted
        ]
        if len(some) > MOST_LOOSE:
            return []
        sizes = range(1, MOST_PARTS + 1)
        sets = (parts for size in sizes for parts in combinations(some, size))
        return [parts for parts in sets if sum(one.amount for one in parts) == wanted]

    def absent(self) -> list[Batch]:
        """Batches with money due that no credit claimed."""
        return [one for one in self._batches.values() if one.due > 0 and not one.credits]
