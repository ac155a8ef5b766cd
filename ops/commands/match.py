"""`thuphi match`."""

from __future__ import annotations

import gc
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.speaking import say

if TYPE_CHECKING:  # pandas takes a second
    from ops.match import Summary

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
        _tell(summary, out)


def _tell(summary: Summary, out: Path) -> None:
    """What came of it, in one look; the files say the rest."""
    ended = {name: bucket.count for name, bucket in summary.decisions.items()}
    auto, again = ended.get("AUTO", 0), ended.get("IGNORE", 0)
    suggested, open_ = ended.get("SUGGEST", 0), ended.get("EXCEPTION", 0)
    told = sum(ended.values())
    say(
        f"{told} dòng: {auto} tự khớp, {suggested} có gợi ý, {open_} cần người xem, {again} gửi "
        f"lại; {summary.problems} dòng không đọc được; chưa giải thích "
        f"{summary.unexplained_vnd} ₫",
        f"{told} lines: {auto} matched, {suggested} suggested, {open_} for a person, {again} "
        f"delivered again; {summary.problems} not readable; unexplained "
        f"{summary.unexplained_vnd} ₫",
    )
    sys.stderr.write(f"{out}: matches.csv, exceptions.csv, problems.csv, summary.json\n")
