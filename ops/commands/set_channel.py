"""`thuphi set-channel`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ops import calling
from ops.commands.process import working
from ops.commands.speaking import give
from ops.config import language
from payments import billers
from payments.domain.errors import Invalid
from payments.domain.people import SERVICE


def command(
    gateway: Annotated[str, typer.Argument(help="Such as sepay.")],
    biller: Annotated[str, typer.Option(help="Code of the biller.")],
    file: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, readable=True, help="JSON: setting to text."),
    ],
    test: Annotated[
        bool, typer.Option("--test", help="Then try them at the gateway; no money moves.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Store a biller's settings of a gateway, encrypted, in place of any before.

    Example: thuphi set-channel momo --biller TH-HS --file creds.json --test
    """
    settings = _read(file)
    with working() as (runtime, _):
        with runtime.sessions.begin(None) as db:
            biller_id = billers.find(db, biller)
        with runtime.sessions.begin(biller_id) as db:
            calling.set_up(runtime, db, gateway, settings, by=SERVICE)
        told: dict[str, object] = {"gateway": gateway, "settings": ", ".join(sorted(settings))}
        if test:
            found = calling.check(runtime, biller_id, gateway, by=SERVICE)
            told |= {"ok": found.ok, "check": found.vi if language() == "vi" else found.en}
    give(told, as_json=as_json)
    if not told.get("ok", True):
        raise typer.Exit(1)


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or any(not isinstance(v, str) for v in found.values()):
        raise Invalid(
            f'{file} phải là JSON dạng {{"tên": "giá trị"}}',
            f'{file} must be JSON like {{"name": "value"}}',
        )
    return found
