"""Progress: how far each run of a day is. Told by the run, read by people; decides nothing.

A run tells in short transactions of its own, between its steps and chunks, so what is shown is
what was committed. That it cannot tell never fails it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.domain.errors import DomainError, NotFound
from payments.store.sessions import Sessions, biller_of

C = TypeVar("C", bound=Collection[Any])

SILENT_SECONDS: Final = 300
"""A run without a lease that has said nothing for so long has been broken off."""


_TELL = text("""UPDATE run SET step = :step, done = :done, total = :total, told_at = now()
                WHERE biller_id = :biller AND id = :id""")
_TELL_WHY = text("""UPDATE run SET error = :en, error_vi = :vi
                    WHERE biller_id = :biller AND id = :id""")


class Stopped(Exception):
    """The run was asked to stop between two steps. What it did stays; the next one goes on."""


class Step(StrEnum):
    """What a run is at, in the order of work."""

    JOIN = "join"  # statements that waited for one in between
    SETTLE = "settle"  # notices and refunds
    BATCHES = "batches"  # credits of gateways
    MATCH = "match"  # the engine decides
    POST = "post"  # what it decided is booked
    EXPLAIN = "explain"  # free money, late notices
    FINISH = "finish"  # counts, and the day


class RunState(StrEnum):
    """How one account of a day stands."""

    ASKED = "asked"  # waits for a worker
    RUNNING = "running"
    BROKEN_OFF = "broken_off"  # its worker died; the next one goes on where it was
    FAILED = "failed"  # will be tried again, see again_at
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a run failed, in both languages."""

    vi: str
    en: str


UNEXPECTED: Final = Trouble(
    "Lỗi ngoài dự kiến; chi tiết ở nhật ký của tiến trình worker.",
    "Something unexpected; the log of the worker has the details.",
)


@dataclass(frozen=True, slots=True)
class RunProgress:
    """One account and day. run_id, started_at: None until it has begun once.

    done, total: statement lines that are dealt with, of those that were to be done when this
    attempt began. attempt: 0 before the first. again_at: when a failed one is tried next, None
    when nobody asked for that.
    """

    run_id: UUID | None
    account_id: UUID
    account_number: str
    day: date
    state: RunState
    step: Step | None
    done: int
    total: int
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int
    error: Trouble | None
    again_at: datetime | None

    @property
    def share(self) -> float:
        """How much of the lines is done, 0 to 1; 1 when it has finished."""
        if self.state is RunState.FINISHED:
            return 1.0
        return min(1.0, self.done / self.total) if self.total else 0.0


class Teller:
    """What a run tells with, and hears that it is to stop: both methods then raise Stopped.

    Counts lines: through the steps of a run, `done` only grows.
    """

    def __init__(
        self, sessions: Sessions, biller_id: UUID, run_id: UUID, stop: Callable[[], bool]
    ) -> None:
        self._whose = (sessions, biller_id, run_id)
        self._stop = stop
        self._step = Step.JOIN
        self._done = 0
        self._total: int | None = None

    def begin(self, step: Step, *, left: int | None = None) -> None:
        """Say which step begins. left: the lines still to be done, where that is known."""
        self._step = step
        if left is not None:
            self._total = left if self._total is None else max(self._total, left)
            self._done = self._total - left
        self._tell()

    def through(self, chunks: Iterable[C]) -> Iterator[C]:
        """The same chunks of lines, each told of once it is done."""
        for chunk in chunks:
            yield chunk
            self._done = min(self._done + len(chunk), self._total or 0)
            self._tell()

    def _tell(self) -> None:
        tell(*self._whose, self._step, self._done, self._total or 0)
        if self._stop():
            raise Stopped()


def tell(
    sessions: Sessions, biller_id: UUID, run_id: UUID, step: Step, done: int, total: int
) -> None:
    """Note how far a run is, in a transaction of its own. Never fails: the run matters more."""
    _note(
        sessions,
        biller_id,
        _TELL,
        {"id": run_id, "step": step, "done": done, "total": total},
    )


@contextmanager
def telling(
    sessions: Sessions, biller_id: UUID, run_id: UUID, *, stop: Callable[[], bool] = lambda: False
) -> Iterator[Teller]:
    """A teller for a run that has just begun; an error is noted for people, and goes on."""
    try:
        yield Teller(sessions, biller_id, run_id, stop)
    except Stopped:
        raise
    except Exception as error:
        known = isinstance(error, DomainError)
        why = (
            Trouble(error.vi, error.en) if isinstance(error, DomainError) and known else UNEXPECTED
        )
        _note(
            sessions,
            biller_id,
            _TELL_WHY,
            {"id": run_id, "vi": why.vi, "en": why.en},
        )
        raise


def of_day(db: Session, day: date) -> list[RunProgress]:
    """Every run of the biller's day, asked for or begun, by account number."""
    asked = {one.account_id: one for one in _asked(db, day)}
    begun = {row.bank_account_id: row for row in _begun(db, "r.day = :day", {"day": day})}
    numbers = dict(_numbers(db, set(asked) - set(begun)))
    found = [_progress(row, asked.get(account)) for account, row in begun.items()]
    found += [_waiting(asked[account], numbers[account], day) for account in numbers]
    return sorted(found, key=lambda one: one.account_number)


def of_run(db: Session, run_id: UUID) -> RunProgress:
    """One run. Raises NotFound."""
    for row in _begun(db, "r.id = :id", {"id": run_id}):
        asked = {one.account_id: one for one in _asked(db, row.day)}
        return _progress(row, asked.get(row.bank_account_id))
    raise NotFound()


def of_runs(db: Session, runs: Collection[UUID]) -> Mapping[UUID, RunProgress]:
    """Several runs by their ids; those that are not there are left out."""
    rows = _begun(db, "r.id = ANY(:ids)", {"ids": list(runs)})
    asked = {
        (one.account_id, day): one for day in {row.day for row in rows} for one in _asked(db, day)
    }
    return {row.id: _progress(row, asked.get((row.bank_account_id, row.day))) for row in rows}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A message that asks for a run and is not done."""

    account_id: UUID
    held: bool  # a worker has it
    tries: int
    due_at: datetime


def _asked(db: Session, day: date) -> list[_Asked]:
    rows = db.execute(
        text("""SELECT body ->> 'account' AS account, attempts, due_at,
                    coalesce(leased_until > now(), false) AS held
                FROM message WHERE biller_id = :biller AND drain = 'reconcile'
                    AND due_at IS NOT NULL AND body ->> 'day' = :day
                ORDER BY held, due_at DESC"""),
        {"biller": biller_of(db), "day": day.isoformat()},
    )
    # Of several messages for one account the last here counts: one at work, else the soonest.
    return [_Asked(ids.read("acc", r.account), r.held, r.attempts, r.due_at) for r in rows]


def _begun(db: Session, where: str, params: Mapping[str, object]) -> list[Row[Any]]:
    query = f"""SELECT r.*, a.account_number,
                    coalesce(r.told_at > now() - make_interval(secs => :silent), false) AS alive
                FROM run r
                JOIN bank_account a ON a.biller_id = r.biller_id AND a.id = r.bank_account_id
                WHERE r.biller_id = :biller AND {where}"""
    given = {"biller": biller_of(db), "silent": SILENT_SECONDS, **params}
    return list(db.execute(text(query), given).all())


def _numbers(db: Session, accounts: set[UUID]) -> list[tuple[UUID, str]]:
    rows = db.execute(
        text("SELECT id, account_number FROM bank_account WHERE biller_id = :b AND id = ANY(:ids)"),
        {"b": biller_of(db), "ids": list(accounts)},
    )
    return [(row.id, row.account_number) for row in rows]


def _progress(row: Row[Any], asked: _Asked | None) -> RunProgress:
    state = _state(row, asked)
    failed = row.error is not None
    return RunProgress(
        run_id=row.id,
        account_id=row.bank_account_id,
        account_number=row.account_number,
        day=row.day,
        state=state,
        step=Step(row.step) if row.step in set(Step) else None,
        done=row.done,
        total=row.total,
        started_at=row.started_at,
        finished_at=row.finished_at,
        attempt=row.attempt,
        error=Trouble(row.error_vi or row.error, row.error) if failed else None,
        again_at=asked.due_at if asked and state is RunState.FAILED else None,
    )


def _state(row: Row[Any], asked: _Asked | None) -> RunState:
    if row.error is not None:
        return RunState.FAILED
    if row.finished_at is not None:
        return RunState.ASKED if asked and not asked.held else RunState.FINISHED
    if asked.held if asked else row.alive:
        return RunState.RUNNING
    return RunState.BROKEN_OFF


def _waiting(asked: _Asked, number: str, day: date) -> RunProgress:
    failed = asked.tries > 0 and not asked.held
    return RunProgress(
        run_id=None,
        account_id=asked.account_id,
        account_number=number,
        day=day,
        state=RunState.FAILED if failed else RunState.ASKED,
        step=None,
        done=0,
        total=0,
        started_at=None,
        finished_at=None,
        attempt=0,
        error=UNEXPECTED if failed else None,
        again_at=asked.due_at if failed else None,
    )


def _note(
    sessions: Sessions, biller_id: UUID, statement: TextClause, values: Mapping[str, object]
) -> None:
    try:
        with sessions.begin(biller_id) as db:
            db.execute(statement, {"biller": biller_id, **values})
    except (SQLAlchemyError, DomainError):
        return  # whoever watches sees the last thing that was told
