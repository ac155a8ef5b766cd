"""`thuphi reconcile`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import text

from ops.commands.process import working
from ops.commands.speaking import give, watched
from ops.runtime import Runtime
from payments import billers


def command(
    date_: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The day.")],
    biller: Annotated[str | None, typer.Option(help="Code; without it, every biller.")] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Also what was reconciled before.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object a run.")] = False,
) -> None:
    """Reconcile a business day here and now, account by account.

    A replay changes nothing that was booked. Example: thuphi reconcile --date 2026-03-01
    """
    from reconciliation import runs  # noqa: PLC0415  # `--help` does not wait for pandas

    day = date_.date()
    with working() as (runtime, _):
        accounts = _accounts(runtime, biller, day, replay=replay)
        for biller_id, account_id, code, number in watched(
            accounts, what="reconcile", total=len(accounts)
        ):
            done = runs.run(runtime.sessions, biller_id, account_id, day, clock=runtime.clock.now)
            told = {"biller": code, "account": number, "day": day.isoformat()} | done.counts
            give(told, as_json=as_json)


def _accounts(
    runtime: Runtime, biller: str | None, day: date, *, replay: bool
) -> list[tuple[UUID, UUID, str, str]]:
    """(biller, account, code, number) of every account that has a run to do."""
    only = None
    if biller is not None:
        with runtime.sessions.begin(None) as db:
            only = billers.find(db, biller)
    with runtime.system.begin() as system:
        rows = system.execute(
            text("""
                SELECT a.biller_id, a.id, b.code, a.account_number
                FROM bank_account a JOIN biller b ON b.id = a.biller_id
                WHERE a.opened_on <= :day
                    AND (CAST(:only AS uuid) IS NULL OR a.biller_id = :only)
                    AND (:replay OR NOT EXISTS (
                        SELECT FROM run r WHERE r.biller_id = a.biller_id
                            AND r.bank_account_id = a.id AND r.day = :day
                            AND r.finished_at IS NOT NULL))
                ORDER BY b.code, a.account_number
            """),
            {"day": day, "only": only, "replay": replay},
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]
