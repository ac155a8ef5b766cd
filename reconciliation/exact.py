"""Exact: whether the answer to a discrepancy is beyond doubt, so that many may be accepted at once.

order_of   money of a payment that fits one order, and nobody else's
way_of     a line of the bank's own business, by words that mean one thing only
credit_of  a debit that takes one earlier credit back: its amount, its number, and no other's

An order is exact if it owes just this amount now, the line names it or its payer by number,
nothing speaks against it and no other order could be meant. An amount alone, a name (people
share names), a reference that breaks off or is read with doubt is not enough. Pure; whatever is
accepted in bulk has passed here, and nothing else says what is exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from payments.domain.memo import fold
from reconciliation.engine.book import MOST_SUGGESTED
from reconciliation.engine.evidence import Verdict
from reconciliation.kinds import NON_ORDER_IN, REVERSAL

KINDS: Final = ("UNMATCHED", "DUPLICATE_PAYMENT", "NON_ORDER", "REVERSAL")
"""The kinds that may be exact. The others are decided one by one."""

# Rules under which the engine is sure of what it read. Named one by one, so that a new rule is
# not exact before somebody has thought about it.
_SURE: Final = frozenset(
    {
        "code_exact",
        "code_in_memo",
        "reference_exact",
        "reference_in_memo",
        "gateway_reference",
        "payer_and_amount",
    }
)
_QUOTES: Final = frozenset({"code", "reference"})  # says which order
_NAMES: Final = frozenset({"payer_code", "payer_name"})  # says whose
# Shorter numbers of a payer stand in dates and trace numbers by chance.
_PAYER_CODE: Final = re.compile(r"(?=.*[A-Z])(?=.*[0-9])[0-9A-Z]{6,}|[0-9]{9,}")

_BANK_FEE: Final = re.compile(
    r"\bPHI (DICH VU|DV|SMS|BSMS|QUAN LY (TAI KHOAN|TK)|QLTK|DUY TRI|THUONG NIEN|GIAO DICH"
    r"|CHUYEN (TIEN|KHOAN)|NGAN HANG)\b|\b(SERVICE|SMS|BANK|TRANSFER|ACCOUNT) FEE\b"
)
_INTEREST: Final = re.compile(r"\bLAI (TIEN GUI|NHAP (GOC|VON)|KHONG KY HAN)\b")
_SOMEBODYS: Final = re.compile(r"\b(HOC|VIEN|LE) PHI\b|\bHOAN\b")


class Doubt(StrEnum):
    """Why something is not exact; SAID has the words."""

    OTHER_KIND = "other_kind"
    NO_MONEY = "no_money"
    NO_CANDIDATE = "no_candidate"
    OTHER_AMOUNT = "other_amount"
    UNNAMED = "unnamed"
    AGAINST = "against"
    UNDONE = "undone"
    TIE = "tie"
    TOO_MANY = "too_many"
    WORDS = "words"
    UNQUOTED = "unquoted"
    SEVERAL = "several"
    OTHER_CREDIT = "other_credit"
    CONTESTED = "contested"


SAID: Final[Mapping[Doubt, tuple[str, str]]] = {
    Doubt.OTHER_KIND: (
        "Loại này phải quyết định từng khoản.",
        "This kind is decided one by one.",
    ),
    Doubt.NO_MONEY: ("Không có tiền nào chờ ghi.", "No money waits to be applied."),
    Doubt.NO_CANDIDATE: ("Không có gợi ý nào.", "Nothing is suggested."),
    Doubt.OTHER_AMOUNT: (
        "Số tiền khác số còn phải nộp của gợi ý tốt nhất.",
        "The amount is not what the best candidate still owes.",
    ),
    Doubt.UNNAMED: (
        "Nội dung không nêu mã đơn hay mã người nộp; tên và số tiền chưa đủ.",
        "The line has no number of the order or payer; a name and an amount are not enough.",
    ),
    Doubt.AGAINST: (
        "Có dấu hiệu trái hoặc đọc chưa chắc.",
        "Something speaks against it, or is read with doubt.",
    ),
    Doubt.UNDONE: (
        "Cặp này đã có người gỡ trước đây.",
        "Somebody took this very pair apart before.",
    ),
    Doubt.TIE: ("Còn đơn khác cũng có thể đúng.", "Another order could be meant as well."),
    Doubt.TOO_MANY: (
        "Quá nhiều gợi ý, có thể còn đơn khác không hiện ra.",
        "So many candidates that another one may not be shown.",
    ),
    Doubt.WORDS: (
        "Nội dung không nói rõ đây là phí hay lãi của ngân hàng.",
        "The words do not say for certain that it is the bank's fee or interest.",
    ),
    Doubt.UNQUOTED: (
        "Nội dung không nêu số giao dịch của một khoản đã nhận, còn nguyên chưa hoàn.",
        "The memo has the bank's number of no credit that is still here whole.",
    ),
    Doubt.SEVERAL: (
        "Số giao dịch trong nội dung là của nhiều khoản.",
        "The number in the memo is that of several credits.",
    ),
    Doubt.OTHER_CREDIT: (
        "Khoản mang số giao dịch này khác số tiền, hoặc chưa từng được nhận cho ai.",
        "The credit with this number has another amount, or is not money of a payment.",
    ),
    Doubt.CONTESTED: (
        "Một khoản khác cũng đòi lấy lại đúng khoản đã nhận này.",
        "Another one takes the same credit back as well.",
    ),
}


@dataclass(frozen=True, slots=True)
class Owing:
    """A candidate as things stand now.

    target: its shown id. person: whom it is about, in whatever form tells people apart. owed:
    đồng it still asks for. evidence: as Evidence.as_data(). undone: a person took it and this
    money apart. other: another bill of the same person, not among the candidates, asks the same.
    """

    target: str
    person: str
    owed: int
    rule: str
    evidence: Sequence[Mapping[str, Any]]
    undone: bool = False
    other: bool = False


@dataclass(frozen=True, slots=True)
class Quoted:
    """A credit of the account whose number the memo of a debit has, as things stand now.

    line: its id. payment: the shown id of what it brought, "" for money without one. amount: of
    the line, whole: of the payment, in đồng.
    """

    line: str
    payment: str
    amount: int
    whole: int


@dataclass(frozen=True, slots=True)
class Exact:
    """The one answer. way: a key of remedies.WAYS; target: a shown id, "" where it needs none."""

    way: str
    target: str = ""


def order_of(kind: str, free: int, candidates: Sequence[Owing]) -> Exact | Doubt:
    """The order that this money is for. free: đồng nobody has explained; candidates: best first."""
    if kind not in KINDS:
        return Doubt.OTHER_KIND
    if free <= 0:
        return Doubt.NO_MONEY
    if not candidates:
        return Doubt.NO_CANDIDATE
    if len(candidates) >= MOST_SUGGESTED:
        return Doubt.TOO_MANY
    best, *others = candidates
    if best.owed != free:
        return Doubt.OTHER_AMOUNT
    if best.undone:
        return Doubt.UNDONE
    if best.rule not in _SURE or any(_verdict(it) is not Verdict.AGREES for it in best.evidence):
        return Doubt.AGAINST
    if not any(_is_a_number(it) for it in best.evidence):
        return Doubt.UNNAMED
    if best.other or any(_rivals(best, other, free) for other in others):
        return Doubt.TIE
    return Exact("apply", best.target)


def way_of(kind: str, amount: int, memo: str) -> Exact | Doubt:
    """What a line in suspense is. amount: signed đồng, in is positive; memo: as it came."""
    if kind != "NON_ORDER":
        return Doubt.OTHER_KIND
    text = fold(memo)
    if REVERSAL.search(text) or _SOMEBODYS.search(text):
        return Doubt.WORDS
    fee, interest = bool(_BANK_FEE.search(text)), bool(_INTEREST.search(text))
    if amount < 0 and fee and not NON_ORDER_IN.search(text):
        return Exact("bank_charge")
    if amount > 0 and interest and not fee:
        return Exact("interest")
    return Doubt.WORDS


def credit_of(
    amount: int, named: str, quoted: Sequence[Quoted], *, contested: bool
) -> Exact | Doubt:
    """The payment that a debit takes back whole. amount: signed đồng of the debit.

    named: the line that the night named. quoted: neither taken back nor refunded, of any amount.
    contested: another reversal that is not over names the same.
    """
    if not quoted or not named:
        return Doubt.UNQUOTED
    if len(quoted) > 1:
        return Doubt.SEVERAL
    [one] = quoted
    if one.line != named or not one.payment or not one.amount == one.whole == -amount:
        return Doubt.OTHER_CREDIT
    if contested:
        return Doubt.CONTESTED
    return Exact("take_back", one.payment)


def _rivals(best: Owing, other: Owing, free: int) -> bool:
    """Whether this one could be meant just as well."""
    if other.owed == free or _signs(other) & _QUOTES:
        return True  # the same amount, or a reference of its own
    # Two people who are both named: the amount alone would choose between them.
    return other.person != best.person and bool(_signs(other) & _NAMES)


def _signs(one: Owing) -> set[str]:
    """The kinds of evidence that name something, however surely."""
    told = (it for it in one.evidence if _verdict(it) in (Verdict.AGREES, Verdict.AMBIGUOUS))
    return {str(it["kind"]) for it in told}


def _is_a_number(it: Mapping[str, Any]) -> bool:
    if it["kind"] == "payer_code":
        return _PAYER_CODE.fullmatch("".join(str(it["on_line"]).upper().split())) is not None
    return it["kind"] in _QUOTES


def _verdict(it: Mapping[str, Any]) -> Verdict:
    return Verdict(it["verdict"])
