"""`thuphi add-staff`."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from ops.commands.process import working
from ops.commands.speaking import give, say
from payments import access, billers


def command(
    email: Annotated[str, typer.Option(help="What they sign in with.")],
    name: Annotated[str, typer.Option(help="As their signature shows it.")],
    biller: Annotated[str, typer.Option(help="Code of the biller they work for.")],
    role: Annotated[
        str, typer.Option(help="viewer, cashier, accountant, chief_accountant or admin.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Add somebody who may sign in. The password and the second factor are shown once.

    Example: thuphi add-staff --email lan@example.vn --name "Lan" --biller TH-HS --role cashier
    """
    password = secrets.token_urlsafe(15)
    with working() as (runtime, _):
        at = runtime.clock.now()
        with runtime.sessions.begin(None) as db:
            biller_id = billers.find(db, biller)
        with runtime.system.begin() as system:
            added = access.add_staff(system, email=email, name=name, password=password, at=at)
            access.grant(system, added.id, biller_id, role, at=at)
    say("Chỉ hiện một lần, hãy lưu lại ngay:", "Shown once, keep it now:")
    shown = {"email": email, "password": password, "totp": added.totp_uri}
    give(shown, as_json=as_json)
