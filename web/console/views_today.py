"""The first page of staff: what nobody has explained, then the work, then totals."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import days
from payments.domain import ids
from payments.domain.calendar import business_day
from payments.domain.people import Permission
from payments.queries import takings
from reconciliation.queries import daybook, work
from reconciliation.queries.daybook import Ran
from web import context
from web.auth.marks import requires
from web.console import call_shown, figures, night, queue, views_callbacks
from web.console.answers import HOME, shell, whole
from web.console.pages import ChannelRow, LatestRun, TodayPage
from web.language import Both
from webhooks import queries

_SHOWN: Final = 8


@requires(Permission.READ)
def today() -> ResponseReturnValue:
    """Unexplained, the work queue with ages, channels, the day and its latest run."""
    with context.transaction() as db:
        page = _page(db, context.now())
    return whole(page)


def _page(db: Session, at: datetime) -> TodayPage:
    day = business_day(at)
    waiting = work.queue(db, work.Wanted(), limit=_SHOWN)
    notices, on_the_way = daybook.on_the_way(db)
    run = daybook.latest_run(db)
    return TodayPage(
        shell=shell(db, "today"),
        day=day,
        status=days.status(db, day),
        updated_at=at,
        equation=figures.equation(
            takings.places(db, day), work.named(db, day), days.unexplained(db, day)
        ),
        queue=queue.rows(waiting.rows, at),
        queue_count=waiting.count,
        queue_amount=waiting.amount,
        queue_url=f"{HOME}/discrepancies",
        channels=tuple(
            ChannelRow(one.gateway, one.payments, one.amount) for one in takings.by_way(db, day)
        ),
        day_url=f"{HOME}/days/{day}",
        run=_run(run) if run is not None else None,
        night=night.latest(db, day, run.day if run is not None else None),
        calls=call_shown.waiting(queries.parked(db), at),
        timing_count=notices,
        timing_amount=on_the_way,
        missing=(
            *(
                (_missing(number, day), f"{HOME}/statements")
                for number in days.missing_statements(db, day - timedelta(days=1))
            ),
            *views_callbacks.notices(db),
        ),
    )


def _missing(number: str, today: date) -> Both:
    day = (today - timedelta(days=1)).strftime("%d/%m/%Y")
    return Both(
        f"Chưa có sao kê đầy đủ đến ngày {day} của tài khoản {number}.",
        f"There is no complete statement up to {day} for account {number}.",
    )


def _run(ran: Ran) -> LatestRun:
    counts = ran.counts or {}
    return LatestRun(
        url=f"{HOME}/runs/{ids.shown('run', ran.id)}",
        day=ran.day,
        status=status_of(ran.finished_at, failed=ran.failed),
        started_at=ran.started_at,
        lines=counts.get("lines", 0),
        matched=counts.get("matched_lines", 0),
        discrepancies=ran.opened,
    )


def status_of(finished_at: datetime | None, *, failed: bool) -> str:
    """Where a run stands: running, done or failed."""
    if failed:
        return "failed"
    return "running" if finished_at is None else "done"


ROUTES: Final = (("GET", HOME, today),)
