"""MoMo's result codes in our words: one table, and what each meaning means where.

Source: MoMo's list of result codes (API v2), which says of each whether it is final. The same
numbers come in answers and in notices, but an answer to create may be about the request alone,
so each place reads the meaning in its own way. A code that is not listed is a doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from payments.domain.gateway import Ending


class Meaning(Enum):
    """What a code says of the payment, or of the request."""

    PAID = auto()  # MoMo has the money
    WAITING = auto()  # on its way: the payer or the payer's bank has to act
    OVER = auto()  # final, no money moved
    TURNED_AWAY = auto()  # the request was not accepted, nothing was begun by it
    CLOSED = auto()  # MoMo is in maintenance: nothing was begun, ask again later
    BUSY = auto()  # another request about the same money is being worked on
    TAKEN = auto()  # this request or this order was there before
    NOT_FOUND = auto()  # no such order
    UNCLEAR = auto()  # failed for a reason MoMo does not know: asked once more before it is final
    REFUND_FAILED = auto()  # a refund that was begun did not come off
    REFUND_REFUSED = auto()  # a refund that was not begun
    UNSEEN = auto()  # a code that MoMo's list does not have


@dataclass(frozen=True, slots=True)
class Code:
    """A code in our words. reason: for the log, the console and the pay page."""

    meaning: Meaning
    reason: str
    ending: Ending = Ending.FAILED


_M = Meaning

CODES: Final[Mapping[int, Code]] = {
    0: Code(_M.PAID, "paid"),
    # Authorised. We always send autoCapture true, and then MoMo takes the money by itself.
    9000: Code(_M.PAID, "paid"),
    1000: Code(_M.WAITING, "waiting_for_payer"),
    7000: Code(_M.WAITING, "processing"),
    7002: Code(_M.WAITING, "processing"),
    10: Code(_M.CLOSED, "maintenance"),
    11: Code(_M.TURNED_AWAY, "settings_refused"),
    12: Code(_M.TURNED_AWAY, "settings_refused"),
    13: Code(_M.TURNED_AWAY, "settings_refused"),
    20: Code(_M.TURNED_AWAY, "request_refused"),  # bad format, a bad signature among them
    21: Code(_M.TURNED_AWAY, "amount_refused"),
    22: Code(_M.TURNED_AWAY, "amount_refused"),
    40: Code(_M.TAKEN, "already_asked"),
    41: Code(_M.TAKEN, "already_asked"),
    42: Code(_M.NOT_FOUND, "not_found"),
    43: Code(_M.BUSY, "conflict"),
    45: Code(_M.TURNED_AWAY, "request_refused"),
    47: Code(_M.TURNED_AWAY, "request_refused"),
    98: Code(_M.UNCLEAR, "qr_failed"),
    99: Code(_M.UNCLEAR, "gateway_error"),
    1001: Code(_M.OVER, "balance"),
    1002: Code(_M.OVER, "bank"),
    1003: Code(_M.OVER, "cancelled_by_gateway", Ending.CANCELLED),
    1004: Code(_M.OVER, "limit"),
    1005: Code(_M.OVER, "expired", Ending.EXPIRED),
    1006: Code(_M.OVER, "cancelled", Ending.CANCELLED),
    1007: Code(_M.OVER, "account_inactive"),
    1017: Code(_M.OVER, "cancelled_by_biller", Ending.CANCELLED),
    1026: Code(_M.OVER, "promotion_rule"),
    1080: Code(_M.REFUND_FAILED, "refund_failed"),
    1081: Code(_M.REFUND_REFUSED, "refund_refused"),
    1088: Code(_M.REFUND_REFUSED, "not_refundable"),
    2019: Code(_M.TURNED_AWAY, "request_refused"),  # bad orderGroupId, which we never send
    4001: Code(_M.OVER, "account_restricted"),
    4002: Code(_M.OVER, "account_unverified"),
    4100: Code(_M.OVER, "authentication"),
}

UNSEEN: Final = Code(_M.UNSEEN, "unknown_code")
"""A code MoMo's list does not have: never final, always looked up."""


def read(result_code: object) -> Code:
    """The code in our words; UNSEEN for whatever is no number of the table."""
    # True is 1 and 0.0 is 0 to a dict of ints: neither is a code.
    if type(result_code) is not int:
        return UNSEEN
    return CODES.get(result_code, UNSEEN)
