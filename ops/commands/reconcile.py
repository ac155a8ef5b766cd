"""`thuphi reconcile`."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import text

from ops.commands.process import working
from ops.commands.speaking import give, say, watched
from ops.runtime import Runtime
from payments import billers


def command(
    date_: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The day.")],
    biller: Annotated[str | None, typer.Option(help="Code; without it, every biller.")] = None,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Prove a signed day again from its stored files."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object a run or sheet.")] = False,
) -> None:
    """Reconcile a business day here and now, account by account.

    With --replay nothing is reconciled: every signed sheet of the day is drawn up again from the
    stored files and the ledger, and compared byte for byte. Ends with 1 at the first that
    differs, or when the day is not signed. Example: thuphi reconcile --date 2026-03-01
    """
    day = date_.date()
    with working() as (runtime, _):
        if replay:
            equal = _replay(runtime, biller, day, as_json=as_json)
        else:
            equal = True
            _reconcile(runtime, biller, day, as_json=as_json)
    sys.exit(0 if equal else 1)


def _reconcile(runtime: Runtime, biller: str | None, day: date, *, as_json: bool) -> None:
    from reconciliation import runs  # noqa: PLC0415  # `--help` does not wait for pandas

    accounts = _accounts(runtime, biller, day)
    for biller_id, account_id, code, number in watched(
        accounts, what="reconcile", total=len(accounts)
    ):
        done = runs.run(runtime.sessions, biller_id, account_id, day, clock=runtime.clock.now)
        told = {"biller": code, "account": number, "day": day.isoformat()} | done.counts
        give(told, as_json=as_json)


def _replay(runtime: Runtime, biller: str | None, day: date, *, as_json: bool) -> bool:
    """Whether every signed sheet of the day came out equal, and there was one at all."""
    from ops import replaying  # noqa: PLC0415  # `--help` does not wait for the readers

    only = _only(runtime, biller)
    with runtime.system.begin() as system:
        signed = replaying.signed_of(system, day)
    found = [one for one in signed if only in (None, one)]
    if not found:
        say(f"Ngày {day} chưa được ký.", f"{day} is not signed.")
    equal = bool(found)
    for biller_id in watched(found, what="replay", total=len(found)):
        with runtime.sessions.begin(biller_id) as db:
            code, sheets = replaying.code_of(db), replaying.replay(db, day)
        for one in sheets:
            equal = equal and one.equal
            told = {"biller": code, "day": day.isoformat(), "version": one.version}
            told |= {"sha256": one.sha256, "equal": one.equal, "difference": one.difference}
            give(told, as_json=as_json)
    return equal


def _only(runtime: Runtime, biller: str | None) -> UUID | None:
    if biller is None:
        return None
    with runtime.sessions.begin(None) as db:
        return billers.find(db, biller)


def _accounts(runtime: Runtime, biller: str | None, day: date) -> list[tuple[UUID, UUID, str, str]]:
    """(biller, account, code, number) of every account that has a run to do."""
    only = _only(runtime, biller)
    with runtime.system.begin() as system:
        rows = system.execute(
            text("""
                SELECT a.biller_id, a.id, b.code, a.account_number
                FROM bank_account a JOIN biller b ON b.id = a.biller_id
                WHERE a.opened_on <= :day
                    AND (CAST(:only AS uuid) IS NULL OR a.biller_id = :only)
                    AND NOT EXISTS (
                        SELECT FROM run r WHERE r.biller_id = a.biller_id
                            AND r.bank_account_id = a.id AND r.day = :day
                            AND r.finished_at IS NOT NULL)
                ORDER BY b.code, a.account_number
            """),
            {"day": day, "only": only},
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]
