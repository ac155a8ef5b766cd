"""Gateway: the port to whoever takes a payer's money, and what they may answer.

LocalGateway   calls nobody: a QR is its whole checkout (adapters/vietqr/gateway.py)
Gateway        is asked over the network (adapters/vnpay/gateway.py is the shortest)
Refunding      a Gateway that can also give money back

An adapter implements one of them in its own folder; `adapters/registry.py` knows them by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from payments.domain.channels import Setting
from payments.domain.money import Money


@dataclass(frozen=True, slots=True)
class Receiver:
    """The biller's account that the money should reach. holder: as its bank writes it."""

    bank_bin: str
    account_number: str
    holder: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What a gateway is asked for. Asking twice with the same reference is asking once.

    reference: our name for this try at the gateway, written down before it is called.
    code: the payment code that has to stand in the memo. return_url: where the browser goes
    back to; notify_url: where the gateway's call goes. payer_address: the payer's, "" if unknown.
    """

    attempt_id: UUID
    code: str
    amount: Money
    receiver: Receiver
    expires_at: datetime
    reference: str = ""
    started_at: datetime | None = None
    return_url: str = ""
    notify_url: str = ""
    payer_address: str = ""
    language: str = "vi"


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of an attempt when we ask what became of it.

    provider_reference: the gateway's own, if it ever told us. now: when we ask.
    """

    attempt_id: UUID
    reference: str
    provider_reference: str | None
    amount: Money
    started_at: datetime
    expires_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Checkout:
    """How the payer goes on: a QR to scan, or an address to open. reference: the gateway's own."""

    qr_text: str | None = None
    redirect_url: str | None = None
    reference: str | None = None


class Ending(StrEnum):
    """How a try that moved no money ended."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The gateway says that it has the money.

    reference: the gateway's own number of the transaction, unique at this gateway.
    amount: what it took, in our đồng. paid_at: None if it does not say.
    account_number, bank_reference: where the money went, if straight to the biller's bank.
    """

    reference: str
    amount: Money
    paid_at: datetime | None = None
    account_number: str = ""
    bank_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """The gateway knows of it and waits for the payer."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It is over and no money moved. reason: one of ours, never the gateway's text."""

    reason: str
    ending: Ending = Ending.FAILED


@dataclass(frozen=True, slots=True)
class Unknown:
    """Asked, not answered, or answered that money may have moved: look it up, never assume.

    reason: one of ours, for the log and the console.
    """

    reason: str = ""


Outcome = Succeeded | Pending | Refused | Unknown


@dataclass(frozen=True, slots=True)
class RefundAsk:
    """What a gateway is asked to give back. Asking twice with the same reference is asking once.

    reference: our name for this refund at the gateway, written down before it is called.
    payment_reference: our name for the try that was paid; provider_reference: the gateway's own
    number of that transaction. paid: what was paid; amount: what goes back, at most that much.
    payment_started_at: when the try was started. asked_at: when this refund was first sent.
    operator: who approved, as a shown id, never a name. now: when we ask.
    """

    refund_id: UUID
    reference: str
    payment_reference: str
    provider_reference: str
    paid: Money
    amount: Money
    payment_started_at: datetime
    asked_at: datetime
    reason: str
    operator: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Refunded:
    """The gateway says that the money went back. reference: its own number of the refund."""

    reference: str


RefundOutcome = Refunded | Pending | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Limits:
    """What one payment at a gateway may be, in đồng, both included."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Check:
    """What a try of a channel's settings found. vi, en: what it means and what to do."""

    ok: bool
    vi: str
    en: str


class LocalGateway(Protocol):
    """A way to pay that calls nobody, so that it may start inside a transaction."""

    @property
    def name(self) -> str:
        """As in rows: "vietqr"."""
        ...

    def start(self, ask: Ask) -> Checkout:
        """How the payer goes on. Raises Invalid for what this way cannot carry."""
        ...


class Gateway(Protocol):
    """A way to pay that is asked over the network, never inside a transaction.

    settings: the biller's own at this gateway, whole and checked against `settings_taken`.
    No method raises for what the network or the gateway does: that is an Unknown or a Refused.
    """

    @property
    def name(self) -> str:
        """As in settings and rows: "momo"."""
        ...

    @property
    def label(self) -> str:
        """What payers know it by, in every language: "MoMo"."""
        ...

    @property
    def settings_taken(self) -> Sequence[Setting]:
        """What a biller has to tell us."""
        ...

    @property
    def holds_money(self) -> bool:
        """True: it keeps the money and settles later; False: it goes straight to the bank."""
        ...

    @property
    def lifetime(self) -> timedelta:
        """How long a try lives here, unless its order ends sooner."""
        ...

    @property
    def look_ups(self) -> Sequence[timedelta]:
        """After the end of a try, when to ask again; then it is left to a person."""
        ...

    def limits(self, settings: Mapping[str, str]) -> Limits:
        """What this biller may ask for in one payment."""
        ...

    def reference(self, attempt_id: UUID, code: str, at: datetime) -> str:
        """Our name for a try: unique for ever at this gateway, in the form it takes."""
        ...

    def start(self, ask: Ask, settings: Mapping[str, str]) -> Checkout | Outcome:
        """Begin one try."""
        ...

    def look_up(self, known: Known, settings: Mapping[str, str]) -> Outcome:
        """Ask what became of it. What it never heard of is Pending until the try is over."""
        ...

    def check(self, settings: Mapping[str, str], now: datetime) -> Check:
        """Try the credentials without moving money."""
        ...


@runtime_checkable
class Refunding(Protocol):
    """What a Gateway offers besides when money can go back the way it came."""

    @property
    def refund_look_ups(self) -> Sequence[timedelta]:
        """After sending, when to ask again."""
        ...

    def refund_limits(self, settings: Mapping[str, str]) -> Limits:
        """What one refund may be."""
        ...

    def refund_reference(
        self, refund_id: UUID, round_: int, at: datetime, settings: Mapping[str, str]
    ) -> str:
        """Our name for a refund, unique for ever; round_ counts from 1 when it is asked again."""
        ...

    def refund(self, ask: RefundAsk, settings: Mapping[str, str]) -> RefundOutcome:
        """Give money back."""
        ...

    def look_up_refund(self, ask: RefundAsk, settings: Mapping[str, str]) -> RefundOutcome:
        """Ask what became of it."""
        ...


def never_heard_of(known: Known, *, margin: timedelta = timedelta(minutes=5)) -> Outcome:
    """What it means that a gateway does not know a try: too early to say, or it is over."""
    if known.now < known.expires_at + margin:
        return Pending()
    return Refused("expired", Ending.EXPIRED)
