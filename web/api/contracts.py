"""Contracts with gateways: what they may keep of a payment, from which day on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final, Literal

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field

from adapters import registry
from payments.domain.errors import NotFound
from payments.domain.people import Permission
from reconciliation import contracts
from reconciliation.contracts import Contract
from reconciliation.engine.terms import Terms
from web import context
from web.api.creating import as_json
from web.api.shapes import Answer, Asked, Day, Dong, InPath, Moment
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "contracts",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="channels", description="A biller's settings at a gateway.")],
)

Rounding = Literal["half up per row", "down per row", "up per row"]


class ContractAsk(Asked):
    """bps: basis points of a payment; fixed: đồng on top. from_day: of the payments it is for."""

    bps: Annotated[int, Field(ge=0, le=10_000)]
    fixed: Dong = 0
    rounding: Rounding = "half up per row"
    from_day: Day = date(2000, 1, 1)


class ContractAnswer(Answer):
    """What was agreed; of two for one day the later word holds."""

    gateway: str
    from_day: Day
    bps: int
    fixed: int
    rounding: str
    set_at: Moment


class ContractList(Answer):
    """All that was ever agreed with a gateway, by day."""

    items: Sequence[ContractAnswer]


class ContractPath(InPath):
    """One gateway."""

    gateway: str


@bp.put("/channels/<gateway>/contract", responses={200: ContractAnswer})
@requires(Permission.CHANNELS)
def put_contract(path: ContractPath, body: ContractAsk) -> Response:
    """Say what a gateway may keep; rows that are booked already keep what was said of them."""
    _require_settling(path.gateway)
    terms = Terms(body.bps, body.fixed, body.rounding)
    with context.transaction() as db:
        made = contracts.put(
            db,
            path.gateway,
            terms,
            from_day=body.from_day,
            by=context.actor(),
            at=context.now(),
        )
    return as_json(_contract(made))


@bp.get("/channels/<gateway>/contract", responses={200: ContractList})
@requires(Permission.READ)
def list_contract(path: ContractPath) -> Response:
    """Show what was agreed with a gateway, then and now."""
    _require_settling(path.gateway)
    with context.transaction() as db:
        found = contracts.listed(db, path.gateway)
    return as_json(ContractList(items=[_contract(one) for one in found]))


def _contract(one: Contract) -> ContractAnswer:
    return ContractAnswer(
        gateway=one.gateway,
        from_day=one.from_day,
        bps=one.terms.bps,
        fixed=one.terms.fixed,
        rounding=one.terms.rounding,
        set_at=one.set_at,
    )


def _require_settling(gateway: str) -> None:
    if gateway not in registry.SETTLEMENT_READERS:
        raise NotFound("Không có cổng này.", "There is no such gateway.")
