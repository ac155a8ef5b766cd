"""The page of one gateway for people: the same verbs as the JSON door, pressed by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from simulator import (
    accounts,
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
from simulator.context import running
from simulator.errors import Refused
from simulator.gateway import ENDS, Gateway, Order, gateways
from simulator.hosted import named
from simulator.manual import GATEWAY_ROUTES
from simulator.numbers import grouped, typed_amount
from simulator.words import language, words

blueprint = Blueprint("gateway_bench", __name__)

_SHOWN = 40
_ENDINGS = ("pay", *ENDS)
Form = MultiDict[str, str]


def page(name: str, refusal: Refused | None = None) -> str:
    """The whole page of a gateway. Raises Refused for one that is not there."""
    gateway, here, chosen = named(name), running(), language(request.values.get("lang"))
    epoch = here.clock.epoch()
    with here.store.begin() as db:
        checkout.lapse(db, epoch=epoch)
        shown = {
            "merchants": merchants.listed(db, gateway.name),
            "accounts": accounts.listed(db, at=moment(epoch)),
            "orders": [
                _order(db, gateway, order)
                for order in checkout.listed(db, gateway.name, limit=_SHOWN)
            ],
            "upsets": upsets.listed(db, gateway.name),
            "batches": settling.batches(db, gateway.name),
            "requests": desk.logged(db, gateway.name, limit=_SHOWN),
            "outstanding": telling.outstanding(db),
        }
    return render_template(
        "gateway.html",
        w=words(chosen),
        lang=chosen,
        here=gateway.name,
        gateway=gateway,
        gateways=list(gateways().values()),
        now=moment(epoch),
        offset=int(here.clock.offset()),
        said=refusal and (refusal.en if chosen == "en" else refusal.vi),
        done=request.args.get("done", ""),
        form=request.form,
        endings=_ENDINGS if gateway.codes else [e for e in _ENDINGS if e != "fail"],
        order_faults=list(mischief.ORDER.values()),
        door_faults=list(mischief.DOOR.values()),
        file_faults=list(mischief.SETTLEMENT.values()),
        choices=faults.CHOICES,
        doors=gateway.door_names(),
        routes=GATEWAY_ROUTES,
        grouped=grouped,
        **shown,
    )


@blueprint.post("/page/gateway/<name>/<verb>")
def press(name: str, verb: str) -> ResponseReturnValue:
    """Do what a button says, then show the page anew; a refusal keeps what was typed."""
    gateway, act = named(name), _VERBS.get(verb)
    if act is None:
        raise Refused("Không có nút này", "There is no such button", status=404)
    try:
        with running().store.begin() as db:
            where = act(db, gateway, request.form)
    except Refused as refusal:
        return page(name, refusal), refusal.status
    running().courier.wake()
    chosen = language(request.values.get("lang"))
    return redirect(where or f"/?gateway={name}&lang={chosen}&done=1", 303)


def _order(db: sqlite3.Connection, gateway: Gateway, order: Order) -> Mapping[str, Any]:
    return {
        "order": order,
        "page": f"/{gateway.name}/checkout/{order.token}",
        "left": refunding.left(db, order),
        "refunds": refunding.every(db, order),
        "calls": telling.listed(db, gateway.name, limit=_SHOWN, order=order.id),
    }


def _end(db: sqlite3.Connection, gateway: Gateway, form: Form) -> str:
    epoch = running().clock.epoch()
    now = moment(epoch)
    checkout.lapse(db, epoch=epoch)
    order = checkout.found(db, gateway.name, form["reference"], form.get("merchant") or None)
    told, verb = _faults(form, "", mischief.ORDER), form.get("ending", "")
    if verb == "pay":
        amount = typed_amount(form["amount"]) if form.get("amount") else None
        checkout.pay(
            db, gateway, order, amount=amount, faults=told, late=bool(form.get("late")), now=now,
            epoch=epoch,
        )  # fmt: skip
    elif verb in ENDS:
        code = form.get("code", "") if verb == "fail" else ""
        checkout.end(db, gateway, order, ENDS[verb], code=code, faults=told, now=now, epoch=epoch)
    else:
        raise Refused("Hãy chọn cách kết thúc", "Choose an ending")
    return ""


def _sign_up(db: sqlite3.Connection, gateway: Gateway, form: Form) -> str:
    names = [key.name for key in gateway.keys]
    names += ["title", "notify_url", "account", "fee_bps", "fee_fixed"]
    body = {name: form[name].strip() for name in names if form.get(name, "").strip()}
    merchants.open_one(db, gateway, body, defaults=running().defaults)
    return ""


def _upset(db: sqlite3.Connection, gateway: Gateway, form: Form) -> str:
    asked = [fault.as_json() for fault in _faults(form, "d.", mischief.DOOR)]
    upsets.plan(
        db, gateway,
        {"faults": asked, "calls": form.get("calls", "1"), "door": form.get("door", "")},
    )  # fmt: skip
    return ""


def _clear(db: sqlite3.Connection, gateway: Gateway, _form: Form) -> str:
    upsets.clear(db, gateway.name)
    return ""


def _settle(db: sqlite3.Connection, gateway: Gateway, form: Form) -> str:
    told = _faults(form, "s.", mischief.SETTLEMENT)
    try:
        day = date.fromisoformat(form.get("date", ""))
    except ValueError:
        raise Refused("Hãy chọn ngày", "Choose a day") from None
    merchant = merchants.only(db, gateway.name, form.get("merchant"))
    if form.get("do") == "pay":
        settled = settling.of(db, gateway, merchant, day, asked=told)
        settling.pay(db, gateway, settled, at=None, now=running().clock.now())
        return ""
    where = f"/gateways/{gateway.name}/settlement?date={day}&merchant={quote(merchant.code)}"
    wanted = [fault for fault in told if fault.kind in mischief.FILE]
    names = ",".join(quote(_short(fault)) for fault in wanted)
    return f"{where}&format={form.get('do', 'csv')}" + (f"&faults={names}" if names else "")


def _refund(db: sqlite3.Connection, gateway: Gateway, form: Form) -> str:
    refund = refunding.found(db, gateway.name, form["reference"], form.get("merchant") or None)
    state = "done" if form.get("verb") == "settle" else "failed"
    refunding.end(db, refund, state, now=running().clock.now())
    return ""


def _charge_back(db: sqlite3.Connection, gateway: Gateway, form: Form) -> str:
    order = checkout.found(db, gateway.name, form["reference"], form.get("merchant") or None)
    left = refunding.left(db, order)
    refunding.charge_back(db, gateway, order, left, now=running().clock.now())
    return ""


def _call(db: sqlite3.Connection, gateway: Gateway, form: Form) -> str:
    act = telling.replay if form.get("verb") == "replay" else telling.release
    call = faults.whole(form.get("id", ""), "id", 1, asks.AMOUNT_MAX)
    act(db, gateway.name, call, epoch=running().clock.epoch())
    return ""


_VERBS: Mapping[str, Callable[[sqlite3.Connection, Gateway, Form], str]] = {
    "end": _end, "merchants": _sign_up, "upset": _upset, "clear": _clear, "settle": _settle,
    "refund": _refund, "chargeback": _charge_back, "call": _call,
}  # fmt: skip


def _faults(
    form: Form, prefix: str, table: Mapping[str, faults.FaultKind]
) -> tuple[faults.Fault, ...]:
    """The ticked faults with the options typed beside each; an unticked box is false."""
    asked: list[dict[str, object]] = []
    for name in form.getlist(f"{prefix}fault"):
        options = table[name].options if name in table else {}
        typed: dict[str, object] = {}
        for option, default in options.items():
            text = form.get(f"{prefix}{name}.{option}", "")
            if isinstance(default, bool):
                typed[option] = bool(text)
            elif text:
                typed[option] = text
        asked.append({"kind": name, **typed})
    return faults.parse(asked, table=table)


def _short(fault: faults.Fault) -> str:
    """The fault and its first option, as an address carries it."""
    first = next(iter(fault.options.values()), "")
    return f"{fault.kind}:{first}" if first != "" else fault.kind
