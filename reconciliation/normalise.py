"""Rows as they came -> typed frames, and the lines that were delivered again. Pure.

Input frames hold text only, indexed by line number in their file. What cannot be read is a
Problem with that number; the good rows go on. Nothing is guessed and nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no stubs

from payments.domain.errors import Invalid
from reconciliation.engine.places import whole
from reconciliation.statement import Problem

ORDER_COLUMNS = (
    "order_id", "order_ref", "biz", "payer_code", "payer_name", "amount_vnd", "issued_at",
    "due_at", "status",
)  # fmt: skip
LINE_COLUMNS = (
    "line_id", "file_id", "account", "bank", "booking_date", "value_date", "txn_time", "bank_ref",
    "amount_vnd", "balance_after", "counterparty_account", "counterparty_name", "memo",
)  # fmt: skip
GATEWAY_COLUMNS = (
    "row_id", "gateway", "batch_id", "settle_date", "paid_at", "txn_id", "merchant_ref", "type",
    "gross_vnd", "fee_vnd", "net_vnd",
)  # fmt: skip

STATUSES = ("OPEN", "PAID", "CANCELLED")
ROW_TYPES = ("PAYMENT", "REFUND", "CHARGEBACK")

_SHARED = 4
_SOME = 4_096  # rows that tell whether a column's texts repeat
_DONG = r"[+-]?[0-9]{1,12}"
_NOT_NEGATIVE = r"\+?[0-9]{1,12}"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


class MissingColumn(Invalid):
    """A file lacks a column that its contract names."""

    slug = "missing-column"
    title_vi = "Tệp thiếu cột"
    title_en = "The file lacks a column"


def orders(raw: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Orders as match() takes them: amount_vnd int64 đồng not negative, status of STATUSES."""
    checks = {
        "order_id": r".*\S.*",
        "amount_vnd": _NOT_NEGATIVE,
        "status": "|".join(STATUSES),
    }
    raw = raw.assign(status=raw["status"].str.strip().str.upper()) if "status" in raw else raw
    return _typed(raw, ORDER_COLUMNS, checks, ("amount_vnd",), "order_id")


def lines(raw: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Statement lines as match() takes them: amount_vnd int64 đồng, money in is positive."""
    checks = {
        "line_id": r".*\S.*",
        "amount_vnd": _DONG,
        "booking_date": _DAY,
        "value_date": f"(?:{_DAY})?",
        "txn_time": r"(?:(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?)?",
    }
    return _typed(raw, LINE_COLUMNS, checks, ("amount_vnd",), "line_id")


def gateway_rows(raw: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Settlement rows as match() takes them: gross, fee and net int64 đồng, signed."""
    checks = {
        "row_id": r".*\S.*",
        "gross_vnd": _DONG,
        "fee_vnd": _DONG,
        "net_vnd": _DONG,
        "settle_date": _DAY,
        "paid_at": rf"(?:{_DAY}(?:[T ].*)?)?",
        "type": "|".join(ROW_TYPES),
    }
    raw = raw.assign(type=raw["type"].str.strip().str.upper()) if "type" in raw else raw
    return _typed(raw, GATEWAY_COLUMNS, checks, ("gross_vnd", "fee_vnd", "net_vnd"), "row_id")


def _typed(
    raw: pd.DataFrame,
    columns: tuple[str, ...],
    checks: Mapping[str, str],
    amounts: tuple[str, ...],
    identifier: str,
) -> tuple[pd.DataFrame, list[Problem]]:
    missing = [column for column in columns if column not in raw.columns]
    if missing:
        names = ", ".join(missing)
        raise MissingColumn(f"Tệp thiếu cột: {names}.", f"The file lacks the column(s): {names}.")
    text = raw.copy()
    for column in checks:
        text[column] = text[column].str.strip()
    problems: list[Problem] = []
    good = pd.Series(data=True, index=text.index)
    for column, pattern in checks.items():
        fits = _fits(text[column], pattern)
        if pattern.startswith((_DAY, f"(?:{_DAY}")):
            fits &= _real_days(text[column].str[:10])
        problems += [
            _unreadable(line, column, text[column][line]) for line in text.index[~fits & good]
        ]
        good &= fits
    text = text if good.all() else text[good]
    again = text[identifier].duplicated(keep="first")
    if again.any():
        repeated = text.index[again]
        problems += [_repeated(line, identifier, text[identifier][line]) for line in repeated]
        text = text[~again]
    typed = text.assign(**{amount: text[amount].astype("int64") for amount in amounts})
    return typed, sorted(problems, key=lambda problem: problem.line)


def _fits(column: pd.Series[str], pattern: str) -> pd.Series[bool]:
    """Whether each text is what the expression says; a missing one is not."""
    found = pc.match_substring_regex(whole(column), f"^(?:{pattern})$")
    return pd.Series(np.asarray(pc.fill_null(found, False), dtype=bool), index=column.index)


def _real_days(days: pd.Series[str]) -> pd.Series[bool]:
    """Whether each is a day of the calendar; blank ones are."""
    few = days.drop_duplicates()
    real = few[pd.to_datetime(few, format="%Y-%m-%d", errors="coerce").notna()]
    return days.isin([*real, ""])


_WANTED = {
    "vnd": (
        "cần số nguyên đồng, không quá 12 chữ số, ví dụ 1234567",
        "whole đồng are needed, at most 12 digits, such as 1234567",
    ),
    "day": (
        "cần ngày có thật dạng năm-tháng-ngày, ví dụ 2026-09-30",
        "a real day is needed, year first, such as 2026-09-30",
    ),
    "time": ("cần giờ dạng 08:05 hoặc 08:05:30", "a time such as 08:05 or 08:05:30 is needed"),
    "status": (f"cần một trong: {', '.join(STATUSES)}", f"one of {', '.join(STATUSES)} is needed"),
    "type": (f"cần một trong: {', '.join(ROW_TYPES)}", f"one of {', '.join(ROW_TYPES)} is needed"),
    "id": ("không được để trống", "it cannot be blank"),
}
_DAYS = ("booking_date", "value_date", "settle_date", "paid_at")


def _unreadable(line: int, column: str, value: object) -> Problem:
    kind = "day" if column in _DAYS else column.rpartition("_")[2]
    vi, en = _WANTED[kind]
    shown = str(value)[:60]
    return Problem(
        int(line),
        f"Cột {column} không đọc được: “{shown}”; {vi}.",
        f"Column {column} cannot be read: “{shown}”; {en}.",
    )


def _repeated(line: int, column: str, value: object) -> Problem:
    return Problem(
        int(line),
        f"{column} “{value}” đã có ở dòng trước; dòng này không được dùng.",
        f"{column} “{value}” stands in an earlier row; this row is not used.",
    )


def texts(frame: pd.DataFrame, column: str) -> list[str]:
    """A column as plain text, "" where a cell or the whole column is missing.

    Equal texts are one object where there are many: a million lines have few days and accounts.
    """
    if column not in frame:
        return [""] * len(frame)
    cells = frame[column]
    if not isinstance(cells.dtype, pd.StringDtype):
        cells = cells.astype("object").where(cells.notna(), "").astype(str)
    array = pc.fill_null(whole(cells), "")
    some = array.slice(0, _SOME)
    if len(some.unique()) > len(some) // _SHARED:
        alone: list[str] = array.to_pylist()
        return alone
    encoded = array.dictionary_encode()
    distinct = np.array(encoded.dictionary.to_pylist(), dtype=object)
    shared: list[str] = distinct[encoded.indices.to_numpy(zero_copy_only=False)].tolist()
    return shared


def _may_repeat(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Places of the lines that are like another one in what no repeat differs in."""
    places = np.arange(len(frame))
    if "bank_ref" in frame:
        ref = pd.factorize(frame["bank_ref"], use_na_sentinel=False)[0]
        places = np.flatnonzero(np.bincount(ref)[ref] > 1)
    some = frame.iloc[places]
    least = ("account", "booking_date", "bank_ref", "amount_vnd")
    keys = [pd.factorize(some[name])[0] for name in least if name in frame]
    like = pd.DataFrame(dict(enumerate(keys))).duplicated(keep=False)
    found: npt.NDArray[np.int64] = places[like.to_numpy()]
    return found


def delivered_again(frame: pd.DataFrame) -> dict[int, int]:
    """Lines that a bank sent a second time: place in the frame -> place of the first delivery.

    frame: lines in the order they were delivered. With the bank's reference, a line is the same
    one if account, day, reference, amount and memo agree. Without, everything must agree, and
    genuine twins are told from repeats by counting: the n-th of a file repeats the n-th of an
    earlier file. Twins inside one file stay two payments unless time, balance and reference
    all agree as well.
    """
    columns = [
        "account",
        "booking_date",
        "bank_ref",
        "amount_vnd",
        "memo",
        "txn_time",
        "balance_after",
    ]
    every = [*columns, "counterparty_account", "file_id"]
    some = _may_repeat(frame)
    if not len(some):
        return {}
    odd = frame.iloc[some]
    keys = pd.DataFrame({column: texts(odd, column) for column in every}, dtype="str")
    keys.index = pd.Index(some)
    keys["memo"] = keys["memo"].str.upper().str.replace(r"\s+", "", regex=True)
    named = keys["bank_ref"].str.strip() != ""
    # What the same bank document may differ in from one file to the next is left out of its key.
    for column in ("txn_time", "balance_after", "counterparty_account"):
        keys[f"{column}_key"] = keys[column].where(~named, "")
    place = pd.Series(keys.index, index=keys.index)

    same_file = named & keys.duplicated([*columns, "file_id"], keep="first")
    first_in_file = place.groupby([keys[c] for c in [*columns, "file_id"]], dropna=False).transform(
        "min"
    )
    key = ["account", "booking_date", "bank_ref", "amount_vnd", "memo"]
    key += [f"{column}_key" for column in ("txn_time", "balance_after", "counterparty_account")]
    rest = keys[~same_file]
    count = rest.groupby([*key, "file_id"], dropna=False).cumcount().rename("occurrence")
    first = (
        place[~same_file].groupby([*[rest[c] for c in key], count], dropna=False).transform("min")
    )

    again = dict(
        zip(keys.index[same_file].tolist(), first_in_file[same_file].tolist(), strict=True)
    )
    later = (first != place[~same_file]).to_numpy()
    again |= dict(zip(rest.index[later].tolist(), first[later].tolist(), strict=True))
    return {at: again.get(of, of) for at, of in again.items()}
