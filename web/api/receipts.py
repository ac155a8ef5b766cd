"""Receipts: what was printed, and the file that proves itself without us."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from sqlalchemy.orm import Session

from payments import receipts
from payments.domain import ids
from payments.domain.errors import NotFound
from payments.domain.people import Permission
from payments.domain.receipts import Receipt
from payments.queries.receipts import numbered
from web import context
from web.api.creating import as_json
from web.api.shapes import Answer, Dong, InPath, InvoiceId, Moment, ReceiptId, Vnd
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "receipts",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="receipts", description="Biên nhận, biên lai: numbered, signed, sealed.")],
)

_NUMBER: Final = re.compile(r"([A-Z]{2}[0-9]{2})-([0-9]{4})-([0-9]{1,7})")


class ReceiptAnswer(Answer):
    """A receipt. sealed: whether the ledger's next seal has taken it in.

    file: the receipt that proves itself; kept as it is, `thuphi verify-receipt` checks it.
    """

    id: ReceiptId
    form: str
    year: int
    number: str
    series: str
    code: str
    invoice: InvoiceId
    amount: Dong
    currency: Vnd = "VND"
    status: Literal["issued", "cancelled"]
    issued_at: Moment
    cancelled_at: Moment | None
    cancel_reason: str | None
    replaced_by: ReceiptId | None
    sealed: bool
    check_url: str
    file: Mapping[str, Any]

    @classmethod
    def of(cls, found: Receipt, file: Mapping[str, Any]) -> ReceiptAnswer:
        """From what was read."""
        header = found.header
        return cls.model_validate(
            {
                "id": header.receipt_id,
                "form": header.form,
                "year": header.year,
                "number": found.number,
                "series": found.series,
                "code": header.code,
                "invoice": header.invoice_id,
                "amount": header.amount,
                "status": found.status.value,
                "issued_at": header.issued_at,
                "cancelled_at": found.cancelled_at,
                "cancel_reason": found.cancel_reason,
                "replaced_by": found.replaced_by,
                "sealed": found.proof is not None,
                "check_url": f"{context.runtime().config.public_url}/r/{header.code}",
                "file": file,
            }
        )


class ReceiptPath(InPath):
    """BN01-2026-0000001: form, year and number; or an id, rcp_…"""

    number: str


@bp.get("/receipts/<number>", responses={200: ReceiptAnswer})
@requires(Permission.READ)
def get_receipt(path: ReceiptPath) -> Response:
    """Show a receipt by form, year and number (BN01-2026-0000001), or by its id (rcp_…)."""
    with context.transaction() as db:
        receipt_id = _find(db, path.number)
        answer = ReceiptAnswer.of(receipts.view(db, receipt_id), receipts.export(db, receipt_id))
    return as_json(answer)


def _find(db: Session, number: str) -> UUID:
    if number.startswith("rcp_"):
        return ids.read("rcp", number)
    told = _NUMBER.fullmatch(number)
    if told is None:
        raise NotFound(
            "Số biên nhận có dạng BN01-2026-0000001.", "A receipt number is BN01-2026-0000001."
        )
    return numbered(db, form=told[1], year=int(told[2]), number=int(told[3]))
