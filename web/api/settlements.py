"""Settlement files of gateways: hand one over, and see what became of its batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.file import FileStorage
from flask_openapi3.models.tag import Tag

from ops import settling
from payments.domain import ids
from payments.domain.errors import Invalid
from payments.domain.people import Permission
from reconciliation import intake
from reconciliation.queries import settlements as reads
from web import context
from web.api import cursors
from web.api.creating import as_json
from web.api.shapes import (
    Answer,
    Day,
    InPath,
    LineId,
    Listed,
    Moment,
    PageOf,
    Queried,
    Shown,
    Sum,
    Text20,
)
from web.api.statements import TroubleAnswer
from web.auth.marks import requires, takes

bp: Final = APIBlueprint(
    "settlements",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[
        Tag(name="settlement-files", description="What gateways took, kept and paid, by batch.")
    ],
)

MOST_BYTES: Final = intake.MOST_BYTES + 128 * 1024  # the form around it, and a profile
_NAME: Final = 200

SettlementFileId = Annotated[UUID, Shown("stf")]
BatchId = Annotated[UUID, Shown("stb")]


class SettlementForm(Queried):
    """The file, whose it is, and the profile of its columns where they are not the usual ones."""

    gateway: Text20
    file: FileStorage
    profile: FileStorage | None = None


class BatchLineAnswer(Answer):
    """A statement line that paid the batch. amount: signed. undone_at: a person took it off then,
    and it pays the batch no more."""

    line: LineId
    account: str
    day: Day
    reference: str
    amount: Sum
    undone_at: Moment | None


class SettlementBatchAnswer(Answer):
    """A batch in the file. due: net of its rows; came: what bank statements show of it.

    rows: in the batch; in_file: of those, seen in this file. booked, suspended (a discrepancy
    says why) and resolved add up to rows once the file is booked. unchecked: payments that no
    contract covers, so that their fee was not checked.
    """

    id: BatchId
    gateway: str
    batch: str
    settle_date: Day
    rows: int
    in_file: int
    gross: Sum
    fees: Sum
    due: Sum
    came: Sum
    standing: Literal["awaited", "short", "paid", "over"]
    booked: int
    suspended: int
    resolved: int
    unchecked: int
    lines: Sequence[BatchLineAnswer]


class SettlementFileAnswer(Answer):
    """A file. status: received until it was read. batches and problems: left out in lists.

    own_profile: it was read with a profile that came with it.
    """

    id: SettlementFileId
    gateway: str
    name: str
    size: int
    sha256: str
    status: Literal["received", "read", "refused"]
    own_profile: bool
    error_vi: str | None
    error_en: str | None
    received_at: Moment
    batches: Sequence[SettlementBatchAnswer]
    problems: Sequence[TroubleAnswer]

    @classmethod
    def of(cls, found: reads.File) -> SettlementFileAnswer:
        """From what was read."""
        values: dict[str, Any] = {name: getattr(found, name) for name in _SAME}
        return cls(
            **values,
            sha256=found.sha256.hex(),
            own_profile=found.profiled,
            batches=[_batch(one) for one in found.batches],
            problems=[TroubleAnswer(line=one.line, vi=one.vi, en=one.en) for one in found.problems],
        )


_SAME: Final = (
    "id", "gateway", "name", "size", "status", "error_vi", "error_en", "received_at",
)  # fmt: skip


class SettlementFilePage(PageOf[SettlementFileAnswer]):
    """Files, newest first."""


class SettlementFilePath(InPath):
    """One file."""

    file_id: Annotated[UUID, Shown("stf", in_path=True)]


@bp.post("/settlement-files", responses={200: SettlementFileAnswer, 201: SettlementFileAnswer})
@requires(Permission.STATEMENTS)
@takes(MOST_BYTES)
def receive_settlement_file(form: SettlementForm) -> Response:
    """Hand over a settlement file of up to 50 MB: fields `gateway`, `file` and maybe `profile`.

    The same bytes of the same gateway are the same file (200); a new one is kept (201), then read
    and booked by a worker.
    """
    name = (form.file.filename or "").rsplit("/", 1)[-1][:_NAME]
    if not name.isprintable() or not name.strip():
        raise Invalid("Tệp cần có tên.", "The file needs a name.")
    with context.transaction() as db:
        kept = settling.receive(
            db,
            form.gateway,
            name=name,
            data=form.file.read(),
            profile=_profile(form.profile),
            by=context.actor(),
            at=context.now(),
        )
        found = reads.get(db, kept.file_id)
    answer = as_json(SettlementFileAnswer.of(found), 201 if kept.first_time else 200)
    answer.headers["Location"] = f"/api/v1/settlement-files/{ids.shown('stf', kept.file_id)}"
    return answer


def _profile(told: object) -> bytes | None:
    """The profile's bytes; a form may carry it as a file or as plain text."""
    if told is None or isinstance(told, str):
        return told.encode() if told else None
    read = getattr(told, "read", None)
    return read() if callable(read) else None


@bp.get("/settlement-files", responses={200: SettlementFilePage})
@requires(Permission.READ)
def list_settlement_files(query: Listed) -> Response:
    """List settlement files, newest first."""
    with context.transaction() as db:
        found = reads.listed(db, cursors.cut(query, "settlement-files"))
    seal = cursors.sealer("settlement-files")
    return as_json(SettlementFilePage.of(found, SettlementFileAnswer.of, seal))


@bp.get("/settlement-files/<shown_id:file_id>", responses={200: SettlementFileAnswer})
@requires(Permission.READ)
def get_settlement_file(path: SettlementFilePath) -> Response:
    """Show a settlement file, its batches and what could not be read."""
    with context.transaction() as db:
        found = reads.get(db, path.file_id)
    return as_json(SettlementFileAnswer.of(found))


def _batch(found: reads.Batch) -> SettlementBatchAnswer:
    values: dict[str, Any] = {
        name: getattr(found, name)
        for name in SettlementBatchAnswer.model_fields
        if name not in ("batch", "in_file", "lines")
    }
    lines = [
        BatchLineAnswer(
            line=one.line_id,
            account=one.account_number,
            day=one.day,
            reference=one.reference,
            amount=one.amount,
            undone_at=one.undone_at,
        )
        for one in found.lines
    ]
    return SettlementBatchAnswer(**values, batch=found.reference, in_file=found.seen, lines=lines)
