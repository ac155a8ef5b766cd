"""A night that is told by columns and one that is heard line by line end alike, to the letter."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.nights import files, night
from ops import tables
from reconciliation import normalise
from reconciliation.matching import match

MIXES = ["house", "others", "numbers", "neighbours", "offices", "lengths", "odd"]


@pytest.mark.parametrize("noise", ["standard", "high"])
@pytest.mark.parametrize("forms", MIXES)
def test_columns_place_explain_and_score_as_the_long_way_does(
    tmp_path: Path, forms: str, noise: str
) -> None:
    files.write(night.make(seed=11, count=700, noise=noise, forms=forms), tmp_path)
    orders, _ = normalise.orders(tables.read(tmp_path / "orders.csv")[0])
    lines, _ = normalise.lines(tables.read(tmp_path / "statement.csv")[0])
    rows, _ = normalise.gateway_rows(tables.read(tmp_path / "gateway-report.csv")[0])
    contract = json.loads((tmp_path / "contract.json").read_text())

    quick = match(lines, orders, gateway=rows, contract=contract)
    by_hand = match(lines, orders, gateway=rows, contract=contract, by_hand=True)

    pd.testing.assert_frame_equal(quick.matches, by_hand.matches)
    pd.testing.assert_frame_equal(quick.outcomes, by_hand.outcomes)
    pd.testing.assert_frame_equal(quick.orders, by_hand.orders)
    assert quick.reasons("vi").tolist() == by_hand.reasons("vi").tolist()
