"""`thuphi set-contract`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from ops.commands.process import working
from ops.commands.speaking import give
from payments import billers
from payments.domain.errors import Invalid
from payments.domain.people import SERVICE


def command(
    gateway: Annotated[str, typer.Argument(help="Such as vnpay.")],
    biller: Annotated[str, typer.Option(help="Code of the biller.")],
    bps: Annotated[int, typer.Option(help="Basis points of a payment: 110 is 1.1 %.")],
    fixed: Annotated[int, typer.Option(help="Đồng on top, per payment.")] = 0,
    rounding: Annotated[
        str, typer.Option(help="half up per row, down per row or up per row.")
    ] = "half up per row",
    from_day: Annotated[
        str, typer.Option("--from", help="First day of the payments it is for, YYYY-MM-DD.")
    ] = "2000-01-01",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what a gateway may keep of a payment; fees in settlement files are checked against it.

    Example: thuphi set-contract vnpay --biller TH-HS --bps 110 --from 2026-01-01
    """
    from adapters.registry import SETTLEMENT_READERS  # noqa: PLC0415  # `--help` need not wait
    from reconciliation import contracts  # noqa: PLC0415  # as above
    from reconciliation.engine.terms import Terms  # noqa: PLC0415  # as above

    if gateway not in SETTLEMENT_READERS:
        names = ", ".join(SETTLEMENT_READERS)
        raise Invalid(f"Các cổng có quyết toán: {names}.", f"Gateways that settle: {names}.")
    try:
        day = date.fromisoformat(from_day)
    except ValueError:
        raise typer.BadParameter("a day like 2026-01-31", param_hint="--from") from None
    with working() as (runtime, _):
        with runtime.sessions.begin(None) as db:
            biller_id = billers.find(db, biller)
        with runtime.sessions.begin(biller_id) as db:
            terms = Terms(bps, fixed, rounding)
            at = runtime.clock.now()
            contracts.put(db, gateway, terms, from_day=day, by=SERVICE, at=at)
    give(
        {"gateway": gateway, "from": from_day, "bps": bps, "fixed": fixed, "rounding": rounding},
        as_json=as_json,
    )
