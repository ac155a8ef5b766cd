"""Gateway rows that are decided by columns end up as those that are decided one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.nights import files, night
from ops import tables
from reconciliation import matching, normalise
from reconciliation.matching import Matched, match
from reconciliation.normalise import GATEWAY_COLUMNS, LINE_COLUMNS, ORDER_COLUMNS

CONTRACT = {"MOMO": {"bps": 110}, "CARD": {"fixed_vnd": 3000, "rounding": "up per row"}}
REFS = ["HP9VJP8E0W6W", "MSHS0012345", "MSHS0012346", "DVC-7K2M9QX4C"]


def frame(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Text columns, "" where a row says nothing; amounts are whole đồng."""
    cells = [[row.get(name, "") for name in columns] for row in rows]
    kinds: dict[str, Any] = {name: "int64" if name.endswith("_vnd") else "str" for name in columns}
    whole: pd.DataFrame = pd.DataFrame(cells, columns=list(columns)).astype(kinds)
    return whole


def both_ways(
    lines: pd.DataFrame, orders: pd.DataFrame, rows: pd.DataFrame, contract: dict[str, object]
) -> tuple[Matched, Matched]:
    given = {"gateway": rows, "contract": contract}
    by_columns = match(lines, orders, **given)  # type: ignore[arg-type]  # one dict, two kinds
    with pytest.MonkeyPatch.context() as long_way:
        none = np.zeros(len(rows), dtype=bool)
        long_way.setattr(matching, "plain_rows", lambda *_: none)
        one_by_one = match(lines, orders, **given)  # type: ignore[arg-type]  # the same
    return by_columns, one_by_one


def assert_equal(one: Matched, other: Matched) -> None:
    for name in ("matches", "outcomes", "orders", "absent"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    for lang in ("vi", "en"):
        assert one.reasons(lang).tolist() == other.reasons(lang).tolist()


@pytest.mark.parametrize("forms", ["house", "others"])
def test_a_night_is_decided_alike(tmp_path: Path, forms: str) -> None:
    files.write(night.make(seed=11, count=300, noise="high", forms=forms), tmp_path)
    orders, _ = normalise.orders(tables.read(tmp_path / "orders.csv", ORDER_COLUMNS)[0])
    lines, _ = normalise.lines(tables.read(tmp_path / "statement.csv", LINE_COLUMNS)[0])
    report = tmp_path / "gateway-report.csv"
    rows, _ = normalise.gateway_rows(tables.read(report, GATEWAY_COLUMNS)[0])

    by_columns, one_by_one = both_ways(
        lines, orders, rows, json.loads((tmp_path / "contract.json").read_text())
    )

    assert_equal(by_columns, one_by_one)


amounts = st.sampled_from([0, 1, 99_999, 100_000, 100_001, 300_000])
rows_of_a_report = st.lists(
    st.tuples(
        st.sampled_from(["MOMO", "momo", "CARD", "ELSEWHERE", ""]),
        st.sampled_from(["B1", "B2"]),
        st.sampled_from(["T1", "T2", "T3", "T4", ""]),
        st.sampled_from([*REFS, "mshs 0012345", "MSHS0099999", ""]),
        st.sampled_from(["PAYMENT", "PAYMENT", "PAYMENT", "REFUND", "CHARGEBACK"]),
        amounts,
        st.sampled_from([0, 1100, 3000]),
        st.sampled_from([0, 0, 0, 7]),
    ),
    max_size=6,
)


@settings(deadline=None, max_examples=40)
@given(
    rows_of_a_report,
    st.lists(st.tuples(amounts, st.sampled_from(["", *REFS, "REV MSHS0012345"])), max_size=3),
    st.sampled_from(["OPEN", "PAID", "CANCELLED"]),
)
def test_any_report_is_decided_alike(
    rows: list[tuple[str, str, str, str, str, int, int, int]],
    credits: list[tuple[int, str]],
    status: str,
) -> None:
    orders = frame(ORDER_COLUMNS, [
        {"order_id": f"o{n}", "order_ref": ref, "payer_code": f"HS000{n}",
         "payer_name": "Trần Gia Bảo", "amount_vnd": 100_000, "due_at": "2026-09-20",
         "status": status if n == 1 else "OPEN"}
        for n, ref in enumerate(REFS)
    ])  # fmt: skip
    lines = frame(LINE_COLUMNS, [
        {"line_id": f"l{n}", "account": "9999000001", "booking_date": "2026-09-11",
         "txn_time": "10:00", "bank_ref": f"R{n}", "amount_vnd": amount, "memo": memo}
        for n, (amount, memo) in enumerate(credits)
    ])  # fmt: skip
    report = frame(GATEWAY_COLUMNS, [
        {"row_id": f"r{n}", "gateway": gateway, "batch_id": batch, "settle_date": "2026-09-11",
         "paid_at": "2026-09-11 09:00:00", "txn_id": txn, "merchant_ref": ref, "type": kind,
         "gross_vnd": gross, "fee_vnd": fee, "net_vnd": gross - fee - off}
        for n, (gateway, batch, txn, ref, kind, gross, fee, off) in enumerate(rows)
    ])  # fmt: skip

    by_columns, one_by_one = both_ways(lines, orders, report, dict(CONTRACT))

    assert_equal(by_columns, one_by_one)
