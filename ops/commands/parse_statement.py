"""`thuphi parse-statement`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ops.commands.speaking import watched


def command(
    files: Annotated[list[Path], typer.Argument(help="Statements: MT940, camt, CSV or XLSX.")],
    form: Annotated[str, typer.Option("--format", help="What they are; auto finds out.")] = "auto",
    profile: Annotated[
        str | None, typer.Option(help="A bank's column profile, for tables.")
    ] = None,
) -> None:
    """Read bank statements: one JSON object a line for each file, in the order given.

    Needs no database. A refused file has an object too, with its error.
    Example: thuphi parse-statement january.sta february.xml
    """
    from ops import parse_statement  # noqa: PLC0415  # `--help` does not wait for the readers

    if form not in parse_statement.FORMATS:
        raise typer.BadParameter(
            f"formats are {', '.join(parse_statement.FORMATS)}", param_hint="--format"
        )
    parsed = parse_statement.parse_statements(files, format=form, profile=profile)
    for found in watched(parsed, what="parse-statement", total=len(files)):
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        sys.stdout.flush()
