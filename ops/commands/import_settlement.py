"""`thuphi import-settlement`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from ops.commands.process import working
from ops.runtime import Runtime
from payments import billers
from payments.domain.people import SERVICE


def command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    biller: Annotated[str, typer.Option(help="Code of the biller.")],
    gateway: Annotated[str, typer.Option(help="Whose file it is: vnpay, momo or zalopay.")],
    profile: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="TOML: its columns."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Take a gateway's settlement file into the books: rows, fees, batches.

    The same file again changes nothing. Ends with 1 if nothing of it could be taken.
    Example: thuphi import-settlement VNP20261121.csv --biller TH-HS --gateway vnpay
    """
    with working() as (runtime, _):
        with runtime.sessions.begin(None) as db:
            biller_id = billers.find(db, biller)
        told = _take(runtime, biller_id, file, gateway, profile)
    _print(told, as_json=as_json)
    sys.exit(1 if told["status"] == "refused" else 0)


def _take(
    runtime: Runtime, biller_id: UUID, file: Path, gateway: str, profile: Path | None
) -> dict[str, Any]:
    from ops import settling  # noqa: PLC0415  # `--help` need not wait
    from reconciliation import settlement_runs  # noqa: PLC0415  # pandas takes two seconds
    from reconciliation.queries import settlements  # noqa: PLC0415  # as above

    at = runtime.clock.now()
    with runtime.sessions.begin(biller_id) as db:
        layout = profile.read_bytes() if profile is not None else None
        kept = settling.receive(
            db, gateway, name=file.name, data=file.read_bytes(), profile=layout, by=SERVICE, at=at
        )
    with runtime.sessions.begin(biller_id) as db:
        settling.read(db, kept.file_id, at=at)
    settlement_runs.run(runtime.sessions, biller_id, clock=runtime.clock.now)
    with runtime.sessions.begin(biller_id) as db:
        found = settlements.get(db, kept.file_id)
    return {
        "file": str(kept.file_id),
        "status": found.status,
        "first_time": kept.first_time,
        "error": f"{found.error_en} / {found.error_vi}" if found.error_en else None,
        "problems": [asdict(one) for one in found.problems],
        "batches": [
            {
                "batch": one.reference,
                "settle_date": one.settle_date.isoformat(),
                "rows": one.rows,
                "due": one.due,
                "came": one.came,
                "standing": one.standing,
                "waiting": one.suspended,
            }
            for one in found.batches
        ],
    }


def _print(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    again = "" if told["first_time"] else " (known already)"
    sys.stdout.write(f"{told['status']}{again}\n")
    if told["error"]:
        sys.stdout.write(f"{told['error']}\n")
    for one in told["batches"]:
        waiting = f", {one['waiting']} rows wait for a person" if one["waiting"] else ""
        sys.stdout.write(
            f"{one['batch']}  {one['settle_date']}  {one['rows']} rows{waiting}  "
            f"due {one['due']}  came {one['came']}  {one['standing']}\n"
        )
    for problem in told["problems"]:
        sys.stdout.write(f"line {problem['line']}: {problem['en']} / {problem['vi']}\n")
