"""ZaloPay as a way to pay, and as a way back for the money.

Source: ZaloPay's pages on create order, query order, refund and query refund (v2).
ZaloPay calls only when an order was paid; everything else has to be asked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from adapters.http import Client, NoAnswer, NotSent
from adapters.zalopay import answers, codes, signing
from adapters.zalopay.config import SETTINGS, ZalopayConfig
from payments.domain.calendar import business_day
from payments.domain.gateway import (
    Ask,
    Check,
    Checkout,
    Known,
    Limits,
    Outcome,
    Pending,
    RefundAsk,
    Refunded,
    RefundOutcome,
    Refused,
    Succeeded,
    Unknown,
    never_heard_of,
)
from payments.domain.money import MOST

_ID_LENGTH: Final = 40
_CODE: Final = re.compile(r"[0-9A-Za-z]{4,16}")
_SHORTEST, _LONGEST = 300, 2_592_000
"""Seconds that an order of theirs may live."""
_QUERY_ENDS: Final = timedelta(hours=48)
"""After its creation an order can be asked about for so long; later silence proves nothing."""
_REFUND_ARRIVES: Final = timedelta(minutes=20)
"""A request for a refund is refused when it is older than 15 minutes; with room to spare."""
_ANOTHER_TRY: Final = timedelta(minutes=1)
"""Asked again so long after the first time: a refusal now proves nothing about the first."""
_REASON_LENGTH: Final = 100


class ZalopayGateway:
    """Implements payments.domain.gateway.Gateway and Refunding."""

    name = "zalopay"
    label = "ZaloPay"
    settings_taken = SETTINGS
    holds_money = True
    lifetime = timedelta(minutes=15)
    look_ups = (
        timedelta(minutes=1),
        timedelta(minutes=6),
        timedelta(minutes=20),
        timedelta(hours=1),
        timedelta(hours=6),
        timedelta(hours=24),
        timedelta(hours=47),  # with the lifetime, just inside the 48 hours
    )
    refund_look_ups = (
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=10),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=8),
        timedelta(days=1),
        timedelta(days=2),
        timedelta(days=4),
        timedelta(days=7),
    )

    def __init__(self, config: ZalopayConfig, client: Client) -> None:
        self._api_url = config.api_url
        self._client = client

    def limits(self, settings: Mapping[str, str]) -> Limits:
        """ZaloPay prints no limits for an order: more than a payer may spend is refused there."""
        return Limits(1, MOST)

    def refund_limits(self, settings: Mapping[str, str]) -> Limits:
        """Any part of what was paid."""
        return Limits(1, MOST)

    def reference(self, attempt_id: UUID, code: str, at: datetime) -> str:
        """app_trans_id: `yymmdd_<code>_<from the attempt>`, 40 characters, the date Hanoi's.

        Raises ValueError for a code that is none of ours.
        """
        if not _CODE.fullmatch(code):
            raise ValueError("a payment code of 4 to 16 letters and digits is needed")
        head = f"{business_day(at):%y%m%d}_{code}_"
        tail = hashlib.sha256(attempt_id.bytes).hexdigest()
        return head + tail[: _ID_LENGTH - len(head)]

    def start(self, ask: Ask, settings: Mapping[str, str]) -> Checkout | Outcome:
        """Create an order. The token it answers with opens the order, so it is not kept."""
        fields = signing.signed(signing.CREATE, _order(ask, settings), settings["key1"])
        try:
            said = self._ask("/v2/create", fields)
        except NotSent:
            return Refused("unreachable")
        if isinstance(said, Unknown):
            return said
        if answers.return_code(said) == codes.PROCESSING:
            return Unknown("processing")
        if answers.return_code(said) != codes.DONE:
            return answers.refusal(codes.CREATE, said)
        url = answers.address(said.get("order_url"))
        return Unknown("no_address") if url is None else Checkout(redirect_url=url)

    def look_up(self, known: Known, settings: Mapping[str, str]) -> Outcome:
        """Ask for the order's state."""
        try:
            said = self._ask("/v2/query", _question(known.reference, settings))
        except NotSent:
            return Unknown("unreachable")
        if isinstance(said, Unknown):
            return said
        if not _about(said, known.reference, settings):
            return Unknown("another_order")
        if said.get("is_processing") is True or answers.return_code(said) == codes.PROCESSING:
            return Pending()
        if answers.return_code(said) == codes.DONE:
            return _paid(said, known)
        return _unpaid(said, known)

    def check(self, settings: Mapping[str, str], now: datetime) -> Check:
        """Ask for an order that nobody made: ZaloPay looks at app_id and key1 first."""
        nobody = f"{business_day(now):%y%m%d}_thuphi_check"
        try:
            said = self._ask("/v2/query", _question(nobody, settings))
        except NotSent:
            said = Unknown("unreachable")
        return _verdict(said)

    def refund_reference(
        self, refund_id: UUID, round_: int, at: datetime, settings: Mapping[str, str]
    ) -> str:
        """m_refund_id: `yymmdd_<app id>_<18 digits from the refund><round>`, at most 45."""
        digits = int.from_bytes(hashlib.sha256(refund_id.bytes).digest()) % 10**18
        return f"{business_day(at):%y%m%d}_{settings['app_id']}_{digits:018}{round_:02}"

    def refund(self, ask: RefundAsk, settings: Mapping[str, str]) -> RefundOutcome:
        """Ask for the money to go back; ZaloPay mostly answers that it is being processed."""
        fields: dict[str, str | int] = {
            "app_id": int(settings["app_id"]),
            "m_refund_id": ask.reference,
            "zp_trans_id": ask.provider_reference,
            "amount": ask.amount.amount,
            "timestamp": answers.milliseconds(ask.now),
            "description": _reason(ask.reason),
        }
        outcome: RefundOutcome
        try:
            said = self._ask("/v2/refund", signing.signed(signing.REFUND, fields, settings["key1"]))
        except NotSent:
            outcome = Refused("unreachable")
        else:
            outcome = _refunded(said, ask, codes.REFUND)
        again = ask.now - ask.asked_at >= _ANOTHER_TRY
        return Unknown("asked_before") if again and isinstance(outcome, Refused) else outcome

    def look_up_refund(self, ask: RefundAsk, settings: Mapping[str, str]) -> RefundOutcome:
        """Ask what became of it. Not found counts as never arrived once no request is young."""
        fields: dict[str, str | int] = {
            "app_id": int(settings["app_id"]),
            "m_refund_id": ask.reference,
            "timestamp": answers.milliseconds(ask.now),
        }
        signed = signing.signed(signing.QUERY_REFUND, fields, settings["key1"])
        try:
            said = self._ask("/v2/query_refund", signed)
        except NotSent:
            return Unknown("unreachable")
        if not isinstance(said, Unknown) and answers.code(said) == codes.NOT_FOUND:
            young = ask.now - ask.asked_at < _REFUND_ARRIVES
            return Unknown("not_seen_yet") if young else Refused("never_arrived")
        return _refunded(said, ask, codes.QUERY_REFUND)

    def _ask(self, path: str, fields: Mapping[str, str | int]) -> Mapping[str, Any] | Unknown:
        """Raises NotSent."""
        try:
            reply = self._client.post_json(self._api_url + path, fields)
        except NoAnswer:
            return Unknown("no_answer")
        return reply.fields if reply.status == 200 else Unknown("gateway_error")


def _order(ask: Ask, settings: Mapping[str, str]) -> dict[str, str | int]:
    if ask.started_at is None:
        raise ValueError("an order at ZaloPay needs the time at which its try was started")
    lives = int((ask.expires_at - ask.started_at).total_seconds())
    fields: dict[str, str | int] = {
        "app_id": int(settings["app_id"]),
        "app_trans_id": ask.reference,
        "app_user": ask.attempt_id.hex,  # says nothing about the payer, not even that he came back
        "app_time": answers.milliseconds(ask.started_at),
        "amount": ask.amount.amount,
        "item": "[]",
        "embed_data": json.dumps(
            {"redirecturl": ask.return_url} if ask.return_url else {},
            ensure_ascii=False,
            separators=(",", ":"),
        ),
        "description": f"{ask.code} {ask.receiver.holder}".strip()[:256],
        "bank_code": "",
        "expire_duration_seconds": min(max(lives, _SHORTEST), _LONGEST),
    }
    return fields | ({"callback_url": ask.notify_url} if ask.notify_url else {})


def _question(app_trans_id: str, settings: Mapping[str, str]) -> dict[str, str | int]:
    fields: dict[str, str | int] = {
        "app_id": int(settings["app_id"]),
        "app_trans_id": app_trans_id,
    }
    return signing.signed(signing.QUERY, fields, settings["key1"])


def _about(said: Mapping[str, Any], app_trans_id: str, settings: Mapping[str, str]) -> bool:
    """Whether an answer that names its order names ours; most answers name none."""
    app = said.get("app_id", int(settings["app_id"]))
    return str(app) == settings["app_id"] and said.get("app_trans_id", app_trans_id) == app_trans_id


def _paid(said: Mapping[str, Any], known: Known) -> Succeeded | Unknown:
    """The order's own amount reaches the biller. A discount is between ZaloPay and the payer."""
    number = answers.transaction(said.get("zp_trans_id"))
    if number is None:
        return Unknown("unreadable")
    if answers.whole(said.get("amount")) != known.amount.amount:
        return Unknown("amount")
    return Succeeded(number, known.amount, answers.moment(said.get("server_time")))


def _unpaid(said: Mapping[str, Any], known: Known) -> Outcome:
    code = answers.code(said)
    if code in (codes.NOT_FOUND, codes.BAD_ID):
        asked_in_time = known.now < known.started_at + _QUERY_ENDS
        return never_heard_of(known) if asked_in_time else Unknown("too_late_to_ask")
    if code in codes.OPEN_STILL and known.now < known.expires_at:
        return Pending()
    return answers.refusal(codes.QUERY, said)


def _refunded(
    said: Mapping[str, Any] | Unknown, ask: RefundAsk, table: Mapping[int, codes.Answer]
) -> RefundOutcome:
    """The answer to a question does not repeat ZaloPay's number; then ours stands for it."""
    if isinstance(said, Unknown):
        return said
    match answers.return_code(said):
        case codes.DONE:
            return Refunded(answers.transaction(said.get("refund_id")) or ask.reference)
        case codes.PROCESSING:
            staff = said.get("sub_return_code") == codes.WITH_STAFF
            return Unknown("with_gateway_staff") if staff else Pending()
        case _:
            return answers.refusal(table, said)


def _reason(text: str) -> str:
    """What the payer may read in the app: printable, never empty, at most 100 signs."""
    clean = "".join(sign if sign.isprintable() else " " for sign in text)
    return clean.strip()[:_REASON_LENGTH].strip() or "Hoàn tiền"


def _verdict(said: Mapping[str, Any] | Unknown) -> Check:
    if isinstance(said, Unknown):
        return Check(
            False,
            "ZaloPay không trả lời. Kiểm tra mạng và địa chỉ máy chủ ZaloPay, rồi thử lại.",
            "ZaloPay does not answer. Check the network and ZaloPay's address, then try again.",
        )
    code = answers.code(said)
    if code in (codes.NOT_FOUND, codes.BAD_ID):
        return Check(
            True,
            "App ID và key1 đúng. key2 chỉ được kiểm chứng khi ZaloPay gọi về lần đầu: hãy trả "
            "thử một khoản nhỏ.",
            "The app id and key1 are right. key2 is proven only when ZaloPay calls for the first "
            "time: pay a small amount.",
        )
    if code == codes.BAD_APP:
        return Check(
            False,
            "ZaloPay không biết App ID này. Xem lại App ID, và đúng môi trường thử hay thật.",
            "ZaloPay does not know this app id. Check it, and that it is for this environment "
            "(sandbox or production).",
        )
    if code in codes.BAD_KEY:
        return Check(
            False,
            "App ID hoặc key1 không đúng. Chép lại key1 từ trang quản lý của ZaloPay, đúng môi "
            "trường thử hay thật.",
            "The app id or key1 is wrong. Copy key1 again from ZaloPay's merchant site, for this "
            "environment (sandbox or production).",
        )
    return Check(
        False,
        f"ZaloPay trả lời mã {code}. Thử lại sau; nếu vẫn vậy, hỏi ZaloPay kèm mã này.",
        f"ZaloPay answered with code {code}. Try again later; if it stays, ask ZaloPay about it.",
    )
