"""Doors to other ways to pay: choose one, go there, come back, wait for the truth.

Coming back never books anything: it has the gateway asked, and shows what it said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ops import calling
from payments import channels, inquiries
from payments.domain import ids
from payments.domain.errors import Conflict, DomainError, Invalid, NotFound
from payments.domain.gateway import Gateway
from payments.domain.people import SERVICE
from payments.queries import orders as reads
from payments.queries import portal, standing
from payments.queries.orders import Attempt
from web import context
from web.auth import links
from web.auth.marks import public
from web.language import Both
from web.portal import answers, ways

_BY_LINK: Final = "the secret in the link opens this one order"
_OWED: Final = frozenset({"awaiting", "part_paid", "confirming"})


@public(_BY_LINK)
def choose(token: str) -> ResponseReturnValue:
    """Every way to pay this order, with limits and fees."""
    return _choice(token, chosen=request.args.get("way", ways.QR)[:20])


@public(_BY_LINK)
def begin(token: str) -> ResponseReturnValue:
    """Begin a try at the chosen gateway and send the payer there."""
    chosen = request.form.get("way", "")[:20]
    if chosen == ways.QR:
        return answers.elsewhere(f"/pay/{token}")
    runtime = context.runtime()
    gateway = runtime.gateways.get(chosen)
    if gateway is None:
        return _choice(token, error=_pick_one(), status=422)
    try:
        with links.transaction(token) as (db, order_id):
            places = calling.places(
                db, runtime, order_id, chosen,
                payer_address=request.remote_addr or "", language=answers.language(),
            )  # fmt: skip
            biller_id = portal.biller_id(db)
            trying = calling.begin(db, order_id, gateway, places, by=SERVICE, at=context.now())
    except (Conflict, Invalid) as error:
        return _choice(token, chosen=chosen, error=_words(error), status=409)
    calling.call(runtime, biller_id, trying)
    shown = ids.shown("att", trying.started.id)
    return answers.elsewhere(f"/pay/{token}/tries/{shown}?go=1")


@public(_BY_LINK)
def trying(token: str, shown: str) -> ResponseReturnValue:
    """One try: on the way to the gateway, waiting for the truth, or over."""
    with links.transaction(token) as (db, order_id):
        found = _attempt(db, order_id, shown)
        seen = portal.page(db, order_id)
    if found.status == "succeeded" or not seen.standing.owed:
        # Paid by whatever channel: nobody is sent to pay once more.
        return answers.elsewhere(f"/pay/{token}")
    visit = answers.visit(token)
    page = ways.tried(seen, found, visit, going="go" in request.args)
    response = answers.whole(page)
    if page.stage == "going":
        # Not a redirect of the form: the browser would hold that against `form-action 'self'`.
        response.headers["Refresh"] = f"0;url={page.go_url}"
    return response


@public(_BY_LINK)
def try_status(token: str, shown: str) -> ResponseReturnValue:
    """Whether anything has moved; asked every few seconds."""
    with links.transaction(token) as (db, order_id):
        found = _attempt(db, order_id, shown)
        owed = standing.of_order(db, order_id).owed
    strip = ways.strip(found, answers.visit(token), settled=not owed)
    return answers.part(strip, f"{strip.state}:{answers.language()}")


@public(_BY_LINK)
def back(token: str, gateway: str) -> ResponseReturnValue:
    """The payer's browser comes back: have the gateway asked soon, and wait for what it says.

    Nothing in the address is believed.
    """
    with links.transaction(token) as (db, order_id):
        tries = [one for one in reads.attempts_of(db, order_id) if one.gateway == gateway]
        if tries and tries[-1].status in ways.WAITING:
            inquiries.returned(db, tries[-1].id, at=context.now())
    if not tries:
        return answers.elsewhere(f"/pay/{token}")
    return answers.elsewhere(f"/pay/{token}/tries/{ids.shown('att', tries[-1].id)}")


def has_any(db: Session) -> bool:
    """Whether this biller offers more than a bank transfer."""
    gateways = context.runtime().gateways
    return any(one.enabled and one.gateway in gateways for one in channels.listed(db))


def _choice(
    token: str, *, chosen: str = ways.QR, error: Both | None = None, status: int = 200
) -> Response:
    with links.transaction(token) as (db, order_id):
        seen = portal.page(db, order_id)
        offered = _offered(db)
    visit = answers.visit(token)
    if seen.standing.status(visit.now) not in _OWED or not seen.standing.due:
        return answers.elsewhere(f"/pay/{token}")
    found = ways.options(seen.standing.due, offered)
    page = ways.choice(seen, found, visit, chosen=chosen, error=error)
    return answers.whole(page, has_form=True, status=status)


def _offered(db: Session) -> Sequence[tuple[Gateway, Mapping[str, str]]]:
    found = []
    for channel in channels.listed(db):
        gateway = context.runtime().gateways.get(channel.gateway)
        settings = channels.settings_of(db, channel.gateway)
        if gateway is not None and settings is not None:
            found.append((gateway, settings))
    return found


def _attempt(db: Session, order_id: UUID, shown: str) -> Attempt:
    found = reads.attempt_of(db, ids.read("att", shown))
    if found.order_id != order_id:
        raise NotFound()
    return found


def _words(error: DomainError) -> Both:
    return Both(error.vi, error.en)


def _pick_one() -> Both:
    return Both("Hãy chọn một cách trả trong danh sách.", "Choose one of the ways listed.")


ROUTES: Final = (
    ("GET", "/pay/<token>/ways", choose),
    ("POST", "/pay/<token>/ways", begin),
    ("GET", "/pay/<token>/tries/<shown>", trying),
    ("GET", "/pay/<token>/tries/<shown>/status", try_status),
    ("GET", "/pay/<token>/back/<gateway>", back),
)
"""Every door: method, rule, view."""
