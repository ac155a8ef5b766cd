"""What to say after something was done: by the reader a page ago, or by somebody else meanwhile.

No I/O.
"""

from __future__ import annotations

from datetime import datetime

from payments.domain.calendar import HANOI
from payments.domain.money import Money
from payments.domain.people import Actor
from reconciliation.queries.case import Case
from web.language import Both


def meanwhile(case: Case, reader: Actor) -> Both | None:
    """What somebody else did to it while the reader was looking; None if it was nobody else."""
    if case.status == "auto_resolved":
        return Both(
            f"Khoản này vừa tự khớp lúc {_clock(case.resolved_at)}.",
            f"It cleared by itself at {_clock(case.resolved_at)}.",
        )
    last = case.history[-1] if case.history else None
    if last is None or last.by == reader.name:
        return None
    if case.status == "resolved":
        return Both(
            f"{last.by} đã xử lý xong khoản này lúc {_clock(last.at)}.",
            f"{last.by} resolved it at {_clock(last.at)}.",
        )
    if case.status in ("proposed", "approved"):
        return Both(
            f"{last.by} đã gửi đề nghị lúc {_clock(last.at)}.",
            f"{last.by} made a proposal at {_clock(last.at)}.",
        )
    return None


def just_done(case: Case) -> Both | None:
    """What has become of the one that was decided on the page before."""
    amount = Money(case.amount)
    if case.status in ("proposed", "approved"):
        return Both(f"Đã gửi duyệt {amount}.", f"{amount} sent for approval.")
    if case.status == "resolved":
        return Both(f"Đã xử lý {amount}, đã ghi sổ.", f"{amount} resolved and booked.")
    if case.status == "open" and case.history and case.history[-1].what == "refused":
        return Both(f"Đã từ chối đề nghị {amount}.", f"The proposal of {amount} was refused.")
    return None


def _clock(at: datetime | None) -> str:
    return f"{at.astimezone(HANOI):%H:%M}" if at is not None else ""
