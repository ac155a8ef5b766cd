"""Settlement files of gateways: hand one over, see what became of its batches."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from adapters import registry
from ops import settling
from payments import channels
from payments.domain import ids
from payments.domain.errors import DomainError, NotFound
from payments.domain.people import Permission
from reconciliation import batch_undoing, intake
from reconciliation.queries import settlements as reads
from reconciliation.queries.batch_lines import Paying
from web import context
from web.auth.marks import requires, takes
from web.console import sent_files
from web.console.answers import HOME, elsewhere, shell, whole, with_query, wrong
from web.console.settling import (
    BatchLine,
    BatchRead,
    SettlementRead,
    SettlementRow,
    SettlementsPage,
)
from web.console.showing import url_of
from web.language import Both
from web.pages import ONE_PAGE, Choice, FieldError

_LIST: Final = f"{HOME}/settlements"
_ONE: Final = f"{_LIST}/<shown>"
MOST_BYTES: Final = intake.MOST_BYTES + 128 * 1024  # the form around it, and a profile

_NO_FILE: Final = Both("Chọn tệp quyết toán của cổng.", "Choose the gateway's settlement file.")
_TOO_LARGE: Final = Both(
    "Tệp lớn hơn 50 MB. Hãy tải từ cổng theo khoảng ngày ngắn hơn.",
    "The file is larger than 50 MB. Ask the gateway for a shorter range of days.",
)


@requires(Permission.READ)
def listed() -> ResponseReturnValue:
    """The form, and the files that came last."""
    with context.transaction() as db:
        page = _page(db)
    return whole(page)


@requires(Permission.READ)
def one(shown: str) -> ResponseReturnValue:
    """One file and its batches; its problems page by page."""
    file_id = ids.read("stf", shown)
    at = sent_files.start()
    with context.transaction() as db:
        page = _page(db, file_id=file_id, at=at, again=request.args.get("again") == "1")
    return whole(page)


@requires(Permission.STATEMENTS)
@takes(MOST_BYTES)
def receive() -> ResponseReturnValue:
    """Keep the file and read it; a worker books it a moment later."""
    gateway = request.form.get("gateway", "")
    try:
        name, data = sent_files.sent(request.files.get("file"), missing=_NO_FILE)
        profile = request.files.get("profile")
        with context.transaction() as db:
            kept = settling.receive(
                db,
                gateway,
                name=name,
                data=data,
                profile=profile.stream.read() if profile is not None else None,
                by=context.actor(),
                at=context.now(),
            )
            if kept.first_time and len(data) <= sent_files.MOST_READ_AT_ONCE:
                settling.read(db, kept.file_id, at=context.now())
    except DomainError as refused:
        errors, status = wrong(refused, "file")
        return _again(errors, status)
    url = f"{_LIST}/{ids.shown('stf', kept.file_id)}"
    return elsewhere(url if kept.first_time else with_query(url, again="1"))


@requires(Permission.RESOLVE)
def put_back(shown: str, batch: str, line: str) -> ResponseReturnValue:
    """Take an undo back: the line pays the batch again."""
    file_id, batch_id = ids.read("stf", shown), ids.read("stb", batch)
    line_id = ids.read("lin", line)
    try:
        with context.transaction() as db:
            batch_undoing.put_back(
                db, batch_id, line_id, reason=_reason(), by=context.actor(), at=context.now()
            )
    except NotFound:
        raise
    except DomainError as refused:
        return _not_done(file_id, refused)
    return elsewhere(f"{_LIST}/{shown}")


def _reason() -> str:
    return " ".join(request.form.get("reason", "").split())[:300]


def _not_done(file_id: UUID, refused: DomainError) -> ResponseReturnValue:
    errors, status = wrong(refused)
    with context.transaction() as db:
        page = _page(db, file_id=file_id, errors=errors)
    return whole(page, status=status, here=f"{_LIST}/{ids.shown('stf', file_id)}")


@requires(Permission.RESOLVE)
def undo(shown: str, batch: str, line: str) -> ResponseReturnValue:
    """Take a line off the batch that it paid; its money waits, where this leads."""
    file_id, batch_id = ids.read("stf", shown), ids.read("stb", batch)
    line_id = ids.read("lin", line)
    try:
        with context.transaction() as db:
            found = batch_undoing.undo(
                db, batch_id, line_id, reason=_reason(), by=context.actor(), at=context.now()
            )
    except NotFound:
        raise
    except DomainError as refused:
        return _not_done(file_id, refused)
    return elsewhere(url_of(ids.shown("dis", found)))


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
) -> SettlementsPage:
    read = reads.get(db, file_id) if file_id is not None else None
    return SettlementsPage(
        shell=shell(db, "statements"),
        action_url=_LIST,
        gateways=_gateways(db, read.gateway if read is not None else ""),
        result=_result(db, read, at, again=again) if read is not None else None,
        recent=tuple(_row(one) for one in reads.recent(db)),
        errors=errors,
        pager=sent_files.pager(f"{_LIST}/{ids.shown('stf', read.id)}", len(read.problems), at)
        if read is not None
        else ONE_PAGE,
        back_url=f"{HOME}/statements",
    )


def _gateways(db: Session, chosen: str) -> tuple[Choice, ...]:
    chosen = chosen or request.form.get("gateway", "")
    return tuple(
        Choice(one.gateway, registry.CHANNELS[one.gateway].label, one.gateway == chosen)
        for one in channels.listed(db)
        if one.gateway in registry.SETTLEMENT_READERS
    )


def _result(db: Session, read: reads.File, at: int, *, again: bool) -> SettlementRead:
    return SettlementRead(
        name=read.name,
        gateway=read.gateway,
        size=read.size,
        sha256=read.sha256.hex(),
        status=read.status,
        profiled=read.profiled,
        error=Both(read.error_vi, read.error_en or "") if read.error_vi else None,
        repeated_at=read.received_at if again else None,
        batches=_batches(read),
        problems=sent_files.bad_lines(read.problems, at),
        problem_count=len(read.problems),
        closed=sent_files.closed_days(reads.closed_days(db, read.id)),
    )


def _batches(read: reads.File) -> tuple[BatchRead, ...]:
    may = context.actor().may(Permission.RESOLVE)
    url = f"{_LIST}/{ids.shown('stf', read.id)}/batches/"
    return tuple(
        _batch(
            one,
            tuple(
                _line(line, f"{url}{ids.shown('stb', one.id)}" if may else "") for line in one.lines
            ),
        )
        for one in read.batches
    )


def _line(one: Paying, url: str) -> BatchLine:
    shown = ids.shown("lin", one.line_id)
    return BatchLine(
        day=one.day,
        account=one.account_number,
        reference=one.reference,
        amount=one.amount,
        undo_url=f"{url}/undo/{shown}" if url and one.undone_at is None else "",
        again_url=f"{url}/again/{shown}" if url and one.waits else "",
        undone_at=one.undone_at,
        undone_by=one.undone_by,
        why=one.why,
    )


def _batch(one: reads.Batch, lines: tuple[BatchLine, ...]) -> BatchRead:
    return BatchRead(
        reference=one.reference,
        settle_date=one.settle_date,
        rows=one.rows,
        seen=one.seen,
        gross=one.gross,
        fees=one.fees,
        due=one.due,
        came=one.came,
        standing=one.standing,
        booked=one.booked,
        waiting=one.suspended,
        explained=one.resolved,
        unchecked=one.unchecked,
        waiting_url=f"{HOME}/discrepancies" if one.suspended else "",
        lines=lines,
    )


def _row(one: reads.Sent) -> SettlementRow:
    return SettlementRow(
        name=one.name,
        gateway=one.gateway,
        status=one.status,
        received_at=one.received_at,
        by=one.by,
        rows=one.rows,
        problems=one.problems,
        url=f"{_LIST}/{ids.shown('stf', one.id)}",
    )


ROUTES: Final = (
    ("GET", _LIST, listed),
    ("POST", _LIST, receive),
    ("GET", _ONE, one),
    ("POST", f"{_ONE}/batches/<batch>/undo/<line>", undo),
    ("POST", f"{_ONE}/batches/<batch>/again/<line>", put_back),
)
