"""The payment page of an order, as a payer's browser sees it.

Pay, cancel, fail with a chosen code, let it expire: then the browser goes back to the merchant
with the gateway's signed result. Closing it leaves the order open and sends nobody anywhere.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from simulator import checkout, merchants
from simulator.clock import moment
from simulator.context import running
from simulator.errors import Refused
from simulator.gateway import ENDS, PENDING, UNDERPAID, Gateway, gateways

blueprint = Blueprint("hosted", __name__)

_OPEN = {PENDING, UNDERPAID}


def named(name: str) -> Gateway:
    """The gateway of this name. Raises Refused."""
    found = gateways().get(name)
    if found is None:
        known = ", ".join(gateways())
        raise Refused(
            f"Không có cổng {name}; có: {known}", f"No gateway {name}; known: {known}", status=404
        )
    return found


@blueprint.get("/<name>/checkout/<token>")
def show(name: str, token: str) -> ResponseReturnValue:
    """The page of an order that is open, or how it ended."""
    return _page(named(name), token)


@blueprint.post("/<name>/checkout/<token>/<any(pay, cancel, fail, expire, close):verb>")
def press(name: str, token: str, verb: str) -> ResponseReturnValue:
    """What the payer does."""
    gateway, here = named(name), running()
    epoch = here.clock.epoch()
    now = moment(epoch)
    if verb == "close":
        return _page(gateway, token, closed=True)
    with here.store.begin() as db:
        checkout.lapse(db, epoch=epoch)
        order = checkout.by_token(db, name, token)
        if order.state in _OPEN:
            if verb == "pay":
                order = checkout.pay(db, gateway, order, now=now, epoch=epoch)
            else:
                code = request.form.get("code", "") if verb == "fail" else ""
                order = checkout.end(
                    db, gateway, order, ENDS[verb], code=code, now=now, epoch=epoch
                )
        merchant = merchants.found(db, name, order.merchant)
        where = gateway.back(merchant, order, checkout.last_payment(db, order))
    here.courier.wake()
    return redirect(where, 303)


def _page(gateway: Gateway, token: str, *, closed: bool = False) -> ResponseReturnValue:
    here = running()
    epoch = here.clock.epoch()
    with here.store.begin() as db:
        checkout.lapse(db, epoch=epoch)
        order = checkout.by_token(db, gateway.name, token)
        merchant = merchants.found(db, gateway.name, order.merchant)
        payment = checkout.last_payment(db, order)
    language = request.args.get("lang", order.language)
    text = render_template(
        "checkout.html",
        lang="en" if language == "en" else "vi",
        gateway=gateway,
        merchant=merchant,
        order=order,
        closed=closed,
        back="" if order.state in _OPEN else gateway.back(merchant, order, payment),
        until=order.expires_at and moment(order.expires_at),
        amount=f"{order.amount:,}".replace(",", "."),
        more=gateway.page_parts(merchant, order),
    )
    # The answer to the form sends the browser back to the merchant: only there may it go.
    where = urlsplit(order.return_url)
    policy = (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none';"
        f" form-action 'self' {where.scheme}://{where.netloc}"
    )
    return Response(text, headers={"Content-Security-Policy": policy})
