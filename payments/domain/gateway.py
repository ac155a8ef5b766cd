"""Gateway: the port to whoever takes a payer's money, and what they may answer.

An adapter implements one of the two ports in its own folder (adapters/vietqr/gateway.py is the
shortest); `adapters/registry.py` knows them by name. What only some can do is a small Protocol
of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from payments.domain.money import Money


@dataclass(frozen=True, slots=True)
class Receiver:
    """The biller's account that the money should reach. holder: as its bank writes it."""

    bank_bin: str
    account_number: str
    holder: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What a gateway is asked for. attempt_id is its key: asking twice is asking once.

    code: the payment code that has to stand in the memo.
    """

    attempt_id: UUID
    code: str
    amount: Money
    receiver: Receiver
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Checkout:
    """How the payer goes on: a QR to scan, or an address to open. reference: the gateway's own."""

    qr_text: str | None = None
    redirect_url: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The gateway says that it has the money."""

    reference: str


@dataclass(frozen=True, slots=True)
class Pending:
    """The gateway knows of it and waits for the payer."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It is over and no money moved. reason: one of ours, never the gateway's text."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Asked, not answered: look it up, never assume."""


Outcome = Succeeded | Pending | Refused | Unknown


class LocalGateway(Protocol):
    """A way to pay that calls nobody, so that it may start inside a transaction."""

    name: str

    def start(self, ask: Ask) -> Checkout:
        """How the payer goes on. Raises Invalid for what this way cannot carry."""
        ...


class Gateway(Protocol):
    """A way to pay that is asked over the network, never inside a transaction.

    settings: the biller's own at this gateway. Repeating a call with the same attempt is safe.
    """

    name: str

    def start(self, ask: Ask, settings: Mapping[str, str]) -> Checkout | Outcome:
        """Begin one try."""
        ...

    def look_up(self, attempt_id: UUID, settings: Mapping[str, str]) -> Outcome:
        """Ask what became of it."""
        ...
