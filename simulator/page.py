"""The page for people: the same verbs as the JSON door, pressed by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from simulator import accounts, api, asks, bank, faults, gateway_bench, notices, store
from simulator.context import running
from simulator.errors import Refused
from simulator.gateway import gateways
from simulator.manual import ROUTES
from simulator.memo import SHAPES
from simulator.numbers import grouped, typed_amount
from simulator.sources import SOURCES
from simulator.statements import render
from simulator.words import language, words

blueprint = Blueprint("page", __name__)

_SHOWN = 60
_OWN = ("payout", "fee", "interest", "forgery")
Form = MultiDict[str, str]


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The whole page: the bank's, or a gateway's."""
    name = request.args.get("gateway")
    return gateway_bench.page(name) if name else _page()


@blueprint.get("/page/statement")
def statement() -> ResponseReturnValue:
    """To the file that the form asks for."""
    asked = request.args
    account = asks.our_number(asked.get("account"), "account")
    query = f"date={asked.get('date', '')}&format={asked.get('format', '')}"
    return redirect(f"/accounts/{account}/statement?{query}&faults={asked.get('faults', '')}")


@blueprint.post("/page/<verb>")
def press(verb: str) -> ResponseReturnValue:
    """Do what a button says, then show the page anew; a refusal keeps what was typed."""
    act = _VERBS.get(verb)
    if act is None:
        raise Refused("Không có nút này", "There is no such button", status=404)
    try:
        done = act(request.form)
    except Refused as refusal:
        return _page(refusal), refusal.status
    running().courier.wake()
    where = f"gateway={request.form['here']}&" if request.form.get("here") else ""
    return redirect(f"/?{where}lang={_language()}" + (f"&done={done}" if done else ""), 303)


def _page(refusal: Refused | None = None) -> str:
    here, chosen = running(), _language()
    with here.store.begin() as db:
        known = accounts.listed(db, at=here.clock.now())
        told = notices.listed(db, limit=_SHOWN)
        moved = [bank.found(db, n["posting"]) if n["posting"] else None for n in told]
        waiting = notices.outstanding(db)
    return render_template(
        "bench.html",
        w=words(chosen),
        lang=chosen,
        accounts=known,
        ledger=list(zip(told, moved, strict=True)),
        outstanding=waiting,
        now=here.clock.now(),
        offset=int(here.clock.offset()),
        said=refusal and (refusal.en if chosen == "en" else refusal.vi),
        done=request.args.get("done", ""),
        form=request.form,
        kinds=list(faults.FAULTS.values()),
        groups=list(dict.fromkeys(kind.group for kind in faults.FAULTS.values())),
        one_only=("amount", "memo", "row"),
        shapes=list(SHAPES),
        own=_OWN,
        formats=list(render.FORMATS),
        file_faults=render.FAULTS,
        routes=ROUTES,
        grouped=grouped,
        gateways=list(gateways().values()),
        here="",
        sources=list(SOURCES),
    )


def _transfer(form: Form) -> str:
    here = running()
    body = _filled(form, "qr_text", "to_account", "memo", "from_name", "shape")
    body |= {"amount": typed_amount(form["amount"])} if form.get("amount") else {}
    ask = asks.transfer({**body, "faults": _faults(form)})
    with here.store.begin() as db:
        posting = bank.transfer(db, ask, now=here.clock.now())
        api.heard(db, posting, now=here.clock.now())
        return str(posting)


def _own(form: Form) -> str:
    here, kind = running(), form.get("kind", "")
    if kind not in _OWN:
        raise Refused("Hãy chọn loại", "Choose a kind")
    typed = _filled(form, "account", "memo", "to_name")
    ask = asks.own({**typed, "amount": typed_amount(form.get("amount", ""))})
    with here.store.begin() as db:
        if kind == "forgery":
            notices.forge(db, ask.account, ask.amount, ask.memo, now=here.clock.now())
            return ""
        return str(bank.move_own(db, kind, ask, now=here.clock.now()))


def _reverse(form: Form) -> str:
    here = running()
    with here.store.begin() as db:
        return str(bank.reverse(db, _id(form), at=None, now=here.clock.now()))


def _replay(form: Form) -> str:
    with running().store.begin() as db:
        notices.replay(db, _id(form), now=running().clock.now())
    return ""


def _release(form: Form) -> str:
    with running().store.begin() as db:
        notices.release(db, _id(form), now=running().clock.now())
    return ""


def _open(form: Form) -> str:
    here = running()
    body: dict[str, Any] = _filled(form, "number", "holder")
    body["opening"] = typed_amount(form.get("opening") or "0")
    with here.store.begin() as db:
        accounts.open_one(db, body, at=here.clock.now())
    return ""


def _hook(form: Form) -> str:
    here = running()
    account = asks.our_number(form.get("account"), "account")
    with here.store.begin() as db:
        accounts.set_hook(
            db, account, _filled(form, "url", "secret", "source"), defaults=here.defaults
        )
    return ""


def _clock(form: Form) -> str:
    clock = running().clock
    by = form.get("by", "")
    clock.move(clock.offset() + int(by) if by in {"3600", "86400"} else 0.0)
    return ""


def _reset(_form: Form) -> str:
    with running().store.begin() as db:
        store.empty(db, keep_accounts=True)
    return ""


_VERBS: dict[str, Callable[[Form], str]] = {
    "transfer": _transfer, "own": _own, "reverse": _reverse, "replay": _replay,
    "release": _release, "open": _open, "hook": _hook, "clock": _clock, "reset": _reset,
}  # fmt: skip


def _faults(form: Form) -> list[dict[str, str]]:
    """The ticked faults, with the option typed beside each."""
    asked = []
    ticked = [form.get(f"only.{group}", "") for group in ("amount", "memo", "row")]
    for name in [*form.getlist("fault"), *filter(None, ticked)]:
        options = faults.FAULTS[name].options if name in faults.FAULTS else {}
        typed = {option: form.get(f"{name}.{option}", "") for option in options}
        asked.append({"kind": name, **{option: text for option, text in typed.items() if text}})
    return asked


def _filled(form: Form, *names: str) -> dict[str, Any]:
    return {name: form[name].strip() for name in names if form.get(name, "").strip()}


def _id(form: Form) -> int:
    return faults.whole(form.get("id", ""), "id", 1, asks.AMOUNT_MAX)


def _language() -> str:
    return language(request.values.get("lang"))
