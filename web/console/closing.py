"""A day's close on its page: the conditions before it, the ways, the sheets that were signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from payments import days
from payments.domain.calendar import business_day
from payments.domain.money import Money, grouped
from payments.obstacles import failed_runs
from payments.queries import sheets, staff
from payments.queries.sheets import Version
from reconciliation.queries import work
from reconciliation.queries.daybook import OnPaper, Way
from reconciliation.queries.nights import InTransit
from web.console import figures
from web.console.answers import HOME
from web.console.pages import AccountRow, Check, DayRow, Hand, SheetRow, TransitRow
from web.language import Both


def checks(db: Session, day: date, papers: Sequence[OnPaper], *, at: datetime) -> tuple[Check, ...]:
    """Every condition before the signature, met or not, each with what to do about it."""
    over = business_day(at) > day
    found = [
        Check(
            over,
            Both("Ngày đã kết thúc", "The day is over")
            if over
            else Both("Ngày chưa kết thúc", "The day is not over yet"),
        )
    ]
    found += [_statement(one) for one in papers]
    found += [
        Check(
            False,
            Both(
                f"Chưa có sao kê đầy đủ của tài khoản {number}",
                f"There is no complete statement of account {number}",
            ),
            f"{HOME}/statements",
        )
        for number in days.missing_statements(db, day)
    ]
    found.append(_lines(days.lines_waiting(db, day)))
    found += [Check(False, Both(one.vi, one.en)) for one in failed_runs(db, day)]
    found.append(_unexplained(figures.unexplained(days.unexplained(db, day))))
    waiting, unowned, amount = work.carried(db, day)
    if waiting:
        found.append(_carried(waiting, unowned, amount))
    return tuple(found)


def row(way: Way) -> DayRow:
    """One way of the day: what was collected against what a gateway reports of it, and what a
    statement shows."""
    missing = way.collected - way.arrived
    if way.reported is not None:
        # What the gateway has not reported yet; once it has, what of it has not come.
        missing = way.collected - way.reported or way.reported - way.fees - way.arrived
    outcome = "timing" if missing else "received_unapplied" if way.held else "matched"
    return DayRow(
        way=way.gateway,
        orders=way.payments,
        collected=way.collected,
        reported=way.reported,
        fees=way.fees,
        arrived=way.arrived,
        outcome=outcome,
        difference=missing or way.held,
    )


def account_rows(found: Sequence[OnPaper]) -> list[AccountRow]:
    """Every bank account of the day against its statement."""
    return [
        AccountRow(
            account=one.account_number,
            last_day=one.last_day,
            opening=one.opening,
            credits=one.credits,
            debits=one.debits,
            closing=one.closing,
            ledger=one.ledger,
        )
        for one in found
    ]


def transit_rows(found: Sequence[InTransit], today: date) -> list[TransitRow]:
    """What is on its way, by when it should have come."""
    return [
        TransitRow(one.expected_on, one.way, one.count, one.amount, one.expected_on < today)
        for one in found
    ]


def signed(db: Session, day: date, found: Sequence[Version], *, url: str) -> list[SheetRow]:
    """The signed sheets of a day, the latest first. url: of the day's page."""
    names = staff.names(db, [who for one in found for who in (one.prepared_by, one.signed_by)])
    return [
        SheetRow(
            version=one.version,
            sha256=one.sha256.hex(),
            seal_number=one.seal_number,
            seal_root=one.seal_root.hex() if one.seal_root is not None else "",
            reason=one.reason or "",
            prepared=Hand(names.get(one.prepared_by, ""), one.prepared_at),
            signed=Hand(names.get(one.signed_by, ""), one.signed_at),
            url=f"{url}/export?version={one.version}&format=",
        )
        for one in reversed(found)
    ]


def waiting(db: Session, day: date) -> list[tuple[sheets.Prepared, str]]:
    """Corrections that wait for a signature, each with the name of who prepared it."""
    found = sheets.prepared(db, day)
    names = staff.names(db, [one.prepared_by for one in found])
    return [(one, names.get(one.prepared_by, "")) for one in found]


def _statement(one: OnPaper) -> Check:
    opening, came, went, closing = map(
        grouped, (one.opening, one.credits, abs(one.debits), one.closing)
    )
    return Check(
        True,
        Both(
            f"Sao kê {one.account_number} đủ: đầu kỳ {opening} + có {came} \u2212 nợ {went}"
            f" = cuối kỳ {closing}",
            f"Statement of {one.account_number} complete: opening {opening} + credits {came}"
            f" \u2212 debits {went} = closing {closing}",
        ),
    )


def _lines(waiting: int) -> Check:
    if not waiting:
        return Check(
            True, Both("Mọi dòng sao kê đã đối soát", "Every statement line is reconciled")
        )
    return Check(
        False,
        Both(
            f"Còn {waiting} dòng sao kê chưa đối soát",
            f"Statement lines that are not reconciled: {waiting}",
        ),
    )


def _unexplained(amount: int) -> Check:
    if not amount:
        return Check(
            True,
            Both("Không còn đồng nào chưa giải thích", "Not one đồng is unexplained"),
        )
    return Check(
        False,
        Both(f"Còn {Money(amount)} chưa giải thích", f"{Money(amount)} are not explained"),
        "#gaps",
    )


def _carried(waiting: int, unowned: int, amount: int) -> Check:
    """Named money does not keep a day open, but each needs somebody who sees to it."""
    sum_ = Money(amount)
    if not unowned:
        return Check(
            True,
            Both(
                f"{waiting} chênh lệch ({sum_}) chuyển sang ngày sau, đều có người xử lý",
                f"Discrepancies carried over: {waiting} ({sum_}), each with an owner",
            ),
            f"{HOME}/discrepancies",
        )
    return Check(
        False,
        Both(
            f"{waiting} chênh lệch ({sum_}) chuyển sang ngày sau, {unowned} chưa ai nhận",
            f"Discrepancies carried over: {waiting} ({sum_}), not taken by anybody: {unowned}",
        ),
        f"{HOME}/discrepancies?owner=nobody",
    )
