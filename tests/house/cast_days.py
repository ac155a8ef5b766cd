"""Sample pages of the calendar of days: a busy month, a month that is over, a new biller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from tests.house.cast_papers import run_pages
from tests.house.cast_staff import DAY, NOW, shell, today_pages
from web.console import charts
from web.console.month_pages import AgeRow, DayCell, LinesRow, MonthPage
from web.console.night_pages import NightPart, NightRow
from web.console.pages import TodayPage
from web.console.papers import RunPage
from web.language import Both
from web.pages import Page

FIRST: Final = date(2026, 1, 1)
TODAY: Final = date(2026, 1, 22)
CODES: Final = ("matched", "resolved", "suggested", "open")


def _day(day: date) -> DayCell:
    url = f"/console/days/{day}"
    if day > TODAY:
        return DayCell(day, "future")
    if day == TODAY:
        return DayCell(day, "open", url, open=6, open_amount=1_703_000, today=True)
    if day == TODAY - timedelta(days=1):
        return DayCell(day, "reconciled", url, open=2, open_amount=1_162_000)
    if day == TODAY - timedelta(days=2):
        return DayCell(
            day, "open", url, open=1, open_amount=12_345_678_901, unexplained=1_234_567_890
        )
    if day.day == 8:
        return DayCell(day, "corrected", url, version=2)
    return DayCell(day, "quiet" if day.weekday() == 6 or day.day == 1 else "signed_off", url)


def _weeks(first: date) -> list[list[DayCell | None]]:
    start = first - timedelta(days=first.weekday())
    days = [start + timedelta(days=at) for at in range(35)]
    cells = [_day(day) if day.month == first.month else None for day in days]
    return [cells[at : at + 7] for at in range(0, 35, 7)]


def night_parts() -> Mapping[str, Page]:
    """A night in every state, and one that is done."""
    night = NightPart(
        DAY,
        (
            NightRow("9999018452", "running", "post", 12_400, 52_000, NOW, attempt=2, url="/r1"),
            NightRow("9999018460", "asked"),
            NightRow("9999018478", "finished", "finish", 250, 250, NOW, NOW, 1, url="/r3"),
            NightRow(
                "9999018486",
                "failed",
                "match",
                10,
                250,
                NOW,
                attempt=1,
                why=Both("Không nối được với cơ sở dữ liệu.", "The database could not be reached."),
                again_at=NOW,
                url="/r4",
            ),
            NightRow("9999018494", "broken_off", "settle", 0, 0, NOW, attempt=1, url="/r5"),
        ),
        "/console/runs/of/2026-01-09",
    )
    busy, failed = today_pages()["today"], run_pages()["run-failed"]
    assert isinstance(busy, TodayPage)
    assert isinstance(failed, RunPage)
    return {
        "strip-night": night,
        "strip-night-done": replace(night, rows=night.rows[2:3]),
        "today-night": replace(busy, night=night),
        "run-night": replace(failed, night=replace(night, rows=night.rows[3:4])),
    }


def month_pages() -> Mapping[str, Page]:
    """The calendar."""
    lines = [
        LinesRow(FIRST + timedelta(days=at), "/console/days", 190 + at * 7 % 60, at % 9, at % 4, 1)
        for at in range(1, 21)
    ]
    ages = [
        AgeRow("0-1", 6, 1_703_000, "/console/discrepancies?age=0-1"),
        AgeRow("2-3", 2, 581_000, "/console/discrepancies?age=2-3"),
        AgeRow("4-7", 0, 0, "/console/discrepancies?age=4-7"),
        AgeRow(">7", 1, 3_300, "/console/discrepancies?age=%3E7"),
    ]
    stacks = [{code: getattr(one, code) for code in CODES} for one in lines]
    busy = MonthPage(
        shell=shell("days"),
        first=FIRST,
        weeks=_weeks(FIRST),
        previous_url="/console/days?month=2025-12",
        next_url="",
        now_url="",
        waiting=TODAY - timedelta(days=2),
        waiting_url="/console/days/2026-01-20",
        lines=lines,
        lines_chart=charts.columns(
            [{}, *stacks, *({} for _ in range(10))], CODES, [str(at + 1) for at in range(31)]
        ),
        automatic=4_310,
        all_lines=4_420,
        ages=ages,
        ages_chart=charts.columns(
            [{"aged": one.count} for one in ages], ("aged",), [one.name for one in ages], width=360
        ),
    )
    return {
        "days": busy,
        "days-over": replace(
            busy, next_url="?month=2026-02", now_url="?month=2026-03", waiting=None, waiting_url=""
        ),
        "days-new": replace(
            busy,
            weeks=[[DayCell(FIRST, "quiet", "/console/days/2026-01-01")] + [None] * 6],
            waiting=None,
            waiting_url="",
            lines=(),
            lines_chart=None,
            automatic=0,
            all_lines=0,
            ages=[replace(one, count=0, amount=0) for one in ages],
            ages_chart=None,
            first_use=Both("Chưa có ngày nào để chốt.", "There is no day to close yet."),
            first_use_url="/console/statements",
        ),
    }
