"""`thuphi add-biller`."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.commands.process import working
from ops.commands.speaking import give
from payments import billers
from payments.domain.calendar import business_day
from payments.domain.errors import Invalid
from payments.domain.money import Money

KINDS = ("school", "hospital", "agency")


def command(
    code: Annotated[str, typer.Option(help="Short code, such as TH-HS.")],
    name: Annotated[str, typer.Option(help="As its letters show it.")],
    kind: Annotated[str, typer.Option(help="school, hospital or agency.")],
    tax_code: str = "",
    address: str = "",
    contact: str = "",
    approval_limit: Annotated[int, typer.Option(help="Đồng above which two approve.")] = 0,
    bank_bin: Annotated[str | None, typer.Option(help="BIN of its bank.")] = None,
    account: Annotated[str | None, typer.Option(help="Account that money arrives on.")] = None,
    holder: Annotated[str | None, typer.Option(help="As the bank writes the holder.")] = None,
    opening: Annotated[int, typer.Option(help="Đồng on it when today began.")] = 0,
    notices: Annotated[str | None, typer.Option(help="Source of notices, such as sepay.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Add a biller, and a bank account if one is given.

    Example: thuphi add-biller --code TH-HS --kind school --name "Trường Tiểu học Hoa Sữa"
    """
    if kind not in KINDS:
        raise typer.BadParameter(f"kinds are {', '.join(KINDS)}", param_hint="--kind")
    if (bank_bin is None) != (account is None):
        raise Invalid(
            "--bank-bin và --account phải đi cùng nhau", "--bank-bin and --account go together"
        )
    with working() as (runtime, _):
        at = runtime.clock.now()
        profile = billers.Profile(code, kind, name, tax_code, address, contact, approval_limit)
        with runtime.system.begin() as system:
            biller_id = billers.add(system, profile, at=at)
        with runtime.sessions.begin(biller_id) as db:
            billers.open_books(db)
            if bank_bin is not None and account is not None:
                billers.add_bank_account(
                    db,
                    bank_bin=bank_bin,
                    number=account,
                    holder=holder or name,
                    opened_on=business_day(at),
                    at=at,
                    opening_balance=Money(opening),
                    notice_source=notices,
                )
    give({"biller": str(biller_id), "code": code}, as_json=as_json)
