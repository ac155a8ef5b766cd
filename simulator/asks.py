"""What may be asked of the bank, read from JSON and checked before anything is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator import faults as fault_table
from simulator import qr
from simulator.clock import VIETNAM
from simulator.errors import Refused
from simulator.faults import Fault, whole
from simulator.memo import LONGEST, SHAPES, fold

AMOUNT_MAX = 999_999_999_999
_ACCOUNT = re.compile(r"9999[0-9A-Za-z]{1,15}")
_REFERENCE = re.compile(r"[0-9A-Za-z.]{1,16}")
_NAME_MAX = 70
_TRANSFER = {
    "qr_text", "to_account", "amount", "memo", "from_name", "from_account", "at", "shape",
    "reference", "faults",
}  # fmt: skip
_OWN = {"account", "amount", "memo", "to_name", "to_account", "at", "reference", "faults"}


@dataclass(frozen=True, slots=True)
class Ask:
    """One movement on one of our accounts.

    amount: đồng, positive; account: ours, or a virtual account of ours; name, number: the other
    side, "" to let the bank invent one; at: None for now; shape: None for one by chance.
    """

    account: str
    amount: int
    memo: str
    name: str = ""
    number: str = ""
    at: datetime | None = None
    shape: str | None = None
    reference: str | None = None
    faults: tuple[Fault, ...] = ()


def transfer(body: object) -> Ask:
    """Money coming in: by the text of a QR, or by account, amount and memo.

    What is given beside a QR replaces what the QR says, as when a payer edits the form.
    """
    given = _object(body, _TRANSFER)
    faults = fault_table.parse(given.get("faults"))
    scanned = scan(given["qr_text"]) if given.get("qr_text") else None
    account = given.get("to_account") or (scanned.account if scanned else None)
    amount = given.get("amount") or (scanned.amount if scanned else None)
    memo = _text(given.get("memo") or (scanned.memo if scanned else ""), "memo", LONGEST)
    ask = Ask(
        account=our_number(account, "to_account"),
        amount=whole(amount, "amount", 1, AMOUNT_MAX),
        memo=fold(memo),
        name=fold(_text(given.get("from_name", ""), "from_name", _NAME_MAX)).upper(),
        number=_other_number(given.get("from_account", ""), "from_account"),
        at=_moment(given.get("at")),
        shape=_shape(given.get("shape")),
        reference=_reference(given.get("reference")),
        faults=faults,
    )
    return _with_second_bill(ask)


def own(body: object) -> Ask:
    """Money on one of our accounts that no payer sent: a payout, a fee, interest."""
    given = _object(body, _OWN)
    return Ask(
        account=our_number(given.get("account"), "account"),
        amount=whole(given.get("amount"), "amount", 1, AMOUNT_MAX),
        memo=fold(_text(given.get("memo", ""), "memo", LONGEST)),
        name=fold(_text(given.get("to_name", ""), "to_name", _NAME_MAX)).upper(),
        number=_other_number(given.get("to_account", ""), "to_account"),
        at=_moment(given.get("at")),
        shape="plain",
        reference=_reference(given.get("reference")),
        faults=fault_table.parse(given.get("faults"), groups=("notice", "row", "day")),
    )


def scan(text: object) -> qr.Scanned:
    """Read a QR text that must name our bank."""
    found = qr.scan(_text(text, "qr_text", 1000))
    if found.bank_bin != qr.OUR_BIN:
        raise Refused(
            f"Mã QR của ngân hàng {found.bank_bin}; ngân hàng thử nghiệm chỉ giữ {qr.OUR_BIN}",
            f"The QR names bank {found.bank_bin}; the test bank keeps only {qr.OUR_BIN}",
        )
    return found


def our_number(value: object, name: str) -> str:
    """An account number of the test range: 9999…, at most 19 letters and digits."""
    if not isinstance(value, str) or not _ACCOUNT.fullmatch(value):
        raise Refused(
            f"{name} phải là số tài khoản thử nghiệm, bắt đầu bằng 9999",
            f"{name} must be a test account number beginning with 9999",
        )
    return value


def parts(body: object, known: set[str]) -> dict[str, Any]:
    """A JSON object with no field but the known ones."""
    return _object(body, known)


def text(value: object, name: str, longest: int = _NAME_MAX) -> str:
    """A text of at most `longest` characters."""
    return _text(value, name, longest)


def moment_of(value: object) -> datetime | None:
    """A time in ISO-8601; without a zone it is Vietnamese time. None stays None."""
    return _moment(value)


def _with_second_bill(ask: Ask) -> Ask:
    """Fault two_codes: both memos, and the sum of both amounts, in one transfer."""
    second = fault_table.find(ask.faults, "two_codes")
    if second is None:
        return ask
    memo, amount = second.text("memo"), second.number("amount")
    if second.text("qr_text"):
        other = scan(second.text("qr_text"))
        if other.account != ask.account:
            raise Refused(
                "Mã QR thứ hai thuộc tài khoản khác: một lần chuyển chỉ tới một tài khoản",
                "The second QR names another account: one transfer reaches one account only",
            )
        memo, amount = memo or other.memo, amount or other.amount or 0
    if not memo:
        raise Refused("two_codes cần qr_text hoặc memo", "two_codes needs qr_text or memo")
    both = fold(f"{ask.memo} {memo}")
    return Ask(
        ask.account, whole(ask.amount + amount, "amount", 1, AMOUNT_MAX), both, ask.name,
        ask.number, ask.at, ask.shape, ask.reference, ask.faults,
    )  # fmt: skip


def _object(body: object, known: set[str]) -> dict[str, Any]:
    if not isinstance(body, Mapping):
        raise Refused("Cần một đối tượng JSON", "A JSON object is needed", status=400)
    for name in set(body) - known:
        raise Refused(f"Không có trường {name!r}", f"There is no field {name!r}")
    return {name: value for name, value in body.items() if value is not None}


def _text(value: object, name: str, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise Refused(
            f"{name} phải là văn bản không quá {longest} ký tự",
            f"{name} must be a text of at most {longest} characters",
        )
    return value


def _other_number(value: object, name: str) -> str:
    """The other side's account: test range only, so that nobody's real number is played with."""
    return our_number(value, name) if value else ""


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise Refused(
            "at phải theo ISO-8601, ví dụ 2026-01-09T23:30:00+07:00",
            "at must be ISO-8601, for example 2026-01-09T23:30:00+07:00",
        )
    local = found.replace(tzinfo=VIETNAM) if found.tzinfo is None else found.astimezone(VIETNAM)
    return local.replace(microsecond=0)


def _shape(value: object) -> str | None:
    if value is None or value in {"", "random"}:
        return None
    if value not in SHAPES:
        known = ", ".join(SHAPES)
        raise Refused(f"shape phải là một trong: {known}", f"shape must be one of: {known}")
    return str(value)


def _reference(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
        raise Refused(
            "reference gồm tối đa 16 chữ và số", "reference has at most 16 letters and digits"
        )
    return value
