"""`thuphi demo`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def command(
    once: Annotated[bool, typer.Option("--once", help="End after the table.")] = False,
    code: Annotated[
        str | None, typer.Option(help="Only print the six digits of this e-mail.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The table for programs.")] = False,
) -> None:
    """Play one business day of five billers through HTTP and a test bank, then keep serving.

    Uses a folder of its own, or THUPHI_HOME; again in the same folder, it plays the next day.
    With --once it ends with 0 only if nothing is unexplained and all came out as told.
    Example: thuphi demo --once
    """
    from ops.demo import links, play  # noqa: PLC0415  # `thuphi --help` need not wait

    if code is not None:
        sys.stdout.write(f"{links.code_for(code)}\n")
        return
    sys.exit(play.run(once=once, as_json=as_json))
