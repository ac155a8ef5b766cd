"""Rows of the work queue, and its filters, which live in the address. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from flask import request

from payments.domain import ids
from payments.domain.calendar import HANOI
from reconciliation import ages
from reconciliation.causes import CODES, GROUPS
from reconciliation.queries import work
from reconciliation.queries.work import Waiting
from web.console.pages import QueueRow
from web.console.showing import url_of
from web.language import Both
from web.pages import Choice
from web.words import WORDS, word

OVERDUE: Final = timedelta(days=2)
"""From this age on what waits for a person is marked."""
_LONGEST: Final = 80

_STATES: Final = {
    "open": Both("Mọi việc đang chờ", "Everything that waits"),
    "todo": Both("Chưa có đề nghị", "Nothing proposed yet"),
    "proposed": Both("Chờ duyệt", "Awaiting approval"),
    "done": Both("Đã xử lý", "Resolved"),
}
_OWNERS: Final = {
    "": Both("Của mọi người", "Anybody's"),
    "mine": Both("Của tôi", "Mine"),
    "nobody": Both("Chưa ai nhận", "Not taken"),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What the address narrows the queue to; unknown words narrow nothing.

    kind: a code, or a group of codes. age: a band of ages.BANDS. after: where a page begins.
    """

    kind: str = ""
    state: str = "open"
    owner: str = ""
    age: str = ""
    day: date | None = None
    says: str = ""
    after: str = ""

    @classmethod
    def of_request(cls) -> Filter:
        """As the address says."""
        told = request.args
        kind, state, owner = told.get("kind", ""), told.get("state", ""), told.get("owner", "")
        return cls(
            kind=kind if kind in WORDS["kind"] or kind in GROUPS else "",
            state=state if state in _STATES else "open",
            owner=owner if owner in _OWNERS else "",
            age=age if (age := told.get("age", "")) in ages.BANDS else "",
            day=_day(told.get("day", "")),
            says=" ".join(told.get("says", "")[:_LONGEST].split()),
            after=told.get("after", ""),
        )

    @property
    def on(self) -> bool:
        """Whether anything is left out."""
        return bool(self.narrowing)

    @property
    def narrowing(self) -> tuple[tuple[str, str], ...]:
        """What narrows it, as names and values for a link."""
        told = (
            ("says", self.says),
            ("kind", self.kind),
            ("state", "" if self.state == "open" else self.state),
            ("owner", self.owner),
            ("age", self.age),
            ("day", f"{self.day}" if self.day else ""),
        )
        return tuple((name, value) for name, value in told if value)

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The same with the page of a long queue, kept in every link."""
        return (*self.narrowing, *((("after", self.after),) if self.after else ()))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The codes that are asked for; none for every one."""
        if self.kind in GROUPS:
            return tuple(code for code, one in CODES.items() if one.group == self.kind)
        return (self.kind,) if self.kind else ()

    def wanted(self, reader: UUID, at: datetime) -> work.Wanted:
        """The same for the query. at: now, from which ages are counted."""
        opened_from, opened_before = ages.opened_within(self.age, at) if self.age else (None, None)
        return work.Wanted(
            kinds=self.kinds,
            state=self.state,
            owner=self.owner,
            staff_id=reader,
            day=self.day,
            opened_from=opened_from,
            opened_before=opened_before,
            says=self.says,
        )

    def states(self) -> tuple[Choice, ...]:
        """The choices of how far it has come."""
        return tuple(Choice(code, name, code == self.state) for code, name in _STATES.items())

    def owners(self) -> tuple[Choice, ...]:
        """The choices of whose it is."""
        return tuple(Choice(code, name, code == self.owner) for code, name in _OWNERS.items())

    def ages(self) -> tuple[Choice, ...]:
        """The choices of how old it is, in business days."""
        every = Choice("", Both("Mọi tuổi", "Any age"), not self.age)
        return (
            every,
            *(
                Choice(
                    band,
                    Both(f"{_said(band)} ngày làm việc", f"{_said(band)} business days"),
                    band == self.age,
                )
                for band in ages.BANDS
            ),
        )

    def of_kinds(self, counted: Mapping[str, int]) -> tuple[Choice, ...]:
        """The choices of kinds: groups that hold several, then every kind, with its count."""
        every = Choice("", Both("Mọi loại", "Every kind"), not self.kind)
        shown = dict(counted) if not self.kinds else {**dict.fromkeys(self.kinds, 0), **counted}
        groups: dict[str, list[str]] = {}
        for kind in shown:
            if kind in CODES:
                groups.setdefault(CODES[kind].group, []).append(kind)
        gathered = [
            Choice(
                group,
                _counted(_group(group), sum(shown[kind] for kind in kinds)),
                group == self.kind,
            )
            for group, kinds in groups.items()
            if len(kinds) > 1
        ]
        single = [
            Choice(kind, _counted(word("kind", kind).name, number), kind == self.kind)
            for kind, number in shown.items()
            if number or kind == self.kind
        ]
        return (every, *gathered, *single)


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
        shown, days = ids.shown("dis", one.id), ages.age(one.opened_at, at)
        made.append(
            QueueRow(
                id=shown,
                url=url_of(shown, query),
                kind=one.kind,
                where=_where(one),
                amount=one.amount,
                age_hours=max(0, int((at - one.opened_at).total_seconds()) // 3600),
                age_days=days,
                overdue=days >= ages.OVERDUE_DAYS and not one.status.endswith("resolved"),
                status=one.status,
                owner=one.owner,
                current=shown == current,
            )
        )
    return tuple(made)


def beside(listed: Sequence[QueueRow]) -> tuple[str, str]:
    """The addresses of the rows before and after the one that is open; the first if none is."""
    at = next((place for place, row in enumerate(listed) if row.current), None)
    if at is None:
        return "", listed[0].url if listed else ""
    before = listed[at - 1].url if at else ""
    return before, listed[at + 1].url if at + 1 < len(listed) else ""


def _where(one: Waiting) -> Both:
    """One line that tells it from the others: how it came and when, or which account."""
    form = "%d/%m %H:%M" if one.timed else "%d/%m"
    when = one.at.astimezone(HANOI).strftime(form) if one.at else f"{one.day:%d/%m}"
    if one.way:
        name = word("way", one.way).name
        return Both(f"{name.vi} · {when}", f"{name.en} · {when}")
    return Both(
        f"Tài khoản {one.account_number} · {when}", f"Account {one.account_number} · {when}"
    )


def _counted(name: Both, number: int) -> Both:
    return Both(f"{name.vi} ({number})", f"{name.en} ({number})")


def _group(code: str) -> Both:
    vi, en = GROUPS[code]
    return Both(f"Nhóm: {vi}", f"Group: {en}")


def _said(band: str) -> str:
    low, high = ages.BANDS[band]
    return f"{low}–{high}" if high is not None else f"> {low - 1}"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("2026-01-01") else None
    except ValueError:
        return None
