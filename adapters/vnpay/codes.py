"""VNPAY's codes in our words, one table for each list of theirs, and how two codes read together.

Source: VNPAY's payment page 2.1.0 (vnp_ResponseCode, vnp_TransactionStatus) and its querydr and
refund page (vnp_ResponseCode of a call, vnp_TransactionStatus). A code that is on no list is a
doubt: it is looked up and never taken for a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from payments.domain.gateway import Ending


class Meaning(Enum):
    """What two codes together say of a payment."""

    PAID = auto()  # VNPAY has the money
    WAITING = auto()  # VNPAY knows of it and it is not over
    OVER = auto()  # no money moved
    DOUBT = auto()  # money may have moved


@dataclass(frozen=True, slots=True)
class Reading:
    """reason: for the log, the console and the pay page. ending: of what is OVER."""

    meaning: Meaning
    reason: str
    ending: Ending = Ending.FAILED


PAID: Final = "00"

# vnp_TransactionStatus: what became of the money. It decides, vnp_ResponseCode only explains.
STATUSES: Final[Mapping[str, Reading]] = {
    PAID: Reading(Meaning.PAID, "paid"),
    "01": Reading(Meaning.WAITING, "not_completed"),
    "02": Reading(Meaning.OVER, "failed"),
    "04": Reading(Meaning.DOUBT, "debited_not_credited"),  # the bank took it, VNPAY has it not
    # Of a payment: it was paid, and somebody is giving it back, perhaps in VNPAY's own portal.
    "05": Reading(Meaning.DOUBT, "refund_under_way"),
    "06": Reading(Meaning.DOUBT, "refund_under_way"),
    "07": Reading(Meaning.DOUBT, "suspected_fraud"),
    "09": Reading(Meaning.DOUBT, "refund_refused"),
}

# vnp_ResponseCode of a payment: why.
RESPONSES: Final[Mapping[str, Reading]] = {
    PAID: Reading(Meaning.PAID, "paid"),
    # Debited, and held by VNPAY until the biller accepts or refuses it in VNPAY's portal.
    "07": Reading(Meaning.DOUBT, "suspected_fraud"),
    "09": Reading(Meaning.OVER, "not_registered"),
    "10": Reading(Meaning.OVER, "authentication_failed"),
    "11": Reading(Meaning.OVER, "expired", Ending.EXPIRED),
    "12": Reading(Meaning.OVER, "card_locked"),
    "13": Reading(Meaning.OVER, "wrong_otp"),
    "24": Reading(Meaning.OVER, "cancelled_by_payer", Ending.CANCELLED),
    "51": Reading(Meaning.OVER, "insufficient_funds"),
    "65": Reading(Meaning.OVER, "over_limit"),
    "75": Reading(Meaning.OVER, "bank_maintenance"),
    "79": Reading(Meaning.OVER, "wrong_password"),
    "99": Reading(Meaning.OVER, "failed"),
}

_UNSEEN: Final = Reading(Meaning.DOUBT, "unknown_code")
_AT_ODDS: Final = Reading(Meaning.DOUBT, "codes_contradict")

DONE: Final = "00"
NOT_FOUND: Final = "91"
ALREADY_ASKED: Final = "94"
NOT_REFUNDABLE: Final = "95"

# vnp_ResponseCode of a call to querydr or refund: why it was not done.
CALLS: Final[Mapping[str, str]] = {
    "02": "settings_refused",  # no such terminal
    "03": "request_refused",  # bad format
    NOT_FOUND: "not_found",
    ALREADY_ASKED: "already_asked",
    NOT_REFUNDABLE: "not_refundable",  # VNPAY never had the money
    "97": "settings_refused",  # our signature
    "99": "gateway_error",
}

# Of these, what answers a refund that was not begun. 99 may have begun.
REFUND_REFUSALS: Final = frozenset({"02", "03", NOT_FOUND, NOT_REFUNDABLE, "97"})

# vnp_TransactionStatus of a refund.
REFUND_DONE: Final = "00"
REFUND_SEEN: Final = frozenset({"05", "06"})  # also of the payment that is given back
REFUND_UNDER_WAY: Final = REFUND_SEEN | {"01"}
REFUND_FAILED: Final = frozenset({"02", "09"})

# vnp_TransactionType
PAYMENT: Final = "01"
FULL_REFUND: Final = "02"
PART_REFUND: Final = "03"


def of_payment(status: str, response: str | None = None) -> Reading:
    """What the codes say of a payment. response: None where VNPAY tells only the status (querydr).

    Paid only if both are 00. A doubt in either is a doubt, and so is a status of 00 beside a
    response that failed. A status of 01 or 02 beside a listed reason ends for that reason; 01
    ends only if the payer gave up or ran out of time.
    """
    said = STATUSES.get(status, _UNSEEN)
    if response is None or said.meaning is Meaning.DOUBT:
        return said
    told = RESPONSES.get(response)
    if told is not None and told.meaning is Meaning.DOUBT:
        return told
    if said.meaning is Meaning.PAID:
        return said if response == PAID else _AT_ODDS
    if told is None or told.meaning is Meaning.PAID:
        return said
    ended = said.meaning is Meaning.OVER or told.ending is not Ending.FAILED
    return told if ended else said


def of_call(code: str) -> str:
    """Why a call was not answered with what was asked for, in our words."""
    return CALLS.get(code, "unknown_code")
