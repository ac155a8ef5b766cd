"""Statement files: hand one over, and see what was read in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.file import FileStorage
from flask_openapi3.models.tag import Tag

from ops import jobs
from payments.domain import ids
from payments.domain.errors import Invalid
from payments.domain.people import Permission
from reconciliation import intake
from reconciliation.queries import files as reads
from web import context
from web.api import cursors
from web.api.creating import as_json
from web.api.shapes import (
    AccountId,
    Answer,
    Day,
    FileId,
    InPath,
    Listed,
    Moment,
    PageOf,
    Queried,
    Shown,
)
from web.auth.marks import requires, takes

bp: Final = APIBlueprint(
    "statements",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="statements", description="Files of banks, in any format we read.")],
)

MOST_BYTES: Final = intake.MOST_BYTES + 64 * 1024  # the frame of the form around the file
_NAME: Final = 200


class StatementForm(Queried):
    """The file, as a form's field."""

    file: FileStorage


class StatementAnswer(Answer):
    """A statement in the file. complete: proven whole, so its lines are booked; else why not."""

    account: AccountId
    currency: str
    first_day: Day
    last_day: Day
    opening: int | None
    closing: int | None
    lines: int
    complete: bool
    why_not: str | None


class TroubleAnswer(Answer):
    """Something to know about a line, counted from 1; 0 is the whole file."""

    line: int
    vi: str
    en: str


class FileAnswer(Answer):
    """A file. status: received until it was read. statements and problems: left out in lists.

    sha256: of its bytes; the same bytes again are the same file.
    """

    id: FileId
    name: str
    size: int
    sha256: str
    status: Literal["received", "read", "refused"]
    format: str | None
    error_vi: str | None
    error_en: str | None
    received_at: Moment
    statements: Sequence[StatementAnswer]
    problems: Sequence[TroubleAnswer]

    @classmethod
    def of(cls, found: reads.File) -> FileAnswer:
        """From what was read."""
        values: dict[str, Any] = {name: getattr(found, name) for name in _SAME}
        return cls(
            **values,
            sha256=found.sha256.hex(),
            statements=[_statement(one) for one in found.statements],
            problems=[TroubleAnswer(line=one.line, vi=one.vi, en=one.en) for one in found.problems],
        )


_SAME: Final = (
    "id", "name", "size", "status", "format", "error_vi", "error_en", "received_at",
)  # fmt: skip


class FilePage(PageOf[FileAnswer]):
    """Files, newest first."""


class FilePath(InPath):
    """One file."""

    file_id: Annotated[UUID, Shown("fil", in_path=True)]


@bp.post("/statements", responses={200: FileAnswer, 201: FileAnswer})
@requires(Permission.STATEMENTS)
@takes(MOST_BYTES)
def receive_statement(form: StatementForm) -> Response:
    """Hand over a statement file of up to 50 MB, as the field `file` of a multipart form.

    The same bytes again are the same file (200); a new one is kept (201) and read afterwards.
    """
    name = (form.file.filename or "").rsplit("/", 1)[-1][:_NAME]
    if not name.isprintable() or not name.strip():
        raise Invalid("Tệp cần có tên.", "The file needs a name.")
    data = form.file.read()
    with context.transaction() as db:
        kept = intake.receive(db, name=name, data=data, by=context.actor(), at=context.now())
        if kept.first_time:
            jobs.request_reading(db, kept.file_id, at=context.now())
        found = reads.get(db, kept.file_id)
    answer = as_json(FileAnswer.of(found), 201 if kept.first_time else 200)
    answer.headers["Location"] = f"/api/v1/statements/{ids.shown('fil', kept.file_id)}"
    return answer


@bp.get("/statements", responses={200: FilePage})
@requires(Permission.READ)
def list_statements(query: Listed) -> Response:
    """List statement files, newest first."""
    with context.transaction() as db:
        found = reads.listed(db, cursors.cut(query, "statements"))
    return as_json(FilePage.of(found, FileAnswer.of, cursors.sealer("statements")))


@bp.get("/statements/<shown_id:file_id>", responses={200: FileAnswer})
@requires(Permission.READ)
def get_statement(path: FilePath) -> Response:
    """Show a statement file and what was read in it."""
    with context.transaction() as db:
        found = reads.get(db, path.file_id)
    return as_json(FileAnswer.of(found))


def _statement(found: reads.Read) -> StatementAnswer:
    return StatementAnswer(
        account=found.account_id,
        currency=found.currency,
        first_day=found.first_day,
        last_day=found.last_day,
        opening=found.opening,
        closing=found.closing,
        lines=found.lines,
        complete=found.complete,
        why_not=found.why_not,
    )
