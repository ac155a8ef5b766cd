"""Health: alive, ready, and the figures behind it.

Ready tells *what* is wrong. Redis down is degraded, not unready: taking payments does not
need it, and whatever is due waits in PostgreSQL.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from ipaddress import ip_address
from typing import Final

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ops.errors import StartError
from ops.migrate import head
from ops.runtime import Runtime
from payments.domain.errors import DomainError
from web.api.creating import as_json
from web.auth.marks import public
from web.metrics import Figures
from web.problems import NoRoute

OK: Final = "ok"
DEGRADED: Final = "degraded"
DOWN: Final = "down"
_LEAST_FREE: Final = 1_000_000_000


def blueprint(runtime: Runtime) -> Blueprint:
    """The three addresses that watchers ask."""
    bp = Blueprint("health", __name__)
    registry = CollectorRegistry()
    registry.register(Figures(runtime))
    checks: dict[str, Callable[[Runtime], str]] = {
        "database": _database,
        "redis": _redis,
        "disk": _disk,
    }

    @bp.get("/health/live")
    @public("says only that the process answers")
    def live() -> Response:
        return as_json({"status": OK})

    @bp.get("/health/ready")
    @public("names parts of the service, nothing of any biller")
    def ready() -> Response:
        found = {name: check(runtime) for name, check in checks.items()}
        is_down = found["database"].startswith(DOWN)
        is_fine = set(found.values()) == {OK}
        status = DOWN if is_down else OK if is_fine else DEGRADED
        return as_json({"status": status, "checks": found}, 503 if is_down else 200)

    @bp.get("/metrics")
    @public("answers only the machine itself")
    def metrics() -> Response:
        if not _is_local():
            raise NoRoute()
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return bp


def _database(runtime: Runtime) -> str:
    try:
        with runtime.sessions.begin(None) as db:
            at = db.scalar(text("SELECT version_num FROM alembic_version"))
    except (DomainError, SQLAlchemyError):
        return f"{DOWN}: no answer"
    newest = _newest()
    return OK if at == newest else f"{DOWN}: at revision {at}, needs {newest}"


def _redis(runtime: Runtime) -> str:
    try:
        runtime.redis.ping()
    except (RedisError, StartError):
        return f"{DEGRADED}: no answer; payments are taken, jobs wait"
    return OK


def _disk(runtime: Runtime) -> str:
    place = runtime.config.home
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    return OK if free > _LEAST_FREE else f"{DEGRADED}: less than 1 GB left"


@cache
def _newest() -> str:
    return head()


def _is_local() -> bool:
    """Whether the machine itself asks, and no proxy on it for somebody else."""
    forwarded = {"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} & set(request.headers.keys())
    try:
        return not forwarded and ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
