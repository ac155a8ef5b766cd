"""Rows of figures: what was measured, its floor, the ratio, the goal; as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

KEPT = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to do. seconds: of one round of one side; rounds: of each side; size: of a batch."""

    seconds: float
    rounds: int
    bulk: int


FULL = Effort(seconds=2.0, rounds=4, bulk=20_000)
QUICK = Effort(seconds=0.5, rounds=1, bulk=2_000)


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio. Both sides hold one number a round, in the same order and unit.

    goal: what the ratio should reach, or, with at_most, not pass; None: told, not judged.
    """

    what: str
    against: str
    unit: str
    measured: Sequence[float]
    floor: Sequence[float]
    goal: float | None = None
    at_most: bool = False

    @property
    def ratio(self) -> float:
        """The median of one side over the median of the other."""
        return median(self.measured) / median(self.floor)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest ratio of two rounds that ran one after the other."""
        pairs = [ours / floor for ours, floor in zip(self.measured, self.floor, strict=True)]
        return min(pairs), max(pairs)

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal

    @property
    def verdict(self) -> str:
        """Met, or by how much it is missed."""
        if self.goal is None:
            return "–"
        off = abs(self.ratio / self.goal - 1)
        beyond = "above" if self.at_most else "below"
        return "met" if self.met else f"missed: {off:.0%} {beyond}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the list of goals. sizes: what was run; spent: where the time goes, counted."""

    name: str
    figures: Sequence[Figure]
    sizes: Mapping[str, int | float] = field(default_factory=dict)
    spent: Mapping[str, float] = field(default_factory=dict)
    why: str = ""  # what stands between the figure and the floor


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures depend on and no ratio takes out."""

    postgresql: str
    sync_us: float  # the median of one small write and its fdatasync
    load: float  # what else ran when it began: the load average of the last minute

    def told(self) -> dict[str, Any]:
        """For the file: versions and sizes, never names or paths."""
        return {
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "postgresql": self.postgresql,
            "cores": os.cpu_count(),
            "fdatasync_us": round(self.sync_us),
            "load": round(self.load, 1),
        }


def show(rows: Sequence[Row], console: Console) -> None:
    """Print every figure with its goal; then, for what is missed, where the time goes."""
    table = Table(title="Speed, as ratios to floors of the same run", title_justify="left")
    table.add_column("what", overflow="fold")
    for name in ("measured", "floor", "ratio", "spread", "goal"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("goal met?")
    for row in rows:
        for place, figure in enumerate(row.figures):
            table.add_row(*_cells(figure), end_section=place == len(row.figures) - 1)
    console.print(table)
    for row in rows:
        if any(figure.met is False for figure in row.figures):
            spent = ", ".join(f"{what} {amount:g}" for what, amount in row.spent.items())
            console.print(f"[bold]{row.name}[/bold]: {row.why}" + (f" ({spent})" if spent else ""))


def keep(rows: Sequence[Row], machine: Machine, place: Path = KEPT) -> None:
    """Write the file, whole or not at all."""
    told = machine.told() | {"rows": [_as_json(row) for row in rows]}
    half = place.with_suffix(".part")
    half.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    half.replace(place)


def _cells(figure: Figure) -> list[str]:
    low, high = figure.spread
    sign = "≤" if figure.at_most else "≥"
    colour = {True: "green", False: "red", None: "dim"}[figure.met]
    return [
        f"{figure.what}\n[dim]against {figure.against}[/dim]",
        f"{median(figure.measured):,.1f} {figure.unit}",
        f"{median(figure.floor):,.1f} {figure.unit}",
        f"{figure.ratio:.2f}",
        f"{low:.2f}–{high:.2f}",
        "–" if figure.goal is None else f"{sign} {figure.goal:g}",
        f"[{colour}]{figure.verdict}[/{colour}]",
    ]


def _as_json(row: Row) -> dict[str, Any]:
    return {
        "row": row.name,
        "sizes": dict(row.sizes),
        "figures": [
            {
                "what": figure.what,
                "against": figure.against,
                "unit": figure.unit,
                "measured": round(median(figure.measured), 1),
                "floor": round(median(figure.floor), 1),
                "ratio": round(figure.ratio, 3),
                "spread": [round(end, 3) for end in figure.spread],
                "goal": figure.goal,
                "at_most": figure.at_most,
                "met": figure.met,
                "verdict": figure.verdict,
            }
            for figure in row.figures
        ],
        "spent": dict(row.spent),
        "why": row.why,
    }
