"""A statement as ISO 20022 camt.053.001.08."""

from __future__ import annotations

import textwrap
from datetime import date
from xml.etree import ElementTree as Xml

from simulator.statements.day import Line, Statement

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_USTRD = 140  # characters of one unstructured remittance text
_FAMILIES = {
    "credit": ("RCDT", "ESCT"), "payout": ("ICDT", "ESCT"), "fee": ("MDOP", "CHRG"),
    "interest": ("MCOP", "INTR"), "reversal": ("RCDT", "RRTN"),
}  # fmt: skip


def render(statement: Statement) -> bytes:
    """The file. Vietnam has no IBAN, so accounts stand in Othr."""
    document = Xml.Element("Document", xmlns=_NAMESPACE)
    root = Xml.SubElement(document, "BkToCstmrStmt")
    made = f"{statement.last.isoformat()}T23:59:59+07:00"
    name = f"{statement.account}-{statement.last:%Y%m%d}"
    _put(root, "GrpHdr/MsgId", f"MSG-{name}")
    _put(root, "GrpHdr/CreDtTm", made)
    stmt = Xml.SubElement(root, "Stmt")
    _put(stmt, "Id", name)
    _put(stmt, "CreDtTm", made)
    _put(stmt, "FrToDt/FrDtTm", f"{statement.first.isoformat()}T00:00:00+07:00")
    _put(stmt, "FrToDt/ToDtTm", made)
    _put(stmt, "Acct/Id/Othr/Id", statement.account)
    _put(stmt, "Acct/Ccy", statement.currency)
    _put(stmt, "Acct/Ownr/Nm", statement.holder)
    _balance(stmt, "OPBD", statement.opening, statement.first, statement.currency)
    _balance(stmt, "CLBD", statement.closing, statement.last, statement.currency)
    for line in statement.lines:
        _entry(stmt, line, statement.currency)
    Xml.indent(document)
    return bytes(Xml.tostring(document, encoding="utf-8", xml_declaration=True))


def _entry(stmt: Xml.Element, line: Line, currency: str) -> None:
    entry = Xml.SubElement(stmt, "Ntry")
    _amount(entry, line.amount, currency)
    if line.kind == "reversal":
        _put(entry, "RvslInd", "true")
    _put(entry, "Sts/Cd", "BOOK")
    _put(entry, "BookgDt/Dt", line.booking_date.isoformat())
    _put(entry, "ValDt/Dt", line.value_date.isoformat())
    _put(entry, "AcctSvcrRef", line.reference)
    family, sub = _FAMILIES[line.kind]
    _put(entry, "BkTxCd/Domn/Cd", "PMNT" if line.kind not in {"fee", "interest"} else "ACMT")
    _put(entry, "BkTxCd/Domn/Fmly/Cd", family)
    _put(entry, "BkTxCd/Domn/Fmly/SubFmlyCd", sub)
    details = Xml.SubElement(Xml.SubElement(entry, "NtryDtls"), "TxDtls")
    _put(details, "Refs/EndToEndId", "NOTPROVIDED")
    side = "Dbtr" if line.amount > 0 else "Cdtr"
    if line.name:
        _put(details, f"RltdPties/{side}/Pty/Nm", line.name)
    if line.number:
        _put(details, f"RltdPties/{side}Acct/Id/Othr/Id", line.number)
    remittance = Xml.SubElement(details, "RmtInf")
    for part in textwrap.wrap(line.memo, _USTRD, break_on_hyphens=False) or [""]:
        Xml.SubElement(remittance, "Ustrd").text = part


def _balance(stmt: Xml.Element, code: str, amount: int, day: date, currency: str) -> None:
    balance = Xml.SubElement(stmt, "Bal")
    _put(balance, "Tp/CdOrPrtry/Cd", code)
    _amount(balance, amount, currency)
    _put(balance, "Dt/Dt", day.isoformat())


def _amount(parent: Xml.Element, amount: int, currency: str) -> None:
    Xml.SubElement(parent, "Amt", Ccy=currency).text = str(abs(amount))
    Xml.SubElement(parent, "CdtDbtInd").text = "DBIT" if amount < 0 else "CRDT"


def _put(parent: Xml.Element, path: str, text: str) -> None:
    """Write a text at a path, making the elements on the way once."""
    for tag in path.split("/"):
        child = parent.find(tag)
        parent = Xml.SubElement(parent, tag) if child is None else child
    parent.text = text
