"""VNPAY as a way to pay: the payer is sent to VNPAY's page, and VNPAY is asked what became of it.

Starting calls nobody: the address itself is the request, signed. So a try that was never opened
is unknown to VNPAY until the payer arrives there.

Source: VNPAY's payment page 2.1.0, and its querydr and refund page.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from adapters.http import Client, NoAnswer, NotSent
from adapters.vnpay import api, checks, codes, fields, signing
from adapters.vnpay.codes import Meaning
from adapters.vnpay.config import SETTINGS, VnpayConfig
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

# VNPAY's page refuses smaller payments; a contract may say otherwise (setting `least`).
_LEAST: Final = 5_000
_LONGEST_CODE: Final = 40
_LONGEST_INFO: Final = 255
_RETURN_URL: Final = range(10, 256)
# A payer who was at the bank when the window closed may still be charged for a while.
_STILL_OPEN: Final = timedelta(minutes=30)
_REFUND_NAME: Final = re.compile(r"\bR[A-Z2-7]{26}[0-9]{2,5}\b")


class VnpayGateway:
    """Implements payments.domain.gateway.Gateway and Refunding."""

    name = "vnpay"
    label = "VNPAY"
    settings_taken = SETTINGS
    holds_money = True
    lifetime = timedelta(minutes=15)
    look_ups = (
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(minutes=60),
        timedelta(days=1),
    )
    # Banks take days to give card money back.
    refund_look_ups = (
        timedelta(minutes=10),
        timedelta(hours=1),
        timedelta(hours=6),
        *(timedelta(days=day) for day in (1, 2, 3, 5, 7, 10)),
    )

    def __init__(self, config: VnpayConfig, client: Client) -> None:
        self._config = config
        self._client = client

    def limits(self, settings: Mapping[str, str]) -> Limits:
        """By the contract; otherwise from 5.000 ₫ to what twelve digits of hundredths hold."""
        return Limits(int(settings.get("least", _LEAST)), int(settings.get("most", fields.MOST)))

    def reference(self, attempt_id: UUID, code: str, at: datetime) -> str:
        """The payment code and the try's id: HP7K2M9QX4TW-AGP6…, letters, digits and one dash."""
        readable = re.sub(r"[^A-Za-z0-9]", "", fields.plain(code, most=_LONGEST_CODE))
        return f"{readable}-{_base32(attempt_id)}".lstrip("-")

    def start(self, ask: Ask, settings: Mapping[str, str]) -> Checkout | Outcome:
        """The signed address of VNPAY's page. Nobody is called."""
        if ask.started_at is None or not ask.reference:
            raise ValueError("VNPAY has to be told our name for a try, and when it started")
        if len(ask.return_url) not in _RETURN_URL or not ask.return_url.isascii():
            return Refused("return_address_refused")
        if not 0 < ask.amount.amount <= fields.MOST:
            return Refused("amount_refused")
        asked = {
            "vnp_Version": api.VERSION,
            "vnp_Command": "pay",
            "vnp_TmnCode": settings["tmn_code"],
            "vnp_Amount": fields.amount(ask.amount),
            "vnp_BankCode": settings.get("bank_code", ""),
            "vnp_CreateDate": fields.time(ask.started_at),
            "vnp_CurrCode": "VND",
            "vnp_ExpireDate": fields.time(ask.expires_at),
            "vnp_IpAddr": fields.address(ask.payer_address),
            "vnp_Locale": "en" if ask.language == "en" else "vn",
            "vnp_OrderInfo": fields.plain(ask.code, most=_LONGEST_INFO) or ask.reference,
            "vnp_OrderType": settings.get("order_type", "other"),
            "vnp_ReturnUrl": ask.return_url,
            "vnp_TxnRef": ask.reference,
        }
        url = signing.signed_url(self._config.page, asked, settings["hash_secret"])
        return Checkout(redirect_url=url)

    def look_up(self, known: Known, settings: Mapping[str, str]) -> Outcome:
        """Ask VNPAY about a try. Only an answer with its signature is believed."""
        try:
            reply = api.query(
                self._client,
                self._config.api,
                settings,
                reference=known.reference,
                number=fields.read_number(known.provider_reference or ""),
                started_at=known.started_at,
                now=known.now,
            )
        except NotSent:
            return Unknown("unreachable")
        except NoAnswer:
            return Unknown("no_answer")
        said = api.proven(
            reply, signing.QUERY_ANSWER, settings, command="querydr", reference=known.reference
        )
        return said if isinstance(said, Unknown) else _payment(said, known)

    def check(self, settings: Mapping[str, str], now: datetime) -> Check:
        """Ask about a payment that does not exist: VNPAY says so only to whoever it knows."""
        return checks.run(self._client, self._config.api, settings, self.limits(settings), now=now)

    def refund_limits(self, settings: Mapping[str, str]) -> Limits:
        """VNPAY names none: anything up to what was paid."""
        return Limits(1, fields.MOST)

    def refund_reference(
        self, refund_id: UUID, round_: int, at: datetime, settings: Mapping[str, str]
    ) -> str:
        """R, the refund's id and its round: RAGP6…01, at most 32 letters and digits."""
        return f"R{_base32(refund_id)}{round_:02d}"

    def refund(self, ask: RefundAsk, settings: Mapping[str, str]) -> RefundOutcome:
        """Ask VNPAY to give money back: all of it as a full refund, less as a part.

        VNPAY knows a repeated request only within a day, so what may have been heard is looked
        up and never sent again.
        """
        try:
            reply = api.refund(self._client, self._config.api, settings, ask)
        except NotSent:
            return Refused("unreachable")
        except NoAnswer:
            return Unknown("no_answer")
        said = api.proven(
            reply,
            signing.REFUND_ANSWER,
            settings,
            command="refund",
            reference=ask.payment_reference,
        )
        return said if isinstance(said, Unknown) else _refund_taken(said, ask)

    def look_up_refund(self, ask: RefundAsk, settings: Mapping[str, str]) -> RefundOutcome:
        """Ask VNPAY about the payment; it may answer with its refund. See `_refund_shown`."""
        try:
            reply = api.query(
                self._client,
                self._config.api,
                settings,
                reference=ask.payment_reference,
                # Without VNPAY's number of the payment, which would ask for the payment itself.
                started_at=ask.payment_started_at,
                now=ask.now,
            )
        except NotSent:
            return Unknown("unreachable")
        except NoAnswer:
            return Unknown("no_answer")
        said = api.proven(
            reply,
            signing.QUERY_ANSWER,
            settings,
            command="querydr",
            reference=ask.payment_reference,
        )
        return said if isinstance(said, Unknown) else _refund_shown(said, ask)


def _base32(id_: UUID) -> str:
    """All 128 bits in 26 letters and digits: unique for ever because the id is."""
    return base64.b32encode(id_.bytes).decode().rstrip("=")


def _payment(said: Mapping[str, str], known: Known) -> Outcome:
    """A proven answer to querydr about a payment."""
    code = said["vnp_ResponseCode"]
    if code == codes.NOT_FOUND:
        return never_heard_of(known)
    if code != codes.DONE:
        return Unknown(codes.of_call(code))
    if said["vnp_TransactionType"] not in ("", codes.PAYMENT):
        # The payment was made and given back, and this is the refund's number and amount.
        return Unknown("refund_shown")
    reading = codes.of_payment(said["vnp_TransactionStatus"])
    if reading.meaning is Meaning.WAITING:
        return never_heard_of(known, margin=_STILL_OPEN)
    if reading.meaning is Meaning.OVER:
        return Refused(reading.reason, reading.ending)
    if reading.meaning is Meaning.DOUBT:
        return Unknown(reading.reason)
    paid, number = fields.read_amount(said["vnp_Amount"]), fields.read_number(_number(said))
    if not paid or not number:
        return Unknown("answer_unreadable")
    return Succeeded(number, paid, paid_at=fields.read_time(said["vnp_PayDate"]))


def _refund_taken(said: Mapping[str, str], ask: RefundAsk) -> RefundOutcome:
    """A proven answer to the request for a refund."""
    code = said["vnp_ResponseCode"]
    if code == codes.ALREADY_ASKED:
        return Pending()  # asked before and being worked on: looked up, never sent again
    if code in codes.REFUND_REFUSALS:
        return Refused(codes.of_call(code))
    if code != codes.DONE:
        return Unknown(codes.of_call(code))  # 99 too: it may have begun
    kind = said["vnp_TransactionType"]
    if fields.read_amount(said["vnp_Amount"]) != ask.amount or kind != api.refund_type(
        ask.paid, ask.amount
    ):
        return Unknown("answer_about_another")
    return _refund_state(said)


def _refund_shown(said: Mapping[str, str], ask: RefundAsk) -> RefundOutcome:
    """What querydr proves about one refund: VNPAY shows one record and there may be several.

    It is ours if it carries our name, or is a full refund, of which a payment has one at a time.
    Of parts that carry no name, one under way is as good as ours; one that is done or refused
    may be another of the same amount, so a person decides.
    """
    if said["vnp_ResponseCode"] != codes.DONE:
        return Unknown(codes.of_call(said["vnp_ResponseCode"]))
    kind, amount = said["vnp_TransactionType"], fields.read_amount(said["vnp_Amount"])
    if kind in ("", codes.PAYMENT):
        # The payment itself: its status may tell that some refund is under way, and no more.
        seen = said["vnp_TransactionStatus"] in codes.REFUND_SEEN
        return Pending() if seen else Unknown("refund_not_shown")
    names = _REFUND_NAME.findall(said["vnp_OrderInfo"])
    another = names and ask.reference not in names
    if another or amount != ask.amount or kind != api.refund_type(ask.paid, ask.amount):
        return Unknown("another_refund_shown")
    outcome = _refund_state(said)
    if names or isinstance(outcome, Pending | Unknown):
        return outcome
    if kind != codes.FULL_REFUND:
        return Unknown("one_of_several")
    return outcome if isinstance(outcome, Refunded) else _refused_since(said, ask, outcome)


def _refused_since(said: Mapping[str, str], ask: RefundAsk, refused: Refused) -> RefundOutcome:
    """A full refund without a name was refused: this one, unless it was before this was asked."""
    at = fields.read_time(said["vnp_PayDate"])
    # VNPAY's clock writes whole seconds.
    return refused if at and at >= ask.asked_at.replace(microsecond=0) else Unknown("refund_older")


def _refund_state(said: Mapping[str, str]) -> Refunded | Pending | Refused | Unknown:
    status, number = said["vnp_TransactionStatus"], fields.read_number(_number(said))
    if status in codes.REFUND_UNDER_WAY:
        return Pending()
    if status in codes.REFUND_FAILED:
        return Refused("refund_refused")
    if status != codes.REFUND_DONE:
        return Unknown("unknown_code")
    return Refunded(number) if number else Unknown("answer_unreadable")


def _number(said: Mapping[str, str]) -> str:
    return said["vnp_TransactionNo"]
