"""payOS's words in ours: answer codes, and the states of a payment link.

The states are those of payOS's own libraries (@payos/node 2.0.5, PyPI payos 1.1.0). Of the
codes payOS publishes only that "00" is success and anything else an error, also with HTTP 200;
the others here are what integrators report of the live API. A code that is not listed is a
doubt for a request that may have been acted on.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from payments.domain.gateway import Ending, Pending, Refused, Unknown

TEST_ORDER: Final = 123
"""The orderCode of the sample that payOS posts when a webhook is registered; never one of ours."""

DONE: Final = "00"
UNAUTHORISED: Final = "401"
NOT_FOUND: Final = "101"  # "Mã thanh toán không tồn tại"
CLOSED: Final = "214"  # "Cổng thanh toán không tồn tại hoặc đã tạm dừng"

CREATE: Final[Mapping[str, Refused | Unknown]] = {
    "20": Refused("request_refused"),  # "Thông tin truyền lên không đúng"
    "201": Refused("credentials"),  # "Mã kiểm tra (signature) không hợp lệ"
    CLOSED: Refused("channel_closed"),
    "231": Unknown("asked_before"),  # "Đơn thanh toán đã tồn tại": an earlier request did arrive
    UNAUTHORISED: Refused("credentials"),
    "429": Refused("busy"),
}

HTTP_REFUSED: Final[Mapping[int, str]] = {401: "credentials", 403: "credentials", 429: "busy"}
"""HTTP's status -> reason, for requests that were turned away before anything was done."""


class State(Enum):
    """What payOS says of a link."""

    WAITING = auto()  # for the payer, or for the bank
    PAID = auto()
    UNDERPAID = auto()  # some money came, not all of it
    OVER = auto()  # nothing more is expected; money may have come, or may still come


LINK: Final[Mapping[str, State]] = {
    "PENDING": State.WAITING,
    "PROCESSING": State.WAITING,
    "PAID": State.PAID,
    "UNDERPAID": State.UNDERPAID,
    "CANCELLED": State.OVER,
    "EXPIRED": State.OVER,
    "FAILED": State.OVER,
}

WITHOUT_MONEY: Final[Mapping[str, Pending | Refused | Unknown]] = {
    "PENDING": Pending(),
    "PROCESSING": Pending(),
    "PAID": Unknown("paid_without_transaction"),
    "UNDERPAID": Unknown("paid_without_transaction"),
    "CANCELLED": Refused("cancelled", Ending.CANCELLED),
    "EXPIRED": Refused("expired", Ending.EXPIRED),
    "FAILED": Refused("failed"),
}
"""A link's state -> what it means when the link names no credit."""
