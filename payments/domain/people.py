"""Who may do what. Data, not branches: a role is a set of permissions."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID


class Permission(StrEnum):
    """One thing somebody may do; for programs, the name is the scope of a key."""

    READ = "read"
    BILLS = "bills"
    ORDERS = "orders"
    STATEMENTS = "statements"
    RECONCILE = "reconcile"
    RESOLVE = "resolve"
    APPROVE = "approve"
    REQUEST_REFUND = "refunds"
    PAY_OUT = "payouts"
    CLOSE_DAY = "close_day"
    CHANNELS = "channels"
    ADMIN = "admin"


_P = Permission
_READ: Final = {_P.READ}
_CASHIER: Final = _READ | {_P.BILLS, _P.ORDERS, _P.REQUEST_REFUND}
_ACCOUNTANT: Final = _CASHIER | {_P.STATEMENTS, _P.RECONCILE, _P.RESOLVE, _P.PAY_OUT}
_CHIEF: Final = _ACCOUNTANT | {_P.APPROVE, _P.CLOSE_DAY}

ROLES: Final[Mapping[str, AbstractSet[Permission]]] = {
    "viewer": _READ,
    "cashier": _CASHIER,
    "accountant": _ACCOUNTANT,
    "chief_accountant": _CHIEF,
    "admin": _READ | {_P.ADMIN, _P.CHANNELS},  # runs the place; does not move money
}

KEY_SCOPES: Final = frozenset(
    {
        _P.READ,
        _P.BILLS,
        _P.ORDERS,
        _P.STATEMENTS,
        _P.RECONCILE,
        _P.RESOLVE,  # a key proposes and comments; whatever it proposes, a person approves
        _P.REQUEST_REFUND,
        _P.PAY_OUT,  # reads whole account numbers: a scope that no other implies
        _P.CHANNELS,  # decides whose calls we believe: a scope that no other implies
    }
)
"""What a program's key may be given: approving and closing a day need a person."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts in a transaction: a member of staff, a key, or the service itself."""

    id: UUID
    kind: str
    name: str
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Tell whether this actor has the permission."""
        return permission in self.permissions


SERVICE: Final = Actor(
    UUID("00000000-0000-7000-8000-000000000001"), "service", "Thuphi", frozenset()
)
"""The service itself, for what it does without being asked. Its row is in every database."""
