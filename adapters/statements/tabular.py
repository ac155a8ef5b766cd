"""Bank tables (CSV, XLSX, XLS, HTML): find the heading, read the rows, prove the balance.

A row with a day and an amount is an entry wherever it stands, whatever its memo says. A row
that looks like an entry and cannot be read is a Problem with its line, and from then on the
statement cannot be proven complete. Headings, labels and direction words are banks/*.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from adapters.statements import balances
from adapters.statements.cells import shown_text
from adapters.statements.dates import is_month_first
from adapters.statements.profiles import Heading, all_profiles, best_heading, fold, lacking
from adapters.statements.refusals import parsed, refusal, refused
from adapters.statements.row_problems import AGAIN
from adapters.statements.rows import (
    DELIMITERS,
    NotTableError,
    Row,
    Table,
    csv_head,
    csv_table,
    html_table,
    sheet_tables,
)
from adapters.statements.table_facts import Facts, facts_above
from adapters.statements.table_lines import Body, read_body
from reconciliation.statement import ParsedFile, Problem, Statement, totals

HEADING_WITHIN = 100  # one bank's heading stands in row 32; the rest is for longer letterheads
_DAY_FIRST = re.compile(r"\s*(?:1[3-9]|2[0-9]|3[01])[/.-][0-9]{1,2}[/.-][0-9]{4}")
_HEADING_ROWS = 3  # Vietnamese, English and a row that splits "Phát sinh" into Nợ and Có


def read_csv(text: str, *, profile: str | None = None) -> ParsedFile:
    """CSV text with comma, semicolon, tab or bar; the one under which a heading is found."""
    if profile is not None and profile not in all_profiles():
        return refused("unknown-profile", "csv")
    found: list[tuple[int, str]] = []
    for delimiter in DELIMITERS:
        head = csv_head(text, delimiter, HEADING_WITHIN)
        place = find_heading(head, profile)
        if place is not None:
            found.append((-place[0].known, delimiter))
    if not found:
        heads = (csv_head(text, delimiter, HEADING_WITHIN) for delimiter in DELIMITERS)
        return _no_heading(heads)
    return _read("csv", [csv_table(text, min(found)[1])], profile)


def read_workbook(data: bytes, *, profile: str | None = None) -> ParsedFile:
    """Every sheet with a heading is one statement; sheets without one are ignored."""
    kind = "xlsx" if data.startswith(b"PK") else "xls"
    if profile is not None and profile not in all_profiles():
        return refused("unknown-profile", kind)
    try:
        return _read(kind, list(sheet_tables(data)), profile)
    except NotTableError as unfit:
        return refused(unfit.slug, kind if unfit.slug == "no-heading" else None)


def read_html(text: str, *, profile: str | None = None) -> ParsedFile:
    """A statement table in a web page, which some banks name .xls."""
    if profile is not None and profile not in all_profiles():
        return refused("unknown-profile", "html")
    try:
        table = html_table(text)
    except NotTableError as unfit:
        return refused(unfit.slug)
    if find_heading(table.rows[:HEADING_WITHIN], profile) is None:
        return refused("html-page")
    return _read("html", [table], profile)


def find_heading(rows: Sequence[Row], profile: str | None) -> tuple[Heading, int, int] | None:
    """(heading, index of its first row, index of the first row below it), or None.

    A heading of two or three rows is read as one: cells on top of one another are joined, and
    a merged cell on top counts for the blanks at its right.
    """
    context = [fold(" ".join(shown_text(cell) for cell in row.cells)) for row in rows]
    # One whole row first: a stray cell above a heading must not be taken for its upper half.
    for height in range(1, _HEADING_ROWS + 1):
        for at in range(len(rows)):
            above = " ".join(context[:at])
            heading = best_heading(_joined(rows[at : at + height]), above, profile)
            if heading is not None:
                return _with_rows_below(rows, at, height, heading, above, profile)
    return None


def _with_rows_below(
    rows: Sequence[Row], at: int, height: int, heading: Heading, context: str, profile: str | None
) -> tuple[Heading, int, int]:
    """Take in a row below (English names, the other half) if more columns are known with it."""
    for more in range(height + 1, _HEADING_ROWS + 1):
        taller = best_heading(_joined(rows[at : at + more]), context, profile)
        if taller is not None and len(taller.columns) > len(heading.columns):
            heading, height = taller, more
    return heading, at, at + height


def _joined(rows: Sequence[Row]) -> list[str]:
    """One heading of several rows; the upper ones spread over blanks at their right."""
    width = max((len(row.cells) for row in rows), default=0)
    joined = [""] * width
    for depth, row in enumerate(rows):
        last = ""
        for index in range(width):
            said = shown_text(row.cells[index]).strip() if index < len(row.cells) else ""
            last = said or last
            spread = said if depth == len(rows) - 1 else last
            joined[index] = f"{joined[index]} {spread}".strip()
    return joined


def _read(kind: str, tables: list[Table], profile: str | None) -> ParsedFile:
    statements: list[Statement] = []
    problems: list[Problem] = []
    for table in tables:
        place = find_heading(table.rows[:HEADING_WITHIN], profile)
        if place is None:
            continue
        heading, top, below = place
        facts = facts_above(table.rows[:top])
        titles = [shown_text(cell) for cell in table.rows[top].cells]
        if _is_month_first(table.rows[below:], heading):
            return refused("month-first", kind)
        width = max(len(row.cells) for row in table.rows[top:below]) if kind == "csv" else None
        body = read_body(table.rows[below:], heading, facts, titles, width=width)
        body.problems += facts.problems
        statement = _statement(heading, facts, body, len(table.problems))
        statements.append(statement)
        problems += sorted(table.problems + body.problems, key=lambda problem: problem.line)
    if not statements:
        return _no_heading((table.rows[:HEADING_WITHIN] for table in tables), kind)
    return parsed(kind, statements, problems)


def _no_heading(heads: Iterable[Sequence[Row]], kind: str | None = None) -> ParsedFile:
    """Refused, naming the columns that the likeliest heading lacks."""
    for rows in heads:
        for row in rows:
            lacks = lacking([shown_text(cell) for cell in row.cells])
            if lacks is not None:
                vi, en = lacks
                return ParsedFile(
                    format=kind,
                    error=refusal(
                        "no-heading",
                        f"Dòng {row.line} thiếu cột: {vi}.",
                        f"Row {row.line} lacks: {en}.",
                    ),
                )
    return refused("no-heading", kind)


def _is_month_first(rows: Sequence[Row], heading: Heading) -> bool:
    """Whether the days can only be read month first: then none of them is read day first."""
    at = heading.columns.get("date", heading.columns.get("date_reference"))
    days = [shown_text(row.cells[at]) for row in rows if at is not None and at < len(row.cells)]
    return any(map(is_month_first, days)) and not any(map(_DAY_FIRST.match, days))


def _statement(heading: Heading, facts: Facts, body: Body, cut_badly: int) -> Statement:
    """The statement with its balances: printed ones first, else those of the running balance."""
    chain = balances.follow(body.lines)
    body.problems.extend(chain.breaks)
    credit, debit = totals(line.amount for line in body.lines)
    opening = facts.opening if facts.opening is not None else chain.opening
    closing = facts.closing if facts.closing is not None else chain.closing
    if not body.lines:
        # A quiet day: nothing moved, and whichever balance is printed says so for both ends.
        opening = opening if opening is not None else closing
        closing = closing if closing is not None else opening
    doubts = cut_badly + len(chain.breaks) + body.wrong_totals(facts)
    if chain.closing is not None and closing != chain.closing:
        doubts += 1
        body.problems.append(
            Problem(
                body.lines[-1].line,
                f"Số dư cuối kỳ in {closing:f} khác số dư của giao dịch cuối {chain.closing:f}: có "
                f"thể thiếu dòng. {AGAIN[0]}",
                f"The printed closing balance {closing:f} is not the balance after the last "
                f"entry, {chain.closing:f}: a line may be missing. {AGAIN[1]}",
            )
        )
    return Statement(
        account=facts.account or body.account,
        currency=facts.currency,
        opening=opening,
        closing=closing,
        lines=tuple(body.lines),
        entries=len(body.lines) + body.unread,
        credit_total=credit,
        debit_total=debit,
        unread=body.unread + doubts,
        bank=heading.profile.name,
    )
