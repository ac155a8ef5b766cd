"""Many bills at once: the good rows are kept, the bad ones are told by their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import Field, ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from payments.domain.errors import Conflict, DomainError
from payments.domain.people import Permission
from payments.store.sessions import in_our_words
from web import context
from web.api.creating import created, creates
from web.api.faults import faults
from web.api.invoices import InvoiceAsk, issued
from web.api.shapes import Answer, Asked, InvoiceId
from web.auth.marks import requires, takes

bp: Final = APIBlueprint("invoice_batches", __name__, url_prefix="/api/v1")

MOST_ROWS: Final = 1_000
MOST_BYTES: Final = 4 * 1024 * 1024
CHUNK: Final = 100
"""Rows in a transaction, so that each stays far below five seconds."""


class BatchAsk(Asked):
    """Bills to issue; each is judged by itself."""

    invoices: Annotated[Sequence[InvoiceAsk], Field(min_length=1, max_length=MOST_ROWS)]


class _RowsAsk(Asked):
    """The same before its rows are read, so that one bad row does not refuse the others."""

    invoices: Annotated[list[Any], Field(min_length=1, max_length=MOST_ROWS)]


class RowFault(Answer):
    """One field of a row. pointer: within the row."""

    pointer: str
    vi: str
    en: str


class RowProblem(Answer):
    """Why a row was refused. code: as in every problem."""

    code: str
    vi: str
    en: str
    errors: Sequence[RowFault] = ()


class RowAnswer(Answer):
    """What became of the row at `index`, counted from 0: an invoice or a problem."""

    index: int
    status: Literal["issued", "refused"]
    invoice: InvoiceId | None = None
    problem: RowProblem | None = None


class BatchAnswer(Answer):
    """Every row, in the order given."""

    issued: int
    refused: int
    rows: Sequence[RowAnswer]


@bp.post("/invoices/batch", responses={200: BatchAnswer}, tags=[])
@requires(Permission.BILLS)
@creates(key_required=False)
@takes(MOST_BYTES)
def issue_batch(body: _RowsAsk) -> Response:
    """Issue up to 1,000 bills.

    Good rows are kept and bad ones listed with their index; correct those and send them
    again, alone or with the others: a bill is known by its reference and issued once.
    """
    return created(lambda _: _batch(body.invoices), status=200)


def _batch(rows: Sequence[Any]) -> BatchAnswer:
    # The outer transaction only holds the key and writes nothing before the end; the bills
    # are committed in chunks of their own. After a crash between chunks the same call finds
    # the bills it has issued by their references.
    done = [answer for chunk in _chunks(rows) for answer in _chunk(chunk)]
    count = sum(row.status == "issued" for row in done)
    return BatchAnswer(issued=count, refused=len(done) - count, rows=done)


def _chunks(rows: Sequence[Any]) -> Iterator[Mapping[int, Any]]:
    for start in range(0, len(rows), CHUNK):
        yield dict(enumerate(rows[start : start + CHUNK], start))


def _chunk(rows: Mapping[int, Any]) -> list[RowAnswer]:
    with context.transaction() as db:
        return [_row(db, index, row) for index, row in rows.items()]


def _row(db: Session, index: int, row: Any) -> RowAnswer:
    try:
        ask = InvoiceAsk.model_validate(row)
        # A row that fails leaves nothing; those before it stay.
        with in_our_words(), db.begin_nested():
            return RowAnswer(index=index, status="issued", invoice=issued(db, ask))
    except ValidationError as error:
        said = [RowFault(pointer=f["pointer"], vi=f["vi"], en=f["en"]) for f in faults(error)]
        problem = RowProblem(
            code="invalid", vi="Dòng chưa đúng.", en="The row is not right.", errors=said
        )
    except DomainError as error:
        problem = RowProblem(code=error.slug, vi=error.vi, en=error.en)
    except IntegrityError:
        # Somebody else writes the same bill or beneficiary at this moment.
        again = Conflict("Dòng này đang được ghi nơi khác; hãy gửi lại.", "Send this row again.")
        problem = RowProblem(code=again.slug, vi=again.vi, en=again.en)
    return RowAnswer(index=index, status="refused", problem=problem)
