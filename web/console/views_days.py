"""Business days on their way to being closed: what stands in the way, then two signatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ops import jobs
from payments import days
from payments.days import Checked
from payments.domain.calendar import business_day
from payments.domain.errors import DomainError, NotFound
from payments.domain.people import Permission
from payments.obstacles import Obstacle
from payments.queries import accounts, sheets, staff, takings
from payments.queries.sheets import Version
from payments.queries.takings import Signed
from reconciliation import day_sheets
from reconciliation.queries import daybook, nights, work
from web import context
from web.auth.marks import requires
from web.console import closing, figures
from web.console.answers import HOME, elsewhere, shell, whole, with_query
from web.console.pages import NOBODY, CorrectionRow, DayPage, Hand, Signature
from web.console.views_calendar import FIRST_YEAR
from web.language import Both, Language
from web.papers import day as papers
from web.papers import sheet_files
from web.problems import status_of

_DAYS: Final = f"{HOME}/days"
_DAY: Final = f"{_DAYS}/<shown>"
_MOST_DIGITS: Final = 6

_ASKED: Final = Both(
    "Đã gửi yêu cầu đối soát. Việc này chạy ngầm trong ít giây; tải lại trang để xem kết quả.",
    "The reconciliation was asked for. It runs in the background for a few seconds; reload the "
    "page to see the result.",
)
_CHECKED: Final = Both(
    "Bạn đã ký lập ngày này. Một người khác ký và khóa.",
    "You have signed this day first. Somebody else signs and locks it.",
)
_SIGNED: Final = Both("Đã ký và khóa ngày này.", "This day is signed and locked.")
_PREPARED: Final = Both(
    "Đã lập bảng chỉnh, chờ người thứ hai ký. Ngày vẫn khóa.",
    "The corrected sheet is prepared and waits for a second person. The day stays locked.",
)
_CORRECTED: Final = Both(
    "Đã ký bảng chỉnh. Các bảng trước vẫn được giữ nguyên.",
    "The corrected sheet is signed. The sheets before it are kept as they were.",
)
_NOTICES: Final = {
    "asked": _ASKED,
    "checked": _CHECKED,
    "signed": _SIGNED,
    "prepared": _PREPARED,
    "corrected": _CORRECTED,
}


@requires(Permission.READ)
def one(shown: str) -> ResponseReturnValue:
    """A business day: equation, ways, conditions, signatures."""
    day = _read(shown)
    with context.transaction() as db:
        page = _page(db, day, _NOTICES.get(request.args.get("done", "")))
    return whole(page)


@requires(Permission.RECONCILE)
def reconcile(shown: str) -> ResponseReturnValue:
    """Ask for the day's runs again, as while something stands in its way."""
    day, at = _read(shown), context.now()
    if day > business_day(at):
        raise NotFound()
    with context.transaction() as db:
        for account in accounts.bank_accounts(db):
            jobs.request_run(db, account.id, day, at=at)
    return elsewhere(with_query(f"{_DAYS}/{day}", done="asked"))


@requires(Permission.RECONCILE)
def check(shown: str) -> ResponseReturnValue:
    """Sign the day first: this person has checked it; another locks it."""
    day, at = _read(shown), context.now()
    return _done(day, "checked", lambda db: days.check(db, day, by=context.actor(), at=at))


@requires(Permission.CLOSE_DAY)
def sign(shown: str) -> ResponseReturnValue:
    """Sign the day and lock it for ever."""
    day, at = _read(shown), context.now()
    return _done(day, "signed", lambda db: day_sheets.sign(db, day, by=context.actor(), at=at))


@requires(Permission.RECONCILE)
def correct(shown: str) -> ResponseReturnValue:
    """Prepare a corrected sheet of a signed day; another person signs it."""
    day, at = _read(shown), context.now()
    reason = request.form.get("reason", "")
    return _done(
        day,
        "prepared",
        lambda db: days.prepare_correction(db, day, reason=reason, by=context.actor(), at=at),
    )


@requires(Permission.CLOSE_DAY)
def sign_correction(shown: str) -> ResponseReturnValue:
    """Sign a corrected sheet that somebody else prepared."""
    day, at = _read(shown), context.now()
    return _done(
        day,
        "corrected",
        lambda db: day_sheets.sign_correction(db, day, by=context.actor(), at=at),
    )


@requires(Permission.READ)
def export(shown: str) -> ResponseReturnValue:
    """A day's sheet as a file: a signed version, or as it stands now."""
    day = _read(shown)
    with context.transaction() as db:
        document = papers.of_day(
            db,
            day,
            version=_version(request.args.get("version")),
            language=Language.EN if request.args.get("language") == "en" else Language.VI,
            at=context.now(),
        )
    return sheet_files.answer(document, request.args.get("format", "xlsx"))


def _done(day: date, done: str, act: Callable[[Session], object]) -> ResponseReturnValue:
    """Do it and show the day; where it is refused, the day with the reason."""
    try:
        with context.transaction() as db:
            act(db)
    except DomainError as refused:
        why = Both(refused.vi, refused.en)
        with context.transaction() as db:
            page = _page(db, day, None, refused=why)
        return whole(page, status=status_of(type(refused)), here=f"{_DAYS}/{day}")
    return elsewhere(with_query(f"{_DAYS}/{day}", done=done))


def _page(db: Session, day: date, notice: Both | None, refused: Both | None = None) -> DayPage:
    at, who = context.now(), context.actor()
    obstacles, papers = days.obstacles(db, day, at=at), daybook.on_paper(db, day)
    stored, hands = takings.stored(db, day), days.checked(db, day)
    may_sign, why_not = _may_sign(stored, hands, obstacles)
    versions, unsigned = sheets.versions(db, day), stored.status != "signed_off"
    corrections = tuple(
        CorrectionRow(one.reason, name, one.prepared_at, one.prepared_by == who.id)
        for one, name in closing.waiting(db, day)
    )
    return DayPage(
        shell=shell(db, "days"),
        day=day,
        status=stored.status,
        equation=figures.equation(
            takings.places(db, day), work.named(db, day), days.unexplained(db, day)
        ),
        rows=tuple(closing.row(one) for one in daybook.ways(db, day)),
        accounts=closing.account_rows(papers),
        transit=closing.transit_rows(nights.in_transit(db, day), business_day(at)),
        checks=closing.checks(db, day, papers, at=at),
        signatures=_signatures(db, stored, hands, versions),
        sign_url=f"{_DAYS}/{day}/sign" if may_sign else "",
        why_not=refused or why_not,
        reconcile_url=f"{_DAYS}/{day}/reconcile"
        if obstacles and unsigned and who.may(Permission.RECONCILE) and day <= business_day(at)
        else "",
        check_url=f"{_DAYS}/{day}/check"
        if unsigned
        and not obstacles
        and not may_sign  # one thing to do on a page: who can lock the day locks it
        and who.may(Permission.RECONCILE)
        and not any(one.by == who.id for one in hands)
        else "",
        export_url=f"{_DAYS}/{day}/export?format=",
        sheets=closing.signed(db, day, versions, url=f"{_DAYS}/{day}"),
        corrections=corrections,
        correct_url=f"{_DAYS}/{day}/correct"
        if stored.status == "signed_off"
        and who.may(Permission.RECONCILE)
        and not any(one.own for one in corrections)
        else "",
        sign_correction_url=f"{_DAYS}/{day}/sign-correction"
        if who.may(Permission.CLOSE_DAY) and any(not one.own for one in corrections)
        else "",
        month_url=f"{_DAYS}?month={day:%Y-%m}",
        previous_url=f"{_DAYS}/{day - timedelta(days=1)}",
        next_url=f"{_DAYS}/{day + timedelta(days=1)}" if day < business_day(at) else "",
        notice=notice,
    )


def _may_sign(
    stored: Signed, hands: Sequence[Checked], obstacles: Sequence[Obstacle]
) -> tuple[bool, Both | None]:
    """Whether the reader may lock the day now, and why not."""
    who = context.actor()
    if stored.status == "signed_off":
        return False, None
    if obstacles:
        return False, Both(
            " ".join(one.vi for one in obstacles), " ".join(one.en for one in obstacles)
        )
    if not hands:
        return False, Both(
            "Chưa ai kiểm tra và ký lập ngày này.", "Nobody has checked this day and signed first."
        )
    if not who.may(Permission.CLOSE_DAY):
        return False, Both(
            "Chờ người có quyền chốt ngày, thường là kế toán trưởng.",
            "It waits for somebody who may close days, usually the chief accountant.",
        )
    if stored.reconciled_by == who.id or all(one.by == who.id for one in hands):
        return False, Both(
            "Bạn đã ký lập ngày này nên cần một người khác ký khóa.",
            "You signed this day first, so somebody else has to lock it.",
        )
    return True, None


def _signatures(
    db: Session, stored: Signed, hands: Sequence[Checked], versions: Sequence[Version]
) -> tuple[Signature, ...]:
    """Who signed first and who locked: as the sheet says once there is one."""
    you = context.actor().id
    first = [one for one in hands if one.by != you] or hands
    by, at = (first[0].by, first[0].at) if first else (None, None)
    if versions:
        by, at = versions[0].prepared_by, versions[0].prepared_at
    names = staff.names(db, [by, stored.signed_by])

    def hand(who: UUID | None, at: datetime | None) -> Hand:
        return Hand(names.get(who, ""), at, who == you) if who is not None else NOBODY

    return (
        Signature("maker", hand(by, at)),
        Signature("chief", hand(stored.signed_by, stored.signed_at)),
    )


def _version(asked: str | None) -> int | None:
    if asked is None:
        return None
    if not asked.isdecimal() or len(asked) > _MOST_DIGITS:
        raise NotFound()
    return int(asked)


def _read(shown: str) -> date:
    try:
        day = date.fromisoformat(shown)
    except ValueError:
        raise NotFound() from None
    if day.year < FIRST_YEAR:
        raise NotFound()
    return day


ROUTES: Final = (
    ("GET", _DAY, one),
    ("POST", f"{_DAY}/reconcile", reconcile),
    ("POST", f"{_DAY}/check", check),
    ("POST", f"{_DAY}/sign", sign),
    ("POST", f"{_DAY}/correct", correct),
    ("POST", f"{_DAY}/sign-correction", sign_correction),
    ("GET", f"{_DAY}/export", export),
)
