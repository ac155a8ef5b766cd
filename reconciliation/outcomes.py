"""What is left over -> which discrepancy it is, as rows of a file; causes.py holds the words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from reconciliation.causes import CODES
from reconciliation.engine.matched import Matched

EXCEPTION_COLUMNS = (
    "source", "source_id", "exception_code", "group", "decision", "order_id", "related_id",
    "amount_vnd", "at_risk_vnd", "cause_vi", "cause_en", "evidence_vi", "evidence_en",
    "action_vi", "action_en",
)  # fmt: skip
_OF_CODE = ("group", "cause_vi", "cause_en", "action_vi", "action_en")


def exceptions(matched: Matched) -> pd.DataFrame:
    """One row per open exception, with what is absent as well: EXCEPTION_COLUMNS."""
    left = matched.leftovers
    best = _best(matched)
    first = matched.rows.iloc[best]
    of_lines = pd.DataFrame(
        {
            "source": left["source"].to_numpy(dtype=object),
            "source_id": left["source_id"].to_numpy(dtype=object),
            "exception_code": left["exception_code"].to_numpy(dtype=object),
            "decision": left["decision"].to_numpy(dtype=object),
            "order_id": first["order_id"].to_numpy(dtype=object),
            "related_id": left["related_id"].to_numpy(dtype=object),
            "amount_vnd": left["amount_vnd"].to_numpy(),
            "at_risk_vnd": _at_risk(matched, left, best),
            "evidence_vi": matched.reasons("vi", best),
            "evidence_en": matched.reasons("en", best),
        }
    )
    unreported = matched.unreported
    of_orders = pd.DataFrame(
        {
            "source": "gateway",
            "source_id": unreported["txn_id"],
            "exception_code": "MISSING_IN_REPORT",
            "decision": "EXCEPTION",
            "order_id": unreported["order_id"],
            "related_id": unreported["row_id"],
            "amount_vnd": unreported["amount_vnd"],
            "at_risk_vnd": unreported["amount_vnd"],
            "evidence_vi": "",
            "evidence_en": "",
        }
    )
    absent = matched.absent
    of_batches = pd.DataFrame(
        {
            "source": "gateway",
            "source_id": absent["batch_id"],
            "exception_code": "BATCH_MISSING",
            "decision": "EXCEPTION",
            "order_id": "",
            "related_id": absent["batch_id"],
            "amount_vnd": absent["due_vnd"],
            "at_risk_vnd": absent["due_vnd"],
            "evidence_vi": "",
            "evidence_en": "",
        }
    )
    parts = [part for part in (of_lines, of_orders, of_batches) if len(part)]
    found = pd.concat(parts or [of_lines])
    which, codes = pd.factorize(found["exception_code"])
    for name in _OF_CODE:
        said = np.array([getattr(CODES[str(code)], name) for code in codes], dtype=object)
        found[name] = said[which]
    return found[list(EXCEPTION_COLUMNS)].reset_index(drop=True)


def _best(matched: Matched) -> npt.NDArray[np.int64]:
    """The first row of each leftover, in the leftovers' order: both are in that of the input."""
    flagged = np.flatnonzero((matched.rows["exception_code"] != "").to_numpy())
    again: npt.NDArray[np.bool_] = (
        matched.rows[["source", "source_id"]].iloc[flagged].duplicated().to_numpy()
    )
    return flagged[~again]


def _at_risk(
    matched: Matched, left: pd.DataFrame, best: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Only the difference where the rest is booked, else all of it."""
    risk = np.array(left["credit_vnd"], dtype=np.int64)
    waits = (left["decision"] != "AUTO").to_numpy()
    amounts = left["amount_vnd"].to_numpy()
    risk[waits] = amounts[waits]
    codes = left["exception_code"].to_numpy(dtype=object)
    short = np.flatnonzero(~waits & (codes == "UNDERPAID"))
    if len(short):
        names = matched.rows["order_id"].iloc[best[short]].tolist()
        some = matched.orders[matched.orders["order_id"].isin(names)]
        owed = dict(zip(some["order_id"], some["owed_vnd"], strict=True))
        risk[short] = [owed[name] for name in names]
    for at in np.flatnonzero(~waits & (codes == "FEE_VARIANCE")).tolist():
        fees = [one for one in matched.evidence(int(best[at])) if one.kind == "fee"]
        risk[at] = sum(abs(int(fee.on_line) - int(fee.on_order)) for fee in fees)
    return risk
