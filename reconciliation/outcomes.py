"""What is left over -> which discrepancy it is, as rows of a file; causes.py holds the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from reconciliation.causes import CODES
from reconciliation.evidence import Evidence, render
from reconciliation.matched import Matched

EXCEPTION_COLUMNS = (
    "source", "source_id", "exception_code", "group", "decision", "order_id", "related_id",
    "amount_vnd", "at_risk_vnd", "cause_vi", "cause_en", "evidence_vi", "evidence_en",
    "action_vi", "action_en",
)  # fmt: skip


def exceptions(matched: Matched) -> pd.DataFrame:
    """One row per open exception, with what is absent as well: EXCEPTION_COLUMNS."""
    flagged = (matched.rows["exception_code"] != "").to_numpy()
    best: dict[tuple[str, str], tuple[str, tuple[Evidence, ...]]] = {}
    some = matched.rows[flagged]
    for at, source, source_id, order_id in zip(
        some.index, some["source"], some["source_id"], some["order_id"], strict=True
    ):
        if (source, source_id) not in best:
            best[source, source_id] = order_id, matched.evidence(at)
    owed = dict(zip(matched.orders["order_id"], matched.orders["owed_vnd"], strict=True))
    found = []
    for left in matched.leftovers.to_dict("records"):
        source, source_id = left["source"], left["source_id"]
        order_id, evidence = best[source, source_id]
        at_risk = _at_risk(left, int(owed.get(order_id, 0)), evidence)
        middle = (left["decision"], order_id, left["related_id"], left["amount_vnd"], at_risk)
        found.append(_row(source, source_id, left["exception_code"], middle, evidence))
    for batch in matched.absent.to_dict("records"):
        middle = ("EXCEPTION", "", batch["batch_id"], batch["due_vnd"], batch["due_vnd"])
        found.append(_row("gateway", batch["batch_id"], "BATCH_MISSING", middle, ()))
    return pd.DataFrame(found, columns=list(EXCEPTION_COLUMNS))


def _at_risk(left: Mapping[Any, Any], owed: int, evidence: Sequence[Evidence]) -> int:
    """Only the difference where the rest is booked, else all of it. left: an outcome's row."""
    if left["decision"] != "AUTO":
        return int(left["amount_vnd"])
    if left["exception_code"] == "UNDERPAID":
        return owed
    if left["exception_code"] == "FEE_VARIANCE":
        fees = [one for one in evidence if one.kind == "fee"]
        return sum(abs(int(fee.on_line) - int(fee.on_order)) for fee in fees)
    return int(left["credit_vnd"])


def _row(
    source: str, source_id: str, code: str, middle: tuple[Any, ...], evidence: Sequence[Evidence]
) -> tuple[Any, ...]:
    kind = CODES[code]
    return (
        source, source_id, code, kind.group, *middle, kind.cause_vi, kind.cause_en,
        render(evidence, "vi"), render(evidence, "en"), kind.action_vi, kind.action_en,
    )  # fmt: skip
