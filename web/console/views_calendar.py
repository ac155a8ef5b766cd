"""The calendar of days: a month at a glance, where its lines ended, how old what is open is."""

from __future__ import annotations

import re
from calendar import Calendar
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.domain.calendar import business_day
from payments.domain.errors import NotFound
from payments.domain.people import Permission
from payments.queries import takings
from reconciliation import first_nights
from reconciliation.queries import month, nights
from reconciliation.queries.month import DayFigures
from reconciliation.queries.nights import Band, LinesOfDay
from web import context
from web.auth.marks import requires
from web.console import charts
from web.console.answers import HOME, shell, whole, with_query
from web.console.month_pages import AgeRow, DayCell, LinesRow, MonthPage
from web.language import Both

_DAYS: Final = f"{HOME}/days"
_QUEUE: Final = f"{HOME}/discrepancies"
FIRST_YEAR: Final = 2000
"""No day before it has a page."""
_ENDED: Final = ("matched", "resolved", "suggested", "open")
_AGED: Final = ("aged",)
_AGES_WIDTH: Final = 360
_FIRST_USE: Final = Both(
    "Chưa có ngày nào để chốt. Lịch đầy dần từ sao kê và khoản thu đầu tiên.",
    "There is no day to close yet. The calendar fills with the first statement and payment.",
)


@requires(Permission.READ)
def calendar() -> ResponseReturnValue:
    """A month of days. month: 2026-01; the month of today without it."""
    today = business_day(context.now())
    first = _month(request.args.get("month"), today)
    with context.transaction() as db:
        page = _page(db, first, today)
    return whole(page)


def _page(db: Session, first: date, today: date) -> MonthPage:
    after = _next(first)
    last = after - timedelta(days=1)
    days = month.figures(db, first, last)
    lines, automatic = nights.by_day(db, first, last), first_nights.between(db, first, last)
    bands = nights.bands(db, today)
    waiting = takings.longest_unsigned(db, today)
    empty = waiting is None and all(one.quiet for one in days) and not any(b.count for b in bands)
    return MonthPage(
        shell=shell(db, "days"),
        first=first,
        weeks=_weeks(first, {one.day: _cell(one, today) for one in days}),
        previous_url=_url(first - timedelta(days=1)) if first.year > FIRST_YEAR else "",
        next_url=_url(after) if after <= today else "",
        now_url=_url(today) if (today.year, today.month) != (first.year, first.month) else "",
        waiting=waiting,
        waiting_url=f"{_DAYS}/{waiting}" if waiting else "",
        lines=[_row(one) for one in lines],
        lines_chart=charts.columns(
            _stacks(days, lines), _ENDED, [str(one.day.day) for one in days]
        ),
        automatic=automatic.matched,
        all_lines=automatic.lines,
        ages=[AgeRow(one.name, one.count, one.amount, _aged(one)) for one in bands],
        ages_chart=charts.columns(
            [{"aged": one.count} for one in bands],
            _AGED,
            [one.name for one in bands],
            width=_AGES_WIDTH,
        ),
        first_use=_FIRST_USE if empty else None,
        first_use_url=f"{HOME}/statements" if empty else "",
    )


def _cell(one: DayFigures, today: date) -> DayCell:
    state = one.status
    if one.day > today:
        state = "future"
    elif one.status == "signed_off" and one.version > 1:
        state = "corrected"
    elif one.quiet and one.day < today:
        state = "quiet"
    return DayCell(
        day=one.day,
        state=state,
        url=f"{_DAYS}/{one.day}" if one.day <= today else "",
        version=one.version,
        open=one.open,
        open_amount=one.open_amount,
        unexplained=one.unexplained,
        today=one.day == today,
    )


def _weeks(first: date, cells: dict[date, DayCell]) -> Sequence[Sequence[DayCell | None]]:
    """Weeks from Monday on; days of the months beside it are None."""
    return [
        [cells.get(day) for day in week]
        for week in Calendar(firstweekday=0).monthdatescalendar(first.year, first.month)
    ]


def _stacks(days: Sequence[DayFigures], lines: Sequence[LinesOfDay]) -> list[dict[str, int]]:
    ended = {one.day: {code: getattr(one, code) for code in _ENDED} for one in lines}
    return [ended.get(one.day, {}) for one in days]


def _row(one: LinesOfDay) -> LinesRow:
    return LinesRow(
        one.day, f"{_DAYS}/{one.day}", one.matched, one.resolved, one.suggested, one.open
    )


def _aged(band: Band) -> str:
    return with_query(_QUEUE, age=band.name)


def _month(asked: str | None, today: date) -> date:
    """The first day of the month that is asked for. Raises NotFound for what is no month."""
    if asked is None:
        return today.replace(day=1)
    found = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", asked)
    if found is None or not FIRST_YEAR <= int(found[1]) <= today.year:
        raise NotFound()
    first = date(int(found[1]), int(found[2]), 1)
    if first > today:
        raise NotFound()
    return first


def _next(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)


def _url(day: date) -> str:
    return f"{_DAYS}?month={day:%Y-%m}"


ROUTES: Final = (("GET", _DAYS, calendar),)
