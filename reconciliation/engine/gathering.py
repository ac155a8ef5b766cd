"""Outcomes -> frames: the sure lines by columns, the others one by one, in the input's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no stubs

from reconciliation.engine.batches import GatewayRow
from reconciliation.engine.book import Decision, Outcome
from reconciliation.engine.deciding import FIRM_RULE, Judge
from reconciliation.engine.evidence import RULES
from reconciliation.engine.matched import (
    MATCH_COLUMNS,
    OUTCOME_COLUMNS,
    Matched,
    Quoted,
    QuotedRows,
    Told,
)
from reconciliation.engine.sure import Sure, SureRows

_ROW_COLUMNS = MATCH_COLUMNS[:-1]


@dataclass(frozen=True, slots=True)
class Sources:
    """What was to be decided: the lines' ids, đồng and memos, and the gateway's rows."""

    ids: Sequence[str]
    amounts: Sequence[int]
    memos: Sequence[str]
    rows: Sequence[GatewayRow]


def gathered(
    decided: Mapping[tuple[str, int], Outcome],
    sure: Sure,
    sure_rows: SureRows,
    sources: Sources,
    judge: Judge,
    absent: pd.DataFrame,
) -> Matched:
    """Every outcome once, every allocation or candidate in a row of its own."""
    rows, outcomes, told = _listed(decided, sources, judge.orders.ids)
    of_sure, sums, quoted = _sure(sure, sources, judge)
    of_rows, sums_of_rows, quoted_rows = _sure_rows(sure_rows, sources, judge)
    rows = pd.concat([rows, of_sure, of_rows], ignore_index=True)
    outcomes = pd.concat([outcomes, sums, sums_of_rows], ignore_index=True)
    in_order = np.lexsort((rows["at"], rows["source"] == "gateway"))
    origin = np.concatenate([np.arange(len(told)), -1 - np.arange(len(rows) - len(told))])
    rows = rows.iloc[in_order].reset_index(drop=True)
    ends = np.lexsort((outcomes["at"], outcomes["source"] == "gateway"))
    outcomes = outcomes.iloc[ends].reset_index(drop=True)
    return Matched(
        rows[list(_ROW_COLUMNS)],
        outcomes[list(OUTCOME_COLUMNS)],
        _places(judge),
        absent,
        told=told,
        quoted=(quoted, quoted_rows),
        origin=origin[in_order],
    )


def _listed(
    decided: Mapping[tuple[str, int], Outcome], sources: Sources, orders: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame, list[Told]]:
    rows: list[tuple[Any, ...]] = []
    outcomes: list[tuple[Any, ...]] = []
    told: list[Told] = []
    for (source, at), outcome in decided.items():
        if source == "bank":
            source_id, amount = sources.ids[at], abs(sources.amounts[at])
        else:
            source_id, amount = sources.rows[at].row_id, abs(sources.rows[at].gross)
        common = (outcome.decision.value, outcome.code, outcome.related)
        ranked = outcome.decision is Decision.SUGGEST
        for place, row in enumerate(outcome.rows):
            order = "" if row.order is None else orders[row.order]
            tail = (place + 1 if ranked else 0, row.rule, row.score)
            rows.append((at, source, source_id, order, row.amount, *common, *tail))
            told.append(row.evidence)
        best = outcome.rows[0]
        end = (best.rule, best.score, outcome.credit)
        outcomes.append((at, source, source_id, amount, *common, *end))
    return _typed(rows, _ROW_COLUMNS), _typed(outcomes, OUTCOME_COLUMNS), told


def _sure(sure: Sure, sources: Sources, judge: Judge) -> tuple[pd.DataFrame, pd.DataFrame, Quoted]:
    ours = judge.references.ours[sure.order]
    rules = [FIRM_RULE[kind, exact] for kind in ("reference", "code") for exact in (False, True)]
    which = 2 * ours + sure.exact
    score = np.array([RULES[rule].score for rule in rules])[which]
    same: dict[str, Any] = {
        "source": _always("bank", len(ours)), "source_id": _taken(sources.ids, sure.at),
        "decision": _always(Decision.AUTO.value, len(ours)), "exception_code": _few(sure.code),
        "related_id": _always("", len(ours)), "rule": _taken(rules, which),
        "at": sure.at, "score": score,
    }  # fmt: skip
    orders = _taken(judge.orders.ids, sure.order)
    rows = pd.DataFrame(same | {"order_id": orders, "alloc_vnd": sure.part, "rank": 0})
    sums = pd.DataFrame(same | {"amount_vnd": sure.came, "credit_vnd": sure.came - sure.part})
    refs, memos = judge.orders.refs, sources.memos
    which = sure.order.tolist()
    compact = judge.references.places.keys[sure.order].tolist()
    read = [memos[at] for at in sure.at.tolist()]
    quoted = Quoted(read, [refs[at] for at in which], compact, ours, sure.came, sure.owed)
    return _as(rows, _ROW_COLUMNS), _as(sums, OUTCOME_COLUMNS), quoted


def _sure_rows(
    sure: SureRows, sources: Sources, judge: Judge
) -> tuple[pd.DataFrame, pd.DataFrame, QuotedRows]:
    some = [sources.rows[at] for at in sure.at.tolist()]
    count = len(some)
    same: dict[str, Any] = {
        "source": _always("gateway", count),
        "source_id": pd.array([row.row_id for row in some], dtype="str"),
        "decision": _always(Decision.AUTO.value, count), "exception_code": _few(sure.code),
        "related_id": _always("", count), "rule": _always("gateway_reference", count),
        "at": sure.at, "score": np.full(count, RULES["gateway_reference"].score),
    }  # fmt: skip
    orders = _taken(judge.orders.ids, sure.order)
    rows = pd.DataFrame(same | {"order_id": orders, "alloc_vnd": sure.part, "rank": 0})
    sums = pd.DataFrame(same | {"amount_vnd": sure.came, "credit_vnd": sure.came - sure.part})
    refs = [judge.orders.refs[at] for at in sure.order.tolist()]
    read = [row.merchant_ref for row in some]
    quoted = QuotedRows(read, refs, sure.came, sure.owed, sure.fee, sure.due, sure.told)
    return _as(rows, _ROW_COLUMNS), _as(sums, OUTCOME_COLUMNS), quoted


def _always(text: str, count: int) -> Any:
    """A column of one text."""
    return pd.array(pa.repeat(pa.scalar(text, pa.large_string()), count), dtype="str")


def _taken(texts: Sequence[str], at: npt.NDArray[np.int64]) -> Any:
    """A column of the texts at these places."""
    return pd.array(pa.array(texts, type=pa.large_string()).take(pa.array(at)), dtype="str")


def _few(texts: npt.NDArray[np.object_]) -> Any:
    """A column of few different texts."""
    which, names = pd.factorize(texts)
    return _taken([str(name) for name in names], which)


def _typed(rows: list[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
    return _as(pd.DataFrame(rows, columns=["at", *columns]), columns)


def _as(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The columns' types, whether or not there are rows to see them by."""
    kinds: dict[str, Any] = dict.fromkeys(columns, "str")
    numbers = ("at", "alloc_vnd", "amount_vnd", "credit_vnd")
    kinds |= {name: "int64" for name in numbers if name in frame}
    kinds |= {"score": "float64"}
    if "rank" in frame:
        kinds["rank"] = "Int64"
        ranks = frame["rank"].astype("Int64")
        frame = frame.assign(rank=ranks.mask(ranks == 0))
    return frame.astype(kinds)


def _places(judge: Judge) -> pd.DataFrame:
    book = judge.book
    status = pd.Series(book.status, dtype="str").to_numpy(dtype=object)
    owed, billed = np.asarray(book.owed, dtype="int64"), np.asarray(book.billed, dtype="int64")
    place = np.select(
        [status == "CANCELLED", status != "OPEN", owed <= 0, owed < billed],
        ["closed", "paid_before", "paid", "part_paid"],
        "open",
    )
    return pd.DataFrame({"order_id": list(judge.orders.ids), "owed_vnd": owed, "place": place})
