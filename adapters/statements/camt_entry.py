"""One camt entry (Ntry) to statement lines. Elements are found by local name: every version
of the message has its own namespace, and the names inside barely differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import cast

from lxml import etree

from adapters.statements.damage import shown
from adapters.statements.dates import DateError, plausible
from adapters.statements.encoding import visible
from adapters.statements.numbers import AmountError, plain_decimal
from adapters.statements.row_problems import AGAIN
from reconciliation.statement import Problem, StatementLine

_SIGN = {"CRDT": 1, "DBIT": -1}
_NO_REFERENCE = frozenset({"", "NOTPROVIDED", "NONREF"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One Ntry as read. lines is empty for one that is not booked or cannot be read."""

    amount: Decimal | None
    lines: tuple[StatementLine, ...]
    problems: tuple[Problem, ...]
    booked: bool = True


def children(node: etree._Element, *path: str) -> Iterator[etree._Element]:
    """Elements under node along a path of local names, all branches, in document order."""
    for child in node:
        if local(child) == path[0]:
            if len(path) == 1:
                yield child
            else:
                yield from children(child, *path[1:])


def first(node: etree._Element | None, *path: str) -> etree._Element | None:
    """The first element along a path of local names."""
    return None if node is None else next(children(node, *path), None)


def text(node: etree._Element | None, *path: str) -> str:
    """The squeezed text of the first element along a path; empty if there is none."""
    found = first(node, *path) if path else node
    return "" if found is None else " ".join(visible(found.text or "").split())


def line_of(node: etree._Element) -> int:
    """The line in the file where the element starts; 0 if the parser lost count."""
    return cast("int | None", node.sourceline) or 0


def local(node: etree._Element) -> str:
    """The tag without its namespace; empty for a comment or processing instruction."""
    return _without_namespace(node.tag) if isinstance(node.tag, str) else ""


@lru_cache(maxsize=1024)
def _without_namespace(tag: str) -> str:
    return tag.rpartition("}")[2]


def signed_amount(node: etree._Element, currency: str) -> Decimal:
    """Amt of an entry, balance or detail with its sign. Raises AmountError.

    A reversal needs no turn: CdtDbtInd already says which way the money went this time.
    """
    amount = first(node, "Amt")
    sign = _SIGN.get(text(node, "CdtDbtInd"))
    if amount is None or sign is None or amount.get("Ccy", currency) != currency:
        raise AmountError(text(amount))
    return sign * plain_decimal((amount.text or "").strip(), currency)


def read_entry(node: etree._Element, currency: str) -> Entry:
    """The entry as lines: one, or one for each detail of a batch that adds up."""
    line = line_of(node)
    status = text(node, "Sts", "Cd") or text(node, "Sts")
    if status != "BOOK":
        return Entry(None, (), (_not_booked(line, status),), booked=False)
    try:
        amount = signed_amount(node, currency)
        when = _moment(first(node, "BookgDt")) or _moment(first(node, "ValDt"))
        value = _moment(first(node, "ValDt"))
        if when is None:
            raise DateError("")
    except (AmountError, DateError) as unread:
        return Entry(None, (), (_unread(line, str(unread)),))
    whole = StatementLine(
        line=line,
        booking_date=when[0],
        value_date=value[0] if value else None,
        txn_time=when[1],
        amount=amount,
        bank_reference=_reference(text(node, "AcctSvcrRef")),
        is_reversal=text(node, "RvslInd") in {"true", "1"},
    )
    details = list(children(node, "NtryDtls", "TxDtls"))
    if len(details) <= 1:
        return Entry(amount, (_described(whole, node, details, amount),), ())
    parts = _parts(details, node, currency)
    if parts is None or sum(parts) != amount:
        return Entry(
            amount,
            (_described(whole, node, details, amount),),
            (_not_split(line, len(details)),),
        )
    return Entry(
        amount,
        tuple(
            _described(whole, node, [detail], part)
            for detail, part in zip(details, parts, strict=True)
        ),
        (),
    )


def _parts(
    details: list[etree._Element], entry: etree._Element, currency: str
) -> list[Decimal] | None:
    """Signed amounts of the details; None unless every one is there, in the right currency."""
    found = []
    for detail in details:
        holder = detail if first(detail, "Amt") is not None else first(detail, "AmtDtls", "TxAmt")
        amount = first(holder, "Amt")
        sign = _SIGN.get(text(detail, "CdtDbtInd") or text(entry, "CdtDbtInd"))
        if amount is None or sign is None or amount.get("Ccy") != currency:
            return None
        try:
            found.append(sign * plain_decimal((amount.text or "").strip(), currency))
        except AmountError:
            return None
    return found


def _described(
    whole: StatementLine, entry: etree._Element, details: list[etree._Element], amount: Decimal
) -> StatementLine:
    """The line with references, other party and memo. Of several details, only the memo."""
    detail = details[0] if len(details) == 1 else None
    refs = first(detail, "Refs")
    other = _other_party(detail, credit=(amount >= 0) != whole.is_reversal)
    parties = first(detail, "RltdPties")
    memo = [_memo(each) for each in details] or [""]
    return StatementLine(
        line=whole.line,
        booking_date=whole.booking_date,
        value_date=whole.value_date,
        txn_time=whole.txn_time,
        amount=amount,
        reference=_reference(text(refs, "EndToEndId"))
        or _reference(text(detail, "RmtInf", "Strd", "CdtrRefInf", "Ref")),
        bank_reference=_reference(text(refs, "AcctSvcrRef")) or whole.bank_reference,
        counterparty_account=_account(first(parties, f"{other}Acct")),
        counterparty_name=text(parties, other, "Nm") or text(parties, other, "Pty", "Nm") or None,
        memo=" ".join(part for part in memo if part) or text(entry, "AddtlNtryInf"),
        is_reversal=whole.is_reversal,
    )


def _other_party(detail: etree._Element | None, *, credit: bool) -> str:
    """Who the money came from, or went to; a reversal keeps the parties of the original."""
    role = "Dbtr" if credit else "Cdtr"
    parties = first(detail, "RltdPties")
    return role if first(parties, role) is not None else f"Ultmt{role}"


def _memo(detail: etree._Element) -> str:
    """Free text first; a structured reference or the bank's own words only without any."""
    said = [text(node) for node in children(detail, "RmtInf", "Ustrd")]
    free = " ".join(part for part in said if part.upper() not in _NO_REFERENCE)
    if free:
        return free
    structured = [
        text(node)
        for path in (("CdtrRefInf", "Ref"), ("AddtlRmtInf",))
        for node in children(detail, "RmtInf", "Strd", *path)
    ]
    return " ".join(structured) or text(detail, "AddtlTxInf")


def _account(holder: etree._Element | None) -> str | None:
    return text(holder, "Id", "IBAN") or text(holder, "Id", "Othr", "Id") or None


def account_number(statement: etree._Element) -> str | None:
    """The account a statement is for: IBAN, or the bank's own number (Vietnam has no IBAN)."""
    return _account(first(statement, "Acct"))


def _reference(said: str) -> str | None:
    return None if said.upper() in _NO_REFERENCE else said


def _moment(holder: etree._Element | None) -> tuple[date, time | None] | None:
    """(day, time) of a Dt or DtTm, as the bank wrote it. Raises DateError."""
    if holder is None:
        return None
    day, moment = text(holder, "Dt"), text(holder, "DtTm")
    try:
        if day:
            return plausible(date.fromisoformat(day[:10])), None
        if moment:
            said = datetime.fromisoformat(moment)
            return plausible(said.date()), said.time()
    except ValueError:
        raise DateError(day or moment) from None
    return None


def balance_day(balance: etree._Element | None) -> date | None:
    """The day a balance stands for; None without one or for a day that does not exist."""
    try:
        moment = _moment(first(balance, "Dt"))
    except DateError:
        return None
    return moment[0] if moment else None


def _not_booked(line: int, status: str) -> Problem:
    said = shown(status)
    return Problem(
        line,
        f"Giao dịch chưa được ngân hàng ghi sổ (Sts là {said}, cần “BOOK”) nên không được tính; "
        "khi ghi sổ, nó sẽ có trong sao kê sau.",
        f"The bank has not booked this entry (Sts is {said}, “BOOK” is needed); it is not "
        "counted. Once it is booked, a later statement has it.",
    )


def _unread(line: int, said: str) -> Problem:
    return Problem(
        line,
        f"Không đọc được số tiền (Amt), loại tiền (Ccy) hoặc ngày (BookgDt) của giao dịch này "
        f"{shown(said)}; cần số như 581000.00, loại tiền của tài khoản và ngày như 2026-03-11. "
        f"{AGAIN[0]}",
        f"Amount (Amt), currency (Ccy) or date (BookgDt) of this entry cannot be read "
        f"{shown(said)}; a number such as 581000.00, the account's currency and a day such as "
        f"2026-03-11 are needed. {AGAIN[1]}",
    )


def _not_split(line: int, parts: int) -> Problem:
    return Problem(
        line,
        f"Giao dịch gộp {parts} khoản nhưng các khoản (TxDtls) không cộng đúng tổng; giữ nguyên "
        "một dòng. Hãy tra từng khoản ở ngân hàng.",
        f"A batch of {parts} details (TxDtls) that do not add up to the entry; it stays one line. "
        "Look up its parts at the bank.",
    )
