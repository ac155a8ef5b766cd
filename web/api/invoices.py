"""Bills: issue one, look at them, withdraw one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field, StringConstraints
from sqlalchemy.orm import Session

from payments import invoices, people
from payments.domain.money import Money
from payments.domain.people import Permission
from payments.invoices import Bill, Line
from payments.people import Person
from payments.queries import invoices as reads
from web import context
from web.api import cursors
from web.api.creating import as_json, created, creates
from web.api.shapes import (
    NO_NUL,
    Answer,
    Asked,
    Day,
    Dong,
    InPath,
    InvoiceId,
    Listed,
    Moment,
    PageOf,
    Shown,
    SignedDong,
    Text20,
    Text60,
    Text200,
    Text500,
    Vnd,
)
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "invoices",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="invoices", description="Giấy báo: what is owed, and why.")],
)
PLACE: Final = "/api/v1/invoices/{id}"

Kind = Literal["tuition", "hospital", "administrative"]
State = Literal["draft", "cancelled", "unpaid", "part_paid", "paid", "part_refunded", "refunded"]
LineKind = Literal["charge", "exemption", "reduction", "subsidy", "insurance", "credit"]
Period = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$"),
    Field(examples=["2026-01"]),
]
Phone = Annotated[str, StringConstraints(pattern=r"^[+]?[0-9 ]{6,20}$")]


class LineAsk(Asked):
    """One priced line. A reduction is a line of its own kind with a positive price."""

    name: Text200
    unit_price: Dong
    quantity: Annotated[int, Field(ge=1, le=100_000)] = 1
    kind: LineKind = "charge"
    fee_code: Text60 | None = None
    unit: Text20 | None = None
    note: Text200 | None = None

    def line(self) -> Line:
        """The line in the words of the core."""
        return Line(
            name=self.name,
            unit_price=Money(self.unit_price),
            quantity=self.quantity,
            kind=self.kind,
            fee_code=self.fee_code,
            unit=self.unit,
            note=self.note,
        )


class BeneficiaryAsk(Asked):
    """Whom the bill is about. code: the biller's own; name and group are kept encrypted."""

    kind: Literal["student", "patient", "applicant"]
    code: Text60
    name: Text200
    group: Text200 | None = None
    phone: Phone | None = None


class InvoiceAsk(Asked):
    """A bill to issue. reference: the biller's own number; the same again is the same bill."""

    reference: Text60
    kind: Kind
    title: Text200
    beneficiary: BeneficiaryAsk
    lines: Annotated[Sequence[LineAsk], Field(min_length=1, max_length=200)]
    currency: Vnd = "VND"
    period: Period | None = None
    due_on: Day | None = None


class ReasonAsk(Asked):
    """Why."""

    reason: Text500


class LineAnswer(Answer):
    """One line; amount is signed."""

    kind: LineKind
    fee_code: str | None
    name: str
    quantity: int
    unit: str | None
    unit_price: Dong
    amount: SignedDong
    note: str | None


class BeneficiaryAnswer(Answer):
    """Whom the bill is about, as far as it was not erased on request."""

    kind: str
    code: str
    name: str
    group: str


class InvoiceAnswer(Answer):
    """A bill. payment_state: what follows from status and money. lines: left out in lists."""

    id: InvoiceId
    reference: str
    kind: Kind
    title: str
    period: str | None
    due_on: Day | None
    amount: Dong
    paid: Dong
    refunded: Dong
    currency: Vnd = "VND"
    status: Literal["draft", "issued", "cancelled"]
    payment_state: State
    issued_at: Moment | None
    cancelled_at: Moment | None
    beneficiary: BeneficiaryAnswer
    lines: Sequence[LineAnswer]

    @classmethod
    def of(cls, found: reads.Invoice) -> InvoiceAnswer:
        """From what was read."""
        who = found.beneficiary
        values: dict[str, Any] = {name: getattr(found, name) for name in _SAME}
        return cls(
            **values,
            beneficiary=BeneficiaryAnswer(
                kind=found.beneficiary_kind,
                code=found.beneficiary_code,
                name=who.name,
                group=who.group,
            ),
            lines=[LineAnswer.model_validate(line, from_attributes=True) for line in found.lines],
        )


_SAME: Final = (
    "id", "reference", "kind", "title", "period", "due_on", "amount", "paid", "refunded",
    "status", "payment_state", "issued_at", "cancelled_at",
)  # fmt: skip


class InvoicePage(PageOf[InvoiceAnswer]):
    """Bills, newest first."""


class InvoicePath(InPath):
    """One bill."""

    invoice_id: Annotated[UUID, Shown("inv", in_path=True)]


class InvoicesQuery(Listed):
    """What the list is narrowed to."""

    state: State | None = None
    kind: Kind | None = None
    reference: Annotated[str, Field(max_length=60, pattern=NO_NUL)] | None = None
    period: Period | None = None
    beneficiary: Annotated[str, Field(max_length=60, pattern=NO_NUL)] | None = None


@bp.post("/invoices", responses={201: InvoiceAnswer})
@requires(Permission.BILLS)
@creates(key_required=False)
def issue_invoice(body: InvoiceAsk) -> Response:
    """Issue a bill.

    The reference is the biller's own number: the same one with the same sum for the same
    beneficiary is the same bill, with another content it is refused.
    """
    return created(lambda db: InvoiceAnswer.of(reads.get(db, issued(db, body))), place=PLACE)


@bp.get("/invoices", responses={200: InvoicePage})
@requires(Permission.READ)
def list_invoices(query: InvoicesQuery) -> Response:
    """List bills, newest first; their lines are in each one alone."""
    wanted = reads.Filter(query.state, query.kind, query.reference, query.period, query.beneficiary)
    with context.transaction() as db:
        found = reads.listed(db, wanted, cursors.cut(query, "invoices"))
    return as_json(InvoicePage.of(found, InvoiceAnswer.of, cursors.sealer("invoices")))


@bp.get("/invoices/<shown_id:invoice_id>", responses={200: InvoiceAnswer})
@requires(Permission.READ)
def get_invoice(path: InvoicePath) -> Response:
    """Show a bill with its lines."""
    with context.transaction() as db:
        found = reads.get(db, path.invoice_id)
    return as_json(InvoiceAnswer.of(found))


@bp.post("/invoices/<shown_id:invoice_id>/cancel", responses={200: InvoiceAnswer})
@requires(Permission.BILLS)
def cancel_invoice(path: InvoicePath, body: ReasonAsk) -> Response:
    """Withdraw a bill that nobody has paid anything on. Repeating it changes nothing."""
    with context.transaction() as db:
        invoices.cancel(
            db, path.invoice_id, reason=body.reason, by=context.actor(), at=context.now()
        )
        found = reads.get(db, path.invoice_id)
    return as_json(InvoiceAnswer.of(found))


def issued(db: Session, ask: InvoiceAsk) -> UUID:
    """Save the beneficiary and issue the bill; return its id."""
    who = ask.beneficiary
    beneficiary_id = people.save_beneficiary(
        db,
        kind=who.kind,
        code=who.code,
        person=Person(who.name, who.group or "", who.phone or ""),
        at=context.now(),
    )
    bill = Bill(
        reference=ask.reference,
        kind=ask.kind,
        title=ask.title,
        beneficiary_id=beneficiary_id,
        lines=[line.line() for line in ask.lines],
        period=ask.period,
        due_on=ask.due_on,
    )
    return invoices.issue(db, bill, by=context.actor(), at=context.now())
