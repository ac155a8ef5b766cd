"""Dossiers: the fee lines of an administrative dossier, and its code.

What is filed online may be free of fees (`catalogue.relief`); then its bill is 0 đồng, is
complete at once and still gives a confirmation. At the counter the fee is due.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from billing import catalogue
from billing.catalogue import Channel, FeeItem, SetBy
from payments.domain.errors import Invalid
from payments.domain.money import Money
from payments.invoices import Line

_CODE: Final = re.compile(r"[0-9A-Z]{1,3}(\.[0-9A-Z]{1,3}){0,4}-[0-9]{6}-[0-9]{4,5}")

FIRST_PAGES: Final = 2
FIRST_PAGE: Final = Money(2_000)
LATER_PAGE: Final = Money(1_000)
COPY_CAP: Final = Money(200_000)
_CERTIFIED: Final = "Chứng thực bản sao"
_BASIS: Final = "Thông tư 226/2016/TT-BTC"


def code(text: str) -> str:
    """A dossier's code as it is stored, in capitals: "H26.901-260105-0007". Raises Invalid.

    Source: Circular 01/2018/TT-VPCP, article 19, and the shorter unit codes of later years.
    """
    found = text.strip().upper()
    if not _CODE.fullmatch(found):
        raise Invalid(
            "Mã hồ sơ có dạng H26.901-260105-0007.", "A dossier's code is like H26.901-260105-0007."
        )
    return found


def extracts(copies: int, channel: Channel, *, on: date) -> list[Line]:
    """Copies of a civil status extract."""
    _some(copies)
    item = catalogue.price("HT-TL", on=on)
    return catalogue.charged(item, copies, channel, on=on)


def certified_copies(pages: int, copies: int, channel: Channel, *, on: date) -> list[Line]:
    """Certified copies of a document: the first pages cost more, a copy is capped."""
    _some(copies)
    _some(pages)
    first, later = min(pages, FIRST_PAGES), max(0, pages - FIRST_PAGES)
    one = min(FIRST_PAGE.amount * first + LATER_PAGE.amount * later, COPY_CAP.amount)
    item = FeeItem("CT-BS", _CERTIFIED, Money(one), "bản", _BASIS, SetBy.MINISTRY)
    return catalogue.charged(item, copies, channel, on=on, note=f"{pages} trang mỗi bản")


def of_item(fee_code: str, quantity: int, channel: Channel, *, on: date) -> list[Line]:
    """Any other priced item of a dossier. Raises NotFound for a code without a price that day."""
    _some(quantity)
    return catalogue.charged(catalogue.price(fee_code, on=on), quantity, channel, on=on)


def _some(count: int) -> None:
    if count < 1:
        raise Invalid("Số lượng phải từ 1.", "There is at least one of it.")
