"""Statement files: hand one over, see what was read, line by line."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from adapters.registry import STATEMENT_READERS
from ops import jobs
from payments.domain import ids
from payments.domain.errors import DomainError
from payments.domain.people import Permission
from payments.queries import accounts
from reconciliation import intake
from reconciliation.queries import daybook, files, imports
from reconciliation.queries.files import File, Read
from web import context
from web.auth.marks import requires, takes
from web.console import sent_files
from web.console.answers import HOME, elsewhere, shell, whole, with_query, wrong
from web.console.papers import FileRead, FileRow, ImportPage, StatementRead
from web.language import Both
from web.pages import ONE_PAGE, FieldError

_LIST: Final = f"{HOME}/statements"
_ONE: Final = f"{_LIST}/<shown>"
MOST_BYTES: Final = intake.MOST_BYTES + 64 * 1024  # the frame of the form around the file

_NO_FILE: Final = Both("Chọn tệp sao kê của ngân hàng.", "Choose the bank's statement file.")
_TOO_LARGE: Final = Both(
    "Tệp lớn hơn 50 MB. Hãy tải từ ngân hàng theo khoảng ngày ngắn hơn.",
    "The file is larger than 50 MB. Ask the bank for a shorter range of days.",
)


@requires(Permission.READ)
def listed() -> ResponseReturnValue:
    """The form, and the files that came last."""
    with context.transaction() as db:
        page = _page(db)
    return whole(page)


@requires(Permission.READ)
def one(shown: str) -> ResponseReturnValue:
    """One file and what was read in it; its problems page by page."""
    file_id = ids.read("fil", shown)
    at = sent_files.start()
    with context.transaction() as db:
        page = _page(db, file_id=file_id, at=at, again=request.args.get("again") == "1")
    return whole(page)


@requires(Permission.STATEMENTS)
@takes(MOST_BYTES)
def receive() -> ResponseReturnValue:
    """Keep the file, read it, and ask for the runs of the days it settles."""
    try:
        name, data = sent_files.sent(request.files.get("file"), missing=_NO_FILE)
        with context.transaction() as db:
            kept = intake.receive(db, name=name, data=data, by=context.actor(), at=context.now())
            if kept.first_time and len(data) > sent_files.MOST_READ_AT_ONCE:
                jobs.request_reading(db, kept.file_id, at=context.now())
            elif kept.first_time:
                intake.read(db, kept.file_id, STATEMENT_READERS["auto"])
                jobs.request_runs_of(db, kept.file_id, at=context.now())
    except DomainError as refused:
        errors, status = wrong(refused, "file")
        return _again(errors, status)
    url = f"{_LIST}/{ids.shown('fil', kept.file_id)}"
    return elsewhere(url if kept.first_time else with_query(url, again="1"))


def too_large(_: RequestEntityTooLarge) -> ResponseReturnValue:
    """More than we take: said on the page itself."""
    return _again((FieldError("file", _TOO_LARGE),), 413)


def _again(errors: tuple[FieldError, ...], status: int) -> ResponseReturnValue:
    with context.transaction() as db:
        page = _page(db, errors=errors)
    return whole(page, status=status, here=_LIST)


def _page(
    db: Session,
    *,
    file_id: UUID | None = None,
    at: int = 0,
    again: bool = False,
    errors: tuple[FieldError, ...] = (),
) -> ImportPage:
    read = files.get(db, file_id) if file_id is not None else None
    return ImportPage(
        shell=shell(db, "statements"),
        action_url=_LIST,
        accounts=(),  # a file names its account itself
        result=_result(db, read, at, again=again) if read is not None else None,
        recent=tuple(_row(one) for one in imports.recent(db)),
        errors=errors,
        most_bytes=50_000_000,
        pager=sent_files.pager(f"{_LIST}/{ids.shown('fil', read.id)}", len(read.problems), at)
        if read is not None
        else ONE_PAGE,
        settlements_url=f"{HOME}/settlements",
    )


def _result(db: Session, read: File, at: int, *, again: bool) -> FileRead:
    numbers = {one.id: one.number for one in accounts.bank_accounts(db)}
    sums = imports.sums(db, read.id)
    run = _run(db, read)
    return FileRead(
        name=read.name,
        size=read.size,
        sha256=read.sha256.hex(),
        status=read.status,
        format=read.format or "",
        error=Both(read.error_vi, read.error_en or "") if read.error_vi else None,
        repeated_at=read.received_at if again else None,
        statements=tuple(
            _statement(one, numbers.get(one.account_id, ""), sums[one.id])
            for one in read.statements
        ),
        problems=sent_files.bad_lines(read.problems, at),
        problem_count=len(read.problems),
        closed=sent_files.closed_days(imports.closed_days(db, read.id)),
        run_url=f"{HOME}/runs/{ids.shown('run', run)}" if run is not None else "",
    )


def _run(db: Session, read: File) -> UUID | None:
    """The run of the last day that the file settles, once it has begun."""
    settled = [one for one in read.statements if one.complete]
    return daybook.run_of(db, settled[-1].account_id, settled[-1].last_day) if settled else None


def _statement(one: Read, number: str, sums: imports.Sums) -> StatementRead:
    vi, _, en = (one.why_not or "").partition(" / ")
    return StatementRead(
        account=number,
        currency=one.currency,
        first_day=one.first_day,
        last_day=one.last_day,
        opening=one.opening,
        credits=sums.credits,
        debits=sums.debits,
        closing=one.closing,
        lines=one.lines,
        complete=one.complete,
        why_not=Both(vi, en or vi) if vi else None,
    )


def _row(one: imports.Sent) -> FileRow:
    return FileRow(
        name=one.name,
        status=one.status,
        received_at=one.received_at,
        by=one.by,
        lines=one.lines,
        problems=one.problems,
        url=f"{_LIST}/{ids.shown('fil', one.id)}",
    )


ROUTES: Final = (
    ("GET", _LIST, listed),
    ("POST", _LIST, receive),
    ("GET", _ONE, one),
)
