"""MoMo as a way to pay: the payer goes to MoMo's page and comes back.

Money that MoMo takes is MoMo's debt to the biller until it settles. Source: MoMo's payment API
v2, pages create, query, result codes; docs/how-to/momo.md says what is doubtful.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from adapters.http import Client
from adapters.momo import signing
from adapters.momo.api import Api, Said, moment, number
from adapters.momo.codes import Code, Meaning
from adapters.momo.config import LIMITS, SETTINGS, MomoConfig, request_type
from adapters.momo.refunds import MomoRefunds
from payments.domain.gateway import (
    Ask,
    Check,
    Checkout,
    Known,
    Limits,
    Outcome,
    Pending,
    Refused,
    Succeeded,
    Unknown,
    never_heard_of,
)

log = logging.getLogger(__name__)

_ADDRESS: Final = re.compile(r"[\x21-\x7e]{1,2000}")
_MARGIN: Final = timedelta(minutes=5)  # our clock and MoMo's
_LANGUAGES: Final = ("vi", "en")
_WORDS: Final = {"vi": "Thanh toán", "en": "Payment"}


class MomoGateway(MomoRefunds):
    """Implements payments.domain.gateway.Gateway and Refunding."""

    name = "momo"
    label = "MoMo"
    settings_taken = SETTINGS
    holds_money = True
    # How long MoMo keeps its page open is agreed with each merchant; an older try is asked after,
    # and MoMo says 1005 once its link is dead.
    lifetime = timedelta(minutes=100)
    look_ups = (
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(hours=1),
        timedelta(hours=6),
        timedelta(hours=24),
        timedelta(hours=48),
    )

    def __init__(self, config: MomoConfig, client: Client) -> None:
        super().__init__(Api(config, client))

    def limits(self, settings: Mapping[str, str]) -> Limits:
        """What the way to pay that the biller chose may carry."""
        return LIMITS[request_type(settings)]

    def reference(self, attempt_id: UUID, code: str, at: datetime) -> str:
        """The orderId: the payment code, so that people find it, and the attempt's own id.

        It is the requestId as well, which may have 50 characters: 12 + 1 + 32.
        """
        return f"{code}-{attempt_id.hex}"

    def start(self, ask: Ask, settings: Mapping[str, str]) -> Checkout | Outcome:
        """Ask for MoMo's page. The same ask again gives MoMo's first answer again."""
        language = ask.language if ask.language in _LANGUAGES else "vi"
        fields: dict[str, str | int] = {
            "requestId": ask.reference,
            "orderId": ask.reference,
            "amount": ask.amount.amount,
            "orderInfo": f"{_WORDS[language]} {ask.code}",  # never a name: MoMo keeps it
            "redirectUrl": ask.return_url,
            "ipnUrl": ask.notify_url,
            "requestType": request_type(settings),
            "extraData": "",
            "lang": language,
        }
        said = self._api.create(fields, settings)
        return _started(said, fields, settings) if isinstance(said, Said) else said

    def look_up(self, known: Known, settings: Mapping[str, str]) -> Outcome:
        """Ask what became of a try, by query."""
        said = self._api.query(known.reference, settings)
        return _found(said, known, settings) if isinstance(said, Said) else Unknown(said.reason)

    def check(self, settings: Mapping[str, str], now: datetime) -> Check:
        """Ask after an order that cannot exist: only good credentials are told so."""
        said = self._api.query(f"CHECK-{uuid4().hex}", settings)
        if not isinstance(said, Said):
            return Check(False, *_NO_ANSWER)
        return Check(said.code.meaning is Meaning.NOT_FOUND, *_check_words(said))


def _started(
    said: Said, fields: Mapping[str, str | int], settings: Mapping[str, str]
) -> Checkout | Outcome:
    ours: dict[str, str | int] = {
        "partnerCode": settings["partner_code"],
        **{name: fields[name] for name in ("orderId", "requestId", "amount")},
    }
    if said.contradicts(**ours):
        return Unknown("other_order")
    if said.final_success:
        return _checkout(said, ours, settings)
    return _turned_down(said.code)


def _checkout(
    said: Said, ours: Mapping[str, str | int], settings: Mapping[str, str]
) -> Checkout | Unknown:
    """MoMo's page shows the QR itself, and only MoMo's app can pay it: so no QR of our own."""
    address = said.fields.get("payUrl")
    if not said.tells(**ours) or not isinstance(address, str) or not _may_be_opened(address):
        return Unknown("no_link")
    given = said.fields.get("signature")
    if given and not any(
        signing.agrees(names, said.fields, given, settings)
        for names in (signing.CREATED, signing.CREATED_WITH_MESSAGE)
    ):
        # Which fields it covers is not certain, so it decides nothing: TLS and equal fields do.
        log.warning("MoMo signed its answer in a way we do not know: %s", ours["orderId"])
    return Checkout(redirect_url=address)


def _turned_down(code: Code) -> Outcome:
    """What an answer to create without a page means.

    Nobody has a page to pay on, so what MoMo turned away is over. What it may know already, or
    may have begun, is looked up.
    """
    match code.meaning:
        case Meaning.WAITING:
            return Pending()
        case Meaning.OVER:
            return Refused(code.reason, code.ending)
        case Meaning.TURNED_AWAY | Meaning.CLOSED | Meaning.NOT_FOUND:
            return Refused(code.reason)
        case _:
            return Unknown(code.reason)


def _found(said: Said, known: Known, settings: Mapping[str, str]) -> Outcome:
    whose: dict[str, str | int] = {
        "partnerCode": settings["partner_code"],
        "orderId": known.reference,
    }
    code = said.code
    if code.meaning is Meaning.NOT_FOUND and not said.contradicts(**whose):
        # Once MoMo gave it a number, it cannot have forgotten it.
        return Unknown(code.reason) if known.provider_reference else never_heard_of(known)
    whose["amount"] = known.amount.amount
    if said.contradicts(**whose):
        return Unknown("other_order")
    match code.meaning:
        case Meaning.WAITING:
            return Pending()
        case Meaning.PAID:
            return _paid(said, known) if said.tells(**whose) else Unknown("other_order")
        case Meaning.OVER if said.tells(**whose):
            return Refused(code.reason, code.ending)
        case Meaning.UNCLEAR if said.tells(**whose) and known.now >= known.expires_at + _MARGIN:
            # 98 and 99 are final to MoMo, but an answer with them may as well be about the query.
            # Once the page is closed and it is still what MoMo says of this order, it is over.
            return Refused(code.reason)
        case _:
            return Unknown(code.reason)


def _paid(said: Said, known: Known) -> Succeeded | Unknown:
    reference = number(said.fields.get("transId"))
    if reference is None:
        return Unknown("no_number")
    return Succeeded(reference, known.amount, paid_at=moment(said.fields.get("responseTime")))


def _may_be_opened(address: str) -> bool:
    """https, or http on this machine, where the simulator is."""
    if not _ADDRESS.fullmatch(address):
        return False
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    plain = parts.scheme == "http" and host == "127.0.0.1"
    return bool(host) and "@" not in parts.netloc and (plain or parts.scheme == "https")


_NO_ANSWER: Final = (
    "Không nhận được trả lời từ MoMo. Hãy thử lại; nếu vẫn vậy, kiểm tra đường mạng ra ngoài.",
    "MoMo did not answer. Try again; if it stays so, check the way out of your network.",
)
_GOOD: Final = (
    "MoMo chấp nhận Partner Code, Access Key và Secret Key.",
    "MoMo accepts the Partner Code, Access Key and Secret Key.",
)
_BAD: Final[Mapping[int, tuple[str, str]]] = {
    10: (
        "MoMo đang bảo trì. Hãy thử lại sau.",
        "MoMo is in maintenance. Try again later.",
    ),
    11: (
        "MoMo từ chối truy cập (mã 11). Kiểm tra cấu hình trên trang M4B, hoặc hỏi MoMo.",
        "MoMo denies access (code 11). Check the settings in the M4B portal, or ask MoMo.",
    ),
    12: (
        "MoMo không nhận phiên bản API này (mã 12). Hỏi MoMo để được mở cổng thanh toán v2.",
        "MoMo does not take this API version (code 12). Ask MoMo to open payment gateway v2.",
    ),
    13: (
        "MoMo không nhận ra đơn vị (mã 13). Kiểm tra Partner Code, Access Key và môi trường"
        " (thử hay thật).",
        "MoMo does not know the merchant (code 13). Check the Partner Code, the Access Key and"
        " the environment (test or live).",
    ),
    20: (
        "MoMo báo chữ ký sai (mã 20). Kiểm tra Secret Key.",
        "MoMo says that the signature is wrong (code 20). Check the Secret Key.",
    ),
}


def _check_words(said: Said) -> tuple[str, str]:
    if said.code.meaning is Meaning.NOT_FOUND:
        return _GOOD
    found = said.fields.get("resultCode")
    if type(found) is not int:
        return (
            "MoMo trả lời không đúng dạng. Kiểm tra địa chỉ cổng thanh toán.",
            "MoMo's answer has no result code. Check the gateway's address.",
        )
    return _BAD.get(
        found,
        (
            f"MoMo trả lời mã {found}, không như mong đợi. Hãy hỏi MoMo về mã này.",
            f"MoMo answered with code {found}, which was not expected. Ask MoMo about it.",
        ),
    )
