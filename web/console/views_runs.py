"""One reconciliation run: every line of an account's day ended in exactly one place."""

from __future__ import annotations

from typing import Final

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ops import jobs
from payments.domain import ids
from payments.domain.people import Permission
from payments.queries import accounts
from reconciliation.queries import daybook, runs
from reconciliation.queries.runs import Ran
from web import context
from web.auth.marks import requires
from web.console.answers import HOME, elsewhere, shell, whole
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
        page = _page(db, runs.get(db, run_id))
    return whole(page)


@requires(Permission.RECONCILE)
def again(shown: str) -> ResponseReturnValue:
    """Ask for the same run again: it finds only what is still to be done."""
    run_id = ids.read("run", shown)
    with context.transaction() as db:
        ran = runs.get(db, run_id)
        jobs.request_run(db, ran.account_id, ran.day, at=context.now())
    return elsewhere(f"{HOME}/runs/{shown}")


def _page(db: Session, ran: Ran) -> RunPage:
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
        error=Both("lần chạy này gặp lỗi.", "this run failed.") if ran.failed else None,
        again_url=f"{HOME}/runs/{ids.shown('run', ran.id)}/again" if may else "",
        day_url=f"{HOME}/days/{ran.day}",
    )


ROUTES: Final = (
    ("GET", _ONE, one),
    ("POST", f"{_ONE}/again", again),
)
