"""Rows of the work queue, and its filters, which live in the address. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask import request

from payments.domain import ids
from payments.domain.calendar import HANOI
from reconciliation.queries import work
from reconciliation.queries.work import Waiting
from web.console.pages import QueueRow
from web.console.showing import url_of
from web.language import Both
from web.pages import Choice
from web.words import WORDS, word

OVERDUE: Final = timedelta(days=2)
"""From this age on a discrepancy is marked: the second working day is over."""

_STATES: Final = {
    "open": Both("Mọi việc đang chờ", "Everything that waits"),
    "mine": Both("Của tôi", "Mine"),
    "nobody": Both("Chưa ai nhận", "Not taken"),
    "proposed": Both("Chờ duyệt", "Awaiting approval"),
    "done": Both("Đã xử lý", "Resolved"),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What the address narrows the queue to; unknown words narrow nothing."""

    kind: str = ""
    owner: str = "open"

    @classmethod
    def of_request(cls) -> Filter:
        """As the address says."""
        kind, owner = request.args.get("kind", ""), request.args.get("owner", "")
        return cls(kind if kind in WORDS["kind"] else "", owner if owner in work.STATES else "open")

    @property
    def on(self) -> bool:
        """Whether anything is left out."""
        return bool(self.kind) or self.owner != "open"

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The same as names and values for a link."""
        owner = "" if self.owner == "open" else self.owner
        return tuple(
            (name, value) for name, value in (("kind", self.kind), ("owner", owner)) if value
        )

    def owners(self) -> tuple[Choice, ...]:
        """The choices of the second filter."""
        return tuple(Choice(code, name, code == self.owner) for code, name in _STATES.items())

    def kinds(self, counted: Mapping[str, int]) -> tuple[Choice, ...]:
        """The choices of the first filter: every kind that is there, with its count."""
        every = Choice("", Both("Mọi loại", "Every kind"), not self.kind)
        named = [
            Choice(kind, _counted(kind, number), kind == self.kind)
            for kind, number in counted.items()
        ]
        return (every, *named)


def rows(
    waiting: Sequence[Waiting],
    at: datetime,
    *,
    query: Sequence[tuple[str, str]] = (),
    current: str = "",
) -> tuple[QueueRow, ...]:
    """Rows for the page. at: now; current: the shown id of the one that is open."""
    made = []
    for one in waiting:
        shown = ids.shown("dis", one.id)
        age = at - one.opened_at
        made.append(
            QueueRow(
                id=shown,
                url=url_of(shown, query),
                kind=one.kind,
                where=_where(one),
                amount=one.amount,
                age_hours=max(0, int(age.total_seconds()) // 3600),
                overdue=age >= OVERDUE and not one.status.endswith("resolved"),
                status=one.status,
                current=shown == current,
            )
        )
    return tuple(made)


def _where(one: Waiting) -> Both:
    """One line that tells it from the others: how it came and when, or which account."""
    form = "%d/%m %H:%M" if one.timed else "%d/%m"
    when = one.at.astimezone(HANOI).strftime(form) if one.at else f"{one.day:%d/%m}"
    if one.way:
        name = word("way", one.way).name
        said = Both(f"{name.vi} · {when}", f"{name.en} · {when}")
    else:
        said = Both(
            f"Tài khoản {one.account_number} · {when}", f"Account {one.account_number} · {when}"
        )
    return Both(f"{said.vi} · {one.owner}", f"{said.en} · {one.owner}") if one.owner else said


def _counted(kind: str, number: int) -> Both:
    name = word("kind", kind).name
    return Both(f"{name.vi} ({number})", f"{name.en} ({number})")
