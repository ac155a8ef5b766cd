"""What stands on the papers of a day: as the books took it, or read again from the stored files.

A sheet is drawn up with `Booked`. A replay draws it up again with `Reread`, which knows nothing
but the sealed bytes, their hashes and the readers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import vault
from payments.domain import ids
from payments.domain.errors import Conflict, DomainError
from payments.domain.money import MOST
from payments.key_ring import VaultError
from payments.store.sessions import biller_of
from reconciliation import intake
from reconciliation.day_facts import Facts, LineRef, OnPaper, RowRef
from reconciliation.settlement_report import ReportReader, ReportRow
from reconciliation.statement import Statement, StatementReader


class NotAsStored(Conflict):
    """A stored file is not what it was: gone, changed, or it no longer says what was booked."""


@dataclass(frozen=True, slots=True)
class File:
    """A stored file behind a sheet. kind: statement or settlement; gateway: of a settlement."""

    id: UUID
    kind: str
    gateway: str
    sha256: str

    @property
    def shown(self) -> str:
        """Its id as people see it."""
        return ids.shown("fil" if self.kind == "statement" else "stf", self.id)


class Papers(Protocol):
    """The amounts on paper."""

    def balances(self, paper: OnPaper) -> tuple[int, int]:
        """Opening and closing balance of a statement."""
        ...

    def movements(self, account: str) -> Sequence[int]:
        """The lines that the bank booked on the day, signed, in any order."""
        ...

    def line(self, ref: LineRef) -> int:
        """The amount of a line, signed."""
        ...

    def row(self, ref: RowRef) -> tuple[int, int]:
        """Gross and fee of a row."""
        ...


class Booked:
    """The papers as the books took them."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def balances(self, paper: OnPaper) -> tuple[int, int]:
        """As on the statement's row."""
        return paper.opening, paper.closing

    def movements(self, account: str) -> Sequence[int]:
        """As on the rows of lines."""
        return [one.amount for one in self._facts.lines if one.account == account]

    def line(self, ref: LineRef) -> int:
        """As on the line's row."""
        return ref.amount

    def row(self, ref: RowRef) -> tuple[int, int]:
        """As on the row."""
        return ref.gross, ref.fee


@dataclass(slots=True)
class Reread:
    """The papers as the stored files say it. Made by `reread`."""

    day: date
    statements: dict[tuple[UUID, int], Statement] = field(default_factory=dict)
    lines: dict[tuple[str, str, int], tuple[date, int]] = field(default_factory=dict)
    rows: dict[tuple[UUID, int], ReportRow] = field(default_factory=dict)

    def balances(self, paper: OnPaper) -> tuple[int, int]:
        """As the file says it. Raises NotAsStored."""
        last = paper.file_id, paper.ordinal
        opening = self._statement(*(paper.begins or last)).opening
        closing = self._statement(*last).closing
        if opening is None or closing is None:
            raise _gone(f"a balance of {ids.shown('fil', paper.file_id)}")
        return int(opening), int(closing)

    def _statement(self, file_id: UUID, ordinal: int) -> Statement:
        found = self.statements.get((file_id, ordinal))
        if found is None:
            raise _gone(f"statement {ordinal} of {ids.shown('fil', file_id)}")
        return found

    def movements(self, account: str) -> Sequence[int]:
        """Every line of the day in any of the files, each once."""
        return [
            amount
            for (number, _, _), (day, amount) in self.lines.items()
            if number == account and day == self.day
        ]

    def line(self, ref: LineRef) -> int:
        """As the file says it. Raises NotAsStored."""
        found = self.lines.get((ref.account, ref.key, ref.occurrence))
        if found is None:
            raise _gone(f"a line of {ref.amount} in {ids.shown('fil', ref.file_id)}")
        return found[1]

    def row(self, ref: RowRef) -> tuple[int, int]:
        """As the file says it. Raises NotAsStored."""
        found = self.rows.get((ref.file_id, ref.line_no))
        if found is None:
            raise _gone(f"row {ref.line_no} of {ids.shown('stf', ref.file_id)}")
        return found.gross, found.fee


def behind(db: Session, facts: Facts) -> list[File]:
    """The stored files that the facts stand on."""
    statements = {one.file_id for one in facts.papers}
    statements |= {one.begins[0] for one in facts.papers if one.begins is not None}
    statements |= {one.file_id for one in facts.lines}
    statements |= {one.line.file_id for one in facts.takings if one.line is not None}
    settlements = {one.row.file_id for one in facts.takings if one.row is not None}
    for batch in facts.batches.values():
        statements |= {one.file_id for one in batch.lines}
        settlements |= {one.file_id for one in batch.rows}
    return [
        File(row.id, row.kind, row.gateway, bytes(row.sha256).hex())
        for row in db.execute(
            text("""SELECT id, 'statement' AS kind, '' AS gateway, sha256 FROM statement_file
                    WHERE biller_id = :biller AND id = ANY(:statements)
                    UNION ALL SELECT id, 'settlement', gateway, sha256 FROM settlement_file
                    WHERE biller_id = :biller AND id = ANY(:settlements)"""),
            {
                "biller": biller_of(db),
                "statements": list(statements),
                "settlements": list(settlements),
            },
        )
    ]


def reread(
    db: Session,
    day: date,
    files: Iterable[File],
    *,
    statements: StatementReader,
    reports: Callable[[str], ReportReader],
) -> Reread:
    """Open the stored files of a sheet, check their hashes, and read them again.

    Raises NotAsStored for the first file that is gone, cannot be opened or is not the one that
    the sheet names.
    """
    told = Reread(day)
    for file in files:
        if file.kind == "statement":
            _read_statement(db, told, file, statements)
        else:
            _read_report(db, told, file, reports(file.gateway))
    return told


def _read_statement(db: Session, told: Reread, file: File, reader: StatementReader) -> None:
    data, name, profile = _bytes(db, file)
    parsed = reader.read(data, name=name, profile=profile)
    for ordinal, found in enumerate(parsed.statements, 1):
        told.statements[file.id, ordinal] = found
        if found.currency != "VND":
            continue
        account = (found.account or "").replace(" ", "")
        for line, key, nth in intake.numbered(found.lines):
            if line.amount == line.amount.to_integral_value() and 1 <= abs(line.amount) <= MOST:
                about = line.booking_date, int(line.amount)
                told.lines[account, key.hex(), nth] = about


def _read_report(db: Session, told: Reread, file: File, reader: ReportReader) -> None:
    data, _, profile = _bytes(db, file)
    # Rows of other merchants are read here and never asked for: what the gateway calls this
    # biller may be another name by now.
    for row in reader.read(data, profile=profile).rows:
        told.rows[file.id, row.line] = row


_STORED = {
    "statement": ("file", "statement_file"),
    "settlement": ("settlement", "settlement_file"),
}


def _bytes(db: Session, file: File) -> tuple[bytes, str, str | None]:
    """The stored bytes, name and profile of a file whose hash still is what the sheet says."""
    word, table = _STORED[file.kind]
    row = db.execute(
        text(f"SELECT * FROM {table} WHERE biller_id = :biller AND id = :id"),
        {"biller": biller_of(db), "id": file.id},
    ).one_or_none()
    if row is None:
        raise _gone(file.shown)
    try:
        data = vault.unseal_bytes(db, row.key_id, row.sealed, context=f"{word}:{file.id}")
    except (VaultError, DomainError):
        raise NotAsStored(
            f"Không mở được tệp {file.shown}: các byte đã lưu không còn như lúc nhận.",
            f"File {file.shown} cannot be opened: its stored bytes are not what was received.",
        ) from None
    digest = hashlib.sha256(data).hexdigest()
    if digest != file.sha256:
        raise NotAsStored(
            f"Tệp {file.shown} có mã băm {digest}, bảng đã ký ghi {file.sha256}.",
            f"File {file.shown} has the hash {digest}, the signed sheet says {file.sha256}.",
        )
    return data, row.name, row.profile


def _gone(what: str) -> NotAsStored:
    return NotAsStored(
        f"Không còn tìm thấy trong các tệp đã lưu: {what}.",
        f"Not in the stored files any more: {what}.",
    )
