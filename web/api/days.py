"""Business days: the sheet of a day, as data or as a file, and corrections of a signed one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BeforeValidator, StringConstraints
from sqlalchemy.orm import Session

from payments import days
from payments.domain.people import Permission
from payments.queries.sheets import Version
from web import context
from web.api.creating import as_json, created, creates
from web.api.shapes import Answer, Asked, Day, InPath, Moment, Queried
from web.auth.marks import requires
from web.language import Language
from web.papers import day as papers
from web.papers import sheet_files

bp: Final = APIBlueprint(
    "days",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="days", description="Business days and what was signed of them.")],
)


def _written(told: object) -> object:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", str(told)):
        raise ValueError("a day is written as 2026-01-31")
    return told


class DayPath(InPath):
    """The business day, in Hanoi's time."""

    day: Annotated[date, BeforeValidator(_written)]


class SheetAnswer(Answer):
    """The sheet of a day. signed: whether two people have; otherwise its figures may change.

    sheet: what is signed, in canonical JSON (names sorted, no blanks) it has this sha256.
    seal_root: of the ledger's latest seal when it was signed.
    """

    day: Day
    version: int
    status: Literal["open", "reconciled", "signed_off"]
    signed: bool
    signed_at: Moment | None
    reason: str | None
    sha256: str
    seal_root: str | None
    sheet: Mapping[str, Any]


class ExportQuery(Queried):
    """The form of the file; a signed version, else the latest; the language of its headings."""

    format: Literal["xlsx", "csv", "pdf"] = "xlsx"
    version: int | None = None
    language: Literal["vi", "en"] = "vi"


class CorrectionAsk(Asked):
    """Why a signed sheet is drawn up anew."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=days.MOST_REASON)]


class CorrectionAnswer(Answer):
    """A corrected sheet that waits for a second person's signature at the console."""

    day: Day
    version: int


@bp.get("/days/<day>", responses={200: SheetAnswer})
@requires(Permission.READ)
def get_day(path: DayPath) -> Response:
    """Show the latest signed sheet of a day, or its figures as they stand now."""
    with context.transaction() as db:
        text, signed = papers.current(db, path.day, at=context.now())
        status = days.status(db, path.day).value
    return as_json(_answer(path.day, status, text, signed))


@bp.get("/days/<day>/export", responses={200: {"description": "The sheet as a file."}})
@requires(Permission.READ)
def export_day(path: DayPath, query: ExportQuery) -> Response:
    """Download a day's sheet as XLSX, CSV or PDF."""
    with context.transaction() as db:
        document = papers.of_day(
            db,
            path.day,
            version=query.version,
            language=Language(query.language),
            at=context.now(),
        )
    return sheet_files.answer(document, query.format)


@bp.post("/days/<day>/corrections", responses={201: CorrectionAnswer})
@requires(Permission.RECONCILE)
@creates(key_required=False)
def correct_day(path: DayPath, body: CorrectionAsk) -> Response:
    """Prepare a corrected sheet of a signed day; the day stays closed, a person signs it."""
    return created(lambda db: _prepare(db, path.day, body))


def _prepare(db: Session, day: date, ask: CorrectionAsk) -> CorrectionAnswer:
    version = days.prepare_correction(
        db, day, reason=ask.reason, by=context.actor(), at=context.now()
    )
    return CorrectionAnswer(day=day, version=version)


def _answer(day: date, status: str, text: bytes, signed: Version | None) -> SheetAnswer:
    told = json.loads(text)
    seal = told.get("seal")
    return SheetAnswer.model_validate(
        {
            "day": day,
            "version": told["version"],
            "status": status,
            "signed": signed is not None,
            "signed_at": signed.signed_at if signed else None,
            "reason": signed.reason if signed else None,
            "sha256": days.Sheet(told["version"], text).sha256.hex(),
            "seal_root": seal["root"] if seal else None,
            "sheet": told,
        }
    )
