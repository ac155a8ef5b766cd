"""Turns what a link may read into pages: the pay page, the paid page, the strip. No I/O.

page(seen, Visit(token, language, now, ...)) -> PayPage | PaidPage
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.vietqr import banks, qr
from payments.domain import ids
from payments.domain.receipts import grouped
from payments.queries import portal
from payments.queries.invoices import Line
from payments.queries.standing import Standing
from web import qr as drawn
from web.language import Language
from web.portal.pages import (
    NO_QR_FROM,
    Account,
    Bill,
    Biller,
    BillLine,
    PaidPage,
    PayPage,
    ReceiptLink,
    Received,
    StatusStrip,
)

OWING: Final = frozenset({"awaiting", "confirming", "part_paid", "expired", "cancelled"})
"""The statuses that the pay page shows; every other one is an end, with proof."""

RECEIPT_AWAITED: Final = timedelta(minutes=15)

WITH_QR: Final = frozenset({"awaiting", "confirming", "part_paid"})


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a link. demo: the bank that does not exist may be paid into.

    public_url: how strangers reach us, for what is printed.
    """

    token: str
    language: Language
    now: datetime
    public_url: str
    demo: bool = False

    @property
    def url(self) -> str:
        """The page itself."""
        return f"/pay/{self.token}"


def page(seen: portal.Seen, visit: Visit, *, has_ways: bool = False) -> PayPage | PaidPage:
    """The page that this order has come to. has_ways: there are other ways than a transfer."""
    status = seen.standing.status(visit.now)
    return (
        _owing(seen, status, visit, has_ways=has_ways)
        if status in OWING
        else _settled(seen, status, visit)
    )


def strip(stands: Standing, visit: Visit) -> StatusStrip:
    """The part of the pay page that is asked for again and again."""
    return StatusStrip(
        status=stands.status(visit.now),
        page_url=visit.url,
        find_url=f"{visit.url}/find",
        received=stands.received,
    )


def transfer(stands: Standing, receiver: portal.Receiver, visit: Visit) -> str | None:
    """The VietQR text for exactly what is due, with the code as its memo.

    None where there is nothing to scan: not owed, too much for an instant transfer, or a bank
    that takes none.
    """
    if stands.status(visit.now) not in WITH_QR or not 0 < stands.due < NO_QR_FROM:
        return None
    try:
        return qr.build(
            bank_bin=receiver.bank_bin,
            account=receiver.number,
            amount=stands.due,
            memo=stands.code,
            demo=visit.demo,
        )
    except (qr.QrRefused, banks.UnknownBank):
        return None  # the rows below still say everything that has to be typed


def biller(collector: portal.Collector) -> Biller:
    """The biller as the head of a page shows it."""
    return Biller(
        name=collector.name,
        initials=initials(collector.name),
        contact=collector.contact,
        address=collector.address,
        tax_code=collector.tax_code,
    )


def initials(name: str) -> str:
    """Two letters for the mark: "Trường Tiểu học Hoa Sen" -> "HS"."""
    return "".join(word[0] for word in name.split()[-2:]).upper()


def bill(one: portal.Bill) -> Bill:
    """One bill as a card shows it."""
    return Bill(
        title=one.title,
        beneficiary=one.beneficiary.name,
        group=one.beneficiary.group or one.beneficiary_code,
        amount=one.amount,
        paid=one.paid,
        lines=tuple(_line(line) for line in one.lines),
        due_on=one.due_on,
        reference=one.reference,
    )


def _line(line: Line) -> BillLine:
    return BillLine(
        name=line.name,
        amount=line.amount,
        quantity=line.quantity,
        unit=line.unit or "",
        unit_price=line.unit_price,
        note=line.note or "",
    )


def _owing(seen: portal.Seen, status: str, visit: Visit, *, has_ways: bool) -> PayPage:
    stands, receiver = seen.standing, seen.receiver
    text = transfer(stands, receiver, visit)
    label = drawn.transfer_label(
        visit.language, amount=stands.due, account=receiver.number, memo=stands.code
    )
    return PayPage(
        biller=biller(seen.collector),
        bills=tuple(bill(one) for one in seen.bills),
        # All bills withdrawn: nothing is owed, and the card says what it was about.
        amount=stands.due if stands.open_bills else sum(one.amount for one in seen.bills),
        status=status,
        code=stands.code,
        strip=strip(stands, visit),
        status_url=f"{visit.url}/status",
        account=_account(receiver, visit) if status in WITH_QR else None,
        qr=drawn.drawing(text, label=label) if text else None,
        qr_url=f"{visit.url}/qr.png" if text else "",
        expires_at=stands.expires_at,
        renew_url=f"{visit.url}/renew",
        ways_url=f"{visit.url}/ways" if has_ways and stands.due else "",
    )


def _settled(seen: portal.Seen, status: str, visit: Visit) -> PaidPage:
    stands = seen.standing
    return PaidPage(
        biller=biller(seen.collector),
        bills=tuple(bill(one) for one in seen.bills),
        amount=stands.total,
        status="overpaid" if stands.excess and status in ("paid", "late_paid") else status,
        code=stands.code,
        payments=tuple(Received(m.amount, m.at, m.way, m.reference) for m in seen.came),
        receipts=tuple(_receipt(paper, visit) for paper in seen.papers),
        excess=stands.excess,
        refunded=stands.refunding or stands.given_back,
        look_again=not seen.papers and _is_recent(seen, visit),
    )


def _is_recent(seen: portal.Seen, visit: Visit) -> bool:
    """Whether a receipt may still be on its way; later, nobody waits for it on a page."""
    return any(visit.now - money.at < RECEIPT_AWAITED for money in seen.came)


def _receipt(paper: portal.Paper, visit: Visit) -> ReceiptLink:
    code = grouped(paper.code)
    return ReceiptLink(
        number=paper.number,
        url=f"{visit.url}/receipts/{ids.shown('rcp', paper.id)}",
        check_url=f"{visit.public_url}/r/{code}",
        check_code=code,
    )


def _account(receiver: portal.Receiver, visit: Visit) -> Account:
    try:
        name = banks.bank(receiver.bank_bin, demo=visit.demo).name
    except banks.UnknownBank:
        name = f"BIN {receiver.bank_bin}"
    return Account(bank=name, number=receiver.number, holder=receiver.holder)
