"""`thuphi seed`."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from ops import seed
from ops.commands.process import working
from ops.commands.speaking import say


def command(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Add the demo cast: five billers with books, staff, keys and accounts at the test bank.

    Only with THUPHI_DEMO=1. Run again, it changes nothing. What opens their doors is printed
    when it is made, and kept in demo.json of THUPHI_HOME.
    Example: THUPHI_DEMO=1 thuphi seed
    """
    added: list[str] = []
    with working() as (runtime, _):
        kept = runtime.config.home / seed.KEPT
        found = seed.seed(
            runtime, kept, at=runtime.clock.now(), told=lambda cast: added.append(cast.code)
        )
    if not added:
        say(f"Dữ liệu mẫu đã có; bí mật ở {kept}", f"The cast is there; its secrets are in {kept}")
    if as_json:
        told = {"added": added} | (dict(seed.shown_once(found)) if added else {})
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    for one in found:
        if one.cast.code not in added:
            continue
        sys.stdout.write(f"{one.cast.code}  {one.cast.name}\n  key  {one.key}\n")
        for login in one.logins:
            who = f"{login.person.email}  {seed.PASSWORD}  {login.person.role}"
            sys.stdout.write(f"  {who}\n    {login.uri}\n")
