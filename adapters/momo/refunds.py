"""MoMo: giving money back, and finding out whether it went.

A refund has an orderId of its own and names the payment by MoMo's transId. What became of it is
asked in two places: by its own id, where the API is doubtful, and in the list of refunds that
the query of the payment carries. Money going out: only a certain answer is final.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from adapters.momo import codes
from adapters.momo.api import Api, Said, number, same
from adapters.momo.codes import Code, Meaning
from adapters.momo.config import REFUND_LIMITS, request_type
from payments.domain.gateway import (
    Limits,
    Pending,
    RefundAsk,
    Refunded,
    RefundOutcome,
    Refused,
    Unknown,
)

_LOST_AFTER: Final = timedelta(hours=20)
"""When a refund that MoMo lists nowhere counts as never arrived: before the last look-up."""


class MomoRefunds:
    """The part of MomoGateway that implements payments.domain.gateway.Refunding."""

    refund_look_ups = (
        timedelta(minutes=2),
        timedelta(minutes=15),
        timedelta(hours=1),
        timedelta(hours=6),
        timedelta(hours=24),
    )

    def __init__(self, api: Api) -> None:
        self._api = api

    def refund_limits(self, settings: Mapping[str, str]) -> Limits:
        """What one refund may be."""
        return REFUND_LIMITS[request_type(settings)]

    def refund_reference(
        self, refund_id: UUID, round_: int, at: datetime, settings: Mapping[str, str]
    ) -> str:
        """The refund's orderId and requestId, at most 50 characters."""
        return f"RF-{refund_id.hex}-{round_}"

    def refund(self, ask: RefundAsk, settings: Mapping[str, str]) -> RefundOutcome:
        """Give money back. The same ask again gives MoMo's first answer again."""
        payment = number(ask.provider_reference)
        if payment is None:
            return Refused("not_refundable")  # nothing was sent: MoMo has no such number
        fields: dict[str, str | int] = {
            "orderId": ask.reference,
            "requestId": ask.reference,
            "amount": ask.amount.amount,
            "transId": int(payment),
            "description": "",  # the reason is staff's words, which may name people
            "lang": "vi",
        }
        said = self._api.refund(fields, settings)
        if not isinstance(said, Said):
            return said
        if said.contradicts(**_whose(ask, settings), requestId=ask.reference):
            return Unknown("other_order")
        return _sent(said, ask, settings)

    def look_up_refund(self, ask: RefundAsk, settings: Mapping[str, str]) -> RefundOutcome:
        """Ask by the refund's own id, and then in the payment's list of refunds."""
        direct = _direct(self._api.query_refund(ask.reference, settings), ask, settings)
        if isinstance(direct, Refunded):
            return direct
        listed = _listed(self._api.query(ask.payment_reference, settings), ask, settings)
        return _weighed(direct, listed, ask)


def _whose(ask: RefundAsk, settings: Mapping[str, str]) -> dict[str, str | int]:
    return {
        "partnerCode": settings["partner_code"],
        "orderId": ask.reference,
        "amount": ask.amount.amount,
    }


def _sent(said: Said, ask: RefundAsk, settings: Mapping[str, str]) -> RefundOutcome:
    match said.code.meaning:
        case Meaning.PAID:
            reference = number(said.fields.get("transId"))
            if said.final_success and reference and said.tells(**_whose(ask, settings)):
                return Refunded(reference)
            return Unknown("unclear")
        case Meaning.WAITING:
            return Pending()
        case Meaning.TURNED_AWAY | Meaning.REFUND_REFUSED:
            return Refused(said.code.reason)  # MoMo did not begin it
        case Meaning.NOT_FOUND:
            return Refused("payment_not_found")
        case _:
            # Also 1080 and the failures of payments: what was begun is looked up first.
            return Unknown(said.code.reason)


def _direct(
    said: Said | Refused | Unknown, ask: RefundAsk, settings: Mapping[str, str]
) -> RefundOutcome | None:
    """What the refund's own query says. None: MoMo does not know it."""
    if not isinstance(said, Said):
        return Unknown(said.reason)
    rows = _rows(said)
    if rows and any(row.get("orderId") == ask.reference for row in rows):
        return _row(rows, ask)
    if said.contradicts(**_whose(ask, settings)):
        return Unknown("other_order")
    if said.code.meaning is Meaning.NOT_FOUND:
        return None
    if not said.tells(**_whose(ask, settings)):
        return Unknown("unclear")
    # Without a row, 0 may only mean that the query went well: the payment's number says so.
    reference = number(said.fields.get("transId"))
    return _final(said.code, None if reference == ask.provider_reference else reference)


def _listed(
    said: Said | Refused | Unknown, ask: RefundAsk, settings: Mapping[str, str]
) -> RefundOutcome | None:
    """What the payment's list of refunds says. None: the refund is not in it."""
    if not isinstance(said, Said):
        return Unknown(said.reason)
    rows = _rows(said)
    about_it = said.tells(
        partnerCode=settings["partner_code"],
        orderId=ask.payment_reference,
        amount=ask.paid.amount,
    )
    if rows is None or not about_it or said.code.meaning is not Meaning.PAID:
        return Unknown("unclear")
    return _row(rows, ask)


def _rows(said: Said) -> list[Mapping[str, Any]] | None:
    """refundTrans, if it is a list of refunds that can be told apart."""
    rows = said.fields.get("refundTrans")
    if not isinstance(rows, list):
        return None
    if not all(isinstance(row, dict) and isinstance(row.get("orderId"), str) for row in rows):
        return None
    return rows


def _row(rows: list[Mapping[str, Any]], ask: RefundAsk) -> RefundOutcome | None:
    ours = [row for row in rows if row["orderId"] == ask.reference]
    if not ours:
        return None
    if len(ours) > 1 or not same(ours[0].get("amount"), ask.amount.amount):
        return Unknown("other_order")
    return _final(codes.read(ours[0].get("resultCode")), number(ours[0].get("transId")))


def _final(code: Code, reference: str | None) -> RefundOutcome:
    """What MoMo says of a refund that it knows."""
    match code.meaning:
        case Meaning.PAID if code is codes.CODES[0] and reference:
            return Refunded(reference)
        case Meaning.WAITING:
            return Pending()
        case Meaning.REFUND_FAILED | Meaning.REFUND_REFUSED:
            return Refused(code.reason)
        case Meaning.OVER:
            return Refused("refund_failed")  # the code's own reason speaks of a payer
        case _:
            return Unknown(code.reason)


def _weighed(
    direct: RefundOutcome | None, listed: RefundOutcome | None, ask: RefundAsk
) -> RefundOutcome:
    """Both sources together; what they say differently is left to a person."""
    if direct is None and listed is None:
        lost = ask.now >= ask.asked_at + _LOST_AFTER
        return Refused("not_found") if lost else Unknown("not_found")
    told = [one for one in (direct, listed) if isinstance(one, Refunded | Refused)]
    if len({type(one) for one in told}) > 1:
        return Unknown("contradiction")
    if any(isinstance(one, Pending) for one in (direct, listed)):
        return Unknown("contradiction") if told else Pending()
    if isinstance(direct, Refused) and isinstance(listed, Unknown):
        return listed  # its own query is the doubtful one: alone it does not end a refund
    if told:
        return told[0]
    unsure = [one for one in (listed, direct) if isinstance(one, Unknown)]
    return unsure[0]
