"""The JSON door: every verb of the bank, as README.md lists them.

An ask that cannot be carried out is answered with {"error": {"vi", "en"}} and changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from simulator import accounts, asks, bank, faults, mischief, notices, store, telling
from simulator.clock import VIETNAM
from simulator.context import asked, running
from simulator.errors import Refused
from simulator.gateway import gateways
from simulator.memo import SHAPES
from simulator.statements import day, render

blueprint = Blueprint("api", __name__)

_LIST_MAX = 1000
_OWN_KINDS = {"/payouts": "payout", "/fees": "fee", "/interest": "interest"}


@blueprint.post("/accounts")
def open_account() -> ResponseReturnValue:
    """Open one account, or a list of them."""
    here, body = running(), asked()
    now = here.clock.now()
    many = isinstance(body, list)
    with here.store.begin() as db:
        numbers = [accounts.open_one(db, each, at=now) for each in (body if many else [body])]
        opened = [
            accounts.described(db, accounts.resolve(db, number)[0], at=now) for number in numbers
        ]
    return ({"accounts": opened} if many else opened[0]), 201


@blueprint.get("/accounts")
def list_accounts() -> ResponseReturnValue:
    """Every account with balance and hook."""
    here = running()
    with here.store.begin() as db:
        return {"accounts": accounts.listed(db, at=here.clock.now())}


@blueprint.get("/accounts/<number>")
def show_account(number: str) -> ResponseReturnValue:
    """One account."""
    here = running()
    with here.store.begin() as db:
        row, _ = accounts.resolve(db, number)
        return accounts.described(db, row, at=here.clock.now())


@blueprint.put("/accounts/<number>/hook")
def set_hook(number: str) -> ResponseReturnValue:
    """Say where the account's notices go."""
    here = running()
    with here.store.begin() as db:
        accounts.set_hook(db, number, asked(), defaults=here.defaults)
        row, _ = accounts.resolve(db, number)
        return accounts.described(db, row, at=here.clock.now())


@blueprint.get("/accounts/<number>/statement")
def statement(number: str) -> ResponseReturnValue:
    """The file of a day, or of several."""
    here = running()
    last = _day(request.args.get("date"), "date") or here.clock.now().date()
    first = _day(request.args.get("from"), "from") or last
    wanted = [name for name in request.args.get("faults", "").split(",") if name]
    with here.store.begin() as db:
        read = day.of(db, number, first=first, last=last)
    made = render.file(read, request.args.get("format", "mt940"), faults=wanted)
    named = {"Content-Disposition": f'attachment; filename="{made.name}"'}
    return Response(made.body, content_type=made.kind, headers=named)


@blueprint.post("/scan")
def scan() -> ResponseReturnValue:
    """What a bank app reads in a QR text."""
    found = asks.scan(asks.parts(asked(), {"qr_text"}).get("qr_text"))
    return {
        "bank_bin": found.bank_bin, "account": found.account, "amount": found.amount,
        "memo": found.memo,
    }  # fmt: skip


@blueprint.post("/transfers")
def transfer() -> ResponseReturnValue:
    """A payer sends money to one of our accounts."""
    here = running()
    ask = asks.transfer(asked())
    with here.store.begin() as db:
        posting = bank.transfer(db, ask, now=here.clock.now())
        heard(db, posting, now=here.clock.now())
        made = _moved(db, posting)
    here.courier.wake()
    return made, 201


@blueprint.get("/transfers")
def list_transfers() -> ResponseReturnValue:
    """The newest movements, of one account or booking day if asked."""
    here = running()
    account, booked = request.args.get("account"), _day(request.args.get("date"), "date")
    with here.store.begin() as db:
        found = movements(db, limit=_limit(), account=account, booked=booked)
    return {"transfers": [bank.described(row) for row in found]}


@blueprint.post("/payouts")
@blueprint.post("/fees")
@blueprint.post("/interest")
def own_movement() -> ResponseReturnValue:
    """Money out to somebody, a bank fee, or interest."""
    here = running()
    ask = asks.own(asked())
    with here.store.begin() as db:
        posting = bank.move_own(db, _OWN_KINDS[request.path], ask, now=here.clock.now())
        made = _moved(db, posting)
    here.courier.wake()
    return made, 201


@blueprint.post("/reversals")
def reversal() -> ResponseReturnValue:
    """Give an earlier movement back, quoting its reference."""
    here = running()
    body = asks.parts(asked(), {"transfer", "account", "reference", "at"})
    with here.store.begin() as db:
        if "transfer" in body:
            old = faults.whole(body["transfer"], "transfer", 1, asks.AMOUNT_MAX)
        else:
            account = asks.our_number(body.get("account"), "account")
            old = bank.by_reference(
                db, account, asks.text(body.get("reference", ""), "reference", 16)
            )
        posting = bank.reverse(db, old, at=asks.moment_of(body.get("at")), now=here.clock.now())
        made = _moved(db, posting)
    here.courier.wake()
    return made, 201


@blueprint.post("/forgeries")
def forgery() -> ResponseReturnValue:
    """A call with a wrong signature about money that never came."""
    here = running()
    body = asks.parts(asked(), {"account", "amount", "memo"})
    account = asks.our_number(body.get("account"), "account")
    amount = faults.whole(body.get("amount"), "amount", 1, asks.AMOUNT_MAX)
    memo = asks.text(body.get("memo", ""), "memo", 200)
    with here.store.begin() as db:
        notice = notices.forge(db, account, amount, memo, now=here.clock.now())
        made = notices.one(db, notice)
    here.courier.wake()
    return {"notice": made}, 201


@blueprint.get("/notices")
def list_notices() -> ResponseReturnValue:
    """The newest notices with their calls, and how many calls are still to be made."""
    with running().store.begin() as db:
        return {
            "outstanding": notices.outstanding(db),
            "notices": notices.listed(db, limit=_limit()),
        }


@blueprint.get("/notices/<int:notice>")
def show_notice(notice: int) -> ResponseReturnValue:
    """One notice with every attempt."""
    with running().store.begin() as db:
        return notices.one(db, notice)


@blueprint.post("/notices/<int:notice>/<any(replay, release):verb>")
def push_notice(notice: int, verb: str) -> ResponseReturnValue:
    """Send a notice again, or send now what is held or not yet due."""
    here = running()
    with here.store.begin() as db:
        (notices.replay if verb == "replay" else notices.release)(db, notice, now=here.clock.now())
        made = notices.one(db, notice)
    here.courier.wake()
    return made


@blueprint.get("/clock")
def show_clock() -> ResponseReturnValue:
    """The bank's time and how far it is ahead of the machine."""
    return _clock()


@blueprint.post("/clock")
def move_clock() -> ResponseReturnValue:
    """Set the offset, or advance it."""
    here = running()
    body = asks.parts(asked(), {"offset_seconds", "advance_seconds"})
    if len(body) != 1:
        raise Refused(
            "Cần offset_seconds hoặc advance_seconds", "Give offset_seconds or advance_seconds"
        )
    name, value = next(iter(body.items()))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{name} phải là số giây", f"{name} must be a number of seconds")
    here.clock.move(float(value) + (here.clock.offset() if name == "advance_seconds" else 0))
    here.courier.wake()
    return _clock()


@blueprint.get("/faults")
def list_faults() -> ResponseReturnValue:
    """What can go wrong on request, and the shapes a memo can take."""
    return {
        "transfer": [
            {"kind": kind.name, "group": kind.group, "options": dict(kind.options), "vi": kind.vi,
             "en": kind.en}
            for kind in faults.FAULTS.values()
        ],
        "statement": [
            {"kind": name, "vi": vi, "en": en} for name, (vi, en) in render.FAULTS.items()
        ],
        "gateways": {
            name: [
                {"kind": kind.name, "group": kind.group, "options": dict(kind.options),
                 "vi": kind.vi, "en": kind.en}
                for kind in table.values()
            ]
            for name, table in mischief.TABLES.items()
        },
        "shapes": list(SHAPES),
        "formats": list(render.FORMATS),
    }  # fmt: skip


@blueprint.post("/reset")
def reset() -> ResponseReturnValue:
    """Forget the trade; the accounts too, unless keep_accounts is true."""
    body = asks.parts(asked(), {"keep_accounts"})
    with running().store.begin() as db:
        store.empty(db, keep_accounts=body.get("keep_accounts") is True)
    return {"reset": True}


@blueprint.get("/health")
def health() -> ResponseReturnValue:
    """Whether the bank is open, and what is still to be sent."""
    here = running()
    with here.store.begin() as db:
        waiting = notices.outstanding(db) + telling.outstanding(db)
    problem = here.clock.problem
    return {"ok": not problem, "outstanding": waiting, "problem": problem}


def heard(db: sqlite3.Connection, posting: int, *, now: datetime) -> None:
    """Gateways that watch the account learn of a credit."""
    for gateway in gateways().values():
        gateway.heard(db, bank.found(db, posting), now)


def movements(
    db: sqlite3.Connection, *, limit: int, account: str | None = None, booked: date | None = None
) -> Sequence[sqlite3.Row]:
    """The newest postings, newest first."""
    rows: list[sqlite3.Row] = db.execute(
        "SELECT * FROM posting WHERE (?1 IS NULL OR account = ?1)"
        " AND (?2 IS NULL OR booking_date = ?2) ORDER BY id DESC LIMIT ?3",
        (account, booked.isoformat() if booked else None, limit),
    ).fetchall()
    return rows


def _moved(db: sqlite3.Connection, posting: int) -> dict[str, Any]:
    """A movement and its notice, and the reversal that was promised with it."""
    made: dict[str, Any] = {
        "transfer": bank.described(bank.found(db, posting)),
        "notice": notices.listed(db, limit=1, posting=posting)[0],
    }
    back = db.execute("SELECT * FROM posting WHERE reverses = ?", (posting,)).fetchone()
    if back is not None:
        made["reversal"] = bank.described(back)
    return made


def _clock() -> dict[str, Any]:
    clock = running().clock
    offset = clock.offset()
    return {
        "offset_seconds": offset,
        "now": clock.now().astimezone(VIETNAM).isoformat(),
        "file": str(clock.file) if clock.file else None,
        "problem": clock.problem,
    }


def _day(text: str | None, name: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{name} phải dạng YYYY-MM-DD", f"{name} must be YYYY-MM-DD") from None


def _limit() -> int:
    return faults.whole(request.args.get("limit", "100"), "limit", 1, _LIST_MAX)
