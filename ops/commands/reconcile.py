"""`thuphi reconcile`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from sqlalchemy import text

from ops.commands.process import working
from ops.commands.speaking import give, say, watched
from ops.config import language
from ops.runtime import Runtime
from payments import billers
from reconciliation.progress import Stopped

if TYPE_CHECKING:  # `--help` does not wait for the readers
    from ops.replaying import Replayed

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class _Account:
    """One account. attempts: how often its run was begun before."""

    biller_id: UUID
    id: UUID
    code: str
    number: str
    attempts: int
    finished: bool


def command(
    date_: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The day.")],
    biller: Annotated[str | None, typer.Option(help="Code; without it, every biller.")] = None,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Prove a signed day again from its stored files."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object a run or sheet.")] = False,
) -> None:
    """Reconcile a business day here and now, account by account, as workers do at night.

    On a terminal a bar for each account shows how far it is. It may be interrupted, or killed, at
    any moment: run again, it does what is left and leaves out the accounts that are finished.

    With --replay nothing is reconciled: every signed sheet of the day is drawn up again from the
    stored files and the ledger, and compared byte for byte. Ends with 1 at the first that
    differs, or when the day is not signed. Example: thuphi reconcile --date 2026-03-01
    """
    day = date_.date()
    with working() as (runtime, stop):
        if replay:
            code = 0 if _replay(runtime, biller, day, as_json=as_json) else 1
        else:
            code = 0 if _reconcile(runtime, biller, day, stop, as_json=as_json) else INTERRUPTED
    sys.exit(code)


def _reconcile(
    runtime: Runtime, biller: str | None, day: date, stop: threading.Event, *, as_json: bool
) -> bool:
    """Whether all was done; False: it was asked to stop."""
    from ops.commands import run_bars  # noqa: PLC0415  # `--help` does not wait for pandas
    from reconciliation import runs  # noqa: PLC0415

    accounts = _accounts(runtime, biller, day)
    _tell_the_start(accounts)
    left = [one for one in accounts if not one.finished]
    billers_ = list(dict.fromkeys(one.biller_id for one in left))
    bars = sys.stderr.isatty()  # then results would come between them
    done = []
    try:
        with run_bars.shown(runtime, billers_, day):
            for one in left:
                if stop.is_set():
                    raise Stopped
                ran = runs.run(
                    runtime.sessions,
                    one.biller_id,
                    one.id,
                    day,
                    clock=runtime.clock.now,
                    stop=stop.is_set,
                )
                told = {"biller": one.code, "account": one.number, "day": day.isoformat()}
                done.append(told | ran.counts)
                if not bars:
                    give(done[-1], as_json=as_json)
    except Stopped:
        pass
    finally:
        for result in done if bars else ():
            give(result, as_json=as_json)
    if len(done) < len(left):
        say(
            f"Đã ngừng; xong {len(done)} trên {len(left)} tài khoản. Chạy lại lệnh này để làm "
            "tiếp, không dòng nào bị ghi hai lần.",
            f"Stopped; {len(done)} of {len(left)} accounts are done. Run this again to go on; "
            "no line is booked twice.",
        )
    return len(done) == len(left)


def _tell_the_start(accounts: Sequence[_Account]) -> None:
    """What an earlier try has left, if there was one."""
    over = sum(one.finished for one in accounts)
    cut = [one.number for one in accounts if one.attempts and not one.finished]
    if over:
        say(
            f"{over} trên {len(accounts)} tài khoản đã xong từ trước.",
            f"{over} of {len(accounts)} accounts were finished before.",
        )
    if cut:
        say(f"Làm tiếp: {', '.join(cut)}.", f"Going on with {', '.join(cut)}.")


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
            if as_json:
                give(told, as_json=True)
            else:
                _tell_sheet(code, one)
    return equal


def _tell_sheet(code: str, one: Replayed) -> None:
    """A line for one signed sheet, on stdout: it is the result."""
    version, equal, differs = "version", "every byte is equal", "differs"
    if language() == "vi":
        version, equal, differs = "phiên bản", "giống từng byte", "khác"
    came = equal if one.equal else f"{differs}: {one.difference}"
    sys.stdout.write(f"{code} {one.day} {version} {one.version}: {came}\n  SHA-256 {one.sha256}\n")


def _only(runtime: Runtime, biller: str | None) -> UUID | None:
    if biller is None:
        return None
    with runtime.sessions.begin(None) as db:
        return billers.find(db, biller)


def _accounts(runtime: Runtime, biller: str | None, day: date) -> list[_Account]:
    """Every account that is to be reconciled on the day, and what was done for it before."""
    only = _only(runtime, biller)
    with runtime.system.begin() as system:
        rows = system.execute(
            text("""
                SELECT a.biller_id, a.id, b.code, a.account_number,
                    coalesce(r.attempt, 0) AS attempts, r.finished_at IS NOT NULL AS finished
                FROM bank_account a JOIN biller b ON b.id = a.biller_id
                LEFT JOIN run r ON r.biller_id = a.biller_id AND r.bank_account_id = a.id
                    AND r.day = :day
                WHERE a.opened_on <= :day
                    AND (CAST(:only AS uuid) IS NULL OR a.biller_id = :only)
                ORDER BY b.code, a.account_number
            """),
            {"day": day, "only": only},
        )
        return [_Account(*row) for row in rows]
