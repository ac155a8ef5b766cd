"""The sheet that is signed at a day's close, and the conditions before it.

The sheet is JSON with sorted names and whole đồng, so that the same figures are the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from payments import days, sealing
from payments.domain.calendar import business_day
from payments.domain.money import Money, grouped
from payments.queries import takings
from reconciliation.queries import daybook, work
from reconciliation.queries.daybook import OnPaper, Way
from web.console import figures
from web.console.answers import HOME
from web.console.pages import Check, DayRow
from web.language import Both


def sheet(db: Session, day: date) -> dict[str, Any]:
    """The figures of a day as they are signed: sums, comparisons, statements, the latest seal."""
    places = takings.places(db, day)
    waiting, _, at_risk = work.carried(db, day)
    seal = sealing.latest(db)
    return {
        "day": day.isoformat(),
        "currency": "VND",
        "received": places.received,
        "applied": places.applied,
        "credit": places.credit,
        "refunded": places.refunded,
        "named": work.named(db, day),
        "unexplained": figures.unexplained(days.unexplained(db, day)),
        "comparisons": [
            {
                "component": one.component,
                "subject": one.subject,
                "expected": one.expected,
                "found": one.found,
            }
            for one in days.unexplained(db, day)
        ],
        "ways": [
            {
                "way": one.gateway,
                "payments": one.payments,
                "collected": one.collected,
                "reported": one.reported,
                "fees": one.fees,
                "arrived": one.arrived,
            }
            for one in daybook.ways(db, day)
        ],
        "statements": [_paper(one) for one in daybook.on_paper(db, day)],
        "discrepancies": {"open": waiting, "amount": at_risk},
        "seal": None
        if seal is None
        else {
            "number": seal.seal.number,
            "root": seal.seal.root.hex(),
            "chained": seal.seal.chained().hex(),
            "sealed_at": seal.seal.sealed_at.isoformat(),
        },
    }


def canonical(totals: Mapping[str, Any]) -> str:
    """The sheet as text: names sorted, no blanks."""
    return json.dumps(totals, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def checks(db: Session, day: date, *, at: datetime) -> tuple[Check, ...]:
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
    found += [_statement(one) for one in daybook.on_paper(db, day)]
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
    found.append(_lines(daybook.lines_waiting(db, day)))
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


def _paper(one: OnPaper) -> dict[str, Any]:
    return {
        "account": one.account_number,
        "last_day": one.last_day.isoformat(),
        "opening": one.opening,
        "credits": one.credits,
        "debits": one.debits,
        "closing": one.closing,
    }


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
