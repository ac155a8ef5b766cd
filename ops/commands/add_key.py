"""`thuphi add-key`."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.commands.process import working
from ops.commands.speaking import give, say
from payments import access, billers


def command(
    biller: Annotated[str, typer.Option(help="Code of the biller.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; given once for each.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Make an API key for a biller's program. It is shown once.

    Example: thuphi add-key --biller TH-HS --scope orders --scope read
    """
    with working() as (runtime, _):
        with runtime.sessions.begin(None) as db:
            biller_id = billers.find(db, biller)
        with runtime.sessions.begin(biller_id) as db:
            key = access.issue_key(db, scope, at=runtime.clock.now())
    say("Chỉ hiện một lần, hãy lưu lại ngay:", "Shown once, keep it now:")
    give({"key": key}, as_json=as_json)
