"""Bulk: the exact answers of many discrepancies accepted or approved at once.

Each is decided in a transaction of its own by the verbs of discrepancies.py; what exact means
is in exact.py. Whatever is not as it was when somebody looked at the list is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from payments.domain.errors import Conflict, DomainError, Invalid
from payments.domain.people import Actor, Permission
from payments.domain.states import DiscrepancyStatus
from reconciliation import answers, cases, discrepancies, exact, remedies

_DEADLOCK: Final = "40P01"

Begin = Callable[[], AbstractContextManager[Session]]
"""Opens a transaction of the biller, which commits at its end."""


class NotExact(Conflict):
    """It is not beyond doubt, so it is not decided together with others."""

    slug = "not-exact"
    title_vi = "Chưa đủ chắc để nhận hàng loạt"
    title_en = "Not certain enough to be accepted in bulk"


@dataclass(frozen=True, slots=True)
class Skipped:
    """One that was left as it is. code: as in every problem; vi, en: why."""

    id: UUID
    code: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of many: booked, proposed to a second person, or left, in the order given."""

    done: Sequence[UUID]
    proposed: Sequence[UUID]
    skipped: Sequence[Skipped]


def accept_all(
    begin: Begin, kind: str, wanted: Iterable[UUID], *, reason: str, by: Actor, at: datetime
) -> Accepted:
    """Take the exact answer of many of one kind, each in a transaction of its own.

    begin: opens a transaction of the biller, such as context.transaction. kind: a code of
    exact.KINDS. What is not exact, or not as it was when somebody looked at the list, is skipped
    with the reason and left as it is. Above the limit it is proposed only. Raises Forbidden, or
    Invalid for a kind that is decided one by one or without a reason.
    """
    cases.require(by, Permission.RESOLVE)
    cases.require_reason(reason)
    if kind not in exact.KINDS:
        raise Invalid(*exact.SAID[exact.Doubt.OTHER_KIND])

    def accept(db: Session, discrepancy_id: UUID) -> DiscrepancyStatus:
        row = cases.locked(db, discrepancy_id)
        if row.kind != kind:
            raise Conflict("Khoản này thuộc loại khác.", "This one is of another kind.")
        _require_mine(row, by)
        answer = answers.of(db, row)
        if isinstance(answer, exact.Doubt):
            raise NotExact(*exact.SAID[answer])
        proposal = remedies.Proposal(answer.way, reason, answer.target, exact=True)
        return discrepancies.propose(db, discrepancy_id, proposal, by=by, at=at)

    return _each(begin, wanted, accept)


def approve_all(begin: Begin, wanted: Iterable[UUID], *, by: Actor, at: datetime) -> Accepted:
    """Say yes to many exact proposals of somebody else, each in a transaction of its own.

    Others, and those that are exact no more, are skipped with the reason. Raises Forbidden.
    """
    cases.require(by, Permission.APPROVE)

    def say_yes(db: Session, discrepancy_id: UUID) -> DiscrepancyStatus:
        row = cases.locked(db, discrepancy_id)
        if row.status == DiscrepancyStatus.PROPOSED:
            _require_exact_still(db, row)
        discrepancies.approve(db, discrepancy_id, by=by, at=at)
        return DiscrepancyStatus.RESOLVED

    return _each(begin, wanted, say_yes)


def _require_exact_still(db: Session, row: Row[Any]) -> None:
    """Ask anew what was beyond doubt when it was proposed: bills come and go meanwhile."""
    proposal = remedies.Proposal.of(db, row)
    if not proposal.exact:
        raise NotExact(
            "Đề nghị này phải duyệt riêng.", "This proposal has to be approved by itself."
        )
    answer = answers.of(db, row)
    if isinstance(answer, exact.Doubt):
        raise NotExact(*exact.SAID[answer])
    if (answer.way, answer.target) != (proposal.way, proposal.target):
        raise NotExact(*exact.SAID[exact.Doubt.TIE])


def _each(
    begin: Begin, wanted: Iterable[UUID], act: Callable[[Session, UUID], DiscrepancyStatus]
) -> Accepted:
    done: list[UUID] = []
    proposed: list[UUID] = []
    skipped: list[Skipped] = []
    for discrepancy_id in dict.fromkeys(wanted):
        try:
            status = _once_more(begin, discrepancy_id, act)
        except DomainError as refused:
            skipped.append(Skipped(discrepancy_id, refused.slug, refused.vi, refused.en))
        else:
            (done if status is DiscrepancyStatus.RESOLVED else proposed).append(discrepancy_id)
    return Accepted(done, proposed, skipped)


def _once_more(
    begin: Begin, discrepancy_id: UUID, act: Callable[[Session, UUID], DiscrepancyStatus]
) -> DiscrepancyStatus:
    """Once, and again if the night's run held what this one wanted and the other way round."""
    try:
        with begin() as db:
            return act(db, discrepancy_id)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _DEADLOCK:
            raise
    try:
        with begin() as db:
            return act(db, discrepancy_id)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _DEADLOCK:
            raise
        raise Conflict(
            "Khoản này đang được ghi nơi khác; hãy thử lại.",
            "Somebody else is booking this one just now; try again.",
        ) from None


def _require_mine(row: Row[Any], by: Actor) -> None:
    """Nothing is taken out of somebody's hands together with many others."""
    if row.status in cases.OVER:
        raise Conflict("Đã được xử lý trước đó.", "It has been resolved meanwhile.")
    if row.status in cases.IN_HANDS:
        raise Conflict("Đã có đề nghị chờ duyệt.", "A proposal waits for approval already.")
    if row.assigned_to is not None and row.assigned_to != by.id:
        raise Conflict("Đang có người khác xử lý.", "Somebody else is working on it.")
