"""Payment orders: a code and a link to pay one or several bills; attempts and refunds of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field, StringConstraints
from sqlalchemy.orm import Session

from ops import refunding
from payments import orders, people, refunds
from payments.domain.errors import Invalid
from payments.domain.money import Money
from payments.domain.people import Permission
from payments.people import Person
from payments.queries import accounts, money
from payments.queries import orders as reads
from payments.refunds import Payee
from web import context
from web.api import cursors
from web.api.creating import as_json, created, creates
from web.api.invoices import Phone, ReasonAsk
from web.api.refunds import RefundAnswer
from web.api.shapes import (
    NO_NUL,
    AccountId,
    AllocationId,
    Answer,
    Asked,
    Dong,
    InPath,
    InvoiceId,
    Listed,
    Moment,
    OrderId,
    PageOf,
    Shown,
    SomeDong,
    Text60,
    Text200,
    Text500,
    Vnd,
)
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "orders",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="payment-orders", description="One code to pay one or several bills.")],
)
PLACE: Final = "/api/v1/payment-orders/{id}"
USUAL_LIFE: Final = timedelta(days=7)
LONGEST_LIFE: Final = timedelta(days=366)

State = Literal["created", "awaiting", "expired", "cancelled", "part_paid", "paid", "late_paid"]


class PayerAsk(Asked):
    """Who pays, for the receipt. Kept encrypted."""

    name: Text200
    phone: Phone | None = None


class OrderAsk(Asked):
    """What is to be paid. expires_at: in 7 days if left out; account: the biller's first."""

    invoices: Annotated[Sequence[InvoiceId], Field(min_length=1, max_length=orders.MOST_INVOICES)]
    expires_at: Moment | None = None
    account: AccountId | None = None
    payer: PayerAsk | None = None


class OrderAnswer(Answer):
    """A payment order. pay_url: for the payer; whoever has it sees the bills."""

    id: OrderId
    code: str
    amount: Dong
    paid: Dong
    currency: Vnd = "VND"
    status: Literal["created", "awaiting", "expired", "cancelled"]
    payment_state: State
    invoices: Sequence[InvoiceId]
    created_at: Moment
    expires_at: Moment
    pay_url: str

    @classmethod
    def of(cls, found: reads.Order) -> OrderAnswer:
        """From what was read."""
        return cls.model_validate(
            {
                "id": found.id,
                "code": found.code,
                "amount": found.amount,
                "paid": found.paid,
                "status": found.status,
                "payment_state": found.payment_state,
                "invoices": found.invoices,
                "created_at": found.created_at,
                "expires_at": found.expires_at,
                "pay_url": pay_url(found.token),
            }
        )


class OrderPage(PageOf[OrderAnswer]):
    """Orders, newest first."""


class OrderPath(InPath):
    """One order."""

    order_id: Annotated[UUID, Shown("ord", in_path=True)]


class OrdersQuery(Listed):
    """What the list is narrowed to."""

    state: State | None = None
    code: Annotated[str, Field(max_length=20, pattern=NO_NUL)] | None = None


class PayeeAsk(Asked):
    """The named account a refund goes to. bank: its BIN or name."""

    name: Text200
    bank: Text60
    account: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,30}$")]


class RefundAsk(Asked):
    """Money to give back.

    method: to the account of `payee` by a bank payout, or back the way it came by the gateway that
    took it, which needs no payee. of: what was paid on the bills, or the credit kept beside it;
    allocation: what was paid on one bill, where an order was paid in several parts.
    """

    amount: SomeDong
    currency: Vnd = "VND"
    reason: Text500
    method: Literal["bank_payout", "gateway"] = "bank_payout"
    payee: PayeeAsk | None = None
    of: Literal["paid", "credit"] = "paid"
    allocation: AllocationId | None = None


@bp.post("/payment-orders", responses={201: OrderAnswer})
@requires(Permission.ORDERS)
@creates(key_required=True)
def create_payment_order(body: OrderAsk) -> Response:
    """Make a payment order for what is still owed on the bills.

    Nobody is called: the answer has the code to quote in a transfer and the link to pay.
    """
    return created(lambda db: _order(db, body), place=PLACE)


@bp.get("/payment-orders", responses={200: OrderPage})
@requires(Permission.READ)
def list_payment_orders(query: OrdersQuery) -> Response:
    """List payment orders, newest first."""
    with context.transaction() as db:
        found = reads.listed(
            db, reads.Filter(query.state, query.code), cursors.cut(query, "payment-orders")
        )
    return as_json(OrderPage.of(found, OrderAnswer.of, cursors.sealer("payment-orders")))


@bp.get("/payment-orders/<shown_id:order_id>", responses={200: OrderAnswer})
@requires(Permission.READ)
def get_payment_order(path: OrderPath) -> Response:
    """Show a payment order."""
    with context.transaction() as db:
        found = reads.get(db, path.order_id)
    return as_json(OrderAnswer.of(found))


@bp.post("/payment-orders/<shown_id:order_id>/cancel", responses={200: OrderAnswer})
@requires(Permission.ORDERS)
def cancel_payment_order(path: OrderPath, body: ReasonAsk) -> Response:
    """Withdraw an order. Money that still comes is late, never lost; twice changes nothing."""
    with context.transaction() as db:
        orders.cancel(db, path.order_id, reason=body.reason, by=context.actor(), at=context.now())
        found = reads.get(db, path.order_id)
    return as_json(OrderAnswer.of(found))


@bp.post("/payment-orders/<shown_id:order_id>/refunds", responses={201: RefundAnswer})
@requires(Permission.REQUEST_REFUND)
@creates(key_required=True)
def request_refund(path: OrderPath, body: RefundAsk) -> Response:
    """Ask for money of this order to be given back.

    The money is held at once; it leaves only after a member of staff has approved, which no
    API key can do. One refund takes from one payment: several are given back one by one.
    """
    return created(lambda db: _refund(db, path.order_id, body), place="/api/v1/refunds/{id}")


def pay_url(token: str) -> str:
    """Where the payer pays."""
    return f"{context.runtime().config.public_url}/pay/{token}"


def _order(db: Session, ask: OrderAsk) -> OrderAnswer:
    at = context.now()
    expires_at = ask.expires_at or at + USUAL_LIFE
    if expires_at > at + LONGEST_LIFE:
        raise Invalid("Hạn của mã tối đa một năm.", "A code expires within a year.")
    payer_id = None
    if ask.payer is not None:
        who = Person(ask.payer.name, phone=ask.payer.phone or "")
        payer_id = people.save_payer(db, who, at=at)
    made = orders.create(
        db,
        ask.invoices,
        expires_at=expires_at,
        by=context.actor(),
        at=at,
        payer_id=payer_id,
        bank_account_id=ask.account and accounts.require(db, ask.account),
    )
    # Everything is known already: nothing is read again.
    return OrderAnswer(
        id=made.id,
        code=made.code,
        amount=made.amount,
        paid=0,
        status="created",
        payment_state="paid" if made.amount == 0 else "created",
        invoices=sorted(ask.invoices),
        created_at=at,
        expires_at=expires_at,
        pay_url=pay_url(made.token),
    )


def _refund(db: Session, order_id: UUID, ask: RefundAsk) -> RefundAnswer:
    by_gateway, to = ask.method == "gateway", ask.payee
    if by_gateway == (to is not None):
        raise Invalid(
            "Hoàn bằng chuyển khoản cần `payee`; hoàn qua cổng thì không.",
            "A bank payout needs `payee`; a refund by the gateway has none.",
        )
    if ask.allocation is not None and ask.of == "credit":
        raise Invalid(
            "Chỉ chọn một: `allocation` hoặc số dư.", "Choose one: `allocation` or the credit."
        )
    source = reads.refund_source(
        db,
        order_id,
        ask.amount,
        of_credit=ask.of == "credit",
        allocation_id=ask.allocation,
        by_gateway=by_gateway,
    )
    through = refunding.way_back(context.runtime(), db, source.payment_id) if by_gateway else None
    refund_id = refunds.request(
        db,
        source,
        Money(ask.amount),
        reason=ask.reason,
        to=Payee(to.name, to.bank, to.account) if to is not None else refunds.NO_PAYEE,
        by=context.actor(),
        at=context.now(),
        through=through,
    )
    return RefundAnswer.of(money.refund_of(db, refund_id))
