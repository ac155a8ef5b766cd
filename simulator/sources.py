"""Who tells a bank account's credits: SePay or Casso, by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from simulator import casso, sepay
from simulator.errors import Refused


class Source(Protocol):
    """A service that reads the account and calls a hook for each movement."""

    @property
    def GAPS_MINUTES(self) -> Sequence[int]:  # noqa: N802  # a constant of modules and classes
        """Minutes between two calls that are not answered."""
        ...

    def body(
        self,
        *,
        notice: int,
        posting: sqlite3.Row | Mapping[str, Any],
        accumulated: int,
        pattern: str | None,
    ) -> str:
        """The JSON of one notice."""
        ...

    def headers(
        self, hook: sqlite3.Row | Mapping[str, Any], raw: bytes, *, epoch: float, forged: bool
    ) -> dict[str, str]:
        """The headers of one call."""
        ...

    def accepted(self, status: int, answer: bytes) -> bool:
        """Whether this answer ends the repetitions."""
        ...


SOURCES: Mapping[str, Source] = {"sepay": sepay, "casso": casso.V2, "casso-v1": casso.V1}


def source(name: object) -> Source:
    """The service of this name. Raises Refused."""
    if not isinstance(name, str) or name not in SOURCES:
        known = ", ".join(SOURCES)
        raise Refused(f"source phải là một trong: {known}", f"source must be one of: {known}")
    return SOURCES[name]
