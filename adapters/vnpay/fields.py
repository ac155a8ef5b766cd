"""How VNPAY writes times, amounts, texts and addresses. Pure.

Source: VNPAY's payment page 2.1.0 and its querydr and refund page, lists of parameters.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from datetime import datetime
from typing import Final

from payments.domain.calendar import HANOI
from payments.domain.money import Money

# vnp_Amount is at most 12 digits and counts hundredths of a đồng.
MOST: Final = 9_999_999_999
_AMOUNT: Final = re.compile(r"[0-9]{1,12}")
_TIME: Final = re.compile(r"[0-9]{14}")
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
# What every URL encoder of every language writes alike, so that no signature depends on one.
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9 ._:-]+")
_D_BAR: Final = str.maketrans("đĐ", "dD")
_LOCAL: Final = "127.0.0.1"
_SHORTEST_ADDRESS: Final = 7


def time(at: datetime) -> str:
    """An aware moment as yyyyMMddHHmmss in Hanoi."""
    if at.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return at.astimezone(HANOI).strftime("%Y%m%d%H%M%S")


def read_time(text: str) -> datetime | None:
    """Undo `time`; None for what is no such moment."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=HANOI)
    except ValueError:
        return None


def amount(money: Money) -> str:
    """Đồng as hundredths: 1.500.000 ₫ is "150000000"."""
    return str(money.amount * 100)


def read_amount(text: str) -> Money | None:
    """Undo `amount`; None for what is no whole number of đồng."""
    if not _AMOUNT.fullmatch(text) or int(text) % 100:
        return None
    return Money(int(text) // 100)


def read_number(text: str) -> str:
    """A number that VNPAY gave a transaction; "" for none: it writes 0 where nothing was done."""
    return text if _NUMBER.fullmatch(text) and int(text) else ""


def plain(text: str, *, most: int) -> str:
    """A text without accents and without signs that encoders disagree on, cut to `most`."""
    parted = unicodedata.normalize("NFKD", text.translate(_D_BAR))
    bare = "".join(sign for sign in parted if not unicodedata.combining(sign))
    return _UNSAFE.sub(" ", bare).strip()[:most].rstrip()


def address(text: str) -> str:
    """The payer's address as VNPAY takes it: 7 to 45 characters; this machine's if unreadable."""
    try:
        found = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return _LOCAL
    short = str(found)
    return short if len(short) >= _SHORTEST_ADDRESS else found.exploded
