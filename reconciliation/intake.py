"""Intake: receive a statement file, keep its bytes, read it into lines.

Three answers exist for a file: read, refused with a reason, or known already by its hash.
A line is known by what the bank says of it and by how many alike stand before it in its own
file, so a genuine twin is kept and a line delivered again is not taken twice.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from payments import audit, vault
from payments.domain import ids
from payments.domain.errors import Invalid, NotFound
from payments.domain.money import MOST
from payments.domain.people import Actor
from payments.domain.states import FILE, FileStatus, LineStatus, move
from payments.store import plans, staging
from payments.store.orders import bank_account
from payments.store.sessions import biller_of
from payments.store.staging import Stage
from reconciliation import garbage, intake_problems, whole
from reconciliation.statement import ParsedFile, Problem, Statement, StatementLine, StatementReader
from reconciliation.store import statement, statement_file

MOST_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in our hands; first_time tells whether these bytes are new to this biller."""

    file_id: UUID
    first_time: bool


def receive(db: Session, *, name: str, data: bytes, by: Actor, at: datetime) -> Kept:
    """Keep the bytes as they came. The same bytes again are the same file.

    Raises Invalid for an empty file or more than 50 MB.
    """
    if not data:
        raise Invalid("Tệp rỗng.", "The file is empty.")
    if len(data) > MOST_BYTES:
        raise Invalid("Tệp lớn hơn 50 MB.", "The file is larger than 50 MB.")
    biller_id, digest = biller_of(db), hashlib.sha256(data).digest()
    before = _file_with(db, digest)
    if before is not None:
        return Kept(before, first_time=False)
    file_id, key_id = ids.new(), vault.new_key(db, at=at)
    written = db.scalar(
        upsert(statement_file)
        .values(
            biller_id=biller_id,
            id=file_id,
            name=name[:200],
            sha256=digest,
            size=len(data),
            status=FileStatus.RECEIVED,
            key_id=key_id,
            sealed=vault.seal(db, key_id, data, context=f"file:{file_id}"),
            received_at=at,
            received_by=by.id,
        )
        .on_conflict_do_nothing(index_elements=["biller_id", "sha256"])
        .returning(statement_file.c.id)
    )
    if written is None:
        same = _file_with(db, digest)
        assert same is not None  # noqa: S101  # the conflict was this very row
        return Kept(same, first_time=False)
    detail = {"sha256": digest.hex(), "size": len(data)}
    audit.note(db, "statement.receive", ids.shown("fil", file_id), by=by, at=at, detail=detail)
    return Kept(file_id, first_time=True)


def waits(db: Session, file_id: UUID) -> bool:
    """Whether a file is still to be read; False for one that nobody knows."""
    status = db.scalar(
        select(statement_file.c.status).where(
            statement_file.c.biller_id == biller_of(db), statement_file.c.id == file_id
        )
    )
    return status == FileStatus.RECEIVED


def read(
    db: Session, file_id: UUID, reader: StatementReader, *, profile: str | None = None
) -> FileStatus:
    """Read a received file into statements and lines; a file that was read stays as it is.

    Returns READ, or REFUSED with the reason on the row. Nothing is posted here.
    """
    row = db.execute(
        select(statement_file)
        .where(statement_file.c.biller_id == biller_of(db), statement_file.c.id == file_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound()
    if row.status != FileStatus.RECEIVED:
        return FileStatus(row.status)
    data = vault.unseal_bytes(db, row.key_id, row.sealed, context=f"file:{file_id}")
    with garbage.held_back():
        parsed = reader.read(data, name=row.name, profile=profile)
        problems = list(parsed.problems)
        if parsed.error is None or parsed.statements:
            _lock(db)
            for ordinal, found in enumerate(parsed.statements, 1):
                problems += _take(db, row, ordinal, found)
    refused = not parsed.statements
    _finish(db, row, parsed, problems, profile=profile, refused=refused)
    plans.count_changes(db)
    return FileStatus.REFUSED if refused else FileStatus.READ


def _lock(db: Session) -> None:
    """One file of a biller after the other: two may hold the same lines, and follow each other."""
    db.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 13))"),
        {"name": f"statements {biller_of(db)}"},
    )


def _finish(
    db: Session,
    row: Row[Any],
    parsed: ParsedFile,
    problems: Sequence[Problem],
    *,
    profile: str | None,
    refused: bool,
) -> None:
    to = FileStatus.REFUSED if refused else FileStatus.READ
    db.execute(
        update(statement_file)
        .where(statement_file.c.biller_id == row.biller_id, statement_file.c.id == row.id)
        .values(
            status=move(FILE, FileStatus(row.status), to=to),
            format=parsed.format,
            profile=profile,
            problems=[asdict(problem) for problem in problems],
            error_vi=parsed.error.vi if parsed.error else None,
            error_en=parsed.error.en if parsed.error else None,
        )
    )


def _take(db: Session, file: Row[Any], ordinal: int, found: Statement) -> list[Problem]:
    """Write one statement and its lines. Returns what a person should know about it."""
    account = _account(db, found.account)
    if account is None:
        return [intake_problems.strange(found.account)]
    if found.currency != "VND":
        return [intake_problems.foreign(found.currency)]
    last_day = whole.last_day(found)
    if last_day is None:
        return [intake_problems.dayless()]
    told = list(numbered(found.lines))
    known = _known(db, account.id, told)
    proof = whole.prove(
        db,
        account,
        found,
        [line for line, key, nth in told if (key, nth) in known],
        [line for line, key, nth in told if known.get((key, nth))],
    )
    statement_id = ids.new()
    first_day = min((line.booking_date for line in found.lines), default=last_day)
    db.execute(
        insert(statement).values(
            biller_id=file.biller_id,
            id=statement_id,
            file_id=file.id,
            ordinal=ordinal,
            bank_account_id=account.id,
            currency=found.currency,
            first_day=first_day,
            last_day=last_day,
            opening=_dong(found.opening),
            closing=_dong(found.closing),
            line_count=len(found.lines),
            closes=proof.closes,
            complete=proof.complete,
            why_not=None if proof.complete else f"{proof.why_vi} / {proof.why_en}",
        )
    )
    fresh = [(line, key, nth) for line, key, nth in told if (key, nth) not in known]
    problems = _write_lines(db, file, statement_id, account.id, fresh)
    if proof.closes:
        waiting = [(line, key, nth) for line, key, nth in told if known.get((key, nth)) is False]
        _adopt(db, account.id, statement_id, waiting, complete=proof.complete)
    if not proof.complete:
        problems.append(Problem(0, proof.why_vi or "", proof.why_en or ""))
    say = intake_problems.alike if proof.alike else intake_problems.repeated
    problems += [say(line.line) for line, key, nth in told if (key, nth) in known]
    return problems


def _adopt(
    db: Session,
    account_id: UUID,
    statement_id: UUID,
    waiting: Sequence[tuple[StatementLine, bytes, int]],
    *,
    complete: bool,
) -> None:
    """Take over the lines that came first in a statement which could not be used.

    A bad file is exported anew: its lines are in our hands already, but nothing would ever
    book them there. A statement that closes is left only to one that is complete.
    """
    db.execute(
        text("""UPDATE bank_line l SET statement_id = :statement, line_no = told.line_no
                FROM statement s, unnest(CAST(:keys AS bytea[]), CAST(:nths AS int[]),
                    CAST(:lines AS int[])) AS told (key, nth, line_no)
                WHERE l.biller_id = :biller AND l.bank_account_id = :account
                    AND l.line_key = told.key AND l.occurrence = told.nth
                    AND l.status = 'imported' AND s.biller_id = l.biller_id
                    AND s.id = l.statement_id AND NOT s.complete
                    AND (NOT s.closes OR :complete)"""),
        {
            "biller": biller_of(db),
            "account": account_id,
            "statement": statement_id,
            "keys": [key for _, key, _ in waiting],
            "nths": [nth for _, _, nth in waiting],
            "lines": [line.line for line, _, _ in waiting],
            "complete": complete,
        },
    )


_LINES: Final = Stage(
    "read_line",
    "id uuid, line_no integer, line_key bytea, occurrence integer, booking_date date,"
    " value_date date, txn_time time, amount bigint, bank_reference text, balance_after bigint,"
    " sealed bytea",
)
_TAKE_LINES: Final = text("""
INSERT INTO bank_line (biller_id, id, statement_id, bank_account_id, line_no, line_key, occurrence,
    booking_date, value_date, txn_time, amount, bank_reference, balance_after, key_id, sealed,
    status)
SELECT :biller, id, :statement, :account, line_no, line_key, occurrence, booking_date, value_date,
    txn_time, amount, bank_reference, balance_after, :key, sealed, :imported FROM staged_read_line
""")


def _write_lines(
    db: Session,
    file: Row[Any],
    statement_id: UUID,
    account_id: UUID,
    lines: Iterable[tuple[StatementLine, bytes, int]],
) -> list[Problem]:
    problems: list[Problem] = []
    fresh, sealer = ids.stream(), vault.Sealer(db, file.key_id)

    def rows() -> Iterator[tuple[object, ...]]:
        for line, key, nth in lines:
            amount = _dong(line.amount)
            if amount is None or not 1 <= abs(amount) <= MOST:
                problems.append(intake_problems.unbookable(line.line, line.amount))
                continue
            line_id = next(fresh)
            sealed = sealer.seal(_personal(line), context=f"line:{line_id}")
            yield (
                line_id, line.line, key, nth, line.booking_date, line.value_date, line.txn_time,
                amount, line.bank_reference, _dong(line.balance_after), sealed,
            )  # fmt: skip

    told = {
        "biller": file.biller_id,
        "statement": statement_id,
        "account": account_id,
        "key": file.key_id,
        "imported": LineStatus.IMPORTED,
    }
    staging.put_in_parts(db, _LINES, rows(), take=lambda: db.execute(_TAKE_LINES, told))
    return problems


def _personal(line: StatementLine) -> dict[str, Any]:
    return {
        "memo": line.memo,
        "name": line.counterparty_name or "",
        "account": line.counterparty_account or "",
        "reference": line.reference or "",
        "is_reversal": line.is_reversal,
    }


def numbered(lines: Iterable[StatementLine]) -> Iterator[tuple[StatementLine, bytes, int]]:
    """Each line of a statement with its key and its number among those alike."""
    seen: Counter[bytes] = Counter()
    for line in lines:
        key = _line_key(line)
        seen[key] += 1
        yield line, key, seen[key]


def _line_key(line: StatementLine) -> bytes:
    """What makes two lines alike: everything the bank says, white space aside.

    The running balance stays out: banks print it in some files and not in others.
    """
    parts = (
        line.booking_date.isoformat(),
        str(line.amount.normalize()),
        line.bank_reference or "",
        "".join(line.memo.split()),
        line.counterparty_account or "",
    )
    return hashlib.sha256("\x1f".join(parts).encode()).digest()


def _known(
    db: Session, account_id: UUID, numbered: Sequence[tuple[StatementLine, bytes, int]]
) -> dict[tuple[bytes, int], bool]:
    """The lines we have, and whether they stand in a complete statement."""
    keys = list({key for _, key, _ in numbered})
    known: dict[tuple[bytes, int], bool] = {}
    with plans.planned_anew(db):
        for start in range(0, len(keys), _KEYS):
            some = {"account": account_id, "keys": keys[start : start + _KEYS]}
            for row in db.execute(_KNOWN, some | {"biller": biller_of(db)}):
                known[bytes(row.line_key), row.occurrence] = row.complete
    return known


_KEYS: Final = 100_000  # at a time; by old statistics each reads all lines of the account
_KNOWN: Final = text("""SELECT l.line_key, l.occurrence, s.complete FROM bank_line l
    JOIN statement s ON s.biller_id = l.biller_id AND s.id = l.statement_id
    WHERE l.biller_id = :biller AND l.bank_account_id = :account AND l.line_key = ANY(:keys)""")


def _account(db: Session, number: str | None) -> Row[Any] | None:
    return db.execute(
        select(bank_account).where(
            bank_account.c.biller_id == biller_of(db),
            bank_account.c.account_number == (number or "").replace(" ", ""),
        )
    ).one_or_none()


def _file_with(db: Session, digest: bytes) -> UUID | None:
    found: UUID | None = db.scalar(
        select(statement_file.c.id).where(
            statement_file.c.biller_id == biller_of(db), statement_file.c.sha256 == digest
        )
    )
    return found


def _dong(amount: Decimal | None) -> int | None:
    """Whole đồng, None for a fraction: statements in other currencies are not posted."""
    if amount is None or amount != amount.to_integral_value():
        return None
    return int(amount)
