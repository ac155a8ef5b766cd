"""The addresses of the two servers, passwords included. Passwords are URL-safe as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ops.embedded.ports import HOST

DATABASE = "thuphi"
OWNER, APP, SYSTEM, ADMIN = "thuphi_owner", "thuphi_app", "thuphi_system", "postgres"


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the servers are. owner, app and system: on the database `thuphi`."""

    owner: str  # for migrations and backup
    app: str  # for web, worker and commands: one biller a transaction
    system: str  # for relay, sealer, schedule and check-ledger
    admin: str  # the superuser, on the database `postgres`
    redis: str  # Valkey, database 0

    @classmethod
    def of(cls, passwords: Mapping[str, str], *, postgres: int, valkey: int) -> Self:
        """passwords: by login, and `valkey`; the rest are ports on this machine."""

        def login(name: str, database: str = DATABASE) -> str:
            return f"postgresql://{name}:{passwords[name]}@{HOST}:{postgres}/{database}"

        return cls(
            owner=login(OWNER),
            app=login(APP),
            system=login(SYSTEM),
            admin=login(ADMIN, "postgres"),
            redis=f"redis://:{passwords['valkey']}@{HOST}:{valkey}/0",
        )
