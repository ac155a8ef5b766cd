"""Row: `thuphi match` on a made-up night, against pandas reading the same files and one merge.

Both sides are whole processes, started in turns. The floor (match_floor.py) reads the three
files and joins memo and reference once, exactly: it finds three payments in ten, and explains,
checks and writes nothing. The size of a full run is 100,000 orders; the goal is for a million:

    python -m benchmarks.matching --orders 1000000
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.nights import files, night
from benchmarks.place import Place
from benchmarks.results import Effort, Figure, Row, show

_ORDERS_A_BULK = 5
_FILES = ("orders", "statement", "gateway-report")
_GIB = 1 << 20  # of the kilobytes in which the system counts


def measure(place: Place, effort: Effort) -> Row:
    """A night of a tenth of the goal's size."""
    return measured(effort.bulk * _ORDERS_A_BULK, rounds=max(1, effort.rounds // 2))


def measured(orders: int, *, rounds: int) -> Row:
    """Match a night of so many orders, and one of a tenth, as often as asked."""
    with tempfile.TemporaryDirectory() as folder:
        whole, tenth = Path(folder, "whole"), Path(folder, "tenth")
        for size, where in ((orders, whole), (orders // 10, tenth)):
            files.write(night.make(seed=1, count=size), where)
        ours, floor, small, peaks = [], [], [], []
        for _ in range(rounds):
            seconds, peak = _timed(_match(whole))
            ours.append(seconds)
            peaks.append(max(peak / _GIB, _told_peak(whole)))
            floor.append(_timed(_floor(whole))[0])
            small.append(_timed(_match(tenth))[0])
    return Row(
        "Matching files",
        [
            Figure(
                f"thuphi match, {orders:,} orders",
                "pandas reads the files, one exact merge",
                "s",
                ours,
                floor,
                goal=6,
                at_most=True,
            ),
            Figure(
                f"the same, {orders:,} orders",
                f"{orders // 10:,} orders",
                "s",
                ours,
                small,
                goal=12,
                at_most=True,
            ),
            Figure(
                "its peak of memory", "one GiB", "GiB", peaks, [1.0] * rounds, goal=3, at_most=True
            ),
        ],
        sizes={"orders": orders, "rounds": rounds},
        why="two processes hear all lines, but one line in seven is heard word by word, its memo "
        "parsed and every reading tried; a fifth of the plain ones, glued or parted, is told one "
        "by one as well; what is not the only line of its order is decided by one process, in time",
    )


def _match(folder: Path) -> Sequence[str]:
    program = [sys.executable, "-m", "ops.cli", "match", "--out", str(folder / "out")]
    files = zip(("--orders", "--statement", "--gateway-report"), _FILES, strict=True)
    given = [part for option, name in files for part in (option, str(folder / f"{name}.csv"))]
    return [*program, *given, "--contract", str(folder / "contract.json")]


def _told_peak(folder: Path) -> float:
    """GiB of both processes while there are two, as the first one adds them up."""
    told = json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))
    return float(told["peak_memory_mib"]) / 1024


def _floor(folder: Path) -> Sequence[str]:
    script = Path(__file__).with_name("match_floor.py")
    return [sys.executable, str(script), *(str(folder / f"{name}.csv") for name in _FILES)]


def _timed(command: Sequence[str]) -> tuple[float, int]:
    """Seconds, and the peak of memory in kilobytes."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        _, status, used = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    assert run.returncode == 0, command
    return time.perf_counter() - began, used.ru_maxrss


def main() -> None:
    """This row alone, at any size."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    asked.formatter_class = argparse.RawDescriptionHelpFormatter
    asked.add_argument("--orders", type=int, default=100_000)
    asked.add_argument("--rounds", type=int, default=1)
    told = asked.parse_args()
    show([measured(told.orders, rounds=told.rounds)], Console(width=130))


if __name__ == "__main__":
    main()
