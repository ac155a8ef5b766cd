"""`thuphi parse-statement FILE…`: one JSON-able object a file, in the order given.

Needs no database. A file that cannot be taken gives an object too, with its error. Messages
are English, then Vietnamese behind " / ": the same pair people see on screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.registry import STATEMENT_READERS
from adapters.statements.damage import MOST_BYTES
from adapters.statements.refusals import refused
from reconciliation.statement import ParsedFile, Problem, Refusal, Statement, StatementLine

FORMATS: tuple[str, ...] = tuple(STATEMENT_READERS)


def parse_statements(
    paths: Iterable[Path | str], *, format: str = "auto", profile: str | None = None
) -> Iterator[dict[str, Any]]:
    """Read each file and yield it as the contract's JSON object, one at a time.

    format: a name of FORMATS. profile: a bank's column profile for tables. Raises KeyError
    for an unknown format before any file is opened.
    """
    reader = STATEMENT_READERS[format]
    for path in paths:
        data = _bytes(Path(path))
        if isinstance(data, ParsedFile):
            yield as_json(data)
        else:
            yield as_json(reader.read(data, name=Path(path).name, profile=profile))


def as_json(parsed: ParsedFile) -> dict[str, Any]:
    """The file as the contract's object: amounts are decimal strings, signed."""
    return {
        "format": parsed.format,
        "statements": [_statement(statement) for statement in parsed.statements],
        "problems": [{"line": problem.line, "what": _both(problem)} for problem in parsed.problems],
        "error": _both(parsed.error) if parsed.error else None,
    }


def _statement(statement: Statement) -> dict[str, Any]:
    return {
        "account": statement.account,
        "currency": statement.currency,
        "opening": _amount(statement.opening),
        "closing": _amount(statement.closing),
        "entries": statement.entries,
        "credit_total": _amount(statement.credit_total),
        "debit_total": _amount(statement.debit_total),
        "closes": statement.closes,
        "lines": [_line(line, table=statement.bank is not None) for line in statement.lines],
    }


def _line(line: StatementLine, *, table: bool) -> dict[str, Any]:
    return {
        "line": line.line,
        "booking_date": line.booking_date.isoformat(),
        "value_date": line.value_date.isoformat() if line.value_date else None,
        "amount": _amount(line.amount),
        # A table has one reference column, the bank's; it is the line's only reference then.
        "reference": line.bank_reference if table else line.reference,
        "bank_reference": line.bank_reference,
        "counterparty": _counterparty(line),
        "memo": line.memo,
    }


def _counterparty(line: StatementLine) -> str | None:
    """Name and account in one text: "TRAN THI C (9999000001)"."""
    if line.counterparty_name and line.counterparty_account:
        return f"{line.counterparty_name} ({line.counterparty_account})"
    return line.counterparty_name or line.counterparty_account


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _both(message: Problem | Refusal) -> str:
    return f"{message.en} / {message.vi}"


def _bytes(path: Path) -> bytes | ParsedFile:
    """The file's bytes, or why it is refused; one too large is not even read."""
    try:
        if not path.exists():
            return refused("missing-file")
        if not path.is_file():
            return refused("unreadable-file")
        if path.stat().st_size > MOST_BYTES:
            return refused("too-large")
        return path.read_bytes()
    except OSError:
        return refused("unreadable-file")
