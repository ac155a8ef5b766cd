"""The files of a night: those of `thuphi match`, and truth.csv beside them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.nights.lines import ACCOUNTS, DAYS, PERSON, Line, Truth
from benchmarks.nights.night import Night
from benchmarks.nights.settlements import CONTRACT, Row

ORDER_COLUMNS = (
    "order_id", "order_ref", "biz", "payer_code", "payer_name", "amount_vnd", "issued_at",
    "due_at", "status",
)  # fmt: skip
LINE_COLUMNS = (
    "line_id", "file_id", "account", "bank", "booking_date", "value_date", "txn_time", "bank_ref",
    "amount_vnd", "balance_after", "counterparty_account", "counterparty_name", "memo",
)  # fmt: skip
ROW_COLUMNS = (
    "row_id", "gateway", "batch_id", "settle_date", "paid_at", "txn_id", "merchant_ref", "type",
    "gross_vnd", "fee_vnd", "net_vnd",
)  # fmt: skip
TRUTH_COLUMNS = (
    "source", "source_id", "scenario", "spoiling", "decision", "exception_code", "meant",
    "related_id", "first",
)  # fmt: skip


def write(night: Night, folder: Path) -> None:
    """orders.csv, statement.csv, gateway-report.csv, contract.json and truth.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = {line.key: f"l{at:07d}" for at, line in enumerate(night.lines, start=1)}
    rows = [f"g{at:07d}" for at in range(1, len(night.rows) + 1)]
    orders = (
        (one.id, one.ref, one.biz, one.payer_code, one.payer_name, one.amount, one.issued, one.due,
         one.status)
        for one in night.orders
    )  # fmt: skip
    _table(folder / "orders.csv", ORDER_COLUMNS, orders)
    shown = (_line(line, lines[line.key], night.after[line.key]) for line in night.lines)
    _table(folder / "statement.csv", LINE_COLUMNS, shown)
    report = (_row(row, rows[row.key]) for row in night.rows)
    _table(folder / "gateway-report.csv", ROW_COLUMNS, report)
    (folder / "contract.json").write_text(json.dumps(CONTRACT, indent=2) + "\n", encoding="utf-8")
    _table(folder / "truth.csv", TRUTH_COLUMNS, _truths(night, lines, rows))


def _line(line: Line, id_: str, after: int) -> Sequence[object]:
    day, (account, bank) = DAYS[line.day], ACCOUNTS[line.account]
    file = f"f{line.day + (line.again_of >= 0)}-{line.account}"
    return (
        id_, file, account, bank, day, day, line.time, line.bank_ref, line.amount, after, "",
        line.sender, line.memo,
    )  # fmt: skip


def _row(row: Row, id_: str) -> Sequence[object]:
    clock = f"{row.second // 3600:02d}:{row.second // 60 % 60:02d}:{row.second % 60:02d}"
    return (
        id_, row.gateway, row.batch, DAYS[row.settle], f"{DAYS[row.day]}T{clock}", row.txn_id,
        row.ref, row.type, row.gross, row.fee, row.net,
    )  # fmt: skip


def _truths(night: Night, lines: dict[int, str], rows: Sequence[str]) -> Iterable[Sequence[object]]:
    for line in night.lines:
        truth, related = line.truth, line.truth.related
        related = lines[int(related)] if related.isdigit() else related
        yield _told("bank", lines[line.key], (line.scenario, line.spoiling), truth, related)
    for at, row in enumerate(night.rows):
        related = row.truth.related
        related = rows[int(related)] if related.isdigit() else related
        yield _told("gateway", rows[at], (row.scenario, ""), row.truth, related)
    for batch in night.absent:
        yield _told("absent", batch, ("batch missing", ""), Truth(PERSON, "BATCH_MISSING"), batch)


def _told(
    source: str, id_: str, what: tuple[str, str], truth: Truth, related: str
) -> Sequence[object]:
    meant = " ".join(f"{order}={amount}" for order, amount in truth.meant.items())
    code = "*" if truth.code is None else truth.code
    return source, id_, *what, truth.decision, code, meant, related, " ".join(truth.first)


def _table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
