"""`python -m benchmarks`: measure every row, print the table, write results.json.

python -m benchmarks order_api      one row, printed only
python -m benchmarks --quick        tiny rounds, printed only: to see that everything runs
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from rich.console import Console

from benchmarks import (
    bulk_posting,
    matching,
    nightly,
    notices,
    one_account,
    order_api,
    statement_import,
)
from benchmarks.place import Place, installed
from benchmarks.results import FULL, QUICK, Effort, Row, keep, show

ROWS: Mapping[str, Callable[[Place, Effort], Row]] = {
    "one_account": one_account.measure,
    "bulk_posting": bulk_posting.measure,
    "order_api": order_api.measure,
    "notices": notices.measure,
    "matching": matching.measure,
    "statement_import": statement_import.measure,
    "nightly": nightly.measure,
}
"""The rows. A night comes last, or what follows would measure what it leaves behind as well."""


WIDTH = 130
"""Columns where there is no terminal, such as in the log of a build."""


def main() -> None:
    """Run what was asked for. A goal that is missed is told, and is no error."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.formatter_class = argparse.RawDescriptionHelpFormatter
    asked.add_argument("rows", nargs="*", metavar="row", help=", ".join(ROWS))
    asked.add_argument("--quick", action="store_true", help="tiny rounds; nothing is written")
    told = asked.parse_args()
    if unknown := [row for row in told.rows if row not in ROWS]:
        asked.error(f"no such row: {', '.join(unknown)}")
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    effort = QUICK if told.quick else FULL
    done = []
    with installed() as place:
        for name in told.rows or ROWS:
            with console.status(name):
                done.append(ROWS[name](place, effort))
    show(done, console)
    if not told.rows and not told.quick:
        keep(done, place.machine)


if __name__ == "__main__":
    main()
