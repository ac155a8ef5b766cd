"""The gateways' own addresses: every call is one transaction, logged, and spoiled if asked.

What a gateway answers is decided in its module; here are Flask, the log and the faults.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from simulator import checkout, upsets
from simulator.clock import moment
from simulator.context import Running, running
from simulator.faults import Fault
from simulator.gateway import Answer, Call, Door, Gateway

_LOGGED = 4000  # characters of a body or an answer


def blueprint(gateway: Gateway) -> Blueprint:
    """The gateway's doors under its name."""
    made = Blueprint(f"desk-{gateway.name}", __name__, url_prefix=f"/{gateway.name}")
    for door in gateway.doors:
        view = _view(gateway, door)
        name = f"{door.method} {door.path}".replace(".", "-")
        made.add_url_rule(door.path, name, view, methods=[door.method])
    return made


def logged(db: sqlite3.Connection, gateway: str, *, limit: int) -> list[dict[str, Any]]:
    """The newest calls of the gateway's API and what it answered."""
    rows = db.execute(
        "SELECT * FROM request_log WHERE gateway = ? ORDER BY id DESC LIMIT ?", (gateway, limit)
    )
    names = ("id", "door", "at", "asked", "status", "answer", "fault")
    return [{name: row[name] for name in names} for row in rows.fetchall()]


def _view(gateway: Gateway, door: Door) -> Callable[..., ResponseReturnValue]:
    def act(**path: str) -> ResponseReturnValue:
        here = running()
        call = _call(gateway, here, path)
        with here.store.begin() as db:
            checkout.lapse(db, epoch=call.epoch)
            name = door.called(call)
            upset = upsets.take(db, gateway.name, name)
            acted = upset is None or upsets.acts(upset)
            answer = door.act(db, call) if acted else None
            _log(db, gateway, name, call, answer, upset)
        if answer is not None and answer.after is not None:
            answer = answer.after(here.store)
        here.courier.wake()
        response = None if answer is None else _response(gateway, answer)
        return response if upset is None and response else upsets.spoil(_known(upset), response)

    return act


def _known(upset: Fault | None) -> Fault:
    if upset is None:
        raise AssertionError("a call that is not upset acts")
    return upset


def _call(gateway: Gateway, here: Running, path: Mapping[str, str]) -> Call:
    body: Any = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    epoch = here.clock.epoch()
    return Call(
        body=body if isinstance(body, dict) and _is_text(body) else None,
        query=request.args.to_dict(),
        headers={name.lower(): value for name, value in request.headers.items()},
        path=path,
        now=moment(epoch),
        epoch=epoch,
        base=f"{request.host_url}{gateway.name}",
    )


def _is_text(body: Mapping[str, Any]) -> bool:
    """JSON can write half a character, which no text can hold."""
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _response(gateway: Gateway, answer: Answer) -> Response:
    if answer.page:
        made = redirect(f"/{gateway.name}/checkout/{answer.page}", 302)
        return Response(made.get_data(), made.status_code, made.headers)
    if answer.problem is not None:
        code, vi, en = answer.problem
        page = render_template("problem.html", label=gateway.label, code=code, vi=vi, en=en)
        return Response(page, answer.status, content_type="text/html; charset=utf-8")
    text = json.dumps(answer.json, ensure_ascii=False)
    return Response(text, answer.status, content_type="application/json; charset=utf-8")


def _log(
    db: sqlite3.Connection,
    gateway: Gateway,
    door: str,
    call: Call,
    answer: Answer | None,
    upset: Fault | None,
) -> None:
    asked = call.body if call.body else {**call.query, **call.path}
    said: object = None
    if answer is not None:
        said = answer.json or answer.problem or {"page": answer.page}
    db.execute(
        "INSERT INTO request_log (gateway, door, at, asked, status, answer, fault)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            gateway.name, door, call.now.isoformat(),
            json.dumps(asked, ensure_ascii=False, default=str)[:_LOGGED],
            None if answer is None else answer.status,
            json.dumps(said, ensure_ascii=False)[:_LOGGED], upset.kind if upset else "",
        ),
    )  # fmt: skip
