"""Replaying a signed day: its sheet drawn up again from the stored files and the ledger.

Nothing of the signed sheet goes into the new one but the moment it was drawn up, the version,
the reason, and which files it stands on; every figure comes from the sealed bytes, read again by
the same readers, and from the journals that had been committed by then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.registry import STATEMENT_READERS
from ops import settling
from payments import sealing
from payments.domain import ids
from payments.domain.errors import DomainError
from payments.queries import sheets
from payments.queries.sheets import Version
from reconciliation import day_facts, day_papers, day_sheets
from reconciliation.day_facts import AsOf
from reconciliation.day_papers import File
from reconciliation.day_sheets import FIRST_FORM, FORM, Head


@dataclass(frozen=True, slots=True)
class Replayed:
    """One signed sheet and what came of it. difference: the first one, None when the bytes are
    equal."""

    day: date
    version: int
    sha256: str
    difference: str | None

    @property
    def equal(self) -> bool:
        """Whether every byte is the same."""
        return self.difference is None


def replay(db: Session, day: date) -> list[Replayed]:
    """Draw up every signed sheet of a day again; empty for a day that is not signed.

    Reads only.
    """
    return [
        Replayed(day, one.version, one.sha256.hex(), _difference(db, one))
        for one in sheets.versions(db, day)
    ]


def _difference(db: Session, signed: Version) -> str | None:
    if hashlib.sha256(signed.text).digest() != signed.sha256:
        return (
            f"sha256: {signed.sha256.hex()} signed, {hashlib.sha256(signed.text).hexdigest()} now"
        )
    told: dict[str, Any] = json.loads(signed.text)
    if told.get("form") not in (FIRST_FORM, FORM):
        return f"form: signed as {told.get('form')!r}, before sheets could be replayed"
    try:
        rebuilt = _rebuilt(db, signed, told)
    except DomainError as refused:
        return f"files: {refused.en}"
    bytes_ = day_sheets.canonical(rebuilt)
    if bytes_ == signed.text:
        return None
    first = next(day_sheets.differences(told, rebuilt), None)
    return first or "the figures are equal, the bytes are not in canonical form"


def _rebuilt(db: Session, signed: Version, told: Mapping[str, Any]) -> dict[str, Any]:
    files = [_file(one) for one in told["files"]]
    as_of = AsOf(
        datetime.fromisoformat(told["as_of"]["at"]),
        told["as_of"]["snapshot"],
        told["as_of"]["standing"],
    )
    papers = day_papers.reread(
        db,
        signed.day,
        files,
        statements=STATEMENT_READERS["auto"],
        reports=settling.reader,
    )
    facts = day_facts.gather(
        db,
        signed.day,
        as_of,
        files=[one.id for one in files],
        with_batches=told["form"] == FIRST_FORM,
    )
    head = Head(
        biller=day_sheets.code_of(db),
        day=signed.day,
        version=signed.version,
        reason=signed.reason,
        as_of=as_of,
        seal=_seal(db, signed.seal_number),
        form=told["form"],
    )
    return day_sheets.content_of(head, facts, day_papers.behind(db, facts), papers)


def _file(told: Mapping[str, str]) -> File:
    prefix = "fil" if told["kind"] == "statement" else "stf"
    return File(ids.read(prefix, told["id"]), told["kind"], told["gateway"], told["sha256"])


def _seal(db: Session, number: int | None) -> Mapping[str, Any] | None:
    """The seal of a number as the ledger has it now; its chained root is computed again."""
    if number is None:
        return None
    seal = sealing.numbered(db, number)
    if seal is None:
        return None
    return day_sheets.seal_of(number, seal.root, seal.chained(), seal.sealed_at)


def signed_of(db: Session, day: date) -> list[UUID]:
    """The billers that have signed the day. Runs as the system role."""
    rows = db.scalars(
        text("""SELECT DISTINCT biller_id FROM day_sheet WHERE day = :day ORDER BY biller_id"""),
        {"day": day},
    )
    return list(rows)


def code_of(db: Session) -> str:
    """The biller of this transaction, as people know it."""
    return day_sheets.code_of(db)
