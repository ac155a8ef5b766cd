"""One bank credit as payOS describes it: alike in webhooks and in a link's transactions.

Both have to give it the same name, so that a credit which is told and looked up is one
payment; that is why they share this reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from payments.domain.calendar import HANOI
from payments.domain.money import Money

ORDER_MOST: Final = 9_007_199_254_740_991
"""The largest orderCode: the last integer that JavaScript counts exactly."""

_LINK: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:[.][0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
_REFERENCE_MOST: Final = 100
_SIGNED_AS_EMPTY: Final = ("null", "undefined")


@dataclass(frozen=True, slots=True)
class Credit:
    """Money that reached the biller's account. bank_reference: "" if the bank gave none.

    transaction: its name for ever, from the link and the bank's reference: payOS gives a credit
    no number of its own, one link may be paid by several, and banks reuse references.
    """

    transaction: str
    amount: Money
    at: datetime
    account_number: str
    bank_reference: str
    memo: str
    counterparty_name: str
    counterparty_account: str


def read(link_id: str, fields: Mapping[str, Any]) -> Credit:
    """Read a credit. Raises ValueError, KeyError, TypeError, OverflowError or MoneyError."""
    reference = text(fields, "reference").strip()
    if len(reference) > _REFERENCE_MOST:
        raise ValueError("reference")
    return Credit(
        transaction=f"{link_id}:{reference}",
        amount=Money(integer(fields["amount"])),
        at=moment(fields["transactionDateTime"]),
        account_number=text(fields, "accountNumber"),
        bank_reference=reference,
        memo=text(fields, "description"),
        counterparty_name=text(fields, "counterAccountName"),
        counterparty_account=text(fields, "counterAccountNumber"),
    )


def link_id(value: object) -> str:
    """A paymentLinkId. Raises ValueError."""
    if not isinstance(value, str) or not _LINK.fullmatch(value):
        raise ValueError("paymentLinkId")
    return value


def integer(value: object, *, least: int = 1) -> int:
    """A whole number that payOS can count. Raises ValueError."""
    # bool is an int to Python, and 1.5 would be one to int(): neither is an amount.
    if type(value) is not int or not least <= value <= ORDER_MOST:
        raise ValueError("number")
    return value


def moment(value: object) -> datetime:
    """A time; without its zone it is Hanoi's. Raises ValueError, OverflowError."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("time")
    read = datetime.fromisoformat(value)
    return read.replace(tzinfo=HANOI) if read.tzinfo is None else read.astimezone(HANOI)


def text(fields: Mapping[str, Any], name: str) -> str:
    """A text that PostgreSQL can keep; "" if there is none. Raises TypeError."""
    value = fields.get(name)
    # The signature cannot tell "null" from nothing, so neither do we.
    if value is None or value in _SIGNED_AS_EMPTY:
        return ""
    if not isinstance(value, str):
        raise TypeError(name)
    # A memo with a NUL, or cut in the middle of a sign (half a surrogate pair), is still a memo;
    # PostgreSQL's text has room for neither.
    return value.replace("\x00", " ").encode(errors="replace").decode()
