"""A whole night, drawn from one seed, and the files it is written to."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.nights import business, orders, spoiling, transfers
from benchmarks.nights.lines import (
    ACCOUNTS,
    DAYS,
    PERSON,
    Book,
    Line,
    Truth,
    balances,
    deliver_again,
    delivered,
)  # fmt: skip
from benchmarks.nights.orders import Order
from benchmarks.nights.references import FORMS, MIXES
from benchmarks.nights.settlements import CONTRACT, Reports, Row
from benchmarks.nights.transfers import Payers

FILES = ("orders.csv", "statement.csv", "gateway-report.csv", "contract.json", "truth.csv")


@dataclass(frozen=True, slots=True)
class Noise:
    """How rough a night is. wrapped: lines broken inside the reference; again: delivered twice."""

    acts: dict[transfers.Act, int]
    spoilings: dict[spoiling.Spoiling, int]
    wrapped: float
    again: float
    business: float


NOISE = {
    "standard": Noise(dict(transfers.STANDARD), dict(spoiling.STANDARD), 0.04, 0.02, 0.01),
    "high": Noise(dict(transfers.HIGH), dict(spoiling.HIGH), 0.2, 0.1, 0.03),
}


@dataclass(frozen=True, slots=True)
class Night:
    """Everything of one night: lines in the order of delivery. absent: batches that never came."""

    orders: Sequence[Order]
    lines: Sequence[Line]
    after: dict[int, int]
    rows: Sequence[Row]
    absent: Sequence[str]


def make(*, seed: int, count: int, noise: str = "standard", forms: str = "house") -> Night:
    """A night of `count` orders. forms: a name of MIXES, or names of FORMS with commas."""
    rng = random.Random(f"{seed}/{count}/{noise}/{forms}")
    rough = NOISE[noise]
    names = MIXES.get(forms) or tuple(forms.split(","))
    billed = orders.make(rng, count, names)
    book = Book(rng)
    payers, reports = Payers(book, billed, rough.spoilings, rough.wrapped), Reports(book)
    acts, weights = list(rough.acts), list(rough.acts.values())
    acting = []
    for order in billed:
        draw = rng.random()
        if draw < 0.06 and order.status == "OPEN":
            payers.partners.append(order)
        elif draw < 0.94:
            acting.append(order)
    for order in acting:
        draw = rng.random()
        if draw < 0.15:
            reports.pays(order)
        elif order.status != "OPEN":
            payers.pays_closed(order)
        elif draw < 0.153:
            payers.pays(order)
            line = book.lines[-1]
            if line.truth.decision == "AUTO":
                reports.pays(order, after=(line.day, line.second))
        else:
            rng.choices(acts, weights)[0](payers, order)
    for _ in range(int(count * rough.business)):
        memo, amount = business.draw(rng)
        day, second = book.moment()
        truth = Truth(PERSON, "NON_ORDER", {})
        book.add(Line(-1, day, second, amount, memo, "", "business", "bank", truth, account=-1))
    reports.close()
    deliver_again(book, rough.again)
    return Night(billed, delivered(book.lines), balances(book.lines), reports.rows, reports.absent)


def write(night: Night, folder: Path) -> None:
    """The files of `thuphi match`, and truth.csv beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    _table(folder / "orders.csv", "order_id order_ref biz payer_code payer_name amount_vnd issued_at due_at status", (
        (one.id, one.ref, one.biz, one.payer_code, one.payer_name, one.amount, one.issued, one.due, one.status)
        for one in night.orders
    ))  # fmt: skip
    names = {line.key: f"l{at:07d}" for at, line in enumerate(night.lines, start=1)}
    rows = [f"g{at:07d}" for at in range(1, len(night.rows) + 1)]
    _table(folder / "statement.csv", "line_id file_id account bank booking_date value_date txn_time bank_ref amount_vnd balance_after counterparty_account counterparty_name memo", (
        (names[line.key], f"f{line.day + (line.again_of >= 0)}-{line.account}", *ACCOUNTS[line.account],
         DAYS[line.day], DAYS[line.day], line.time, line.bank_ref, line.amount, night.after[line.key],
         "", line.sender, line.memo)
        for line in night.lines
    ))  # fmt: skip
    _table(folder / "gateway-report.csv", "row_id gateway batch_id settle_date paid_at txn_id merchant_ref type gross_vnd fee_vnd net_vnd", (
        (rows[row.key], row.gateway, row.batch, DAYS[row.settle],
         f"{DAYS[row.day]}T{row.second // 3600:02d}:{row.second // 60 % 60:02d}:{row.second % 60:02d}",
         row.txn_id, row.ref, row.type, row.gross, row.fee, row.net)
        for row in night.rows
    ))  # fmt: skip
    (folder / "contract.json").write_text(json.dumps(CONTRACT, indent=2) + "\n", encoding="utf-8")
    _truth(night, folder / "truth.csv", names, rows)


def _truth(night: Night, path: Path, names: dict[int, str], rows: Sequence[str]) -> None:
    def told(
        source: str, id_: str, scenario: str, spoiled: str, truth: Truth
    ) -> tuple[object, ...]:
        related = truth.related
        if related.isdigit():
            related = names[int(related)] if source == "bank" else rows[int(related)]
        meant = " ".join(f"{order}={amount}" for order, amount in truth.meant.items())
        code = "*" if truth.code is None else truth.code
        return (
            source,
            id_,
            scenario,
            spoiled,
            truth.decision,
            code,
            meant,
            related,
            " ".join(truth.first),
        )

    _table(path, "source source_id scenario spoiling decision exception_code meant related_id first", (
        *(told("bank", names[line.key], line.scenario, line.spoiling, line.truth) for line in night.lines),
        *(told("gateway", rows[at], row.scenario, "", row.truth) for at, row in enumerate(night.rows)),
        *(("absent", batch, "batch missing", "", PERSON, "BATCH_MISSING", "", batch, "") for batch in night.absent),
    ))  # fmt: skip


def _table(path: Path, columns: str, rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns.split())
        writer.writerows(rows)


__all__ = ["FILES", "FORMS", "MIXES", "NOISE", "Night", "make", "write"]
