"""payOS as a way to pay: a link whose QR is paid by bank transfer to the biller's own account.

payOS takes no idempotency key. One try has one orderCode, asked for once: after an answer that
did not come, the link is looked up by that number and never made again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from adapters.http import Client, NoAnswer, NotSent, Reply
from adapters.payos import codes, credit, link, signing
from adapters.payos.config import SETTINGS, PayosConfig, memo_length
from payments.domain.channels import Setting
from payments.domain.errors import MoneyError
from payments.domain.gateway import (
    Ask,
    Check,
    Checkout,
    Known,
    Limits,
    Outcome,
    Refused,
    Unknown,
    never_heard_of,
)
from payments.domain.look_ups import AFTER_END

_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_STAMPS: Final = 2**41 - 1  # milliseconds from the epoch to September 2089
_MOST: Final = 499_999_999  # under 500 million: what an instant transfer carries
_LONGEST_QR: Final = 1_000
_HTTP_ERROR: Final = 400
_HTTP_BROKEN: Final = 500
_UNREADABLE: Final = (ValueError, KeyError, TypeError, OverflowError, RecursionError, MoneyError)


class PayosGateway:
    """Implements payments.domain.gateway.Gateway. payOS has no refunds: a payout gives back."""

    name = "payos"
    label = "payOS (VietQR)"
    settings_taken: Sequence[Setting] = SETTINGS
    holds_money = False
    lifetime = timedelta(minutes=30)
    look_ups: Sequence[timedelta] = AFTER_END

    def __init__(self, config: PayosConfig, client: Client) -> None:
        self._config = config
        self._client = client

    def limits(self, settings: Mapping[str, str]) -> Limits:
        """Any amount that an instant bank transfer carries."""
        return Limits(1, _MOST)

    def reference(self, attempt_id: UUID, code: str, at: datetime) -> str:
        """An orderCode: 41 bits of milliseconds and 12 random bits of the attempt's UUIDv7.

        At least 4096, so that it is never payOS's own 123; below 2^53.
        """
        epoch = int(_EPOCH.timestamp() * 1000)
        stamp = ((attempt_id.int >> 80) - epoch) % _STAMPS + 1
        return str(stamp << 12 | attempt_id.int >> 64 & 0xFFF)

    def start(self, ask: Ask, settings: Mapping[str, str]) -> Checkout | Outcome:
        """Ask for a link. The memo is the payment code, or what the channel lets stand of it."""
        try:
            reply = self._client.post_json(
                self._address(), _request(ask, settings), headers=_headers(settings)
            )
        except NotSent:
            return Refused("unreachable")
        except NoAnswer:
            return Unknown("no_answer")
        return self._created(reply, ask, settings)

    def look_up(self, known: Known, settings: Mapping[str, str]) -> Outcome:
        """Ask for the link by our orderCode."""
        try:
            reply = self._get(known.reference, settings)
        except NotSent:
            return Unknown("unreachable")
        except NoAnswer:
            return Unknown("no_answer")
        if _not_found(reply):
            return never_heard_of(known)
        data = _verified(reply, settings)
        if isinstance(data, Unknown):
            return data
        try:
            return link.outcome(link.read(data), known)
        except _UNREADABLE:
            return Unknown("unreadable")

    def check(self, settings: Mapping[str, str], now: datetime) -> Check:
        """Ask for a link that is none of ours; found or not, the answer shows the credentials."""
        try:
            reply = self._get(str(codes.TEST_ORDER), settings)
        except (NotSent, NoAnswer):
            return _UNREACHED
        if _not_found(reply):
            return _KEYS_GOOD
        return _checked(_verified(reply, settings), _ALL_GOOD)

    def confirm_webhook(self, url: str, settings: Mapping[str, str]) -> Check:
        """Register our address with payOS, which posts a signed sample there before it answers."""
        try:
            reply = self._client.post_json(
                f"{self._config.api_url}/confirm-webhook",
                {"webhookUrl": url},
                headers=_headers(settings),
            )
        except (NotSent, NoAnswer):
            return _UNREACHED
        if _refusal(reply) is None:
            return _WEBHOOK_SET
        return _checked(Unknown(_reason(reply)), _WEBHOOK_SET)

    def _get(self, order_code: str, settings: Mapping[str, str]) -> Reply:
        return self._client.get(f"{self._address()}/{order_code}", headers=_headers(settings))

    def _address(self) -> str:
        return f"{self._config.api_url}/v2/payment-requests"

    def _created(self, reply: Reply, ask: Ask, settings: Mapping[str, str]) -> Checkout | Outcome:
        refusal = _refusal(reply)
        if refusal is not None:
            return refusal
        data = _verified(reply, settings)
        if isinstance(data, Unknown):
            return data
        try:
            return self._checkout(data, ask)
        except _UNREADABLE:
            return Unknown("unreadable")

    def _checkout(self, data: Mapping[str, Any], ask: Ask) -> Checkout | Outcome:
        order_code, amount = credit.integer(data["orderCode"]), credit.integer(data["amount"])
        told = (str(order_code), amount, data.get("currency", "VND"))
        if told != (ask.reference, ask.amount.amount, "VND"):
            return Unknown("another_order")
        # An installation that is told of a simulator gets the simulator's pages, others do not.
        plain = "s?" if self._config.api_url.startswith("http://") else "s"
        url, qr_text = data["checkoutUrl"], data["qrCode"]
        if not re.fullmatch(rf"http{plain}://[\x21-\x7e]{{1,1900}}", url):
            raise ValueError("checkoutUrl")
        if not re.fullmatch(rf"[\x20-\x7e]{{1,{_LONGEST_QR}}}", qr_text):
            qr_text = None  # the page of payOS shows it as well
        return Checkout(qr_text, url, credit.link_id(data["paymentLinkId"]))


def _request(ask: Ask, settings: Mapping[str, str]) -> Mapping[str, Any]:
    fields = {
        "orderCode": int(ask.reference),
        "amount": ask.amount.amount,
        # A code that does not fit is cut: people and the statement's matching still know its
        # beginning. The order itself is found by the orderCode.
        "description": ask.code[: memo_length(settings)],
        "cancelUrl": ask.return_url,
        "returnUrl": ask.return_url,
    }
    signature = signing.sign_request(fields, settings["checksum_key"])
    return fields | {"expiredAt": int(ask.expires_at.timestamp()), "signature": signature}


def _headers(settings: Mapping[str, str]) -> Mapping[str, str]:
    return {"x-client-id": settings["client_id"], "x-api-key": settings["api_key"]}


def _code(reply: Reply) -> str:
    code = reply.fields.get("code")
    return code if isinstance(code, str) else ""


def _not_found(reply: Reply) -> bool:
    code = _code(reply)
    return code == codes.NOT_FOUND or (reply.status == 404 and code not in ("", codes.DONE))


def _refusal(reply: Reply) -> Refused | Unknown | None:
    """Why nothing was done, or that we do not know it; None for success."""
    code = _code(reply)
    if reply.status >= _HTTP_BROKEN:
        return Unknown("gateway_error")
    if reply.status in codes.HTTP_REFUSED:
        return Refused(codes.HTTP_REFUSED[reply.status])
    if code == codes.DONE and reply.status < _HTTP_ERROR:
        return None
    return codes.CREATE.get(code, Unknown("unknown_code" if code else "unreadable"))


def _reason(reply: Reply) -> str:
    refusal = _refusal(reply)
    return refusal.reason if refusal else ""


def _verified(reply: Reply, settings: Mapping[str, str]) -> Mapping[str, Any] | Unknown:
    """The signed `data` of an answer, or why it says nothing."""
    reason = _reason(reply)
    if reason:
        return Unknown(reason)
    data = reply.fields.get("data")
    if not isinstance(data, dict):
        return Unknown("unreadable")
    try:
        genuine = signing.agrees(data, reply.fields.get("signature"), settings["checksum_key"])
    except (ValueError, TypeError, RecursionError):
        genuine = False
    return data if genuine else Unknown("wrong_signature")


def _checked(found: Mapping[str, Any] | Unknown, good: Check) -> Check:
    if not isinstance(found, Unknown):
        return good
    return _NOT_GOOD.get(found.reason, _UNREACHED)


_ALL_GOOD: Final = Check(
    True,
    "payOS nhận Client ID, API Key; chữ ký khớp với Checksum Key.",
    "payOS takes the client id and API key; its signature fits the checksum key.",
)
_KEYS_GOOD: Final = Check(
    True,
    "payOS nhận Client ID và API Key. Checksum Key được kiểm khi đăng ký webhook: lời gọi thử của "
    "payOS phải được trả lời 200.",
    "payOS takes the client id and API key. The checksum key shows when the webhook is registered: "
    "the test call of payOS has to be answered 200.",
)
_WEBHOOK_SET: Final = Check(
    True,
    "payOS đã gọi thử và lưu địa chỉ webhook.",
    "payOS made its test call and keeps the webhook's address.",
)
_UNREACHED: Final = Check(
    False,
    "payOS không trả lời hoặc trả lời không đọc được. Hãy kiểm tra mạng và địa chỉ "
    "THUPHI_GATEWAY_PAYOS_API_URL, rồi thử lại.",
    "payOS did not answer, or not readably. Check the network and the address "
    "THUPHI_GATEWAY_PAYOS_API_URL, then try again.",
)
_NOT_GOOD: Final[Mapping[str, Check]] = {
    "credentials": Check(
        False,
        "payOS không nhận Client ID hoặc API Key. Chép lại cả ba khóa từ cùng một kênh thanh toán.",
        "payOS refuses the client id or API key. Copy all three keys from one payment channel.",
    ),
    "wrong_signature": Check(
        False,
        "Checksum Key không khớp với chữ ký của payOS. Chép lại từ cùng một kênh thanh toán.",
        "The checksum key does not fit the signature of payOS. Copy it from the same channel.",
    ),
    "channel_closed": Check(
        False,
        "payOS báo kênh thanh toán không tồn tại hoặc đang tạm dừng. Hãy bật kênh tại my.payos.vn.",
        "payOS says the channel does not exist or is paused. Switch it on at my.payos.vn.",
    ),
    "busy": Check(
        False,
        "payOS đang giới hạn số lần gọi. Hãy thử lại sau vài phút.",
        "payOS limits the number of calls. Try again in a few minutes.",
    ),
    "request_refused": Check(
        False,
        "payOS không nhận yêu cầu. Với webhook: địa chỉ phải là https, gọi được từ Internet và trả "
        "lời 200; Checksum Key sai cũng gây lỗi này.",
        "payOS refuses the request. For a webhook: the address must be https, reachable from the "
        "Internet and answer 200; a wrong checksum key causes this as well.",
    ),
}
