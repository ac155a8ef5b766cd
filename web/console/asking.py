"""What somebody asks to be done about a discrepancy: the form as it was sent, and what it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import request

from reconciliation.dividing import DIVIDE
from reconciliation.remedies import REFUND_CREDIT
from web.console import dividing
from web.language import Both
from web.pages import FieldError

GIVES_BACK: Final = ("refund", REFUND_CREDIT)
_LONGEST: Final = 300

NO_REASON: Final = Both("Ghi lý do, người duyệt cần đọc.", "Give a reason: the approver reads it.")
_NO_CHOICE: Final = Both(
    "Chọn một giấy báo ở danh sách trên.", "Choose one of the bills in the list above."
)
_NO_NAME: Final = Both("Ghi tên chủ tài khoản nhận.", "Give the name of the account's holder.")
_NO_ACCOUNT: Final = Both(
    "Số tài khoản gồm 4 đến 34 chữ số hoặc chữ cái.",
    "An account number has 4 to 34 digits or letters.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands in the form: as it was typed, or as the address asks to preview it."""

    way: str = ""
    candidate: str = ""
    reason: str = ""
    to_name: str = ""
    to_bank: str = ""
    to_account: str = ""
    shares: dividing.Shares = dividing.NOTHING


def typed() -> Asked:
    """What the form of a proposal sent."""
    form = request.form
    return Asked(
        way=form.get("way", ""),
        candidate=form.get("candidate", "")[:40],
        reason=reason_typed(),
        to_name=" ".join(form.get("to_name", "")[:70].split()),
        to_bank=" ".join(form.get("to_bank", "")[:70].split()),
        to_account="".join(form.get("to_account", "")[:60].split()),
        shares=dividing.typed(form) if form.get("way") == DIVIDE else dividing.NOTHING,
    )


def reason_typed() -> str:
    """The reason, on one line."""
    return " ".join(request.form.get("reason", "").split())[:_LONGEST]


def missing(asked: Asked) -> list[FieldError]:
    """What the form lacks, field by field."""
    found = []
    if asked.way in ("apply", "keep", "take_back") and not asked.candidate:
        found.append(FieldError("candidate", _NO_CHOICE))
    # Credit may go back by its gateway: then no account is named at all.
    named = asked.way == "refund" or (
        asked.way == REFUND_CREDIT and bool(asked.to_name or asked.to_account)
    )
    if named and not asked.to_name:
        found.append(FieldError("to_name", _NO_NAME))
    account = asked.to_account
    if named and not (account.isalnum() and account.isascii() and len(account) in range(4, 35)):
        found.append(FieldError("to_account", _NO_ACCOUNT))
    if not asked.reason:
        found.append(FieldError("reason", NO_REASON))
    return found
