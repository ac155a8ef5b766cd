"""What the payer's pages show: plain values, built by the portal's views.

PayPage       owed: who, how much, what now; also expired, cancelled and part paid
StatusStrip   the part of it that is fetched again and again
PaidPage      the end, with proof; keeps working as a bookmark
ReceiptPage   the receipt, for screen and A5 paper
CheckPage     the public check of a receipt
FindPage      "I have paid": a look-up that never marks anything paid
LostLinkPage  the link is unknown or too old
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final

from markupsafe import Markup

from web.language import Both
from web.pages import FieldError

FACE_CHECK_ABOVE: Final = 10_000_000
"""Đồng. Above it the payer's bank may ask for a face check (Decision 2345/QĐ-NHNN)."""

NO_QR_FROM: Final = 500_000_000
"""Đồng. From here instant transfers refuse the amount, so a QR would only fail."""


@dataclass(frozen=True, slots=True)
class Biller:
    """Who is paid. initials: two letters for the mark; contact: phone and hours, one line."""

    name: str
    initials: str
    contact: str = ""
    address: str = ""
    tax_code: str = ""


@dataclass(frozen=True, slots=True)
class BillLine:
    """One priced line. amount is signed: an exemption, subsidy or credit is negative.

    quantity and unit_price are shown when both are given and the quantity is not 1.
    """

    name: str
    amount: int
    quantity: int | None = None
    unit: str = ""
    unit_price: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bill:
    """One invoice of the order. group: class, patient code or dossier, ready to show.

    amount: what the bill says; paid: what has been booked on it already.
    """

    title: str
    beneficiary: str
    group: str
    amount: int
    paid: int = 0
    lines: Sequence[BillLine] = ()
    due_on: date | None = None
    reference: str = ""

    @property
    def left(self) -> int:
        """What is still owed."""
        return self.amount - self.paid


@dataclass(frozen=True, slots=True)
class Account:
    """Where the transfer goes. holder: as the bank shows it, upper case without marks."""

    bank: str
    number: str
    holder: str


@dataclass(frozen=True, slots=True)
class StatusStrip:
    """Is my money seen? Answer of `status_url`, and part of PayPage.

    status: a payer status of words.py; received: đồng booked for this order so far. When either
    differs from what the page was made with, the browser fetches `page_url`, the pay page
    itself, and puts its <main> in place: so the page becomes the paid page.
    """

    template: ClassVar[str] = "portal/status.html"

    status: str
    page_url: str
    find_url: str
    received: int = 0

    @property
    def state(self) -> str:
        """What the page compares with its own."""
        return f"{self.status}:{self.received}"


@dataclass(frozen=True, slots=True)
class PayPage:
    """The page of /pay/<token> while money is owed, or the code is over.

    status: awaiting, confirming, part_paid, expired or cancelled.
    amount: đồng to pay now. qr: our own SVG, without it the panel is left out; qr_url: the same
    picture as a PNG to save, made by the page's script if empty. renew_url: POST, makes a new code.
    ways_url: where another way is chosen, if this biller offers any.
    """

    template: ClassVar[str] = "portal/pay.html"

    biller: Biller
    bills: Sequence[Bill]
    amount: int
    status: str
    code: str
    strip: StatusStrip
    status_url: str
    account: Account | None = None
    qr: Markup | None = None
    qr_url: str = ""
    expires_at: datetime | None = None
    renew_url: str = ""
    ways_url: str = ""

    @property
    def paid(self) -> int:
        """What has been booked on the bills so far."""
        return sum(bill.paid for bill in self.bills)

    @property
    def needs_face_check(self) -> bool:
        """Whether a notice about the bank's face check belongs above the QR."""
        return self.amount > FACE_CHECK_ABOVE

    @property
    def too_large_for_qr(self) -> bool:
        """Whether no QR is shown, because no instant transfer takes the amount."""
        return self.amount >= NO_QR_FROM


@dataclass(frozen=True, slots=True)
class Received:
    """One payment that was booked. way: words.py channel code; reference: the bank's own."""

    amount: int
    at: datetime
    way: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptLink:
    """A receipt of this order. check_url: the public check, to be shown as text too."""

    number: str
    url: str
    check_url: str = ""
    check_code: str = ""


@dataclass(frozen=True, slots=True)
class PaidPage:
    """The end, with proof. status: paid, overpaid, late_paid, refunding or refunded.

    amount: what the bills say, all paid. excess: đồng received beyond that; refunded: đồng on
    the way back or given back. A 0 đ bill has amount 0 and no payments.
    look_again: the receipt is being written, so the page fetches itself until it is there.
    """

    template: ClassVar[str] = "portal/paid.html"

    biller: Biller
    bills: Sequence[Bill]
    amount: int
    status: str
    code: str
    payments: Sequence[Received] = ()
    receipts: Sequence[ReceiptLink] = ()
    excess: int = 0
    refunded: int = 0
    refund_by: date | None = None
    look_again: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Why a receipt no longer counts, and what does."""

    at: datetime
    reason: str
    replacement_number: str = ""
    replacement_url: str = ""


@dataclass(frozen=True, slots=True)
class Seal:
    """Where the ledger sealed it: number, root (hex) and when. None until the next seal."""

    number: int
    root: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """A receipt. number: seven digits; form and series: "BN01", "HS26".

    in_words: the amount in Vietnamese words, on the English page too.
    check_code: what to type; check_url: where, also in the QR.
    """

    template: ClassVar[str] = "portal/receipt.html"

    biller: Biller
    number: str
    form: str
    series: str
    issued_at: datetime
    title: str
    beneficiary: str
    group: str
    lines: Sequence[BillLine]
    amount: int
    in_words: str
    code: str
    check_code: str
    check_url: str
    payer: str = ""
    way: str = ""
    reference: str = ""
    qr: Markup | None = None
    seal: Seal | None = None
    signed_at: datetime | None = None
    signed_by: str = ""
    key_name: str = ""
    cancelled: Cancelled | None = None
    back_url: str = ""
    pdf_url: str = ""


@dataclass(frozen=True, slots=True)
class Tested:
    """One thing that was checked and how it came out."""

    ok: bool
    what: Both


@dataclass(frozen=True, slots=True)
class CheckPage:
    """The public check of a receipt. result: blank, genuine, cancelled, not_found, or
    doubtful: there is one, and a test failed; it is never called false.

    asked: what was typed. form_url: GET with `code`. beneficiary: masked by the view.
    technical: names and values for experts, shown closed.
    """

    template: ClassVar[str] = "portal/check.html"

    result: str
    form_url: str
    asked: str = ""
    number: str = ""
    biller: str = ""
    title: str = ""
    amount: int = 0
    beneficiary: str = ""
    group: str = ""
    received_at: datetime | None = None
    tests: Sequence[Tested] = ()
    technical: Sequence[tuple[str, str]] = ()
    cancelled: Cancelled | None = None


@dataclass(frozen=True, slots=True)
class FindPage:
    """\"I have paid\": looks for the money. POST to action_url; never marks anything paid.

    Fields: amount, day (dd/mm/yyyy), hour (HH:MM), last_digits (4). The four strings are what was
    typed or is known. result: "" before, then not_found, or seen when the money is here and nobody
    has put it on the bill yet (once it is there, the pay page says so).
    answer_by: when the biller answers; ticket: the number to quote.
    """

    template: ClassVar[str] = "portal/find.html"

    biller: Biller
    bills: Sequence[Bill]
    amount_left: int
    code: str
    action_url: str
    back_url: str
    amount: str = ""
    day: str = ""
    hour: str = ""
    last_digits: str = ""
    errors: Sequence[FieldError] = ()
    result: str = ""
    ticket: str = ""
    answer_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class LostLinkPage:
    """The link leads nowhere: mistyped, withdrawn or too old. Says nothing about any bill."""

    template: ClassVar[str] = "portal/lost.html"

    request_id: str = ""
