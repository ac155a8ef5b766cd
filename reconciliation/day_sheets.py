"""The sheet of a business day: drawn up from facts and papers, as the bytes that are signed.

The canonical form is JSON in UTF-8 with sorted names, no blanks, whole numbers and lists in a
fixed order, so that the same facts are the same bytes, whoever writes them down and when.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import days, sealing
from payments.days import Sheet
from payments.domain import ids
from payments.domain.calendar import HANOI
from payments.domain.errors import Conflict, NotExplained
from payments.domain.people import Actor
from payments.domain.states import DayStatus
from payments.queries import sheets
from payments.store.sessions import biller_of
from reconciliation import day_facts, day_papers
from reconciliation.day_facts import AsOf, Facts, Taking
from reconciliation.day_papers import Booked, File, Papers

FORM: Final = "thuphi-day-sheet/2"
FIRST_FORM: Final = "thuphi-day-sheet/1"
"""Sheets that counted what paid a gateway's batch as received, and as given back."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands on a sheet beside its figures. seal: number and roots, None before any."""

    biller: str
    day: date
    version: int
    reason: str | None
    as_of: AsOf
    seal: Mapping[str, Any] | None
    form: str = FORM


def draw_up(db: Session, day: date, *, at: datetime, reason: str | None = None) -> Sheet:
    """The sheet of a day as it stands now, signed or not; nothing is written.

    reason: of a correction. The version is the one that would be signed next.
    """
    # First the moment, then everything else as of it: postings go on meanwhile.
    as_of = day_facts.moment(db, at=at)
    now = days.stored(db, day)
    facts = day_facts.gather(db, day, as_of)
    seal = sealing.latest(db)
    head = Head(
        biller=code_of(db),
        day=day,
        version=now.version + (now.status is DayStatus.SIGNED_OFF),
        reason=reason,
        as_of=as_of,
        seal=None
        if seal is None
        else seal_of(seal.seal.number, seal.seal.root, seal.seal.chained(), seal.seal.sealed_at),
    )
    content = content_of(head, facts, day_papers.behind(db, facts), Booked(facts))
    return Sheet(
        head.version,
        canonical(content),
        seal_number=None if seal is None else seal.seal.number,
        seal_root=None if seal is None else seal.seal.root,
        reason=reason,
    )


def sign(db: Session, day: date, *, by: Actor, at: datetime) -> Sheet:
    """Draw up the sheet of a reconciled day and sign it; the day is closed for ever.

    Raises as `days.sign_off` does, and NotExplained when the sheet itself does not come out.
    """
    sheet = draw_up(db, day, at=at)
    days.sign_off(db, day, sheet, by=by, at=at)
    _require_nothing_unexplained(sheet)
    return sheet


def sign_correction(db: Session, day: date, *, by: Actor, at: datetime) -> Sheet:
    """Sign the corrected sheet that somebody else has prepared, as the facts stand now.

    Raises as `days.sign_correction` does; Conflict when nobody has prepared one.
    """
    waiting = sheets.prepared(db, day)
    if not waiting:
        raise Conflict(
            "Chưa ai lập bảng chỉnh cho ngày này.", "Nobody has prepared a corrected sheet."
        )
    asked = next((one for one in waiting if one.prepared_by != by.id), waiting[0])
    sheet = draw_up(db, day, at=at, reason=asked.reason)
    days.sign_correction(db, day, sheet, prepared_by=asked.prepared_by, by=by, at=at)
    _require_nothing_unexplained(sheet)
    return sheet


def _require_nothing_unexplained(sheet: Sheet) -> None:
    left = json.loads(sheet.text)["unexplained"]
    if left:
        raise NotExplained(
            f"Bảng của ngày còn lệch {left} ₫. Tiền đang được ghi sổ; thử lại sau ít giây.",
            f"The day's sheet is off by {left} ₫. Money is being booked; try again in a moment.",
        )


def canonical(content: Mapping[str, Any]) -> bytes:
    """The bytes of a sheet. Raises TypeError for anything but texts, whole numbers, booleans,
    lists and maps of them: a float has no one spelling."""
    _require_exact(content)
    told = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return told.encode()


def _require_exact(value: object) -> None:
    if isinstance(value, Mapping):
        for name, one in value.items():
            if not isinstance(name, str):
                raise TypeError(f"a name in a sheet is text, not {name!r}")
            _require_exact(one)
    elif isinstance(value, list | tuple):
        for one in value:
            _require_exact(one)
    elif not (value is None or isinstance(value, str | int)):
        raise TypeError(f"{value!r} has no canonical form")


def code_of(db: Session) -> str:
    """The biller of this transaction, as people know it."""
    code: str = db.scalars(
        text("SELECT code FROM biller WHERE id = :biller"), {"biller": biller_of(db)}
    ).one()
    return code


def seal_of(number: int, root: bytes, chained: bytes, sealed_at: datetime) -> dict[str, Any]:
    """A seal as it stands on a sheet."""
    return {
        "number": number,
        "root": root.hex(),
        "chained": chained.hex(),
        "sealed_at": _local(sealed_at),
    }


def content_of(head: Head, facts: Facts, files: Iterable[File], papers: Papers) -> dict[str, Any]:
    """The figures of a day. Pure; the order of what it is given does not matter."""
    received = sum(one.amount for one in facts.takings)
    named = sum(one.held for one in facts.takings)
    statements = [_statement(facts, papers, index) for index in range(len(facts.papers))]
    off = received - facts.applied - facts.credit - facts.refunded - named
    unexplained = abs(off) + sum(
        abs(one["closing"] - one["ledger"]) for one in statements if one["ledger"] is not None
    )
    return {
        "form": head.form,
        "biller": head.biller,
        "day": head.day.isoformat(),
        "version": head.version,
        "reason": head.reason,
        "currency": "VND",
        "as_of": {
            "at": _local(head.as_of.at),
            "snapshot": head.as_of.snapshot,
            "standing": head.as_of.standing,
        },
        "received": received,
        "applied": facts.applied,
        "credit": facts.credit,
        "refunded": facts.refunded,
        "named": named,
        "unexplained": unexplained,
        "ways": _ways(facts, papers),
        "accounts": sorted(
            (
                {"account": one.account, "debits": one.debits, "credits": one.credits}
                for one in facts.accounts
            ),
            key=lambda one: str(one["account"]),
        ),
        "statements": sorted(statements, key=lambda one: str(one["account"])),
        "discrepancies": _carried(facts),
        "files": sorted(
            (
                {
                    "id": one.shown,
                    "kind": one.kind,
                    "gateway": one.gateway,
                    "sha256": one.sha256,
                }
                for one in files
            ),
            key=lambda one: (one["kind"], one["id"]),
        ),
        "seal": head.seal,
    }


@dataclass(slots=True)
class _Way:
    payments: int = 0
    collected: int = 0
    reported: int = 0
    fees: int = 0
    arrived: int = 0
    held: int = 0
    at_gateway: bool = field(default=False)


def _ways(facts: Facts, papers: Papers) -> list[dict[str, Any]]:
    """By channel: what was collected, what its gateway reports and keeps, what arrived."""
    whole = {
        batch_id: sum(papers.line(one) for one in batch.lines)
        == sum(gross - fee for gross, fee in map(papers.row, batch.rows))
        for batch_id, batch in facts.batches.items()
    }
    sums: defaultdict[str, _Way] = defaultdict(_Way)
    for one in facts.takings:
        _add(sums[one.way], one, papers, whole)
    return [
        {
            "way": name,
            "payments": way.payments,
            "collected": way.collected,
            "reported": way.reported if way.at_gateway else None,
            "fees": way.fees,
            "arrived": way.arrived,
            "held": way.held,
        }
        for name, way in sorted(sums.items())
    ]


def _add(way: _Way, one: Taking, papers: Papers, whole: Mapping[Any, bool]) -> None:
    way.payments += 1
    way.collected += one.amount
    way.held += one.held
    way.at_gateway = way.at_gateway or one.at_gateway
    if one.line is not None:
        way.arrived += papers.line(one.line)
    if one.row is not None:
        gross, fee = papers.row(one.row)
        way.reported += gross
        way.fees += fee
        if whole[one.batch_id]:
            way.arrived += gross - fee


def _statement(facts: Facts, papers: Papers, index: int) -> dict[str, Any]:
    paper = facts.papers[index]
    opening, closing = papers.balances(paper)
    amounts = papers.movements(paper.account)
    return {
        "account": paper.account,
        "last_day": paper.last_day.isoformat(),
        "opening": opening,
        "closing": closing,
        "lines": len(amounts),
        "credits": sum(amount for amount in amounts if amount > 0),
        "debits": sum(amount for amount in amounts if amount < 0),
        "ledger": paper.ledger,
    }


def _carried(facts: Facts) -> dict[str, Any]:
    """Discrepancies that were open: each with its money at risk."""
    return {
        "open": len(facts.carried),
        "amount": sum(one.amount for one in facts.carried),
        "carried": sorted(
            (
                {
                    "id": ids.shown("dis", one.id),
                    "kind": one.kind,
                    "day": one.day.isoformat(),
                    "amount": one.amount,
                }
                for one in facts.carried
            ),
            key=lambda one: (str(one["day"]), str(one["id"])),
        ),
    }


def differences(signed: object, rebuilt: object, path: str = "") -> Iterator[str]:
    """Where two sheets differ, in the order of their names: "ways[0].fees: 5 signed, 6 rebuilt"."""
    if isinstance(signed, Mapping) and isinstance(rebuilt, Mapping):
        for name in sorted(signed.keys() | rebuilt.keys()):
            there = f"{path}.{name}" if path else str(name)
            yield from differences(signed.get(name, _NONE), rebuilt.get(name, _NONE), there)
    elif _both_lists(signed, rebuilt):
        for index in range(max(len(signed), len(rebuilt))):  # type: ignore[arg-type]  # lists both
            pair = (_at(signed, index), _at(rebuilt, index))  # type: ignore[arg-type]  # as above
            yield from differences(*pair, f"{path}[{index}]")
    elif signed != rebuilt:
        yield f"{path}: {_told(signed)} signed, {_told(rebuilt)} rebuilt"


_NONE: Final = object()


def _both_lists(one: object, other: object) -> bool:
    return isinstance(one, list) and isinstance(other, list)


def _at(values: Sequence[object], index: int) -> object:
    return values[index] if index < len(values) else _NONE


def _told(value: object) -> str:
    return "nothing" if value is _NONE else json.dumps(value, ensure_ascii=False)


def _local(at: datetime) -> str:
    return at.astimezone(HANOI).isoformat()
