"""MT940 and MT942: the SWIFT text statement.

The mt-940 library splits each `:61:`; this module counts them, checks what it made of them,
and proves that every block closes. A block with pages (60M, 62M) is one statement a page.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from mt940 import tags
from mt940.models import Amount, Transactions
from mt940.options import Options

from adapters.statements import mt940_fields
from adapters.statements.damage import shown
from adapters.statements.dates import nearest_year
from adapters.statements.encoding import TextError, decoded, visible
from adapters.statements.mt940_fields import Block, Field
from adapters.statements.numbers import AmountError, checked
from adapters.statements.refusals import parsed, refusal, refused
from adapters.statements.row_problems import AGAIN
from reconciliation.statement import (
    ParsedFile,
    Problem,
    Refusal,
    Statement,
    StatementLine,
    Totals,
)

# The library logs every value it cannot read, and those are people's payments.
logging.getLogger("mt940").addHandler(logging.NullHandler())
logging.getLogger("mt940").propagate = False

_OPTIONS = Options.all()
_ENTRY = tags.Statement()
_NOWHERE = Transactions(options=_OPTIONS)  # a :61: needs nothing of the statement around it
# Some banks put an IBAN or a long reference where sixteen characters are allowed.
_LONGER = (tags.StatementASNB(), tags.StatementGLS())

_HEAD = re.compile(
    r"(?P<y>[0-9]{2})(?P<m>[0-9]{2})(?P<d>[0-9]{2})(?:(?P<em>[0-9]{2})(?P<ed>[0-9]{2})| {4})?"
    r"(?P<mark>R?[CD])(?P<funds>[A-Z])?[ \n]?(?P<amount>[0-9]{1,15}(?:,[0-9]{0,5})?)"
    r"(?=$|[A-Z\n ])",
    re.IGNORECASE,
)
_BALANCE = re.compile(
    r"(?P<mark>[CD])(?P<day>[0-9]{6})(?P<currency>[A-Z]{3})(?P<amount>[0-9]{1,15}(?:,[0-9]{0,5})?)\s*"
)
_NO_REFERENCE = frozenset({"", "NONREF", "NOTPROVIDED"})


class Mt940Reader:
    """Reads MT940 text. profile is not used: the form is the same for every bank."""

    def read(self, data: bytes, *, name: str = "", profile: str | None = None) -> ParsedFile:
        """See StatementReader.read."""
        try:
            text = decoded(data)
        except TextError as refused_text:
            return refused(refused_text.slug, line=refused_text.line)
        if not mt940_fields.looks_like_mt940(text):
            return refused("other-format")
        return read_text(text)


_LIKE_ENTRY = (
    "cần ngày, C hoặc D, số tiền và loại giao dịch, như 2603110311C581000,NTRF",
    "day, C or D, amount and kind are needed, such as 2603110311C581000,NTRF",
)
_LIKE_BALANCE = (
    "cần C hoặc D, ngày, loại tiền và số tiền, như C260311VND581000,",
    "C or D, day, currency and amount are needed, such as C260311VND581000,",
)


def read_text(text: str) -> ParsedFile:
    """Every statement of an MT940 text; never fewer entries than it marks without saying so."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    problems: list[Problem] = []
    sections = [part for block in mt940_fields.blocks(text) for part in _sections(block, problems)]
    statements = [_statement(part, problems) for part in sections]
    seen = sum(statement.entries for statement in statements)
    marked = mt940_fields.entry_marks(text)
    if marked > seen:
        problems.append(
            Problem(
                0,
                f"Tệp có {marked} dấu :61: nhưng chỉ {seen} dấu đứng đầu dòng; có dòng bị dính vào "
                f"chữ khác. {AGAIN[0]}",
                f"The file marks {marked} entries (:61:) but only {seen} start a line; "
                f"some are glued to other text. {AGAIN[1]}",
            )
        )
        missing = marked - seen
        # Nobody can say which statement the glued entries belong to: none is proven.
        statements = [
            replace(statement, unread=statement.unread + missing) for statement in statements
        ]
    if not statements:
        return refused("no-statement", "mt940")
    cut = refusal("cut-message") if mt940_fields.ends_in_the_middle(text) else None
    return parsed("mt940", statements, problems, cut or _missing_page(sections, statements))


@dataclass(slots=True)
class _Section:
    """The fields of one account and one page, taken apart."""

    line: int
    account: str | None = None
    number: str | None = None
    floor_currency: str | None = None
    opening: Field | None = None
    closing: Field | None = None
    entries: list[tuple[Field, list[Field]]] = field(default_factory=list)

    def is_empty(self) -> bool:
        return not self.entries


def _sections(block: Block, problems: list[Problem]) -> Iterable[_Section]:
    """The statements of one block: one, or more where a bank repeats :25: inside it."""
    now = _Section(block.line)
    found = [now]
    for item in block.fields:
        if item.damaged:
            problems.append(
                Problem(
                    item.line,
                    f"Có ký tự điều khiển trước :{item.tag}:; thẻ này bị hỏng. {AGAIN[0]}",
                    f"A control character stands before :{item.tag}:; the tag is damaged. "
                    f"{AGAIN[1]}",
                )
            )
        if item.tag in {"25", "25P"} and now.closing is not None:
            # Behind a damaged :20:, a part without entries only repeats a balance. It is named
            # and left out; money is never moved to another account's statement.
            if now.is_empty() and _damaged_header(block, now, item):
                problems.append(_left_out(now, item))
                found.pop()
            now = _Section(item.line)
            found.append(now)
        _file(now, item)
    return found


def _damaged_header(block: Block, section: _Section, until: Field) -> bool:
    return any(
        item.damaged and item.tag == "20" and section.line <= item.line <= until.line
        for item in block.fields
    )


def _left_out(section: _Section, at: Field) -> Problem:
    account = section.account or "?"
    return Problem(
        at.line,
        f"Đầu trang sao kê bị hỏng; phần không có giao dịch của tài khoản {shown(account)} bị bỏ. "
        f"{AGAIN[0]}",
        f"The statement header is damaged; the part of account {shown(account)}, which has no "
        f"entries, was left out. {AGAIN[1]}",
    )


def _file(section: _Section, item: Field) -> None:
    """Put a field where it belongs. A :86: behind the closing balance speaks of no entry."""
    first_line = item.value.split("\n", 1)[0].strip()
    if item.tag in {"25", "25P"}:
        section.account = first_line or None
    elif item.tag in {"28", "28C"}:
        section.number = first_line or None
    elif item.tag == "34F" and re.match("[A-Z]{3}", first_line):
        section.floor_currency = first_line[:3]
    elif item.tag in {"60", "60F", "60M"}:
        section.opening = section.opening or item
    elif item.tag in {"62", "62F", "62M"}:
        section.closing = item
    elif item.tag == "61":
        section.entries.append((item, []))
    elif item.tag in {"86", "NS"} and section.entries and section.closing is None:
        section.entries[-1][1].append(item)


def _statement(section: _Section, problems: list[Problem]) -> Statement:
    opening, currency = _balance(section.opening, section, "60", problems)
    closing, closing_currency = _balance(section.closing, section, "62", problems)
    currency = currency or closing_currency or section.floor_currency or "VND"
    if closing_currency not in {None, currency}:
        closing = None
        problems.append(
            Problem(
                section.line,
                f"Số dư đầu (:60F:) bằng {currency} nhưng số dư cuối (:62F:) bằng "
                f"{closing_currency}; cần cùng một loại tiền. {AGAIN[0]}",
                f"The opening balance (:60F:) is in {currency}, the closing one (:62F:) in "
                f"{closing_currency}; both have to be in one currency. {AGAIN[1]}",
            )
        )
    lines: list[StatementLine] = []
    sums = Totals()
    for entry, details in section.entries:
        try:
            line = _line(entry, details, currency)
        except (ValueError, ArithmeticError, RuntimeError):
            problems.append(
                Problem(
                    entry.line,
                    f"Không đọc được dòng :61: {shown(entry.value)}; {_LIKE_ENTRY[0]}. {AGAIN[0]}",
                    f"This :61: entry cannot be read: {shown(entry.value)}; {_LIKE_ENTRY[1]}. "
                    f"{AGAIN[1]}",
                )
            )
            continue
        lines.append(line)
        sums.add(line.amount)
    return Statement(
        account=_account(section.account, currency),
        currency=currency,
        opening=opening,
        closing=closing,
        lines=tuple(lines),
        entries=len(section.entries),
        credit_total=sums.credit,
        debit_total=sums.debit,
        unread=len(section.entries) - len(lines),
        number=section.number,
        closing_day=_balance_day(section.closing),
    )


def _balance_day(item: Field | None) -> date | None:
    """The day of a balance; None without one or for a day that does not exist."""
    match = _BALANCE.match(item.value) if item else None
    if match is None:
        return None
    day = match["day"]
    try:
        return date(2000 + int(day[:2]), int(day[2:4]), int(day[4:]))
    except ValueError:
        return None


def _account(printed: str | None, currency: str) -> str | None:
    """The account without the currency some banks write behind it: 2121.21.211EUR."""
    return printed.removesuffix(currency).strip() or printed if printed else None


def _balance(
    item: Field | None, section: _Section, tag: str, problems: list[Problem]
) -> tuple[Decimal | None, str | None]:
    """(signed balance, currency), or nothing and a problem that says which one is missing."""
    vi, en = ("đầu", "opening") if tag == "60" else ("cuối", "closing")
    if item is None:
        problems.append(
            Problem(
                section.line,
                f"Thiếu số dư {vi} kỳ (:{tag}F:); tệp có thể bị cắt cụt. {AGAIN[0]}",
                f"The {en} balance (:{tag}F:) is missing; the file may be cut off. {AGAIN[1]}",
            )
        )
        return None, None
    match = _BALANCE.fullmatch(item.value.split("\n", 1)[0])
    try:
        if match is None:
            raise AmountError(item.value)
        amount = checked(Decimal(match["amount"].replace(",", ".")), match["currency"])
    except AmountError:
        problems.append(
            Problem(
                item.line,
                f"Không đọc được số dư {vi} kỳ (:{tag}F:) {shown(item.value)}; {_LIKE_BALANCE[0]}. "
                f"{AGAIN[0]}",
                f"The {en} balance (:{tag}F:) cannot be read: {shown(item.value)}; "
                f"{_LIKE_BALANCE[1]}. {AGAIN[1]}",
            )
        )
        return None, None
    return (amount if match["mark"] == "C" else -amount), match["currency"]


def _line(entry: Field, details: list[Field], currency: str) -> StatementLine:
    """One entry. Raises when the library and our own reading of its head do not agree."""
    head = _HEAD.match(entry.value)
    if head is None:
        raise AmountError(entry.value)
    said = _split(entry.value)
    amount = Decimal((said["amount"] or "").replace(",", "."))
    if said["amount"] != head["amount"] or (said["status"] or "").upper() != head["mark"].upper():
        raise AmountError(entry.value)
    checked(amount, currency)
    signed = Amount(said["amount"] or "", said["status"], currency, options=_OPTIONS).amount
    value_date = date(2000 + int(head["y"]), int(head["m"]), int(head["d"]))
    booking_date = (
        nearest_year(int(head["em"]), int(head["ed"]), value_date) if head["em"] else value_date
    )
    memo = _squeezed(item.value for item in details)
    return StatementLine(
        line=entry.line,
        booking_date=booking_date,
        value_date=value_date,
        amount=checked(signed, currency),
        reference=_reference(said["customer_reference"]),
        bank_reference=_reference(said["bank_reference"]),
        memo=memo or _squeezed([said["extra_details"] or ""]),
        is_reversal=head["mark"].upper().startswith("R"),
    )


def _split(value: str) -> dict[str, str | None]:
    """The library's parts of a :61:, by the first pattern that loses nothing of it."""
    first_line = value.split("\n", 1)[0]
    for pattern in (_ENTRY, *_LONGER):
        try:
            said = pattern.parse(_NOWHERE, value)
        except RuntimeError:
            continue
        if "//" not in first_line or said["bank_reference"] is not None:
            return said
    return _ENTRY.parse(_NOWHERE, first_line)


def _reference(text: str | None) -> str | None:
    said = " ".join(visible(text or "").split())
    return None if said.upper() in _NO_REFERENCE else said


def _squeezed(parts: Iterable[str]) -> str:
    """Wrapped lines joined by a blank: the form does not say if a wrap replaced one."""
    return " ".join(visible(" ".join(parts)).split())


def _missing_page(sections: list[_Section], statements: list[Statement]) -> Refusal | None:
    """A page that ends in 62M goes on in the next block with the same account and balance."""
    for at, section in enumerate(sections):
        if section.closing is None or section.closing.tag != "62M":
            continue
        ends, follows = statements[at], statements[at + 1 : at + 2]
        if not follows or (follows[0].account, follows[0].opening) != (ends.account, ends.closing):
            line = section.closing.line
            return refusal("page-missing", f"(dòng {line})", f"(line {line})")
    return None
