"""Bars of a day's runs on a terminal: one for each account, whoever works on it.

They are read from the database, so they also move for accounts that workers have taken.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from ops.config import language
from ops.runtime import Runtime
from payments.domain.errors import DomainError
from reconciliation import progress
from reconciliation.progress import RunProgress, RunState, Step

LOOK_SECONDS: Final = 0.3

STEPS: Final = {
    Step.JOIN: ("ghép sao kê", "joining statements"),
    Step.SETTLE: ("khớp báo có", "settling notices"),
    Step.BATCHES: ("đợt của cổng", "gateways' batches"),
    Step.MATCH: ("tìm khớp", "matching"),
    Step.POST: ("ghi sổ", "booking"),
    Step.EXPLAIN: ("giải thích", "explaining"),
    Step.FINISH: ("kết thúc", "finishing"),
}
STATES: Final = {
    RunState.ASKED: ("chờ", "waits"),
    RunState.RUNNING: ("đang chạy", "runs"),
    RunState.BROKEN_OFF: ("bị ngắt", "broken off"),
    RunState.FAILED: ("lỗi", "failed"),
    RunState.FINISHED: ("xong", "done"),
}


@contextmanager
def shown(runtime: Runtime, billers: Sequence[UUID], day: date) -> Iterator[None]:
    """While inside, show how far every run of the day is. Nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415  # half a second that programs never need
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as bars:
        tasks = {}

        def look() -> None:
            for one in _progress(runtime, billers, day):
                if one.account_id not in tasks:
                    tasks[one.account_id] = bars.add_task(one.account_number, total=1.0, told="")
                bars.update(tasks[one.account_id], completed=one.share, told=said(one))

        with _again_and_again(look):
            yield


def said(one: RunProgress) -> str:
    """What a run is at, in the language of the terminal."""
    words = STATES[one.state]
    if one.state is RunState.RUNNING and one.step is not None:
        words = STEPS[one.step]
    counted = f" {one.done}/{one.total}" if one.total else ""
    return words[0 if language() == "vi" else 1] + counted


def _progress(runtime: Runtime, billers: Sequence[UUID], day: date) -> Iterator[RunProgress]:
    for biller_id in billers:
        with runtime.sessions.begin(biller_id) as db:
            yield from progress.of_day(db, day)


@contextmanager
def _again_and_again(look: Callable[[], None]) -> Iterator[None]:
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(LOOK_SECONDS):
            try:
                look()
            except (SQLAlchemyError, DomainError):
                continue  # a bar that stands still for a moment fails nothing

    thread = threading.Thread(target=go_on, name="bars", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        look()
