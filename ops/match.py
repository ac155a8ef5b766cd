"""`thuphi match`: reconcile files without a service, with the same functions the nightly run uses.

Reads orders, a statement and optionally a gateway's report and contract; writes matches.csv,
exceptions.csv, problems.csv and summary.json. docs/reference describes every column.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ops import match_rows, tables
from ops.second_process import SecondProcess
from payments.domain.errors import Invalid
from reconciliation import normalise, outcomes
from reconciliation.engine.hearing import in_turn
from reconciliation.engine.matched import Matched
from reconciliation.engine.terms import ROUNDINGS
from reconciliation.matching import match
from reconciliation.statement import Problem

Typed = Callable[[pd.DataFrame], tuple[pd.DataFrame, list[Problem]]]


class BadContract(Invalid):
    """The contract file is not what match-files says."""

    slug = "bad-contract"
    title_vi = "Tệp hợp đồng không hợp lệ"
    title_en = "The contract file is invalid"


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many lines and rows ended in one place, and their đồng."""

    count: int
    sum_vnd: int


@dataclass(frozen=True, slots=True)
class Summary:
    """summary.json. unexplained_vnd is 0, or something was lost or counted twice."""

    rows: dict[str, int]
    decisions: dict[str, Bucket]
    rules: dict[str, Bucket]
    exceptions: dict[str, Bucket]
    buckets: dict[str, int]
    total_vnd: int
    unexplained_vnd: int
    problems: int
    seconds: dict[str, float] = field(default_factory=dict)
    peak_memory_mib: int = 0


def run(
    orders: Path,
    statement: Path,
    gateway_report: Path | None = None,
    contract: Path | None = None,
    *,
    out: Path,
    second: SecondProcess | None = None,
) -> Summary:
    """Reconcile the files into the folder `out`, which is made if need be.

    second: lets a fork of this process hear half of the lines; only for a caller who may fork.
    Raises MissingColumn, UnreadableTable or BadContract with what to do; a bad row never raises.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, "read"):
        terms, unreadable = _contract(contract) if contract else ({}, {})
        files = [
            (orders, normalise.orders, normalise.ORDER_COLUMNS),
            (statement, normalise.lines, normalise.LINE_COLUMNS),
        ]
        if gateway_report:
            files.append((gateway_report, normalise.gateway_rows, normalise.GATEWAY_COLUMNS))
        with ThreadPoolExecutor(len(files)) as readers:
            read = list(readers.map(lambda file: _read(*file), files))
        order_frame, line_frame = read[0][0], read[1][0]
        rows = read[2][0] if gateway_report else None
        problems = [problem for _, found in read for problem in found]
        problems += unreadable.values()
        del read
    if rows is not None and gateway_report is not None and contract:
        problems += _unknown_gateways(rows, {*terms, *unreadable}, gateway_report.name)
    given = _Given.of(line_frame, order_frame, rows)
    frames = [line_frame, order_frame]
    del line_frame, order_frame  # match() lets go of them as soon as it can
    with _timed(seconds, "match"):
        matched = match(
            frames.pop(0), frames.pop(0), gateway=rows, contract=terms, hearer=second or in_turn
        )
    with _timed(seconds, "write"):
        out.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor() as writers:
            written = [
                writers.submit(_write, out / "exceptions.csv", outcomes.exceptions, matched),
                writers.submit(_write, out / "matches.csv", _matches, matched),
                writers.submit(_write, out / "problems.csv", tables.problems_frame, problems),
            ]
        for one in written:
            one.result()
    both = second.peak_kib if second else 0
    summary = _summary(given, matched, len(problems), seconds, both)
    text = json.dumps(asdict(summary), ensure_ascii=False, indent=2)
    (out / "summary.json").write_text(text + "\n", encoding="utf-8")
    return summary


def _read(
    path: Path, typed: Typed, columns: Sequence[str]
) -> tuple[pd.DataFrame, list[tuple[str, Problem]]]:
    raw, unread = tables.read(path, columns)
    try:
        raw, ruined = match_rows.ruined(raw)
        frame, bad = typed(raw)
    except normalise.MissingColumn as error:
        hint_vi, hint_en = ("", "")
        if not set(raw.columns) & set(columns):
            hint_vi = " Không dòng nào trong 100 dòng đầu là dòng tên cột."
            hint_en = " None of the first 100 lines names the columns."
        raise normalise.MissingColumn(
            f"{path.name}: {error.vi}{hint_vi}", f"{path.name}: {error.en}{hint_en}"
        ) from error
    bad = match_rows.explained(raw, frame, bad)
    found = sorted(unread + ruined + bad, key=lambda problem: problem.line)
    return frame, [(path.name, problem) for problem in found]


def _contract(
    path: Path,
) -> tuple[dict[str, Mapping[str, Any]], dict[str, tuple[str, Problem]]]:
    """What each gateway may keep, and what is wrong with those of which the file does not tell.

    A fee that is not told is not taken to be nothing: it is not checked, as if the gateway were
    not there. Raises BadContract for a file that is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise BadContract(
            f'Tệp {path.name} phải là JSON dạng {{"MOMO": {{"bps": 110, "fixed_vnd": 0}}}}.',
            f'The file {path.name} must be JSON like {{"MOMO": {{"bps": 110, "fixed_vnd": 0}}}}.',
        )
    wrong = {
        gateway: (path.name, found)
        for gateway, one in content.items()
        if (found := _unclear(gateway, one)) is not None
    }
    return {gateway: one for gateway, one in content.items() if gateway not in wrong}, wrong


def _unclear(gateway: str, terms: object) -> Problem | None:
    told: dict[str, object] = terms if isinstance(terms, dict) else {}
    fees = [told[key] for key in ("bps", "fixed_vnd") if key in told]
    if not fees or not all(type(fee) is int and fee >= 0 for fee in fees):
        vi = "cần bps hoặc fixed_vnd là số nguyên từ 0"
        en = "needs bps or fixed_vnd, a whole number from 0"
    elif told.get("rounding", ROUNDINGS[0]) not in ROUNDINGS:
        vi = f"cách làm tròn là một trong: {', '.join(ROUNDINGS)}"
        en = f"the rounding is one of: {', '.join(ROUNDINGS)}"
    else:
        return None
    return Problem(
        0,
        f"{gateway}: {vi}. Phí của cổng này không được kiểm tra.",
        f"{gateway}: {en}. Its fees are not checked.",
    )


def _unknown_gateways(
    rows: pd.DataFrame, named: Iterable[str], name: str
) -> list[tuple[str, Problem]]:
    """Gateways whose fees nobody can check, once a contract is given. named: there."""
    known = {gateway.upper() for gateway in named}
    strange = sorted({str(one) for one in rows["gateway"].unique()} - {""})
    return [
        (
            name,
            Problem(
                0,
                f"Hợp đồng không có cổng {gateway}: phí của cổng này không được kiểm tra.",
                f"The contract does not name {gateway}: its fees are not checked.",
            ),
        )
        for gateway in strange
        if gateway.upper() not in known
    ]


def _write(path: Path, made: Callable[[Any], pd.DataFrame], found: object) -> None:
    tables.write_csv(made(found), path)


def _matches(matched: Matched) -> pd.DataFrame:
    return matched.rows.assign(evidence=matched.reasons("vi"))


@dataclass(frozen=True, slots=True)
class _Given:
    """What was read: how many rows of each file, and the đồng of lines and gateway rows."""

    counts: dict[str, int]
    total: int

    @classmethod
    def of(cls, lines: pd.DataFrame, orders: pd.DataFrame, rows: pd.DataFrame | None) -> _Given:
        total = int(lines["amount_vnd"].abs().sum())
        total += int(rows["gross_vnd"].abs().sum()) if rows is not None else 0
        counts = {"orders": len(orders), "lines": len(lines)}
        return cls(counts | {"gateway_rows": 0 if rows is None else len(rows)}, total)


def _summary(
    given: _Given, matched: Matched, problems: int, seconds: dict[str, float], both_kib: int
) -> Summary:
    buckets = _buckets(matched)
    most_kib = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, both_kib)
    ended = matched.outcomes
    flagged = ended[ended["exception_code"] != ""]
    return Summary(
        rows=given.counts,
        decisions=_counted(ended, "decision"),
        rules=_counted(ended, "rule"),
        exceptions=_counted(flagged, "exception_code"),
        buckets=buckets,
        total_vnd=given.total,
        unexplained_vnd=given.total - sum(buckets.values()),
        problems=problems,
        seconds={stage: round(took, 3) for stage, took in seconds.items()},
        peak_memory_mib=most_kib // 1024,
    )


def _buckets(matched: Matched) -> dict[str, int]:
    """Where every đồng of the input is, counted from the allocations and not from the input."""
    auto = matched.rows[matched.rows["decision"] == "AUTO"]
    booked = auto["order_id"] != ""
    rest = matched.outcomes[matched.outcomes["decision"] != "AUTO"]
    buckets = {
        "allocated": int(auto.loc[booked, "alloc_vnd"].sum()),
        "credit": int(matched.outcomes["credit_vnd"].sum()),
        "batches": int(auto.loc[~booked, "alloc_vnd"].sum()),
    }
    for decision in ("SUGGEST", "EXCEPTION", "IGNORE"):
        buckets[decision.lower()] = int(rest.loc[rest["decision"] == decision, "amount_vnd"].sum())
    return buckets


def _counted(frame: pd.DataFrame, by: str) -> dict[str, Bucket]:
    grouped = frame.groupby(by)["amount_vnd"].agg(["size", "sum"])
    return {
        str(name): Bucket(int(count), int(total))
        for name, count, total in zip(grouped.index, grouped["size"], grouped["sum"], strict=True)
    }


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - started
