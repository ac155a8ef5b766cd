"""A night on its way: the progress of its runs, as the pages show it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from sqlalchemy.orm import Session

from payments.domain import ids
from reconciliation import progress
from reconciliation.progress import RunProgress
from web.console.answers import HOME
from web.console.night_pages import NightPart, NightRow
from web.language import Both

RUNS: Final = f"{HOME}/runs"


def latest(db: Session, today: date, ran: date | None) -> NightPart | None:
    """The runs of the day before while one is going; else of the day that ran last.

    ran: that day, whose counts stand below; None when nothing ever ran.
    """
    last_night = of_day(db, today - timedelta(days=1))
    if last_night.rows and (last_night.going or ran is None):
        return last_night
    shown = of_day(db, ran) if ran is not None else last_night
    return shown if shown.rows else None


def of_day(db: Session, day: date) -> NightPart:
    """The runs of a day."""
    return _part(day, progress.of_day(db, day), f"{RUNS}/of/{day}")


def of_run(found: RunProgress, url: str) -> NightPart:
    """One run. url: of its page."""
    return _part(found.day, [found], f"{url}/progress")


def _part(day: date, found: Sequence[RunProgress], url: str) -> NightPart:
    return NightPart(day, tuple(_row(one) for one in found), url)


def _row(one: RunProgress) -> NightRow:
    return NightRow(
        account=one.account_number,
        state=one.state.value,
        step=one.step.value if one.step is not None else "",
        done=one.done,
        total=one.total,
        started_at=one.started_at,
        finished_at=one.finished_at,
        attempt=one.attempt,
        why=Both(one.error.vi, one.error.en) if one.error is not None else None,
        again_at=one.again_at,
        url=f"{RUNS}/{ids.shown('run', one.run_id)}" if one.run_id is not None else "",
    )
