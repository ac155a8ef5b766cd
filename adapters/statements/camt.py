"""ISO 20022 camt.053 (statement) and camt.054 (notification), any version, as a stream.

The parser never resolves an entity, loads a DTD or opens the network, and each entry is
dropped once read, so memory does not grow with the file. A document with a DOCTYPE is
refused before its first element is looked at.
"""

from __future__ import annotations

import io
import re
from decimal import Decimal

from lxml import etree

from adapters.statements.camt_entry import (
    account_number,
    balance_day,
    children,
    first,
    line_of,
    local,
    read_entry,
    signed_amount,
    text,
)
from adapters.statements.damage import shown
from adapters.statements.numbers import AmountError
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

_MESSAGES = {"BkToCstmrStmt": "camt.053", "BkToCstmrDbtCdtNtfctn": "camt.054"}
_STATEMENTS = frozenset({"Stmt", "Ntfctn"})
_NAMESPACE = re.compile(r"camt[.]05[34][.][0-9]{3}[.][0-9]{2}")
# Looked for in the bytes, so that not even the declarations inside are parsed.
_DOCTYPES = tuple("<!DOCTYPE".encode(form) for form in ("ascii", "utf-16-le", "utf-16-be"))
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)


class CamtReader:
    """Reads camt.053 and camt.054. profile is not used: the form is the same for every bank."""

    def read(self, data: bytes, *, name: str = "", profile: str | None = None) -> ParsedFile:
        """See StatementReader.read."""
        if any(mark in data for mark in _DOCTYPES):
            return refused("xml-doctype", "xml")
        reading = _Reading()
        try:
            error = reading.run(data)
        except etree.XMLSyntaxError as broken:
            line = broken.lineno or 0
            error = refusal("broken-xml", f"(dòng {line})", f"(line {line})")
        reading.close_open_statement()
        if error is None and not reading.statements:
            error = refusal("no-statement" if reading.message else "not-camt")
        return parsed(reading.message or "xml", reading.statements, reading.problems, error)


class _Reading:
    """One pass over the document: what has been read so far."""

    def __init__(self) -> None:
        self.message: str | None = None
        self.statements: list[Statement] = []
        self.problems: list[Problem] = []
        self._node: etree._Element | None = None
        self._open: _OpenStatement | None = None

    def run(self, data: bytes) -> Refusal | None:
        """Read all of it; the reason, where the document is not taken."""
        events = etree.iterparse(
            io.BytesIO(data),
            events=("start", "end"),
            tag=[f"{{*}}{name}" for name in (*_MESSAGES, *_STATEMENTS, "Ntry")],
            resolve_entities=False,
            load_dtd=False,
            dtd_validation=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        for event, node in events:
            name = local(node)
            if name in _MESSAGES and node.getroottree().docinfo.internalDTD is not None:
                return refusal("xml-doctype")  # declared in an encoding the search did not know
            if event == "start":
                self._start(node, name)
            elif self._open is not None:
                self._end(node, name)
        return None

    def close_open_statement(self) -> None:
        """Keep what a cut-off document gave; its statement does not close."""
        if self._open is not None and self._node is not None:
            self._finish(cut=True)

    def _start(self, node: etree._Element, name: str) -> None:
        if name in _MESSAGES:
            namespace = _NAMESPACE.search(str(node.tag))
            self.message = namespace.group() if namespace else _MESSAGES[name]
        elif name in _STATEMENTS and self.message and self._open is None:
            self._node, self._open = node, _OpenStatement()

    def _end(self, node: etree._Element, name: str) -> None:
        if self._open is None or self._node is None:
            return
        if name == "Ntry" and node.getparent() is self._node:
            self._open.add(self._node, node, self.problems)
            node.clear()
            before = node.getprevious()
            if before is not None and local(before) == "Ntry":
                self._node.remove(before)
        elif node is self._node:
            self._finish(cut=False)
            node.clear()

    def _finish(self, *, cut: bool) -> None:
        if self._open is None or self._node is None:
            return
        self.statements.append(self._open.close(self._node, self.problems, cut=cut))
        self._node, self._open = None, None


class _OpenStatement:
    """Entries of one Stmt or Ntfctn, added up while they stream by."""

    def __init__(self) -> None:
        self.lines: list[StatementLine] = []
        self.entries = 0
        self.unread = 0
        self.sums = Totals()
        self.currency: str | None = None

    def add(self, statement: etree._Element, node: etree._Element, problems: list[Problem]) -> None:
        self.currency = self.currency or _currency(statement, node)
        entry = read_entry(node, self.currency)
        self.entries += 1
        problems.extend(entry.problems)
        self.lines.extend(entry.lines)
        if entry.amount is not None:
            self.sums.add(entry.amount)
        elif entry.booked:
            self.unread += 1

    def close(self, node: etree._Element, problems: list[Problem], *, cut: bool) -> Statement:
        currency = self.currency or _currency(node, None)
        line = line_of(node)
        doubtful = self._missing(node, line, problems) + (1 if cut else 0)
        opening, strange_opening = _balance(node, _OPENING, currency, problems)
        closing, strange_closing = _balance(node, _CLOSING, currency, problems)
        return Statement(
            account=account_number(node),
            currency=currency,
            opening=opening,
            closing=closing,
            lines=tuple(self.lines),
            entries=self.entries,
            credit_total=self.sums.credit,
            debit_total=self.sums.debit,
            unread=self.unread + doubtful + strange_opening + strange_closing,
            closing_day=balance_day(_balance_node(node, _CLOSING)),
            number=text(node, "ElctrncSeqNb") or text(node, "LglSeqNb") or text(node, "Id") or None,
        )

    def _missing(self, node: etree._Element, line: int, problems: list[Problem]) -> int:
        """How many entries the bank's own summary counts beyond those in the file."""
        said = text(node, "TxsSummry", "TtlNtries", "NbOfNtries")
        if not said.isascii() or not said.isdigit() or int(said) == self.entries:
            return 0
        problems.append(
            Problem(
                line,
                f"Sao kê tự ghi có {said} giao dịch (NbOfNtries) nhưng tệp chứa {self.entries}. "
                f"{AGAIN[0]}",
                f"The statement counts {said} entries (NbOfNtries), the file holds {self.entries}. "
                f"{AGAIN[1]}",
            )
        )
        return abs(int(said) - self.entries)


def _currency(statement: etree._Element, entry: etree._Element | None) -> str:
    """The account's currency: as stated, else that of its balances, else of the entry."""
    stated = text(statement, "Acct", "Ccy")
    if stated:
        return stated
    for code in (*_OPENING, *_CLOSING):
        amount = first(_balance_node(statement, (code,)), "Amt")
        if amount is not None and amount.get("Ccy"):
            return str(amount.get("Ccy"))
    amount = first(entry, "Amt")
    return str(amount.get("Ccy") or "VND") if amount is not None else "VND"


def _balance_node(statement: etree._Element, codes: tuple[str, ...]) -> etree._Element | None:
    found = {text(node, "Tp", "CdOrPrtry", "Cd"): node for node in children(statement, "Bal")}
    return next((found[code] for code in codes if code in found), None)


def _balance(
    statement: etree._Element, codes: tuple[str, ...], currency: str, problems: list[Problem]
) -> tuple[Decimal | None, bool]:
    """(signed balance of the first kind present, is it in another currency).

    A balance in another currency is shown, reported, and proves nothing.
    """
    node = _balance_node(statement, codes)
    if node is None:
        return None, False
    line = line_of(node)
    amount = first(node, "Amt")
    own = str(amount.get("Ccy") or currency) if amount is not None else currency
    try:
        value = signed_amount(node, own)
    except AmountError:
        problems.append(
            Problem(
                line,
                f"Không đọc được số dư {codes[0]} (Bal/Amt) {shown(text(amount))}; cần số thập "
                f"phân dùng dấu chấm, như 581000 hoặc 581000.00. {AGAIN[0]}",
                f"The {codes[0]} balance (Bal/Amt) cannot be read: {shown(text(amount))}; a number "
                f"with a decimal point is needed, such as 581000 or 581000.00. {AGAIN[1]}",
            )
        )
        return None, False
    if own != currency:
        problems.append(
            Problem(
                line,
                f"Số dư {codes[0]} bằng {shown(own)}, khác loại tiền {shown(currency)} của tài "
                f"khoản; không dùng được để kiểm tra. {AGAIN[0]}",
                f"The {codes[0]} balance is in {shown(own)}, not in the account's "
                f"{shown(currency)}, and proves nothing. {AGAIN[1]}",
            )
        )
    return value, own != currency
