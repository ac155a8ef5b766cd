"""What the calendar of days shows: plain values, built by views_calendar.

MonthPage   a month of days, where its lines ended, how old what is open is
Chart       bars as geometry, drawn by the server; the same figures stand in a table beside it

Amounts are int đồng, codes those of web/words.py (see web/pages.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from web.console.pages import Shell
from web.language import Both


@dataclass(frozen=True, slots=True)
class DayCell:
    """One day. state: calendar_day of words.py; version: of the signed sheet, from 2 on shown.

    open, open_amount: discrepancies that arose on it; unexplained: đồng, 0 when all is in place.
    url: of its page, "" for a day to come.
    """

    day: date
    state: str
    url: str = ""
    version: int = 1
    open: int = 0
    open_amount: int = 0
    unexplained: int = 0
    today: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column. code: chart_line of words.py, which also names its pattern."""

    code: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A word or figure at an axis. x, y: where it stands."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked columns in a box of width x height. grid: heights of its lines.

    codes: what the columns are made of, from the bottom; most: the highest column.
    """

    width: int
    height: int
    left: float
    bars: Sequence[Bar]
    grid: Sequence[Mark]
    marks: Sequence[Mark]
    codes: Sequence[str]
    most: int


@dataclass(frozen=True, slots=True)
class LinesRow:
    """The lines of one day by where they ended; url: of the day."""

    day: date
    url: str
    matched: int
    resolved: int
    suggested: int
    open: int


@dataclass(frozen=True, slots=True)
class AgeRow:
    """Open discrepancies of one age. name: of words.py, age_band; url: the queue."""

    name: str
    count: int
    amount: int
    url: str


@dataclass(frozen=True, slots=True)
class MonthPage:
    """A month. weeks: Monday first, None before the first and after the last day.

    next_url: "" in the month of today. waiting_url: the day that waits longest for its close,
    "" when none does. lines_chart, ages_chart: None without figures; automatic: lines matched
    without a person on their first night, of all lines of the month.
    """

    template: ClassVar[str] = "console/days.html"

    shell: Shell
    first: date
    weeks: Sequence[Sequence[DayCell | None]]
    previous_url: str
    next_url: str
    now_url: str
    waiting: date | None = None
    waiting_url: str = ""
    lines: Sequence[LinesRow] = ()
    lines_chart: Chart | None = None
    automatic: int = 0
    all_lines: int = 0
    ages: Sequence[AgeRow] = ()
    ages_chart: Chart | None = None
    first_use: Both | None = None
    first_use_url: str = ""
