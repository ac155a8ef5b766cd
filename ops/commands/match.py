"""`thuphi match`."""

from __future__ import annotations

import gc
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

_File = typer.Option(exists=True, dir_okay=False, readable=True)


def command(
    orders: Annotated[Path, _File],
    statement: Annotated[Path, _File],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for the results.")],
    gateway_report: Annotated[Path | None, _File] = None,
    contract: Annotated[Path | None, _File] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary.")] = False,
) -> None:
    """Reconcile files without a database; writes matches, exceptions, problems and a summary.

    Example: thuphi match --orders orders.csv --statement bank.csv --out result
    """
    from ops import match  # noqa: PLC0415  # pandas takes a second; `--help` does not need it
    from ops.second_process import SecondProcess  # noqa: PLC0415  # as is this

    # Millions of small objects, none in a circle: looking for circles would take a fifth.
    gc.disable()
    second = SecondProcess()
    summary = match.run(orders, statement, gateway_report, contract, out=out, second=second)
    if as_json:
        sys.stdout.write(json.dumps(asdict(summary), ensure_ascii=False) + "\n")
    else:
        sys.stderr.write(f"{out / 'summary.json'}\n")
