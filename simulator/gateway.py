"""What a pretend gateway is, and how the app finds them all.

A gateway is one module of this package with a module-level `GATEWAY`, an instance of a Gateway.
It says which addresses it has (doors), how it tells a merchant what happened, and how its
settlement file looks. It knows neither Flask nor threads nor faults: a wrong amount is a right
call about another order, a wrong signature one with other keys, so it only has to be right.
"""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from simulator.sheet import Row, Sheet

PAID, PENDING, FAILED, CANCELLED, EXPIRED = "paid", "pending", "failed", "cancelled", "expired"
UNDERPAID = "underpaid"
ENDS: Mapping[str, str] = {"cancel": CANCELLED, "fail": FAILED, "expire": EXPIRED}


@dataclass(frozen=True, slots=True)
class Key:
    """One field of a merchant's credentials. example: what a made one looks like.

    length: of a made one; alphabet: its symbols; secret: it signs, or lets in.
    """

    name: str
    length: int
    alphabet: str
    secret: bool = True


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who takes money at a gateway. code: its name there; account: where payouts go, or None.

    fee_bps, fee_fixed: of each payment, hundredths of a percent and đồng. told_by_bank: whether
    the bank's notices (SePay, Casso) also tell what this gateway pays into the account.
    """

    gateway: str
    code: str
    title: str
    keys: Mapping[str, str]
    notify_url: str
    account: str | None
    fee_bps: int
    fee_fixed: int
    retry: bool
    speed: float
    timeout: float
    told_by_bank: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One try to pay. reference: the merchant's name for it; period: in which that is unique.

    code: the gateway's own word for the end it came to; asked: the request that opened it.
    """

    id: int
    gateway: str
    merchant: str
    reference: str
    period: str
    token: str
    amount: int
    info: str
    state: str
    code: str
    return_url: str
    notify_url: str
    language: str
    asked: Mapping[str, Any]
    made_at: datetime
    expires_at: float | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came for an order. number: the gateway's; posting: on our bank, if it is there."""

    id: int
    number: str
    amount: int
    at: datetime
    posting: int | None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money going back. reference: the merchant's; number: the gateway's own."""

    id: int
    checkout: int
    kind: str
    reference: str
    number: str
    amount: int
    state: str  # pending, done or failed
    asked: Mapping[str, Any]
    made_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Message:
    """One call to a merchant, ready to be sent and repeated."""

    method: str
    url: str
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request at a door. body: the JSON object or the form; None if it is neither."""

    body: Mapping[str, Any] | None
    query: Mapping[str, str]
    headers: Mapping[str, str]
    path: Mapping[str, str]
    now: datetime
    epoch: float
    base: str  # http://host:port/<gateway>


@dataclass(frozen=True, slots=True)
class Answer:
    """What a door says: JSON, or the payment page of an order, or a page with a problem.

    after: what is done once the transaction is closed; its answer is given instead.
    """

    json: Mapping[str, Any] | None = None
    status: int = 200
    page: str = ""  # token of the order whose page opens
    problem: tuple[str, str, str] | None = None  # code, vi, en
    after: Callable[[Any], Answer] | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """One address of the gateway. name: what faults call it.

    which: where one address serves several calls, the name of each; it is one of `others`, or
    the door's own.
    """

    method: str
    path: str
    name: str
    act: Callable[[sqlite3.Connection, Call], Answer]
    others: tuple[str, ...] = ()
    which: Callable[[Call], str] | None = None

    def called(self, call: Call) -> str:
        """The name of this very call."""
        return self.name if self.which is None else self.which(call)


class Gateway(ABC):
    """A pretend gateway."""

    name: ClassVar[str]  # the first part of its addresses
    label: ClassVar[str]
    keys: ClassVar[tuple[Key, ...]]
    holds_money: ClassVar[bool] = True  # False: straight into the merchant's bank account
    codes: ClassVar[Mapping[str, tuple[str, str]]] = {}  # how a payer can fail: code -> vi, en
    cancelled_code: ClassVar[str] = ""
    expired_code: ClassVar[str] = ""
    tells: ClassVar[frozenset[str]] = frozenset({PAID})  # the ends that are called out
    gaps: ClassVar[Sequence[int]] = ()  # seconds between two calls that are not answered
    parts: ClassVar[bool] = False  # whether an order can be paid in several parts
    refunds_named: ClassVar[bool] = False  # a refund's settlement row carries its own name
    batch_prefix: ClassVar[str] = ""

    @property
    @abstractmethod
    def doors(self) -> Sequence[Door]:
        """The addresses merchants call and browsers open."""

    def door_names(self) -> list[str]:
        """What the faults of an API call may be limited to."""
        return sorted({name for door in self.doors for name in (door.name, *door.others)})

    @abstractmethod
    def notice(self, merchant: Merchant, order: Order, payment: Payment | None) -> Message:
        """The call that tells of an order's end."""

    @abstractmethod
    def accepted(self, status: int, answer: bytes) -> bool:
        """Whether the merchant's answer ends the repetitions."""

    @abstractmethod
    def back(self, merchant: Merchant, order: Order, payment: Payment | None) -> str:
        """Where the browser goes after the payment page."""

    def page_parts(self, merchant: Merchant, order: Order) -> Sequence[tuple[str, str, str]]:
        """What the payment page shows besides amount and text: vi, en, value."""
        return ()

    def merchant_code(self, keys: Mapping[str, str]) -> str:
        """The merchant's name at this gateway: the first of its keys."""
        return keys[self.keys[0].name]

    def number(self, counted: int, at: datetime) -> str:
        """The gateway's number of a transaction. counted: never the same twice."""
        return str(counted)

    def stranger(self, reference: str) -> str:
        """A reference that nobody gave, of the same form."""
        return f"{reference}X9"

    def receive(
        self, db: sqlite3.Connection, merchant: Merchant, order: Order, payment: Payment
    ) -> Payment:
        """Where the payer's money goes; only gateways that do not hold it have to say."""
        return payment

    def heard(self, db: sqlite3.Connection, posting: sqlite3.Row, now: datetime) -> None:
        """A payer sent money to our bank; a gateway that watches accounts may know it."""
        del db, posting, now

    def sheet(self, rows: Sequence[Row]) -> Sheet | None:
        """The settlement file in its default layout; None where nothing is settled."""
        return None

    def batch_code(self, day: date, nth: int) -> str:
        """The name of a payout: nth counts the gateway's merchants from 1."""
        return f"{self.batch_prefix}{day:%Y%m%d}{nth:02d}"


@cache
def gateways() -> Mapping[str, Gateway]:
    """Every gateway of this package by its name, in order of their names."""
    found: dict[str, Gateway] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.startswith("_") or module.ispkg:
            continue
        made = getattr(importlib.import_module(f"simulator.{module.name}"), "GATEWAY", None)
        if isinstance(made, Gateway):
            found[made.name] = made
    return dict(sorted(found.items()))
