"""Row: the nightly run in the database, against the same rows written by hand.

Ours begins with the bank's files as bytes and ends with every line matched or in somebody's
hands: receive, read, match, book, open discrepancies, reconcile the day. The floor
(nightly_floor.py) is given the finished rows. The size of a full run is 20,000 lines; the goal is
for a million:

    python -m benchmarks.nightly --lines 1000000
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console
from sqlalchemy import text

from adapters.registry import STATEMENT_READERS
from benchmarks import nightly_floor, nightly_school
from benchmarks.nightly_school import Line, School
from benchmarks.place import Place, installed, now
from benchmarks.results import Effort, Figure, Row, show
from payments.domain.people import SERVICE
from reconciliation import intake, runs

GOAL = 3.0
_WHY = (
    "every line's fields are sealed for their row, its memo is read and heard, and each row is "
    "checked by keys, triggers and policies that the floor does without"
)


def measure(place: Place, effort: Effort) -> Row:
    """A night of as many lines as a bulk."""
    return measured(place, effort.bulk, rounds=max(1, effort.rounds // 2))


def measured(place: Place, lines: int, *, rounds: int) -> Row:
    """A night of so many lines, and its rows by hand, as often as asked; each a new school."""
    ours, floor, spent = [], [], dict[str, float]()
    for _ in range(rounds):
        school = nightly_school.founded(place, orders=lines)
        told = list(nightly_school.lines_of(school))
        files = list(nightly_school.files_of(school, told))
        spent = _night(place, school, files)
        _require_whole(place, school, told)
        ours.append(sum(spent.values()))
        floor.append(nightly_floor.by_hand(place, school, told))
        spent = {step: round(seconds / lines * 1e6, 1) for step, seconds in spent.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return Row(
        "Nightly run in the database",
        [
            Figure(
                f"a night of {lines:,} lines",
                "the same rows by COPY, one hash join, INSERT..SELECT",
                "s",
                ours,
                floor,
                goal=GOAL,
                at_most=True,
            ),
        ],
        sizes={"lines": lines, "rounds": rounds, "peak_gib": round(peak, 2)},
        spent=spent,
        why=_WHY + "; µs a line by step",
    )


def _night(place: Place, school: School, files: Sequence[bytes]) -> dict[str, float]:
    """Seconds of each step."""
    sessions, spent = place.runtime.sessions, {}
    began = time.perf_counter()
    for number, data in enumerate(files):
        with sessions.begin(school.biller_id) as db:
            name = f"{school.day}-{number}.csv"
            kept = intake.receive(db, name=name, data=data, by=SERVICE, at=now())
            intake.read(db, kept.file_id, STATEMENT_READERS["auto"])
    spent["read"] = time.perf_counter() - began
    began = time.perf_counter()
    runs.run(
        sessions,
        school.biller_id,
        school.account_id,
        school.day,
        clock=lambda: now() + timedelta(days=1),
    )
    spent["run"] = time.perf_counter() - began
    return spent


def _require_whole(place: Place, school: School, lines: Sequence[Line]) -> None:
    """The night did what it was for: plain lines are matched, the day is reconciled."""
    with place.runtime.sessions.begin(school.biller_id) as db:
        counted = db.execute(text("SELECT status, count(*) FROM bank_line GROUP BY status"))
        stand = {str(status): int(lines) for status, lines in counted}
        day = db.scalar(text("SELECT status FROM business_day"))
    sure = sum(line.order is not None for line in lines)
    assert sum(stand.values()) == len(lines), stand
    assert stand.get("matched", 0) >= 0.99 * sure, stand
    assert "imported" not in stand, stand
    assert day == "reconciled", day


def main() -> None:
    """This row alone, at any size."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.nightly", description=__doc__)
    asked.formatter_class = argparse.RawDescriptionHelpFormatter
    asked.add_argument("--lines", type=int, default=20_000)
    asked.add_argument("--rounds", type=int, default=1)
    told = asked.parse_args()
    with installed() as place:
        row = measured(place, told.lines, rounds=told.rounds)
    console = Console(width=130)
    show([row], console)
    console.print(dict(row.sizes), dict(row.spent))


if __name__ == "__main__":
    main()
