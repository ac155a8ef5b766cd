"""Figures of the console's pages from what was read: the equation, and journals. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from payments.days import Compared
from payments.domain import accounts
from payments.domain.journals import Transfer
from payments.queries.takings import Places
from web.console.decisions import Entry, Journal
from web.console.pages import Equation, Gap
from web.language import Both
from web.words import WORDS, word

_GAPS: Final = {
    "received": Both(
        "Tiền đã nhận − những nơi đang giữ tiền", "Money received − the places it is in"
    ),
    "held": Both(
        "Tiền tự do − chênh lệch đang mở nêu tên", "Free money − what open discrepancies claim"
    ),
    "unapplied": Both("Tiền chưa ghi: khoản nhận − sổ cái", "Unapplied money: payments − ledger"),
    "receivable": Both("Phải thu: giấy báo − sổ cái", "Receivable: bills − ledger"),
    "credit": Both("Số dư người nộp: từng khoản − sổ cái", "Credit: each one − ledger"),
    "suspense": Both(
        "Dòng chờ giải thích: sao kê − sổ cái", "Lines to be explained: statement − ledger"
    ),
}
_FIXED: Final = {account.code: account for account in accounts.FIXED}


def equation(places: Places, named: int, compared: Sequence[Compared]) -> Equation:
    """The places of a day's money, and what nobody has explained up to then."""
    return Equation(
        received=places.received,
        applied=places.applied,
        credit=places.credit,
        refunded=places.refunded,
        named=named,
        unexplained=unexplained(compared),
        task_url="#gaps",
        gaps=tuple(Gap(_what(one), one.gap) for one in compared),
    )


def unexplained(compared: Iterable[Compared]) -> int:
    """One figure for all comparisons: 0 only if each of them agrees.

    Accounts of one component add up; components look at the same money from different sides,
    so the largest counts. Gaps of opposite signs never hide each other.
    """
    sums: dict[str, int] = {}
    for one in compared:
        if one.gap:
            before = sums.get(one.component, 0)
            opposite = before * one.gap < 0
            sums[one.component] = abs(before) + abs(one.gap) if opposite else before + one.gap
    return max(sums.values(), key=abs, default=0)


def journal(
    transfers: Sequence[Transfer], effect: Both | None = None, reference: str = ""
) -> Journal | None:
    """Transfers as debits and credits, one row for each account and side; None for none."""
    if not transfers:
        return None
    debits: dict[str, int] = {}
    credits_: dict[str, int] = {}
    for leg in transfers:
        debits[leg.debit] = debits.get(leg.debit, 0) + leg.amount.amount
        credits_[leg.credit] = credits_.get(leg.credit, 0) + leg.amount.amount
    entries = [Entry(*account_of(code), debit=amount) for code, amount in debits.items()]
    entries += [Entry(*account_of(code), credit=amount) for code, amount in credits_.items()]
    return Journal(entries, effect, reference)


def account_of(code: str) -> tuple[str, Both]:
    """Number and name of a ledger account, as in the books."""
    known = _FIXED.get(code)
    if known is None:
        kind, _, number = code.partition(":")
        bank, in_transit = accounts.of_bank_account(number)
        held, fees = accounts.of_gateway(number, _label(number))
        known = {"bank": bank, "gateway": held, accounts.GATEWAY_FEES: fees}.get(kind, in_transit)
    return known.book_code, Both(known.name_vi, known.name_en)


def _what(one: Compared) -> Both:
    if one.component == "bank":
        return Both(
            f"Tài khoản {one.subject}: sao kê − sổ cái",
            f"Account {one.subject}: statement − ledger",
        )
    if one.component == "batch":
        return Both(
            f"Lô {one.subject}: các dòng − tiền đã về",
            f"Batch {one.subject}: its rows − what came",
        )
    if one.subject.startswith("gateway:"):
        label = _label(one.subject.removeprefix("gateway:"))
        return Both(
            f"Tiền tại {label}: giao dịch và quyết toán − sổ cái",
            f"Money at {label}: payments and settlements − ledger",
        )
    return _GAPS.get(one.subject, Both(one.subject, one.subject))


def _label(gateway: str) -> str:
    """What people call a gateway; names are the same in both languages."""
    return word("way", gateway).name.vi if gateway in WORDS["way"] else gateway
