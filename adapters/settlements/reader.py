"""Reads settlement files: the rows below the heading, one by one, and what stands around them.

A row that cannot be read as it stands is a Problem with its line; the others are kept. A line of
totals is compared with the rows; a line of words without amounts is no row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from adapters.settlements import cell_problems, columns, layouts, profile
from adapters.settlements.cell_problems import AGAIN, BadCellError
from adapters.settlements.columns import Heading
from adapters.settlements.profile import Profile, ProfileError
from adapters.settlements.refusals import refused
from adapters.statements import cells, damage
from adapters.statements.damage import shown
from adapters.statements.encoding import TextError, decoded
from adapters.statements.numbers import AmountError
from adapters.statements.profiles import fold
from adapters.statements.rows import Cell, NotTableError, Row, Table, csv_table, sheet_tables
from payments.domain.calendar import HANOI
from payments.domain.money import MOST, grouped
from reconciliation.settlement_report import Report, ReportRow, RowKind
from reconciliation.statement import Problem

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._:/#|-]{0,118}[A-Za-z0-9])?")
_TOTAL = re.compile(r"(?:tong|total|cong|sum|grand total)\b")
_NEEDED = ("type", *profile.NEEDED)  # the type first: its words repeat, so they are known
_SHOWN = 40


class Reader:
    """Reads one gateway's files. Implements ReportReader."""

    def __init__(self, usual: Mapping[str, Any]) -> None:
        """usual: the layout in the gateway's folder, as layouts.usual gives it."""
        self._usual = usual
        self.gateway: str = usual["gateway"]
        self.title: str = usual["title"]

    def read(
        self, data: bytes, *, profile: str | None = None, merchant: str | None = None
    ) -> Report:
        """See ReportReader.read."""
        try:
            layout = self.layout(profile)
        except ProfileError as wrong:
            return refused("bad-profile", str(wrong))
        try:
            tables = list(_tables(data, layout))
        except (NotTableError, TextError) as unreadable:
            return refused(unreadable.slug if unreadable.slug != "no-heading" else "binary-file")
        return _report(tables, layout, merchant)

    def layout(self, told: str | None) -> Profile:
        """The usual layout, changed by a profile. Raises ProfileError."""
        if told is None:
            return profile.made(self._usual)
        made = profile.made(profile.parsed(told, self._usual))
        if made.gateway != self.gateway:
            raise ProfileError(f"it is for {made.gateway}, not for {self.gateway}")
        return made


def _tables(data: bytes, layout: Profile) -> Iterator[Table]:
    """The tables of a file, by its content. Raises NotTableError or TextError."""
    if len(data) > damage.MOST_BYTES:
        raise NotTableError("too-large")
    if not data.strip(b" \t\r\n\x00\x1a\xef\xbb\xbf\xff\xfe"):
        raise NotTableError("empty-file")
    if data.startswith(b"%PDF"):
        raise NotTableError("pdf-file")
    if data.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        yield from sheet_tables(data)
        return
    text = _text(data, layout)
    if text[:2000].lstrip().lower().startswith(("<!doctype", "<html", "<table", "<?xml")):
        raise NotTableError("html-page")
    yield csv_table(text, layout.delimiter)


def _text(data: bytes, layout: Profile) -> str:
    if not layout.encoding:
        return decoded(data)
    try:
        return decoded(data.decode(layout.encoding).encode())
    except UnicodeError:
        raise TextError("bad-encoding") from None


def _report(tables: Sequence[Table], layout: Profile, merchant: str | None) -> Report:
    rows: list[ReportRow] = []
    problems: list[Problem] = []
    named = merchant is not None
    found = [(table, columns.find(table.rows, layout)) for table in tables]
    if not any(heading for _, heading in found):
        return _no_heading(tables, layout)
    for table, heading in found:
        if heading is None:
            continue
        if heading.doubled:
            wanted = ", ".join(layout.columns[field][0] for field in heading.doubled)
            return refused("two-columns", wanted)
        body = _Body(layout, heading, merchant)
        stranger = body.stranger(table.rows[heading.below :])
        if stranger:
            return refused("other-merchant", stranger)
        named = named and "merchant" in heading.columns
        body.read(table.rows[heading.below :])
        rows += body.rows
        problems += [*table.problems, *body.problems]
    if not rows and not problems:
        return refused("no-rows")
    problems.sort(key=lambda problem: problem.line)
    return Report(tuple(rows), tuple(damage.limited(problems)), names_merchant=named)


def _no_heading(tables: Sequence[Table], layout: Profile) -> Report:
    for table in tables:
        for row in table.rows[: columns.HEADING_WITHIN]:
            said = [_folded(cell) for cell in row.cells]
            # Read with another delimiter the whole row is one cell.
            said += [fold(part) for cell in row.cells for part in re.split(r"[,;\t|]", str(cell))]
            other = layouts.lookalike(said, layout.gateway)
            if other is not None:
                return refused("other-gateway", other)
    return refused("no-heading", columns.needed(layout))


class _Body:
    """The rows of one table. rows, problems: what was found; both in the order of the file."""

    def __init__(self, layout: Profile, heading: Heading, merchant: str | None) -> None:
        self.rows: list[ReportRow] = []
        self.problems: list[Problem] = []
        self._layout, self._at, self._merchant = layout, heading.columns, merchant
        self._titles = heading.titles

    def stranger(self, rows: Iterable[Row]) -> str:
        """What the gateway calls the first merchant in the file that is not this biller."""
        place = self._at.get("merchant")
        if place is None or self._merchant is None:
            return ""
        for row in rows:
            if self._has_amounts(row) and not self._total(row):
                said = cells.shown_text(_cell(row, place)).strip()
                if said and said != self._merchant and fold(said) not in self._names("merchant"):
                    return said[:_SHOWN]
        return ""

    def read(self, rows: Iterable[Row]) -> None:
        """Take every row, or say why not."""
        for row in rows:
            if self._is_repeated_heading(row):
                continue
            if self._total(row):
                self._compare(row)
            elif self._has_amounts(row) or not self._is_blank("txn_id", row):
                try:
                    self.rows.append(self._row(row))
                except BadCellError as bad:
                    self.problems.append(Problem(row.line, *bad.args))

    def _row(self, row: Row) -> ReportRow:
        self._require_settled(row)
        kind = self._kind(row)
        gross, net = self._amount("gross", row), self._amount("net", row)
        if "fee" in self._at:
            fee = self._amount("fee", row, empty=0) + self._amount("vat", row, empty=0)
        else:
            fee = gross - net
        if kind is not RowKind.PAYMENT and not self._layout.negatives:
            gross, fee, net = -gross, -fee, -net
        _require_sound(kind, gross, fee, net)
        return ReportRow(
            line=row.line,
            batch=self._name("batch", row, most=60),
            settle_date=self._date(row),
            kind=kind,
            txn_id=self._name("txn_id", row),
            merchant_ref=self._name("merchant_ref", row, empty=True),
            request_ref=self._name("request_ref", row, empty=True),
            paid_at=self._time(row),
            gross=gross,
            fee=fee,
            net=net,
        )

    def _require_settled(self, row: Row) -> None:
        place = self._at.get("status")
        if place is None or not self._layout.settled:
            return
        if _folded(_cell(row, place)) not in self._layout.settled:
            raise self._bad(
                "status",
                _cell(row, place),
                cell_problems.one_of(self._layout.settled),
            )

    def _kind(self, row: Row) -> RowKind:
        said = _cell(row, self._at["type"])
        kind = self._layout.types.get(_folded(said))
        if kind is None:
            raise self._bad("type", said, cell_problems.one_of(self._layout.types))
        return kind

    def _amount(self, field: str, row: Row, *, empty: int | None = None) -> int:
        place = self._at.get(field)
        if place is None and empty is not None:
            return empty
        said = _cell(row, self._at[field])
        try:
            found = cells.amount(said, "VND")
        except AmountError:
            raise self._bad(field, said, cell_problems.AMOUNT) from None
        if found is None and empty is None:
            raise cell_problems.missing(self._title(field))
        amount = empty if found is None else int(found)
        if amount is None or abs(amount) > MOST:
            raise self._bad(field, said, cell_problems.AMOUNT)
        return amount

    def _name(self, field: str, row: Row, *, most: int = 120, empty: bool = False) -> str:
        """A number or name of a transaction, as text: letters, digits and a few marks."""
        place = self._at.get(field)
        if place is None:
            return ""
        said = _cell(row, place)
        try:
            name = cells.text(said)
        except cells.DigitsLostError:
            raise BadCellError(
                f"Cột {shown(self._title(field))}: {shown(_text_of(said))} là số đã mất chữ số "
                "cuối; hãy xuất cột này dạng chữ.",
                f"Column {shown(self._title(field))}: {shown(_text_of(said))} is a number that "
                "lost its last digits; export the column as text.",
            ) from None
        if not name and empty:
            return ""
        if not name:
            raise cell_problems.missing(self._title(field))
        if not _NAME.fullmatch(name) or len(name) > most:
            raise self._bad(field, said, cell_problems.name_of(most))
        return name

    def _date(self, row: Row) -> date:
        said = _cell(row, self._at["settle_date"])
        if isinstance(said, date):
            return said.date() if isinstance(said, datetime) else said
        found = self._layout.date.fullmatch(_text_of(said)) or self._layout.time.fullmatch(
            _text_of(said)
        )
        moment = _moment(found)
        if moment is None:
            raise self._bad(
                "settle_date",
                said,
                cell_problems.like(self._layout.date_example),
            )
        return moment.date()

    def _time(self, row: Row) -> datetime | None:
        place = self._at.get("paid_at")
        said = _cell(row, place) if place is not None else ""
        if isinstance(said, datetime):
            return said.replace(tzinfo=HANOI, microsecond=0)
        if isinstance(said, date):
            return datetime(said.year, said.month, said.day, tzinfo=HANOI)
        text = _text_of(said)
        if not text:
            return None
        moment = _moment(self._layout.time.fullmatch(text) or self._layout.date.fullmatch(text))
        if moment is None:
            raise self._bad(
                "paid_at",
                said,
                cell_problems.like(self._layout.time_example),
            )
        return moment

    def _compare(self, row: Row) -> None:
        """A line of totals against the rows above it."""
        for field in ("gross", "net"):
            try:
                printed = cells.amount(_cell(row, self._at[field]), "VND")
            except AmountError:
                printed = None
            sums = sum(getattr(one, field) for one in self.rows)
            if printed is None or int(printed) == sums:
                continue
            name, said, added = self._title(field), grouped(int(printed)), grouped(sums)
            self.problems.append(
                Problem(
                    row.line,
                    f"Dòng tổng ghi {name} {said} nhưng các dòng đọc được cộng lại là {added}: có "
                    f"thể thiếu dòng. {AGAIN[0]}",
                    f"The line of totals says {name} {said}, but the rows that could be read add "
                    f"up to {added}: some may be missing. {AGAIN[1]}",
                )
            )

    def _total(self, row: Row) -> bool:
        """Whether the row is a sum: a label says so, and it names no transaction."""
        if not self._is_blank("txn_id", row):
            return False
        said = (_folded(cell) for cell in row.cells if isinstance(cell, str))
        return bool(_TOTAL.match(next((one for one in said if one), "")))

    def _has_amounts(self, row: Row) -> bool:
        return not (self._is_blank("gross", row) and self._is_blank("net", row))

    def _is_blank(self, field: str, row: Row) -> bool:
        return cells.is_blank(_cell(row, self._at[field]))

    def _is_repeated_heading(self, row: Row) -> bool:
        return all(_folded(_cell(row, self._at[field])) in self._names(field) for field in _NEEDED)

    def _names(self, field: str) -> Sequence[str]:
        return self._layout.columns.get(field, ())

    def _bad(self, field: str, cell: Cell, wanted: cell_problems.Wanted) -> BadCellError:
        return cell_problems.bad(self._title(field), _text_of(cell), wanted)

    def _title(self, field: str) -> str:
        return self._titles.get(field) or self._names(field)[0]


def _require_sound(kind: RowKind, gross: int, fee: int, net: int) -> None:
    if (gross > 0) is not (kind is RowKind.PAYMENT) or gross == 0:
        raise BadCellError(
            f"Số tiền {grouped(gross)} trái dấu với loại giao dịch: khoản thu phải lớn hơn 0, "
            f"khoản hoàn và điều chỉnh nhỏ hơn 0. {AGAIN[0]}",
            f"The amount {grouped(gross)} has the wrong sign for its type: a payment is above 0, "
            f"a refund or chargeback below. {AGAIN[1]}",
        )
    if net != gross - fee:
        raise BadCellError(
            f"{grouped(gross)} − phí {grouped(fee)} không bằng thực nhận {grouped(net)}: cần "
            f"{grouped(gross - fee)}. Hãy hỏi cổng, hoặc dùng mẫu cột chỉ đúng cột phí.",
            f"{grouped(gross)} − fee {grouped(fee)} is not the net amount {grouped(net)}, which "
            f"should be {grouped(gross - fee)}. Ask the gateway, or name the fee's column in a "
            "profile.",
        )


def _cell(row: Row, place: int) -> Cell:
    return row.cells[place] if place < len(row.cells) else ""


def _folded(cell: Cell) -> str:
    return fold(cells.shown_text(cell))


def _text_of(cell: Cell) -> str:
    return " ".join(cells.shown_text(cell).split())


def _moment(found: re.Match[str] | None) -> datetime | None:
    if found is None:
        return None
    parts = {"H": "0", "M": "0", "S": "0"} | found.groupdict()
    try:
        return datetime(*(int(parts[name]) for name in "YmdHMS"), tzinfo=HANOI)  # type: ignore[misc, arg-type]  # six numbers, by the keys above
    except ValueError:
        return None
