"""A day's sheet as a document: titled tables, in Vietnamese or English, with its hash and seal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from payments import days
from payments.domain.calendar import HANOI
from payments.domain.errors import NotFound
from payments.queries import sheets, staff
from payments.queries.sheets import Version
from reconciliation import day_sheets
from web.console import figures
from web.language import Both, Language
from web.words import WORDS, word

Cell = str | int | None


@dataclass(frozen=True, slots=True)
class Table:
    """One part of the sheet. total: its sums, None where nothing is added up; proven: the sums
    were checked against a second source, so they are ruled twice."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    total: tuple[Cell, ...] | None = None
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A sheet to take away. about: label and value of what it is; foot: hash and seal.

    name: of the file, without its ending. at: when it was signed, or drawn up.
    """

    name: str
    title: str
    language: Language
    about: Sequence[tuple[str, str]]
    tables: Sequence[Table]
    foot: Sequence[tuple[str, str]]
    page: str
    at: datetime


_T: Final[Mapping[str, Both]] = {
    "title": Both("Bảng chốt ngày", "Day sheet"),
    "biller": Both("Đơn vị", "Biller"),
    "day": Both("Ngày", "Day"),
    "version": Both("Phiên bản", "Version"),
    "state": Both("Trạng thái", "State"),
    "signed": Both("Đã ký và khóa", "Signed and locked"),
    "draft": Both("CHƯA KÝ: số liệu tạm tính", "NOT SIGNED: figures may still change"),
    "drawn": Both("Lập lúc", "Drawn up"),
    "prepared": Both("Người lập", "Prepared by"),
    "signer": Both("Người ký", "Signed by"),
    "reason": Both("Lý do chỉnh", "Reason of the correction"),
    "equation": Both("Cân đối", "Equation"),
    "place": Both("Khoản mục", "Place"),
    "amount": Both("Số tiền (₫)", "Amount (₫)"),
    "received": Both("Đã nhận", "Received"),
    "applied": Both("Đã ghi vào giấy báo", "Applied to bills"),
    "credit": Both("Giữ làm số dư", "Kept as credit"),
    "refunded": Both("Đã hoàn lại", "Given back"),
    "named": Both("Chênh lệch có tên", "Named discrepancies"),
    "unexplained": Both("Chưa giải thích được", "Unexplained"),
    "ways": Both("Đối soát ba bên theo kênh", "Three ways, by channel"),
    "way": Both("Kênh", "Channel"),
    "payments": Both("Số khoản", "Payments"),
    "collected": Both("1. Lệnh đã thu (₫)", "1. Collected (₫)"),
    "reported": Both("2. Cổng báo cáo (₫)", "2. Gateway reports (₫)"),
    "fees": Both("Phí bị trừ (₫)", "Fees kept (₫)"),
    "arrived": Both("3. Tiền về (₫)", "3. Arrived (₫)"),
    "held": Both("Chênh lệch có tên (₫)", "Named discrepancies (₫)"),
    "total": Both("Tổng", "Total"),
    "statements": Both("Sao kê theo tài khoản", "Statements, by account"),
    "account": Both("Tài khoản", "Account"),
    "last_day": Both("Sao kê đến ngày", "Statement to"),
    "opening": Both("Đầu kỳ (₫)", "Opening (₫)"),
    "lines": Both("Số dòng trong ngày", "Lines of the day"),
    "credits": Both("Có trong ngày (₫)", "Credits of the day (₫)"),
    "debits": Both("Nợ trong ngày (₫)", "Debits of the day (₫)"),
    "closing": Both("Cuối kỳ (₫)", "Closing (₫)"),
    "ledger": Both("Sổ cái (₫)", "Ledger (₫)"),
    "accounts": Both("Phát sinh theo tài khoản kế toán", "Movements, by ledger account"),
    "number": Both("Số hiệu", "Number"),
    "book_debits": Both("Nợ (₫)", "Debit (₫)"),
    "book_credits": Both("Có (₫)", "Credit (₫)"),
    "carried": Both("Chênh lệch chuyển sang ngày sau", "Discrepancies carried over"),
    "id": Both("Mã", "Id"),
    "kind": Both("Loại", "Kind"),
    "arose": Both("Phát sinh ngày", "Arose on"),
    "files": Both("Tệp gốc", "Source files"),
    "statement": Both("Sao kê", "Statement"),
    "hash": Both("Mã băm SHA-256", "SHA-256"),
    "of_sheet": Both("SHA-256 của bảng", "SHA-256 of the sheet"),
    "seal": Both("Gốc niêm phong số {number}", "Root of seal {number}"),
    "no_seal": Both("chưa có niêm phong", "nothing is sealed yet"),
    "page": Both("Trang", "Page"),
}


def of_day(
    db: Session, day: date, *, version: int | None, language: Language, at: datetime
) -> Document:
    """The document of a signed version; without one the latest, or the day as it stands now.

    Raises NotFound for a version that was never signed.
    """
    found = sheets.versions(db, day)
    if version is not None:
        found = [one for one in found if one.version == version]
        if not found:
            raise NotFound()
    if found:
        return _document(db, found[-1].text, found[-1], language)
    return _document(db, day_sheets.draw_up(db, day, at=at).text, None, language)


def current(db: Session, day: date, *, at: datetime) -> tuple[bytes, Version | None]:
    """The latest signed sheet of a day, or its figures now and None."""
    found = sheets.versions(db, day)
    return (found[-1].text, found[-1]) if found else (day_sheets.draw_up(db, day, at=at).text, None)


def _document(db: Session, text: bytes, signed: Version | None, language: Language) -> Document:
    told: dict[str, Any] = json.loads(text)
    say = _Say(language)
    draft = "" if signed else "-nhap" if language is Language.VI else "-draft"
    sha256 = days.Sheet(told["version"], text).sha256.hex()
    seal = told.get("seal")
    return Document(
        name=f"thuphi-{told['day']}-v{told['version']}{draft}",
        title=f"{say('title')} {date.fromisoformat(told['day']):%d/%m/%Y}",
        language=language,
        about=_about(db, told, signed, say),
        tables=[table for table in _tables(told, say) if table.rows],
        foot=[
            (say("of_sheet"), sha256),
            (say("seal").format(number=seal["number"]), seal["root"])
            if seal
            else (say("seal").format(number="0"), say("no_seal")),
        ],
        page=say("page"),
        at=signed.signed_at if signed else datetime.fromisoformat(told["as_of"]["at"]),
    )


@dataclass(frozen=True, slots=True)
class _Say:
    language: Language

    def __call__(self, key: str) -> str:
        return _T[key].said(self.language)

    def word(self, noun: str, code: str) -> str:
        return word(noun, code).name.said(self.language) if code in WORDS[noun] else code


def _about(
    db: Session, told: Mapping[str, Any], signed: Version | None, say: _Say
) -> list[tuple[str, str]]:
    about = [
        (say("biller"), str(told.get("biller", ""))),
        (say("day"), str(told["day"])),
        (say("version"), str(told["version"])),
        (say("state"), say("signed") if signed else say("draft")),
    ]
    if "as_of" in told:
        about.append((say("drawn"), str(told["as_of"]["at"])))
    if signed is not None:
        names = staff.names(db, [signed.prepared_by, signed.signed_by])
        when = _local(signed.prepared_at) if signed.prepared_at else ""
        about += [
            (say("prepared"), f"{names.get(signed.prepared_by, '')} {when}".strip()),
            (
                say("signer"),
                f"{names.get(signed.signed_by, '')} {_local(signed.signed_at)}".strip(),
            ),
        ]
        if signed.reason:
            about.append((say("reason"), signed.reason))
    return about


def _tables(told: Mapping[str, Any], say: _Say) -> list[Table]:
    return [
        _equation(told, say),
        _ways(told, say),
        _statements(told, say),
        _accounts(told, say),
        _carried(told, say),
        Table(
            say("files"),
            (say("id"), say("kind"), say("hash")),
            [
                (
                    one["id"],
                    say.word("way", one["gateway"]) if one["gateway"] else say("statement"),
                    one["sha256"],
                )
                for one in told.get("files", ())
            ],
        ),
    ]


def _equation(told: Mapping[str, Any], say: _Say) -> Table:
    places = ("received", "applied", "credit", "refunded", "named")
    return Table(
        say("equation"),
        (say("place"), say("amount")),
        [(say(name), told.get(name)) for name in places],
        total=(say("unexplained"), told.get("unexplained")),
        proven=told.get("unexplained") == 0,
    )


def _ways(told: Mapping[str, Any], say: _Say) -> Table:
    names = ("payments", "collected", "reported", "fees", "arrived", "held")
    rows = told.get("ways", ())
    return Table(
        say("ways"),
        (say("way"), *map(say, names)),
        [(say.word("way", one["way"]), *(one.get(name) for name in names)) for one in rows],
        total=(say("total"), *(sum(one.get(name) or 0 for one in rows) for name in names)),
        proven=told.get("unexplained") == 0,
    )


def _statements(told: Mapping[str, Any], say: _Say) -> Table:
    names = ("last_day", "opening", "lines", "credits", "debits", "closing", "ledger")
    return Table(
        say("statements"),
        (say("account"), *map(say, names)),
        [(one["account"], *(one.get(name) for name in names)) for one in told["statements"]],
    )


def _accounts(told: Mapping[str, Any], say: _Say) -> Table:
    rows = told.get("accounts", ())
    named = [(one, *figures.account_of(one["account"])) for one in rows]
    return Table(
        say("accounts"),
        (say("number"), say("account"), say("book_debits"), say("book_credits")),
        [
            (number, name.said(say.language), one["debits"], one["credits"])
            for one, number, name in named
        ],
        total=(
            say("total"),
            "",
            sum(one["debits"] for one in rows),
            sum(one["credits"] for one in rows),
        ),
        proven=sum(one["debits"] for one in rows) == sum(one["credits"] for one in rows),
    )


def _carried(told: Mapping[str, Any], say: _Say) -> Table:
    found = told.get("discrepancies", {})
    return Table(
        say("carried"),
        (say("id"), say("kind"), say("arose"), say("amount")),
        [
            (one["id"], say.word("kind", one["kind"]), one["day"], one["amount"])
            for one in found.get("carried", ())
        ],
        total=(say("total"), "", "", found.get("amount", 0)),
    )


def _local(at: datetime) -> str:
    return at.astimezone(HANOI).isoformat(timespec="seconds")
