"""Sign-in: a password, six digits, then a biller. No answer says which part was wrong."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue

from ops import logs
from payments import access, audit
from payments.access import Locked, SignedIn
from payments.domain import ids
from payments.domain.errors import DomainError
from payments.queries import staff as people
from web import context
from web.auth import staff
from web.auth.marks import public
from web.console.answers import HOME, elsewhere, whole, with_query
from web.console.pages import BillerChoice, BillerPage, SignInPage
from web.language import Both
from web.pages import FieldError
from web.problems import NeedsSignIn

log = logs.logger(__name__)

SIGN_IN: Final = f"{HOME}/sign-in"
_CODE: Final = f"{SIGN_IN}/code"
_BILLER: Final = f"{HOME}/biller"
_FIRST_STEP: Final = "a right password lets nobody in: the second step follows"
_SECOND_STEP: Final = "only after a right password in this browser; the six digits are checked"
_NO_BILLER_YET: Final = "asks for a running session itself: there is no biller yet"
_LONGEST: Final = 500

_WRONG: Final = FieldError(
    "", Both("Thư điện tử hoặc mật khẩu chưa đúng.", "The e-mail or the password is not right.")
)
_WRONG_CODE: Final = FieldError(
    "code",
    Both(
        "Mã chưa đúng hoặc đã dùng. Chờ mã kế tiếp rồi thử lại.",
        "The code is not right or was used. Wait for the next one and try again.",
    ),
)


@public("the form itself; nothing is known yet")
def sign_in_form() -> ResponseReturnValue:
    """Where the password is typed."""
    if staff.signed_in() is not None:
        return elsewhere(_next())
    return whole(SignInPage("password", SIGN_IN, next_url=_next()))


@public(_FIRST_STEP)
def sign_in() -> ResponseReturnValue:
    """The first step."""
    email = request.form.get("email", "").strip()[:_LONGEST]
    password = request.form.get("password", "")[:_LONGEST]
    locked: datetime | None = None
    with context.transaction_of(None) as db:
        try:
            staff_id = access.check_password(db, email, password, at=context.now())
        except Locked as error:
            staff_id, locked = None, error.until
    if locked is not None:
        return _locked(locked)
    if staff_id is None:
        log.warning("staff.password_refused")
        page = SignInPage("password", SIGN_IN, email, (_WRONG,), next_url=_next())
        return whole(page, status=403, here=SIGN_IN)
    staff.remember_first_step(staff_id)
    return elsewhere(_onward(_CODE))


@public(_SECOND_STEP)
def code_form() -> ResponseReturnValue:
    """Where the six digits are typed."""
    staff_id = staff.first_step()
    return _start_again() if staff_id is None else _code_page(staff_id)


@public(_SECOND_STEP)
def enter_code() -> ResponseReturnValue:
    """The second step: a session begins."""
    staff_id = staff.first_step()
    if staff_id is None:
        return _start_again()
    code = "".join(request.form.get("code", "")[:_LONGEST].split())
    locked: datetime | None = None
    right = False
    with context.transaction_of(None) as db:
        try:
            right = access.check_code(db, staff_id, code, at=context.now())
        except Locked as error:
            locked = error.until
    if locked is not None:
        return _locked(locked)
    if not right:
        log.warning("staff.code_refused", staff=str(staff_id))
        return _code_page(staff_id, (_WRONG_CODE,), status=403)
    found = _billers(staff_id)
    first = _first_biller(staff_id)
    only = len(found) == 1 and found[0][0] == first  # a session begins there by itself
    response = elsewhere(_next() if only else _onward(_BILLER))
    staff.start(response, staff_id)
    for biller_id, _, role in found:
        who = SignedIn(staff_id, "", biller_id, role).actor
        with context.transaction_of(biller_id) as db:
            shown = ids.shown("stf", staff_id)
            audit.note(db, "staff.sign_in", shown, by=who, at=context.now())
    return response


@public(_NO_BILLER_YET)
def biller_form() -> ResponseReturnValue:
    """Which biller to work for."""
    found = _signed_in()
    choices = tuple(
        BillerChoice(ids.shown("bil", biller_id), name, role)
        for biller_id, name, role in _billers(found.staff_id)
    )
    return whole(BillerPage(found.name, choices, _BILLER, f"{HOME}/sign-out", _next()))


@public(_NO_BILLER_YET)
def choose_biller() -> ResponseReturnValue:
    """Go on at another biller."""
    staff.choose_biller(ids.read("bil", request.form.get("biller", "")))
    return elsewhere(_next())


@public("ends whatever session there is")
def sign_out() -> ResponseReturnValue:
    """Sign out."""
    response = elsewhere(SIGN_IN)
    staff.end(response)
    return response


def to_sign_in(_: DomainError) -> ResponseReturnValue:
    """Nobody is signed in, or not any more: sign in, then go on where one was going."""
    here = request.full_path.rstrip("?") if request.method == "GET" else ""
    return elsewhere(with_query(SIGN_IN, next=here if here != HOME else ""))


def _signed_in() -> SignedIn:
    found = staff.signed_in()
    if found is None:
        raise NeedsSignIn()
    return found


def _code_page(
    staff_id: UUID, errors: tuple[FieldError, ...] = (), *, status: int = 200
) -> ResponseReturnValue:
    with context.transaction_of(None) as db:
        email = people.email(db, staff_id)
    page = SignInPage("code", _CODE, email, errors, start_url=SIGN_IN, next_url=_next())
    return whole(page, status=status, here=_CODE)


def _locked(until: datetime) -> ResponseReturnValue:
    log.warning("staff.locked_out")
    page = SignInPage("password", SIGN_IN, locked_until=until, start_url=SIGN_IN)
    return whole(page, status=403, here=SIGN_IN)


def _start_again() -> ResponseReturnValue:
    return elsewhere(_onward(SIGN_IN))


def _billers(staff_id: UUID) -> list[tuple[UUID, str, str]]:
    """(biller, name, role) of every biller where this person has a role now."""
    with context.transaction_of(None) as db:
        candidates = access.billers_of(db, staff_id)
    found = []
    for biller_id in candidates:
        with context.transaction_of(biller_id) as db:
            role = access.role_here(db, staff_id)
            if role is not None:
                found.append((biller_id, access.biller_name(db), role))
    return found


def _first_biller(staff_id: UUID) -> UUID | None:
    with context.transaction_of(None) as db:
        return next(iter(access.billers_of(db, staff_id)), None)


def _onward(url: str) -> str:
    """The address of a step, that still knows where to go on afterwards."""
    after = _next()
    return with_query(url, next=after if after != HOME else "")


def _next() -> str:
    """Where to go on: a page of the console and nothing else."""
    asked = request.values.get("next", "")
    inside = asked == HOME or asked.startswith((f"{HOME}/", f"{HOME}?"))
    safe = asked.isprintable() and "\\" not in asked and not asked.startswith(SIGN_IN)
    return asked if inside and safe else HOME


ROUTES: Final = (
    ("GET", SIGN_IN, sign_in_form),
    ("POST", SIGN_IN, sign_in),
    ("GET", _CODE, code_form),
    ("POST", _CODE, enter_code),
    ("GET", _BILLER, biller_form),
    ("POST", _BILLER, choose_biller),
    ("POST", f"{HOME}/sign-out", sign_out),
)
LIMITED: Final = (sign_in, enter_code)
"""Views whose calls are counted by address: guessing is slow, whoever is guessed."""
