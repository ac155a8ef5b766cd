"""Settlements: receive a gateway's file, keep its bytes, read it into batches and rows.

A row is known by its batch, kind and number: seen again, in this file or another one, it is the
same row, and only the sighting is new. Nothing is booked here; settlement_runs.py does that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from payments import audit, ledger, outbox, vault
from payments.domain import accounts, ids
from payments.domain.errors import Invalid, NotFound
from payments.domain.people import Actor
from payments.domain.states import FILE, FileStatus, move
from payments.store.sessions import biller_of
from reconciliation.intake import MOST_BYTES, Kept
from reconciliation.settlement_report import Report, ReportReader, ReportRow
from reconciliation.settlement_store import settlement_batch, settlement_file
from reconciliation.statement import Problem, Refusal

MOST_PROFILE = 65_536


def receive(
    db: Session,
    *,
    gateway: str,
    name: str,
    data: bytes,
    profile: str | None = None,
    by: Actor,
    at: datetime,
) -> Kept:
    """Keep the bytes as they came, and ask for them to be read and booked.

    The same bytes of the same gateway with the same profile are the same file. Raises Invalid
    for an empty file or more than 50 MB.
    """
    if not data:
        raise Invalid("Tệp rỗng.", "The file is empty.")
    if len(data) > MOST_BYTES:
        raise Invalid("Tệp lớn hơn 50 MB.", "The file is larger than 50 MB.")
    if profile is not None and len(profile) > MOST_PROFILE:
        raise Invalid("Mẫu cột dài quá 65.536 ký tự.", "The profile is over 65,536 characters.")
    digest = hashlib.sha256(data).digest()
    layout = hashlib.sha256((profile or "").encode()).digest()
    before = _known(db, gateway, digest, layout)
    if before is not None:
        return Kept(before, first_time=False)
    biller_id, file_id, key_id = biller_of(db), ids.new(), vault.new_key(db, at=at)
    written = db.scalar(
        upsert(settlement_file)
        .values(
            biller_id=biller_id,
            id=file_id,
            gateway=gateway,
            name=name[:200],
            sha256=digest,
            size=len(data),
            profile=profile,
            profile_sha256=layout,
            status=FileStatus.RECEIVED,
            key_id=key_id,
            sealed=vault.seal(db, key_id, data, context=f"settlement:{file_id}"),
            received_at=at,
            received_by=by.id,
        )
        .on_conflict_do_nothing(index_elements=["biller_id", "gateway", "sha256", "profile_sha256"])
        .returning(settlement_file.c.id)
    )
    if written is None:
        same = _known(db, gateway, digest, layout)
        assert same is not None  # noqa: S101  # the conflict was this very row
        return Kept(same, first_time=False)
    shown = ids.shown("stf", file_id)
    detail = {"gateway": gateway, "sha256": digest.hex(), "size": len(data)}
    audit.note(db, "settlement.receive", shown, by=by, at=at, detail=detail)
    outbox.emit(db, "settlement.received", {"file": shown, "gateway": gateway}, at=at)
    return Kept(file_id, first_time=True)


def waits(db: Session, file_id: UUID) -> str | None:
    """The gateway of a file that is still to be read; None for one that was, or is not there."""
    found: str | None = db.scalar(
        select(settlement_file.c.gateway).where(
            settlement_file.c.biller_id == biller_of(db),
            settlement_file.c.id == file_id,
            settlement_file.c.status == FileStatus.RECEIVED,
        )
    )
    return found


def read(
    db: Session, file_id: UUID, reader: ReportReader, *, merchant: str | None, at: datetime
) -> FileStatus:
    """Read a received file into batches and rows; a file that was read stays as it is.

    merchant: what the gateway calls this biller; a file of another one is refused. Returns READ,
    or REFUSED with the reason on the file. Raises NotFound.
    """
    row = db.execute(
        select(settlement_file)
        .where(settlement_file.c.biller_id == biller_of(db), settlement_file.c.id == file_id)
        .with_for_update()
    ).one_or_none()
    if row is None or row.gateway != reader.gateway:
        raise NotFound()
    if row.status != FileStatus.RECEIVED:
        return FileStatus(row.status)
    data = vault.unseal_bytes(db, row.key_id, row.sealed, context=f"settlement:{file_id}")
    report = reader.read(data, profile=row.profile, merchant=merchant)
    if report.rows and not report.names_merchant and not _any_ours(db, reader.gateway, report.rows):
        report = Report(error=_NOT_OURS)
    problems = list(report.problems)
    if report.rows:
        ledger.open_accounts(db, accounts.of_gateway(reader.gateway, reader.title))
        problems += _take(db, row, report.rows, at=at)
    _finish(db, row, report, problems)
    return FileStatus.READ if report.rows else FileStatus.REFUSED


_NOT_OURS = Refusal(
    "nobody-known",
    "Tệp không ghi mã đơn vị, và không giao dịch nào trong tệp là của đơn vị này. Không dòng nào "
    "được nhận.",
    "The file does not say whose it is, and not one of its transactions is known here. No row was "
    "taken.",
)

_OURS = text("""
SELECT EXISTS (SELECT FROM payment WHERE biller_id = :biller AND gateway = :gateway
        AND provider_reference = ANY(:txns))
    OR EXISTS (SELECT FROM attempt WHERE biller_id = :biller AND gateway = :gateway
        AND merchant_reference = ANY(:refs))
    OR EXISTS (SELECT FROM refund_try WHERE biller_id = :biller AND gateway = :gateway
        AND merchant_reference = ANY(:refs))
""")


def _any_ours(db: Session, gateway: str, rows: Sequence[ReportRow]) -> bool:
    """Whether one row at least is about a payment, try or refund of this biller."""
    found: bool = db.scalars(
        _OURS,
        {
            "biller": biller_of(db),
            "gateway": gateway,
            "txns": [row.txn_id for row in rows],
            "refs": [ref for row in rows for ref in (row.merchant_ref, row.request_ref) if ref],
        },
    ).one()
    return found


def _finish(db: Session, row: Row[Any], report: Report, problems: Sequence[Problem]) -> None:
    to = FileStatus.READ if report.rows else FileStatus.REFUSED
    vi, en = None, None
    if report.error is not None:
        vi, en = report.error.vi, report.error.en
    elif not report.rows:
        vi, en = "Không đọc được dòng nào.", "Not one row could be read."
    problems = sorted(problems, key=lambda problem: problem.line)
    db.execute(
        update(settlement_file)
        .where(settlement_file.c.biller_id == row.biller_id, settlement_file.c.id == row.id)
        .values(
            status=move(FILE, FileStatus(row.status), to=to),
            problems=[asdict(problem) for problem in problems],
            error_vi=vi,
            error_en=en,
        )
    )


_Key = tuple[UUID, str, str]


def _take(db: Session, file: Row[Any], rows: Sequence[ReportRow], *, at: datetime) -> list[Problem]:
    """Write the rows that are new, and every sighting. Returns what a person should know."""
    batches = _batches(db, file.gateway, rows, at=at)
    problems: list[Problem] = []
    first: dict[_Key, ReportRow] = {}
    good: list[tuple[UUID, ReportRow]] = []
    for row in rows:
        batch_id, settled_on = batches[row.batch]
        if row.settle_date != settled_on:
            problems.append(_other_day(row, settled_on))
            continue
        before = first.setdefault(_key(batch_id, row), row)
        if not _same(before, row):
            problems.append(_contradicts(row))
            continue
        good.append((batch_id, row))
    _stage(db, good)
    problems += _contradicting(db)
    again = _write(db, file.id)
    if again:
        problems.append(
            Problem(
                0,
                f"{again} dòng đã có từ trước hoặc lặp lại trong tệp: mỗi dòng chỉ tính một lần.",
                f"Rows that came before or twice in the file: {again}. Each is counted once.",
            )
        )
    return problems


def _batches(
    db: Session, gateway: str, rows: Iterable[ReportRow], *, at: datetime
) -> dict[str, tuple[UUID, date]]:
    """Reference -> (batch, its day), made where they are new."""
    told: dict[str, date] = {}
    for row in rows:
        told.setdefault(row.batch, row.settle_date)
    biller_id = biller_of(db)
    for reference, day in sorted(told.items()):
        db.execute(
            upsert(settlement_batch)
            .values(
                biller_id=biller_id,
                id=ids.new(),
                gateway=gateway,
                reference=reference,
                settle_date=day,
                created_at=at,
            )
            .on_conflict_do_nothing(index_elements=["biller_id", "gateway", "reference"])
        )
    found = db.execute(
        select(
            settlement_batch.c.reference, settlement_batch.c.id, settlement_batch.c.settle_date
        ).where(
            settlement_batch.c.biller_id == biller_id,
            settlement_batch.c.gateway == gateway,
            settlement_batch.c.reference.in_(list(told)),
        )
    )
    return {row.reference: (row.id, row.settle_date) for row in found}


# COPY FROM refuses tables with row-level security, so rows land in a temporary one first.
_STAGING = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_row (
    id uuid, line_no int, batch_id uuid, kind text, txn_id text, merchant_ref text,
    request_ref text, row_key text, paid_at timestamptz, gross bigint, fee bigint, net bigint
) ON COMMIT DELETE ROWS;
DELETE FROM staged_row;
"""
_TO_STAGING = """COPY staged_row (id, line_no, batch_id, kind, txn_id, merchant_ref, request_ref,
    row_key, paid_at, gross, fee, net) FROM STDIN"""

_CONTRADICTING = text("""
DELETE FROM staged_row s USING settlement_row r
WHERE r.biller_id = :biller AND r.batch_id = s.batch_id AND r.kind = s.kind
    AND r.row_key = s.row_key AND (r.gross, r.fee) <> (s.gross, s.fee)
RETURNING s.line_no, s.txn_id
""")

_ROWS = text("""
WITH fresh AS (
    INSERT INTO settlement_row (biller_id, id, batch_id, file_id, line_no, kind, txn_id,
        merchant_ref, request_ref, paid_at, gross, fee, net, status)
    SELECT :biller, s.id, s.batch_id, :file, s.line_no, s.kind, s.txn_id, s.merchant_ref,
        s.request_ref, s.paid_at, s.gross, s.fee, s.net, 'read'
    FROM staged_row s ORDER BY s.line_no
    ON CONFLICT (biller_id, batch_id, kind, row_key) DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM staged_row) - (SELECT count(*) FROM fresh)
""")

_SIGHTINGS = text("""
INSERT INTO settlement_sighting (biller_id, file_id, line_no, row_id)
SELECT :biller, :file, s.line_no, r.id FROM staged_row s
JOIN settlement_row r ON r.biller_id = :biller AND r.batch_id = s.batch_id AND r.kind = s.kind
    AND r.row_key = s.row_key
ON CONFLICT DO NOTHING
""")


def _stage(db: Session, rows: Iterable[tuple[UUID, ReportRow]]) -> None:
    connection = db.connection()
    connection.execute(text(_STAGING))
    cursor = connection.connection.cursor()
    with cursor.copy(_TO_STAGING) as copy:
        for batch_id, row in rows:
            copy.write_row(
                (
                    ids.new(),
                    row.line,
                    batch_id,
                    row.kind.value,
                    row.txn_id,
                    row.merchant_ref,
                    row.request_ref,
                    _key(batch_id, row)[2],
                    row.paid_at,
                    row.gross,
                    row.fee,
                    row.net,
                )
            )
    cursor.close()


def _contradicting(db: Session) -> list[Problem]:
    rows = db.execute(_CONTRADICTING, {"biller": biller_of(db)}).all()
    return [_differs(row.line_no, row.txn_id) for row in rows]


def _write(db: Session, file_id: UUID) -> int:
    """Write what was staged; return how many of the rows were known."""
    about = {"biller": biller_of(db), "file": file_id}
    known: int = db.scalars(_ROWS, about).one()
    db.execute(_SIGHTINGS, about)
    return known


def _key(batch_id: UUID, row: ReportRow) -> _Key:
    """What makes two rows one: as settlement_row.row_key is made in PostgreSQL."""
    if row.kind.value == "payment":
        return batch_id, row.kind.value, row.txn_id
    return batch_id, row.kind.value, f"{row.txn_id}|{row.merchant_ref}|{row.request_ref}"


def _same(one: ReportRow, other: ReportRow) -> bool:
    return (one.gross, one.fee, one.net) == (other.gross, other.fee, other.net)


def _contradicts(row: ReportRow) -> Problem:
    return _differs(row.line, row.txn_id)


def _differs(line: int, txn_id: str) -> Problem:
    return Problem(
        line,
        f"Giao dịch {txn_id} đã có trong lô này với số tiền khác; dòng này không được nhận. Hãy "
        "hỏi cổng số nào đúng.",
        f"Transaction {txn_id} is in this batch already with other amounts; not taken. Ask the "
        "gateway which of them is right.",
    )


def _other_day(row: ReportRow, known: date) -> Problem:
    return Problem(
        row.line,
        f"Lô {row.batch} đã có ngày quyết toán {known:%d/%m/%Y}, dòng này ghi "
        f"{row.settle_date:%d/%m/%Y}; không được nhận. Hãy hỏi cổng ngày nào đúng.",
        f"Batch {row.batch} settles on {known}, this row says {row.settle_date}; not taken. Ask "
        "the gateway which day is right.",
    )


def _known(db: Session, gateway: str, digest: bytes, layout: bytes) -> UUID | None:
    found: UUID | None = db.scalar(
        select(settlement_file.c.id).where(
            settlement_file.c.biller_id == biller_of(db),
            settlement_file.c.gateway == gateway,
            settlement_file.c.sha256 == digest,
            settlement_file.c.profile_sha256 == layout,
        )
    )
    return found
