"""Rows as they came: what is unreadable is told with its line, and repeats are recognised."""

from __future__ import annotations

import pandas as pd
import pytest

from reconciliation import normalise
from tests.frames import frame

COLUMNS = "line_id  file_id  account  booking_date  txn_time  bank_ref  balance_after  memo"


def orders(**columns: list[str]) -> pd.DataFrame:
    size = len(next(iter(columns.values())))
    table = {name: [""] * size for name in normalise.ORDER_COLUMNS}
    table |= {
        "order_id": [f"o{at}" for at in range(size)],
        "amount_vnd": ["1000"] * size,
        "status": ["OPEN"] * size,
    }
    return pd.DataFrame(table | columns, index=range(2, size + 2), dtype="str")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(normalise.MissingColumn, match="payer_code, status"):
        normalise.orders(orders(order_id=["o1"]).drop(columns=["status", "payer_code"]))


def test_a_row_that_cannot_be_read_is_a_problem_and_the_rest_goes_on() -> None:
    raw = orders(amount_vnd=["1000", "1.5", "-5", "", "2000"], status=["open", "x", "", "", "PAID"])

    good, problems = normalise.orders(raw)

    assert good["order_id"].tolist() == ["o0", "o4"]
    assert good["amount_vnd"].tolist() == [1000, 2000]
    assert good["status"].tolist() == ["OPEN", "PAID"]
    assert [problem.line for problem in problems] == [3, 4, 5]


def test_a_repeated_identifier_never_overwrites_the_first() -> None:
    raw = orders(order_id=["o1", "o2", "o1"], amount_vnd=["10", "20", "30"])

    good, [problem] = normalise.orders(raw)

    assert good["amount_vnd"].tolist() == [10, 20]
    assert problem.line == 4
    assert "o1" in problem.vi
    assert "o1" in problem.en


def test_a_day_that_is_not_in_the_calendar_is_a_problem() -> None:
    raw = pd.DataFrame(
        [dict.fromkeys(normalise.LINE_COLUMNS, "") | {"line_id": day, "booking_date": day}
         | {"amount_vnd": "5"} for day in ("2026-02-28", "2026-02-30", "28/02/2026")],
        index=[2, 3, 4],
        dtype="str",
    )  # fmt: skip

    good, problems = normalise.lines(raw)

    assert good["line_id"].tolist() == ["2026-02-28"]
    assert [problem.line for problem in problems] == [3, 4]


def again(*rows: str) -> dict[int, int]:
    return normalise.delivered_again(frame(COLUMNS, *rows).assign(amount_vnd=5000))


def test_the_same_bank_document_in_a_later_file_is_the_same_line() -> None:
    assert again(
        "l1  f1  A  2026-09-10  08:00  B1  100  hoc phi",
        "l2  f1  A  2026-09-10  08:00  B2  200  hoc phi",
        "l3  f2  A  2026-09-10  08:01  B1  999  HOC  PHI".replace("HOC  PHI", "HOC PHI"),
    ) == {2: 0}


@pytest.mark.parametrize(
    "other",
    [
        "l2  f2  B  2026-09-10  08:00  B1  100  hoc phi",
        "l2  f2  A  2026-09-11  08:00  B1  100  hoc phi",
        "l2  f2  A  2026-09-10  08:00  B2  100  hoc phi",
        "l2  f2  A  2026-09-10  08:00  B1  100  vien phi",
    ],
)
def test_another_account_day_number_or_memo_is_another_line(other: str) -> None:
    assert again("l1  f1  A  2026-09-10  08:00  B1  100  hoc phi", other) == {}


def test_without_a_bank_reference_twins_are_told_from_repeats_by_counting() -> None:
    twin = "A  2026-09-10  08:00  -  -  hoc phi"

    assert again(f"l1  f1  {twin}", f"l2  f1  {twin}") == {}
    assert again(f"l1  f1  {twin}", f"l2  f1  {twin}", f"l3  f2  {twin}", f"l4  f2  {twin}") == {
        2: 0,
        3: 1,
    }
    assert again(f"l1  f1  {twin}", f"l2  f2  {twin}", f"l3  f2  {twin}") == {1: 0}


def test_one_document_twice_in_one_file_is_one_line_only_if_all_agrees() -> None:
    first = "l1  f1  A  2026-09-10  08:00  B1  100  hoc phi"

    assert again(first, first.replace("l1", "l2")) == {1: 0}
    assert again(first, first.replace("l1", "l2").replace("100", "5100")) == {}
