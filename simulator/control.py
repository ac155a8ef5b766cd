"""The JSON door of the gateways: what tests and the bench page do to them.

Orders and refunds are named by the merchant's own reference; `merchant` may be left out where
only one has it. A refused ask changes nothing and answers {"error": {"vi", "en"}}.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from simulator import (
    asks,
    checkout,
    desk,
    faults,
    merchants,
    mischief,
    refunding,
    settling,
    telling,
    upsets,
)
from simulator.clock import moment
from simulator.context import asked, running
from simulator.errors import Refused
from simulator.gateway import ENDS, Gateway, gateways
from simulator.hosted import named

blueprint = Blueprint("gateways", __name__, url_prefix="/gateways")

_LIST_MAX = 1000
_MORE: Mapping[str, Sequence[str]] = {"pay": ("amount", "at", "late"), "fail": ("code",)}
_CUT = 0.6
_HTML = "<!DOCTYPE html><html><body><h1>Phiên làm việc đã hết hạn</h1></body></html>".encode()


@blueprint.get("")
def list_gateways() -> ResponseReturnValue:
    """Every gateway: where its API is, the keys of a merchant, how a payer can fail."""
    return {
        "gateways": [
            {
                "name": gateway.name,
                "label": gateway.label,
                "base": f"{request.host_url}{gateway.name}",
                "keys": [key.name for key in gateway.keys],
                "doors": [f"{door.method} {door.path}" for door in gateway.doors],
                "faults_of": gateway.door_names(),
                "codes": {code: list(both) for code, both in gateway.codes.items()},
                "settles": gateway.holds_money,
            }
            for gateway in gateways().values()
        ]
    }


@blueprint.post("/<name>/merchants")
def open_merchant(name: str) -> ResponseReturnValue:
    """Sign a merchant up, or change one."""
    gateway, here = named(name), running()
    with here.store.begin() as db:
        made = merchants.open_one(db, gateway, asked(), defaults=here.defaults)
    return merchants.described(made, keys=True), 201


@blueprint.get("/<name>/merchants")
def list_merchants(name: str) -> ResponseReturnValue:
    """Every merchant; their keys are not shown again."""
    gateway = named(name)
    with running().store.begin() as db:
        every = merchants.listed(db, gateway.name)
    return {"merchants": [merchants.described(each) for each in every]}


@blueprint.get("/<name>/orders")
def list_orders(name: str) -> ResponseReturnValue:
    """The newest orders."""
    gateway, here = named(name), running()
    with here.store.begin() as db:
        checkout.lapse(db, epoch=here.clock.epoch())
        orders = checkout.listed(
            db, gateway.name, limit=_limit(), merchant=request.args.get("merchant"),
            reference=request.args.get("reference"), state=request.args.get("state"),
        )  # fmt: skip
        return {"orders": [checkout.described(db, order) for order in orders]}


@blueprint.get("/<name>/orders/<reference>")
def show_order(name: str, reference: str) -> ResponseReturnValue:
    """One order with its refunds and calls."""
    gateway, here = named(name), running()
    with here.store.begin() as db:
        checkout.lapse(db, epoch=here.clock.epoch())
        order = checkout.found(db, gateway.name, reference, request.args.get("merchant"))
        return _order(db, gateway, order.id)


@blueprint.post("/<name>/orders/<reference>/<any(pay, cancel, fail, expire):verb>")
def end_order(name: str, reference: str, verb: str) -> ResponseReturnValue:
    """Pay an order, or end it without money."""
    gateway, here = named(name), running()
    body = asks.parts(asked(), {"merchant", "faults", *_MORE.get(verb, ())})
    told = faults.parse(body.get("faults"), table=mischief.ORDER)
    epoch = here.clock.epoch()
    now = moment(epoch)
    with here.store.begin() as db:
        checkout.lapse(db, epoch=epoch)
        order = checkout.found(db, gateway.name, reference, body.get("merchant"))
        if verb == "pay":
            amount = body.get("amount")
            order = checkout.pay(
                db, gateway, order, faults=told, late=body.get("late") is True, now=now,
                amount=amount and faults.whole(amount, "amount", 1, asks.AMOUNT_MAX),
                at=asks.moment_of(body.get("at")), epoch=epoch,
            )  # fmt: skip
        else:
            order = checkout.end(
                db, gateway, order, ENDS[verb], code=str(body.get("code", "")), faults=told,
                now=now, epoch=epoch,
            )  # fmt: skip
        made = _order(db, gateway, order.id)
    here.courier.wake()
    return made


@blueprint.post("/<name>/orders/<reference>/chargeback")
def charge_back(name: str, reference: str) -> ResponseReturnValue:
    """The payer's bank takes money back; only the settlement file tells."""
    gateway, here = named(name), running()
    body = asks.parts(asked(), {"merchant", "amount"})
    with here.store.begin() as db:
        order = checkout.found(db, gateway.name, reference, body.get("merchant"))
        amount = faults.whole(body.get("amount", order.amount), "amount", 1, asks.AMOUNT_MAX)
        made = refunding.charge_back(db, gateway, order, amount, now=here.clock.now())
        return refunding.described(db, made), 201


@blueprint.get("/<name>/refunds")
def list_refunds(name: str) -> ResponseReturnValue:
    """The newest refunds and chargebacks."""
    gateway = named(name)
    with running().store.begin() as db:
        found = refunding.listed(
            db, gateway.name, limit=_limit(), merchant=request.args.get("merchant")
        )
    return {"refunds": found}


@blueprint.post("/<name>/refunds/<reference>/<any(settle, fail):verb>")
def end_refund(name: str, reference: str, verb: str) -> ResponseReturnValue:
    """A refund is done, or has failed, by hand."""
    gateway, here = named(name), running()
    body = asks.parts(asked(), {"merchant"})
    with here.store.begin() as db:
        refund = refunding.found(db, gateway.name, reference, body.get("merchant"))
        state = "done" if verb == "settle" else "failed"
        return refunding.described(db, refunding.end(db, refund, state, now=here.clock.now()))


@blueprint.get("/<name>/calls")
def list_calls(name: str) -> ResponseReturnValue:
    """The calls to merchants, and what they answered."""
    gateway = named(name)
    with running().store.begin() as db:
        order = None
        if reference := request.args.get("reference"):
            merchant = request.args.get("merchant")
            order = checkout.found(db, gateway.name, reference, merchant).id
        return {
            "outstanding": telling.outstanding(db),
            "calls": telling.listed(db, gateway.name, limit=_limit(), order=order),
        }


@blueprint.post("/<name>/calls/<int:call>/<any(replay, release):verb>")
def push_call(name: str, call: int, verb: str) -> ResponseReturnValue:
    """Send a call again, or send now what is held or not yet due."""
    gateway, here = named(name), running()
    act = telling.replay if verb == "replay" else telling.release
    with here.store.begin() as db:
        act(db, gateway.name, call, epoch=here.clock.epoch())
    here.courier.wake()
    return {"calls": [call]}


@blueprint.get("/<name>/requests")
def list_requests(name: str) -> ResponseReturnValue:
    """What the gateway's API was asked, and what it answered."""
    gateway = named(name)
    with running().store.begin() as db:
        return {"requests": desk.logged(db, gateway.name, limit=_limit())}


@blueprint.get("/<name>/faults")
def list_faults(name: str) -> ResponseReturnValue:
    """What is still to go wrong with the API."""
    gateway = named(name)
    with running().store.begin() as db:
        return {"faults": upsets.listed(db, gateway.name)}


@blueprint.post("/<name>/faults")
def plan_faults(name: str) -> ResponseReturnValue:
    """Spoil the next calls of the API."""
    gateway = named(name)
    with running().store.begin() as db:
        upsets.plan(db, gateway, asked())
        return {"faults": upsets.listed(db, gateway.name)}, 201


@blueprint.delete("/<name>/faults")
def clear_faults(name: str) -> ResponseReturnValue:
    """Behave again."""
    gateway = named(name)
    with running().store.begin() as db:
        upsets.clear(db, gateway.name)
        return {"faults": []}


@blueprint.get("/<name>/settlement")
def settlement(name: str) -> ResponseReturnValue:
    """The settlement file of a day; format csv (default), xlsx or json."""
    gateway, given = named(name), request.args
    told = given.get("faults")
    wanted = None if told is None else [each for each in told.split(",") if each]
    with running().store.begin() as db:
        settled = settling.of(
            db, gateway, merchants.only(db, gateway.name, given.get("merchant")),
            _day(given.get("date"), "date"),
            first=_day(given["from"], "from") if given.get("from") else None,
            asked=None if wanted is None else faults.parse(wanted, table=mischief.FILE),
        )  # fmt: skip
    kind = given.get("format", "csv")
    sheet = gateway.sheet(settled.shown)
    if kind == "json" or sheet is None:
        return settled.described()
    if kind not in {"csv", "xlsx"}:
        raise Refused("format phải là csv, xlsx hoặc json", "format must be csv, xlsx or json")
    body = sheet.csv() if kind == "csv" else sheet.xlsx()
    if faults.find(settled.faults, "truncated"):
        body = body[: int(len(body) * _CUT)]
    if faults.find(settled.faults, "html"):
        body = _HTML
    file = f"{gateway.name}_{settled.code}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    return Response(body, content_type=_TYPES[kind], headers=headers)


@blueprint.post("/<name>/settle")
def settle(name: str) -> ResponseReturnValue:
    """Pay the batch of a day into the merchant's bank account."""
    gateway, here = named(name), running()
    body = asks.parts(asked(), {"date", "from", "merchant", "faults", "at"})
    told = faults.parse(body.get("faults"), table=mischief.SETTLEMENT)
    with here.store.begin() as db:
        settled = settling.of(
            db, gateway, merchants.only(db, gateway.name, body.get("merchant")),
            _day(body.get("date"), "date"),
            first=_day(body["from"], "from") if body.get("from") else None, asked=told,
        )  # fmt: skip
        made = settling.pay(
            db, gateway, settled, at=asks.moment_of(body.get("at")), now=here.clock.now()
        )
    here.courier.wake()
    return made, 201


@blueprint.get("/<name>/batches")
def list_batches(name: str) -> ResponseReturnValue:
    """The batches that were paid."""
    gateway = named(name)
    with running().store.begin() as db:
        return {"batches": settling.batches(db, gateway.name)}


_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _order(db: sqlite3.Connection, gateway: Gateway, order: int) -> dict[str, Any]:
    found = checkout.by_id(db, order)
    return checkout.described(db, found) | {
        "refunds": [refunding.described(db, each) for each in refunding.of_order(db, found)],
        "calls": telling.listed(db, gateway.name, limit=_LIST_MAX, order=order),
    }


def _day(text: object, name: str) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise Refused(f"{name} phải dạng YYYY-MM-DD", f"{name} must be YYYY-MM-DD") from None


def _limit() -> int:
    return faults.whole(request.args.get("limit", "100"), "limit", 1, _LIST_MAX)
