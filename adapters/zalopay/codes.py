"""ZaloPay's codes in our words: one table for each question, and nothing else decides.

Source: ZaloPay's page "Status codes" (create order, query order's status, refund, query
refund's status). An answer carries return_code 1 done, 2 failed, 3 processing; with 2 the
sub_return_code says why. A request that is stopped at the door carries the code itself as
return_code (-401, -402, -429 …), so both are looked up in the same table. A code that is in no
table is Unknown: it is asked about, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from payments.domain.gateway import Ending, Refused, Unknown

DONE: Final = 1
FAILED: Final = 2
PROCESSING: Final = 3

NOT_FOUND: Final = -101
BAD_ID: Final = -92
BAD_APP: Final = -2
BAD_KEY: Final = frozenset({-53, -402, -403})
WITH_STAFF: Final = -1
"""Of a refund, with return_code 3: it waits for ZaloPay's own staff."""

Answer = Refused | Unknown

# Stopped at the door: nothing was done.
_AT_THE_DOOR: Final[Mapping[int, str]] = {
    BAD_APP: "credentials",
    **dict.fromkeys(BAD_KEY, "credentials"),  # mac; app or signature; signature
    -401: "bad_request",
    -405: "bad_request",  # client
    -429: "rate_limited",
    -999: "maintenance",
}
_BROKEN: Final[Mapping[int, Answer]] = {-500: Unknown("gateway_error")}  # may have acted first
_STOPPED: Final[Mapping[int, Answer]] = {
    **{code: Refused(reason) for code, reason in _AT_THE_DOOR.items()},
    **_BROKEN,
}
_NOT_ANSWERED: Final[Mapping[int, Answer]] = {
    **{code: Unknown(reason) for code, reason in _AT_THE_DOOR.items()},
    **_BROKEN,
}

CREATE: Final[Mapping[int, Answer]] = {
    **_STOPPED,
    -68: Unknown("asked_before"),  # the same app_trans_id: an earlier request did arrive
    # The time or the date in the id is no longer today's. It proves nothing about an earlier
    # request with the same id, so the order is looked up.
    -54: Unknown("stale"),
    BAD_ID: Unknown("stale"),
}

OPEN_STILL: Final = frozenset({-63})
"""Too little in the wallet: until the order ends, the payer may top up and pay it."""

QUERY: Final[Mapping[int, Answer]] = {
    **_NOT_ANSWERED,
    -54: Refused("expired", Ending.EXPIRED),
    -49: Refused("cancelled", Ending.CANCELLED),  # seen when the payer leaves; on no page
    -63: Refused("balance"),
    -217: Refused("bank"),
    **dict.fromkeys((-332, -333), Refused("promotion")),
    **dict.fromkeys(range(-1333, -1329), Refused("daily_limit")),
    **dict.fromkeys(range(-1343, -1339), Refused("monthly_limit")),
}

REFUND: Final[Mapping[int, Answer]] = {
    **_STOPPED,
    -3: Refused("credentials"),  # mac
    -13: Refused("too_late"),  # for this payment, or the timestamp is 15 minutes old
    -14: Refused("amount"),
    -23: Unknown("asked_before"),  # the same m_refund_id: an earlier request did arrive
    -24: Refused("reference"),
    -25: Refused("reference"),  # its date: midnight passed in Hanoi
    -26: Refused("reference"),
    NOT_FOUND: Refused("payment_not_found"),
    **dict.fromkeys((-4, -9, -32), Refused("not_refundable")),
    -11: Unknown("refunded_before"),  # perhaps by this very refund
}

QUERY_REFUND: Final[Mapping[int, Answer]] = {
    **_NOT_ANSWERED,
    0: Refused("refund_failed"),
    -3: Unknown("credentials"),  # of the question; it says nothing about the refund
    -13: Refused("too_late"),
    -14: Refused("amount"),
    **dict.fromkeys((-4, -9, -32), Refused("not_refundable")),
}
