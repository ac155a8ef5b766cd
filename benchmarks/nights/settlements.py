"""What gateways report and pay: rows, batches, their credits, and what goes wrong with each."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from benchmarks.nights.lines import ANY, AUTO, DAYS, IGNORE, PERSON, Book, Line, Truth
from benchmarks.nights.orders import Order

CONTRACT = {
    "MOMO": {"bps": 110, "fixed_vnd": 0, "rounding": "half up per row"},
    "ZALOPAY": {"bps": 95, "fixed_vnd": 0, "rounding": "half up per row"},
    "VNPAY": {"bps": 80, "fixed_vnd": 1_500, "rounding": "half up per row"},
    "CARD": {"bps": 225, "fixed_vnd": 2_200, "rounding": "half up per row"},
}
_ROWS_A_BATCH = 400


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a report. day: index in DAYS of the payment; batch: filled when batches close."""

    key: int
    gateway: str
    day: int
    second: int
    txn_id: str
    ref: str
    type: str
    gross: int
    fee: int
    truth: Truth
    scenario: str
    batch: str = ""
    settle: int = 0

    @property
    def net(self) -> int:
        """What the batch pays for this row."""
        return self.gross - self.fee


@dataclass(slots=True)
class Reports:
    """The rows drawn so far, by batch, and the batches with their faults."""

    book: Book
    rows: list[Row] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    _open: dict[tuple[str, int], list[Row]] = field(default_factory=lambda: defaultdict(list))
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def rng(self) -> random.Random:
        """The night's one source of chance."""
        return self.book.rng

    def pays(self, order: Order, *, after: tuple[int, int] | None = None) -> None:
        """One payment through a gateway, with its faults now and then."""
        rng = self.rng
        gateway = rng.choice(list(CONTRACT))
        day, second = self.book.moment(after)
        if day > len(DAYS) - 2:
            return
        gross, meant, code, decision = order.amount, {order.id: order.amount}, "", AUTO
        if after is not None:
            code, decision, meant = "DUPLICATE_PAYMENT", PERSON, {order.id: 0}
        elif order.status != "OPEN":
            code = "ORDER_CLOSED" if order.status == "CANCELLED" else "DUPLICATE_PAYMENT"
            decision, meant = PERSON, {order.id: 0}
        fault = rng.random()
        ref, first = order.ref, (order.id,) if decision == PERSON else ()
        fee = _fee(gateway, gross)
        if decision == AUTO and fault < 0.01:
            gross, code = order.amount + 10_000, "AMOUNT_MISMATCH"
            fee = _fee(gateway, gross)
        elif decision == AUTO and fault < 0.025:
            fee, code = fee + rng.choice((1, 500, -300)), "FEE_VARIANCE"
        elif decision == AUTO and fault < 0.03:
            ref, code, decision, meant = f"X{order.ref}9", "UNKNOWN_REF", PERSON, {}
        elif decision == AUTO and fault < 0.035 and gross > 60_000:
            gross, code, meant = gross - 50_000, "UNDERPAID", {order.id: gross - 50_000}
            fee = _fee(gateway, gross)
        truth = Truth(decision, code, meant, first=first)
        row = Row(len(self.rows), gateway, day, second, f"{gateway[:2]}{next(self._numbers):010d}",
                  ref, "PAYMENT", gross, fee, truth, "gateway payment")  # fmt: skip
        row = self._add(row)
        if decision == AUTO and not code:
            self._afterwards(row, order)

    def _add(self, row: Row, later: int = 0) -> Row:
        """Into the batch of its gateway and day, or of a later one."""
        row = replace(row, key=len(self.rows), settle=min(row.day + 1 + later, len(DAYS) - 1))
        self.rows.append(row)
        self._open[row.gateway, row.settle].append(row)
        return row

    def _afterwards(self, row: Row, order: Order) -> None:
        fault = self.rng.random()
        if fault < 0.01 and row.settle < len(DAYS) - 1:
            truth = Truth(PERSON, "DUPLICATE_SETTLEMENT", {order.id: 0}, related=str(row.key))
            self._add(replace(row, truth=truth, scenario="settled twice"), later=1)
        elif fault < 0.02:
            truth = Truth(IGNORE, "", {}, related=str(row.key))
            self._open[row.gateway, row.settle].append(
                replace(row, key=-1, truth=truth, scenario="row delivered again")
            )
        elif fault < 0.035:
            kind = self.rng.choice(("REFUND", "REFUND", "CHARGEBACK"))
            truth = Truth(PERSON, kind, {order.id: 0}, related=str(row.key))
            back = replace(
                row, type=kind, gross=-row.gross, fee=0, truth=truth, scenario=kind.lower()
            )
            self._add(back, later=1 if row.settle < len(DAYS) - 1 else 0)

    def close(self) -> None:
        """Cut the rows into batches, and let the banks pay them: in time, late, split, short."""
        for (gateway, settle), rows in sorted(self._open.items()):
            self.rng.shuffle(rows)
            for number, start in enumerate(range(0, len(rows), _ROWS_A_BATCH), start=1):
                part = rows[start : start + _ROWS_A_BATCH]
                day = DAYS[settle].replace("-", "")
                name = self.rng.choice((f"{gateway}{day}{number:03d}", f"{gateway}-{day}-{number}"))
                self._settle(gateway, settle, name, part)
        self._repair()

    def _settle(self, gateway: str, settle: int, batch: str, rows: Sequence[Row]) -> None:
        for row in rows:
            kept = replace(row, batch=batch, settle=settle)
            if row.key < 0:
                self.rows.append(replace(kept, key=len(self.rows)))
            else:
                self.rows[row.key] = kept
        due = sum(row.net for row in rows if row.key >= 0)
        fault = self.rng.random()
        truth = Truth(AUTO, "", {}, related=batch)
        if due <= 0:
            return
        if fault < 0.05:
            self.absent.append(batch)
        elif fault < 0.15:
            short = Truth(PERSON, "BATCH_MISMATCH", {}, related=batch)
            self._credit(
                gateway,
                settle,
                batch,
                due - min(due // 2 + 1, self.rng.choice((1, 1_000, 250_000))),
                short,
                "batch short",
            )
        elif fault < 0.3 and due > 10_000:
            part = due // 3
            self._credit(gateway, settle, batch, part, truth, "batch in two parts")
            self._credit(gateway, settle, batch, due - part, truth, "batch in two parts")
        elif fault < 0.45:
            self._credit(gateway, min(settle + 1, len(DAYS) - 1), batch, due, truth, "batch late")
        elif fault < 0.65:
            self._credit(gateway, settle, "", due, truth, "batch not named")
        else:
            self._credit(gateway, settle, batch, due, truth, "batch")

    def _credit(
        self, gateway: str, day: int, batch: str, amount: int, truth: Truth, scenario: str
    ) -> None:
        date = DAYS[day]
        named = f"QUYET TOAN {batch} {gateway} MID 889900"
        unnamed = f"{gateway} QUYET TOAN GD NGAY {date[8:]}{date[5:7]}{date[:4]} MID 889900"
        memo = named if batch else unnamed
        line = Line(-1, day, self.book.rng.randrange(8 * 3600, 17 * 3600), amount, memo,
                    f"CTY {gateway}", scenario, "batch", truth, account=0)  # fmt: skip
        self.book.add(line)

    def _repair(self) -> None:
        """A row that stands twice in the report: batches may have cut it from its first."""
        where = {row.key: row.batch for row in self.rows}
        for at, row in enumerate(self.rows):
            if row.scenario == "row delivered again" and where[int(row.truth.related)] != row.batch:
                self.rows[at] = replace(row, batch=where[int(row.truth.related)])
            elif row.scenario == "settled twice" and where[int(row.truth.related)] == row.batch:
                self.rows[at] = replace(row, truth=Truth(ANY, None, {}))


def _fee(gateway: str, gross: int) -> int:
    terms = CONTRACT[gateway]
    bps, fixed = int(str(terms["bps"])), int(str(terms["fixed_vnd"]))
    return (2 * gross * bps + 10_000) // 20_000 + fixed
