"""`thuphi import-statement`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from ops.commands.process import working
from ops.commands.speaking import say
from ops.runtime import Runtime
from payments import billers
from payments.domain.errors import NotFound
from payments.domain.people import SERVICE
from payments.store.sessions import biller_of


def command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    biller: Annotated[str, typer.Option(help="Code of the biller.")],
    account: Annotated[str, typer.Option(help="Number of the account it is for.")],
    form: Annotated[str, typer.Option("--format", help="What it is; auto finds out.")] = "auto",
    profile: Annotated[str | None, typer.Option(help="A bank's column profile.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Take a bank statement into the books; workers then reconcile the days it covers.

    The same file again changes nothing. Ends with 1 if it holds no statement of the account.
    Example: thuphi import-statement march.sta --biller TH-HS --account 9999000001
    """
    from adapters.registry import STATEMENT_READERS  # noqa: PLC0415  # `--help` need not wait

    if form not in STATEMENT_READERS:
        raise typer.BadParameter(
            f"formats are {', '.join(STATEMENT_READERS)}", param_hint="--format"
        )
    with working() as (runtime, _):
        with runtime.sessions.begin(None) as db:
            biller_id = billers.find(db, biller)
        told = _take(
            runtime, biller_id, file, account, reader=STATEMENT_READERS[form], profile=profile
        )
    _print(told, as_json=as_json)
    ours = [one for one in told["statements"] if one["account"] == account]
    if not ours:
        say(
            f"Tệp không có sao kê của tài khoản {account}",
            f"The file holds no statement of the account {account}",
        )
    sys.exit(0 if ours else 1)


def _take(
    runtime: Runtime,
    biller_id: UUID,
    file: Path,
    account: str,
    *,
    reader: Any,
    profile: str | None,
) -> dict[str, Any]:
    from ops import jobs  # noqa: PLC0415  # `--help` need not wait
    from reconciliation import intake  # noqa: PLC0415  # pandas takes a second

    at = runtime.clock.now()
    with runtime.sessions.begin(biller_id) as db:
        _require_account(db, account)
        kept = intake.receive(db, name=file.name, data=file.read_bytes(), by=SERVICE, at=at)
    with runtime.sessions.begin(biller_id) as db:
        status = intake.read(db, kept.file_id, reader, profile=profile)
        found = _statements(db, kept.file_id)
        jobs.request_runs_of(db, kept.file_id, at=at)
        row = db.execute(
            text("""SELECT problems, error_vi, error_en FROM statement_file
                    WHERE biller_id = :biller AND id = :file"""),
            {"biller": biller_id, "file": kept.file_id},
        ).one()
    return {
        "file": str(kept.file_id),
        "status": status.value,
        "first_time": kept.first_time,
        "error": f"{row.error_en} / {row.error_vi}" if row.error_en else None,
        "problems": row.problems,
        "statements": [
            {
                "account": one.account_number,
                "first_day": one.first_day.isoformat(),
                "last_day": one.last_day.isoformat(),
                "lines": one.line_count,
                "complete": one.complete,
                "why_not": one.why_not,
            }
            for one in found
        ],
    }


def _require_account(db: Session, number: str) -> None:
    found = db.execute(
        text("SELECT FROM bank_account WHERE biller_id = :biller AND account_number = :number"),
        {"biller": biller_of(db), "number": number},
    ).first()
    if found is None:
        raise NotFound(
            f"Đơn vị này không có tài khoản {number}.", f"This biller has no account {number}."
        )


def _statements(db: Session, file_id: UUID) -> list[Row[Any]]:
    return list(
        db.execute(
            text("""SELECT s.*, a.account_number FROM statement s
                    JOIN bank_account a ON a.biller_id = s.biller_id AND a.id = s.bank_account_id
                    WHERE s.biller_id = :biller AND s.file_id = :file ORDER BY s.ordinal"""),
            {"biller": biller_of(db), "file": file_id},
        )
    )


def _print(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    again = "" if told["first_time"] else " (known already)"
    sys.stdout.write(f"{told['status']}{again}\n")
    if told["error"]:
        sys.stdout.write(f"{told['error']}\n")
    for one in told["statements"]:
        why = "complete" if one["complete"] else one["why_not"]
        days = f"{one['first_day']} - {one['last_day']}"
        sys.stdout.write(f"{one['account']}  {days}  {one['lines']}  {why}\n")
    for problem in told["problems"]:
        sys.stdout.write(f"line {problem['line']}: {problem['en']} / {problem['vi']}\n")
