"""One reconciliation run: every line of an account's day ended in exactly one place."""

from __future__ import annotations

from datetime import date
from typing import Final

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ops import jobs
from payments.domain import ids
from payments.domain.errors import NotFound
from payments.domain.people import Permission
from payments.queries import accounts
from reconciliation import progress
from reconciliation.progress import RunProgress
from reconciliation.queries import daybook, runs
from reconciliation.queries.runs import Ran
from web import context
from web.auth.marks import requires
from web.console import night
from web.console.answers import HOME, elsewhere, part, shell, whole
from web.console.papers import Counted, RunPage
from web.console.views_today import status_of
from web.language import Both

_ONE: Final = f"{HOME}/runs/<shown>"
_PLACES: Final = ("matched", "resolved", "part_matched", "discrepancy", "ignored", "imported")


@requires(Permission.READ)
def one(shown: str) -> ResponseReturnValue:
    """A run with its counts."""
    run_id = ids.read("run", shown)
    with context.transaction() as db:
        page = _page(db, runs.get(db, run_id), progress.of_run(db, run_id))
    return whole(page)


@requires(Permission.READ)
def of_day(shown: str) -> ResponseReturnValue:
    """How far the runs of a day are: the part of a page that keeps itself up to date."""
    try:
        day = date.fromisoformat(shown)
    except ValueError:
        raise NotFound() from None
    with context.transaction() as db:
        found = night.of_day(db, day)
    return part(found, HOME)


@requires(Permission.READ)
def far(shown: str) -> ResponseReturnValue:
    """How far one run is."""
    run_id, url = ids.read("run", shown), f"{HOME}/runs/{shown}"
    with context.transaction() as db:
        found = night.of_run(progress.of_run(db, run_id), url)
    return part(found, url)


@requires(Permission.RECONCILE)
def again(shown: str) -> ResponseReturnValue:
    """Ask for the same run again: it finds only what is still to be done."""
    run_id = ids.read("run", shown)
    with context.transaction() as db:
        ran = runs.get(db, run_id)
        jobs.request_run(db, ran.account_id, ran.day, at=context.now())
    return elsewhere(f"{HOME}/runs/{shown}")


def _page(db: Session, ran: Ran, far: RunProgress) -> RunPage:
    numbers = {one.id: one.number for one in accounts.bank_accounts(db)}
    counts = ran.counts or {}
    places = tuple(
        Counted(
            code,
            counts[f"{code}_lines"],
            counts[f"{code}_amount"],
            f"{HOME}/discrepancies" if code == "discrepancy" else "",
        )
        for code in _PLACES
        if f"{code}_lines" in counts
    )
    may = context.actor().may(Permission.RECONCILE)
    return RunPage(
        shell=shell(db, "statements"),
        day=ran.day,
        account=numbers.get(ran.account_id, ""),
        status=status_of(ran.finished_at, failed=ran.failed),
        started_at=ran.started_at,
        attempt=ran.attempt,
        lines=counts.get("lines", 0),
        amount=sum(one.amount for one in places),
        decisions=places,
        kinds=tuple(
            Counted(one.kind, one.found, one.amount, f"{HOME}/discrepancies?kind={one.kind}")
            for one in daybook.opened_by(db, ran.account_id, ran.day)
        ),
        finished_at=ran.finished_at,
        error=Both(far.error.vi, far.error.en) if far.error is not None else None,
        again_url=f"{HOME}/runs/{ids.shown('run', ran.id)}/again" if may else "",
        day_url=f"{HOME}/days/{ran.day}",
        night=night.of_run(far, f"{HOME}/runs/{ids.shown('run', ran.id)}"),
    )


ROUTES: Final = (
    ("GET", f"{night.RUNS}/of/<shown>", of_day),
    ("GET", _ONE, one),
    ("GET", f"{_ONE}/progress", far),
    ("POST", f"{_ONE}/again", again),
)
