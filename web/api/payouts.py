"""Payouts: approved refunds in one file for the bank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field
from sqlalchemy.orm import Session

from adapters import registry
from payments import payouts
from payments.domain.people import Permission
from payments.payouts import File
from payments.queries import payouts as reads
from web import context
from web.api import cursors
from web.api.creating import as_json, created, creates
from web.api.invoices import ReasonAsk
from web.api.refunds import Status
from web.api.shapes import (
    AccountId,
    Answer,
    Asked,
    InPath,
    Listed,
    Moment,
    PageOf,
    PayoutId,
    RefundId,
    Shown,
    SomeDong,
    Sum,
    Vnd,
)
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "payouts",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="payouts", description="Approved refunds in one file for the bank.")],
)
TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class PayoutAsk(Asked):
    """Which refunds to pay out, and from which account."""

    account: AccountId
    refunds: Annotated[Sequence[RefundId], Field(min_length=1, max_length=payouts.MOST)]


class PayoutLineAnswer(Answer):
    """A refund in the file. code: stands in the memo, and proves it on the bank's statement.

    live: false once the refund failed, so that it may be in another file.
    """

    refund: RefundId
    code: str
    amount: SomeDong
    status: Status
    live: bool


class PayoutFileAnswer(Answer):
    """One form of the file; sha256 of its bytes, which never change."""

    format: Literal["csv", "xlsx"]
    name: str
    size: int
    sha256: str


class PayoutAnswer(Answer):
    """A payout file. done, failed: how many of its refunds ended so. profile: the bank's form.

    lines, files: left out in lists.
    """

    id: PayoutId
    account: AccountId
    status: Literal["made", "voided"]
    profile: str
    refunds: int
    total: Sum
    currency: Vnd = "VND"
    done: int
    failed: int
    made_by: str
    made_at: Moment
    voided_at: Moment | None
    void_reason: str | None
    lines: Sequence[PayoutLineAnswer]
    files: Sequence[PayoutFileAnswer]

    @classmethod
    def of(cls, found: reads.Payout) -> PayoutAnswer:
        """From what was read."""
        return cls.model_validate(
            {
                "id": found.id,
                "account": found.account_id,
                "status": found.status,
                "profile": found.profile,
                "refunds": found.refunds,
                "total": found.total,
                "done": found.done,
                "failed": found.failed,
                "made_by": found.made_by,
                "made_at": found.made_at,
                "voided_at": found.voided_at,
                "void_reason": found.void_reason,
                "lines": [
                    {
                        "refund": line.refund_id,
                        "code": line.code,
                        "amount": line.amount,
                        "status": line.status,
                        "live": line.live,
                    }
                    for line in found.lines
                ],
                "files": [
                    {
                        "format": file.format,
                        "name": file.name,
                        "size": file.size,
                        "sha256": file.sha256.hex(),
                    }
                    for file in found.files
                ],
            }
        )


class PayoutPage(PageOf[PayoutAnswer]):
    """Payouts, newest first."""


class PayoutPath(InPath):
    """One payout."""

    payout_id: Annotated[UUID, Shown("pot", in_path=True)]


class PayoutFilePath(PayoutPath):
    """One form of its file: csv or xlsx."""

    format: str


@bp.post("/payouts", responses={201: PayoutAnswer})
@requires(Permission.PAY_OUT)
@creates(key_required=True)
def make_payout(body: PayoutAsk) -> Response:
    """Put approved refunds into a file that the account's bank takes.

    They are `sent` from now on, and done when the bank's statement shows their codes.
    """
    return created(lambda db: _made(db, body), place="/api/v1/payouts/{id}")


@bp.get("/payouts", responses={200: PayoutPage})
@requires(Permission.READ)
def list_payouts(query: Listed) -> Response:
    """List payout files, newest first."""
    with context.transaction() as db:
        found = reads.listed(db, cursors.cut(query, "payouts"))
    return as_json(PayoutPage.of(found, PayoutAnswer.of, cursors.sealer("payouts")))


@bp.get("/payouts/<shown_id:payout_id>", responses={200: PayoutAnswer})
@requires(Permission.READ)
def get_payout(path: PayoutPath) -> Response:
    """Show a payout file and how far its refunds are."""
    with context.transaction() as db:
        found = reads.get(db, path.payout_id)
    return as_json(PayoutAnswer.of(found))


@bp.get("/payouts/<shown_id:payout_id>/files/<format>")
@requires(Permission.READ)
def get_payout_file(path: PayoutFilePath) -> Response:
    """Download the file, `csv` or `xlsx`, exactly as it was made. Needs the scope `payouts` as
    well: it holds whole account numbers. Each download is kept in the audit trail."""
    with context.transaction() as db:
        found = payouts.file(db, path.payout_id, path.format, by=context.actor(), at=context.now())
    return as_file(found)


@bp.post("/payouts/<shown_id:payout_id>/void", responses={200: PayoutAnswer})
@requires(Permission.PAY_OUT)
def void_payout(path: PayoutPath, body: ReasonAsk) -> Response:
    """Void a file that the bank never took: for staff, never for an API key.

    Its refunds have failed and may be asked for again. Repeating it changes nothing.
    """
    with context.transaction() as db:
        payouts.void(db, path.payout_id, reason=body.reason, by=context.actor(), at=context.now())
        found = reads.get(db, path.payout_id)
    return as_json(PayoutAnswer.of(found))


def as_file(found: File) -> Response:
    """A payout file as a download that nobody keeps on the way."""
    response = Response(found.data, content_type=TYPES[found.format])
    response.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _made(db: Session, ask: PayoutAsk) -> PayoutAnswer:
    payout_id = payouts.make(
        db,
        ask.account,
        ask.refunds,
        writer=registry.payout_writer,
        by=context.actor(),
        at=context.now(),
    )
    return PayoutAnswer.of(reads.get(db, payout_id))
