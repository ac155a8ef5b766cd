"""Other ways to pay: the page that offers them, and the page of one try at a gateway.

WaysPage   a choice, with limits and fees before anything is pressed
TryPage    going there, waiting for the truth, or what went wrong and what to do
TryStrip   the part of it that is fetched again and again

    offered(gateways, due, settings, local) -> options
    tried(seen, attempt, visit) -> TryPage
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import urlsplit

from adapters import registry
from adapters.company import Company
from payments.domain import ids
from payments.domain.gateway import Gateway
from payments.domain.money import MOST, grouped
from payments.queries import portal
from payments.queries.orders import Attempt
from web.language import Both
from web.portal import showing
from web.portal.pages import NO_QR_FROM, Bill, Biller
from web.portal.showing import Visit

QR: Final = "vietqr"

WAITING: Final = frozenset({"created", "redirected", "pending", "unknown"})

REASONS: Final[Mapping[str, Both]] = {
    "cancelled": Both("Bạn đã hủy trên trang thanh toán.", "You cancelled on the payment page."),
    "expired": Both("Trang thanh toán đã hết thời gian.", "The payment page ran out of time."),
    "balance": Both("Tài khoản hoặc ví không đủ số dư.", "The account or wallet lacks the money."),
    "limit": Both("Vượt hạn mức giao dịch.", "A transaction limit was exceeded."),
    "daily_limit": Both("Vượt hạn mức trong ngày.", "The limit of the day was exceeded."),
    "monthly_limit": Both("Vượt hạn mức trong tháng.", "The limit of the month was exceeded."),
    "unreachable": Both(
        "Chưa kết nối được với cổng thanh toán.", "The gateway could not be reached."
    ),
    "busy": Both("Cổng thanh toán đang bận.", "The gateway is busy."),
    "bank": Both("Ngân hàng đang bảo trì hoặc từ chối.", "The bank is down or refused."),
    "insufficient_funds": Both(
        "Tài khoản hoặc ví không đủ số dư.", "The account or wallet lacks the money."
    ),
    "over_limit": Both("Vượt hạn mức giao dịch.", "A transaction limit was exceeded."),
    "not_registered": Both(
        "Thẻ hoặc tài khoản chưa đăng ký thanh toán trực tuyến.",
        "The card or account is not registered for paying online.",
    ),
    "card_locked": Both("Thẻ hoặc tài khoản bị khóa.", "The card or account is locked."),
    "wrong_otp": Both("Mã OTP không đúng.", "The one-time code was wrong."),
    "wrong_password": Both("Nhập sai mật khẩu quá nhiều lần.", "The password was wrong too often."),
    "authentication_failed": Both(
        "Xác thực không thành công quá nhiều lần.", "Authentication failed too often."
    ),
    "bank_maintenance": Both("Ngân hàng đang bảo trì.", "The bank is under maintenance."),
    "maintenance": Both("Cổng thanh toán đang bảo trì.", "The gateway is under maintenance."),
    "amount_refused": Both(
        "Cổng thanh toán không nhận số tiền này.", "The gateway does not take this amount."
    ),
    "account_restricted": Both(
        "Tài khoản hoặc ví đang bị hạn chế.", "The account or wallet is restricted."
    ),
    "account_inactive": Both(
        "Tài khoản hoặc ví chưa hoạt động.", "The account or wallet is not active."
    ),
    "account_unverified": Both(
        "Ví chưa được định danh.", "The wallet's owner has not been verified."
    ),
    "authentication": Both(
        "Xác thực không thành công (OTP hoặc mật khẩu).", "The code or password was not accepted."
    ),
}
"""Why a try failed, for the payer; a reason that is not here is said in general words."""

FAILED: Final = Both(
    "Cổng thanh toán không thực hiện được giao dịch này.", "The gateway did not carry this out."
)


@dataclass(frozen=True, slots=True)
class Option:
    """One way to pay. mark: drawn as text. fee: đồng on top, 0 is said too.

    closed: why it cannot be chosen now.
    """

    code: str
    name: Both
    mark: str
    hint: Both
    limits: Both
    fee: int = 0
    closed: Both | None = None


@dataclass(frozen=True, slots=True)
class WaysPage:
    """A choice of ways. error: why the last one could not be begun."""

    template: ClassVar[str] = "portal/ways.html"

    biller: Biller
    bills: Sequence[Bill]
    amount: int
    status: str
    options: Sequence[Option]
    action_url: str
    back_url: str
    chosen: str = QR
    error: Both | None = None

    @property
    def paid(self) -> int:
        """What has been booked on the bills so far."""
        return sum(bill.paid for bill in self.bills)


@dataclass(frozen=True, slots=True)
class TryStrip:
    """What is known of the try. state: what the page compares with its own."""

    template: ClassVar[str] = "portal/trying_status.html"

    state: str
    page_url: str
    label: str


@dataclass(frozen=True, slots=True)
class TryPage:
    """One try at a gateway. stage: going, waiting or over.

    go_url: the gateway's page, while the payer may go (back) there. reason: why it is over.
    """

    template: ClassVar[str] = "portal/trying.html"

    biller: Biller
    bills: Sequence[Bill]
    amount: int
    stage: str
    label: str
    strip: TryStrip
    status_url: str
    ways_url: str
    back_url: str
    go_url: str = ""
    reason: Both | None = None


def options(due: int, offered: Sequence[tuple[Gateway, Mapping[str, str]]]) -> Sequence[Option]:
    """Every way this biller offers for an amount, the QR first. offered: with the settings."""
    return (_qr(due), *(_option(gateway, settings, due) for gateway, settings in offered))


def choice(
    seen: portal.Seen, ways: Sequence[Option], visit: Visit, *, chosen: str = QR,
    error: Both | None = None,
) -> WaysPage:  # fmt: skip
    """The page that offers them."""
    return WaysPage(
        biller=showing.biller(seen.collector),
        bills=tuple(showing.bill(one) for one in seen.bills),
        amount=seen.standing.due,
        status=seen.standing.status(visit.now),
        options=ways,
        action_url=f"{visit.url}/ways",
        back_url=visit.url,
        chosen=chosen,
        error=error,
    )


def tried(seen: portal.Seen, found: Attempt, visit: Visit, *, going: bool) -> TryPage:
    """The page of a try. going: the payer has just chosen it, and is sent on."""
    it = strip(found, visit)
    waits = found.status in WAITING
    go_url = _openable(found.redirect_url) if found.status in ("redirected", "pending") else ""
    return TryPage(
        biller=showing.biller(seen.collector),
        bills=tuple(showing.bill(one) for one in seen.bills),
        amount=found.amount,
        stage="going" if going and go_url else "waiting" if waits else "over",
        label=it.label,
        strip=it,
        status_url=f"{it.page_url}/status",
        ways_url=f"{visit.url}/ways",
        back_url=visit.url,
        go_url=go_url,
        reason=None if waits else _reason(found),
    )


def strip(found: Attempt, visit: Visit, *, settled: bool = False) -> TryStrip:
    """The part that is asked for again and again. settled: the order is paid, by whatever way."""
    shown = ids.shown("att", found.id)
    state = "waiting" if found.status in WAITING else found.status
    state = "succeeded" if settled else state
    return TryStrip(state, f"{visit.url}/tries/{shown}", label(found.gateway))


def label(gateway: str) -> str:
    """What payers know a gateway by."""
    company = registry.CHANNELS.get(gateway)
    return company.label if company else gateway


def _openable(address: str | None) -> str:
    """The gateway's page, if it is one: https, or http on this machine, where a simulator is.

    Adapters check it as well; but here a browser is sent there, whatever a row holds.
    """
    try:
        parts = urlsplit(address or "")
        plain = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    except ValueError:
        return ""
    fits = (parts.scheme == "https" or plain) and bool(parts.hostname)
    return address if address and fits and re.fullmatch(r"[\x21-\x7e]+", address) else ""


def _reason(found: Attempt) -> Both:
    if found.status in ("cancelled", "expired"):
        return REASONS[found.status]
    return REASONS.get(found.reason or "", FAILED)


def _qr(due: int) -> Option:
    closed = Both(
        "Từ 500.000.000 ₫ trở lên, chuyển khoản nhanh không nhận.",
        "Instant transfers take less than 500.000.000 ₫.",
    )
    return Option(
        QR,
        Both("Chuyển khoản bằng mã VietQR", "Bank transfer by VietQR"),
        "QR",
        Both(
            "Mọi ứng dụng ngân hàng và ví. Có số tài khoản để chép.",
            "Any banking app or wallet. The account number can be copied.",
        ),
        Both("Dưới 500.000.000 ₫ mỗi lần", "Less than 500.000.000 ₫ at a time"),
        closed=closed if due >= NO_QR_FROM else None,
    )


def _option(gateway: Gateway, settings: Mapping[str, str], due: int) -> Option:
    company: Company = registry.CHANNELS[gateway.name]
    limits = gateway.limits(settings)
    least, most = grouped(limits.least), grouped(limits.most)
    said = Both(f"Từ {least} ₫ đến {most} ₫ mỗi lần", f"From {least} ₫ to {most} ₫ at a time")
    if limits.most >= MOST:  # the gateway publishes none; each payer has limits of their own
        said = Both(
            f"Theo hạn mức của bạn tại {company.label}",
            f"Within your own limits at {company.label}",
        )
    fits = limits.least <= due <= limits.most
    outside = Both(
        f"Khoản này nằm ngoài mức {company.label} nhận.",
        f"The amount is outside what {company.label} takes.",
    )
    return Option(
        gateway.name,
        Both(company.payers_vi or company.label, company.payers_en or company.label),
        company.label,
        Both(company.hint_vi, company.hint_en),
        said,
        closed=None if fits else outside,
    )
