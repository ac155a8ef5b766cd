"""EventSource: the port through which a gateway's calls become events in our words.

An adapter implements it (adapters/sepay/events.py is the shortest example). It decides
nothing about money: it says whether a call is genuine, what it tells, and how this gateway
wants to be answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from payments.domain.money import Money


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came in. headers: names in lower case. body: the raw bytes, untouched."""

    headers: Mapping[str, str]
    body: bytes
    query: str = ""


class Kind(StrEnum):
    """What a verified call tells."""

    CREDIT = "credit"  # money arrived on an account
    DEBIT = "debit"  # money left an account: noted, booked only from the statement
    TEST = "test"  # the gateway tries the address; books nothing


@dataclass(frozen=True, slots=True)
class Event:
    """What a genuine call tells. event_id: the gateway's own id, the same at every retry.

    account_number: ours. memo and counterparty: as the bank wrote them.
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

    def fields(self) -> dict[str, Any]:
        """The event as JSON values, to be sealed beside the raw call."""
        return {
            "event_id": self.event_id,
            "kind": self.kind.value,
            "account_number": self.account_number,
            "amount": self.amount.amount,
            "at": self.at.isoformat(),
            "memo": self.memo,
            "bank_reference": self.bank_reference,
            "counterparty_name": self.counterparty_name,
            "counterparty_account": self.counterparty_account,
        }

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Event:
        """Undo `fields`."""
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
    """What the gateway expects to hear."""

    status: int
    body: str
    content_type: str = "application/json"


class EventSource(Protocol):
    """One gateway's way of telling us things."""

    name: str

    def signed_parts(self, call: Call) -> bytes:
        """Everything that the signature covers, and the signature: what makes calls equal."""
        ...

    def verify(self, call: Call, settings: Mapping[str, str], *, now: datetime) -> Event | Forged:
        """Check the raw bytes in constant time, then read them."""
        ...

    def accepted(self, event: Event) -> Answer:
        """The answer to a genuine call, first or repeated."""
        ...

    def refused(self, forged: Forged) -> Answer:
        """The answer to a call that is not genuine."""
        ...
