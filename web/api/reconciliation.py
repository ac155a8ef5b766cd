"""Reconciliation: runs of an account and business day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from sqlalchemy.orm import Session

from ops import jobs
from payments.domain.calendar import business_day
from payments.domain.errors import Invalid
from payments.domain.people import Permission
from payments.queries import accounts
from reconciliation import progress
from reconciliation.progress import RunProgress, RunState, Step
from reconciliation.queries import runs
from web import context
from web.api import cursors
from web.api.creating import as_json, created, creates
from web.api.shapes import (
    AccountId,
    Answer,
    Asked,
    Day,
    EventId,
    InPath,
    Listed,
    Moment,
    PageOf,
    RunId,
    Shown,
)
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "reconciliation",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="reconciliation", description="What the bank says against the ledger.")],
)


class RunAsk(Asked):
    """Which account and business day to reconcile."""

    account: AccountId
    day: Day


class RunRequested(Answer):
    """The request was written down; a worker takes it within seconds."""

    request: EventId
    account: AccountId
    day: Day


class RunAnswer(Answer):
    """A run. counts: lines by what became of them; null before it has finished once.

    done, total: lines that are dealt with, of those that were to be done when it began.
    step: join, settle, batches, match, post, explain, finish. again_at: when a failed one is
    tried next.
    """

    id: RunId
    account: AccountId
    day: Day
    attempt: int
    started_at: Moment
    finished_at: Moment | None
    counts: Mapping[str, int] | None
    failed: bool
    state: RunState
    step: Step | None
    done: int
    total: int
    error_vi: str | None
    error_en: str | None
    again_at: Moment | None

    @classmethod
    def of(cls, found: runs.Ran, now: RunProgress) -> RunAnswer:
        """From what was read."""
        return cls(
            id=found.id,
            account=found.account_id,
            day=found.day,
            attempt=found.attempt,
            started_at=found.started_at,
            finished_at=found.finished_at,
            counts=found.counts,
            failed=found.failed,
            state=now.state,
            step=now.step,
            done=now.done,
            total=now.total,
            error_vi=now.error.vi if now.error else None,
            error_en=now.error.en if now.error else None,
            again_at=now.again_at,
        )


class RunPage(PageOf[RunAnswer]):
    """Runs, newest first."""


class RunPath(InPath):
    """One run."""

    run_id: Annotated[UUID, Shown("run", in_path=True)]


class RunsQuery(Listed):
    """What the list is narrowed to."""

    day: Day | None = None
    account: AccountId | None = None


@bp.post("/reconciliation-runs", responses={202: RunRequested})
@requires(Permission.RECONCILE)
@creates(key_required=False)
def request_run(body: RunAsk) -> Response:
    """Ask for a run of one account and day; it may be repeated as often as one likes."""
    return created(lambda db: _request(db, body), status=202)


@bp.get("/reconciliation-runs", responses={200: RunPage})
@requires(Permission.READ)
def list_runs(query: RunsQuery) -> Response:
    """List reconciliation runs, newest first, and how far each is just now."""
    with context.transaction() as db:
        found = runs.listed(db, query.day, query.account, cursors.cut(query, "runs"))
        now = progress.of_runs(db, [one.id for one in found.rows])

    def made(one: runs.Ran) -> RunAnswer:
        return RunAnswer.of(one, now[one.id])

    return as_json(RunPage.of(found, made, cursors.sealer("runs")))


@bp.get("/reconciliation-runs/<shown_id:run_id>", responses={200: RunAnswer})
@requires(Permission.READ)
def get_run(path: RunPath) -> Response:
    """Show a reconciliation run."""
    with context.transaction() as db:
        found = runs.get(db, path.run_id)
        now = progress.of_run(db, path.run_id)
    return as_json(RunAnswer.of(found, now))


def _request(db: Session, ask: RunAsk) -> RunRequested:
    at = context.now()
    if ask.day > business_day(at):
        raise Invalid("Ngày này chưa tới.", "This day has not come yet.")
    account_id = accounts.require(db, ask.account)
    message_id = jobs.request_run(db, account_id, ask.day, at=at)
    return RunRequested(request=message_id, account=account_id, day=ask.day)
