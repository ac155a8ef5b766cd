"""EventSource: the port through which a gateway's calls become events in our words.

An adapter implements it (adapters/sepay/events.py is the shortest example). It decides
nothing about money: it says whether a call is genuine, what it tells, and how this gateway
wants to be answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from payments.domain.money import Money


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came in. headers: names in lower case. body: the raw bytes, untouched."""

    headers: Mapping[str, str]
    body: bytes
    query: str = ""  # as it was sent, without the question mark
    method: str = "POST"


class Kind(StrEnum):
    """What a verified call tells."""

    CREDIT = "credit"  # money arrived on a bank account
    DEBIT = "debit"  # money left an account: noted, booked only from the statement
    PAID = "paid"  # a try at this gateway was paid
    ENDED = "ended"  # a try at this gateway is over and no money moved
    DOUBT = "doubt"  # money may have moved: looked up, never assumed
    TEST = "test"  # the gateway tries the address, or says nothing new; books nothing
    UNREADABLE = "unreadable"  # one of several things a call tells: kept for a person


class Finding(StrEnum):
    """What we knew when a genuine call came, read in the transaction that keeps it."""

    FIRST = "first"  # news about a try that we know, at its amount
    REPEATED = "repeated"  # this event was heard before
    UNKNOWN_ORDER = "unknown_order"  # no try of this biller has that name
    WRONG_AMOUNT = "wrong_amount"  # the try asked for another amount
    OVER = "over"  # another event had settled the try before
    NOTHING = "nothing"  # nothing to find: a test, or money that names no try


@dataclass(frozen=True, slots=True)
class Event:
    """What a genuine call tells. event_id: the gateway's own id, the same at every retry.

    account_number: ours, when the money is in a bank; "" when the gateway holds it.
    memo and counterparty: as the bank wrote them.
    merchant_reference: our name for the try, for PAID, ENDED and DOUBT (and CREDIT, if told).
    provider_reference: the gateway's own number of the transaction, if it is not the event's.
    reason, ending: why and how an ENDED try ended, in our words (payments.domain.gateway.Ending).
    """

    event_id: str
    kind: Kind
    account_number: str
    amount: Money
    at: datetime
    memo: str = ""
    bank_reference: str | None = None
    counterparty_name: str = ""
    counterparty_account: str = ""
    merchant_reference: str = ""
    provider_reference: str = ""
    reason: str = ""
    ending: str = "failed"

    @property
    def transaction(self) -> str:
        """The number under which the payment is booked once."""
        return self.provider_reference or self.event_id

    def fields(self) -> dict[str, Any]:
        """The event as JSON values, to be sealed beside the raw call."""
        told = {one.name: getattr(self, one.name) for one in dataclass_fields(self)}
        return told | {
            "kind": self.kind.value,
            "amount": self.amount.amount,
            "at": self.at.isoformat(),
        }

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Event:
        """Undo `fields`; what an older release did not know keeps its default."""
        values = dict(fields)
        values["kind"] = Kind(values["kind"])
        values["amount"] = Money(values["amount"])
        values["at"] = datetime.fromisoformat(values["at"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Forged:
    """The call is not genuine, or cannot be read. reason: for our log, never for the caller."""

    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway expects to hear. forged: it answers a call that was not believed."""

    status: int
    body: str
    content_type: str = "application/json"
    forged: bool = field(default=False, compare=False)


class EventSource(Protocol):
    """One gateway's way of telling us things."""

    @property
    def name(self) -> str:
        """As in its address: /webhooks/<name>/<biller>."""
        ...

    @property
    def methods(self) -> Sequence[str]:
        """The HTTP methods it calls with: ("POST",), or ("GET",) for VNPAY."""
        ...

    def signed_parts(self, call: Call) -> bytes:
        """Everything that the signature covers, and the signature: what makes calls equal."""
        ...

    def verify(
        self, call: Call, settings: Mapping[str, str], *, now: datetime
    ) -> Sequence[Event] | Forged:
        """Check the raw bytes in constant time, then read them: one event, or a list of them.

        Right signature and another biller's merchant id is Forged.
        """
        ...

    def accepted(self, event: Event, finding: Finding) -> Answer:
        """The answer to a genuine call; for a list, about the event that is least in order."""
        ...

    def refused(self, forged: Forged) -> Answer:
        """The answer to a call that is not genuine."""
        ...

    def failed(self) -> Answer:
        """The answer when we could not keep the call: the gateway should call again."""
        ...
