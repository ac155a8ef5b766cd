"""What must be true before a process starts to work; each refusal says what to do."""

from __future__ import annotations

import errno
import socket
import threading
import time
from typing import Final

import redis
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from ops import logs
from ops.errors import StartError
from ops.migrate import head

WAIT_SECONDS: Final = 2.0
PORT_SECONDS: Final = 5.0  # the processes of a web that was killed notice it within a second
POLL_SECONDS: Final = 0.1

log = logs.logger(__name__)


def require_application(engine: Engine) -> None:
    """Raise StartError unless this is the application's role on a database that is up to date."""
    _require(engine, "DATABASE_URL", group="thuphi_app")


def require_system(engine: Engine) -> None:
    """The same for the system's role."""
    _require(engine, "THUPHI_SYSTEM_URL", group="thuphi_system")


def require_port(host: str, port: int) -> None:
    """Raise StartError unless the web could listen there; waits for what an earlier one left."""
    until = time.monotonic() + PORT_SECONDS
    while (refusal := _refused(host, port)) is not None:
        if refusal.errno != errno.EADDRINUSE:
            raise _cannot_listen(host, port, refusal)
        if time.monotonic() > until:
            raise _port_taken(host, port)
        time.sleep(POLL_SECONDS)


def require_redis(client: redis.Redis) -> None:
    """Raise StartError unless Redis answers."""
    try:
        client.ping()
    except redis.RedisError as down:
        raise no_redis(down) from None


def wait_for_redis(client: redis.Redis, stop: threading.Event) -> bool:
    """Return True once Redis answers, False when asked to stop first; says once why it waits."""
    waits = False
    while not stop.is_set():
        try:
            client.ping()
        except redis.RedisError as down:
            if not waits:
                log.warning("waits_for_redis", reason=logs.describe(down))
            waits = True
            stop.wait(WAIT_SECONDS)
        else:
            return True
    return False


def no_redis(down: redis.RedisError) -> StartError:
    """What to say when Redis does not answer."""
    reason = type(down).__name__
    return StartError(
        f"Không kết nối được Redis ({reason}): hãy kiểm tra REDIS_URL và máy chủ Redis",
        f"Cannot reach Redis ({reason}): check REDIS_URL and the Redis server",
    )


def _require(engine: Engine, variable: str, *, group: str) -> None:
    try:
        with engine.connect() as connection:
            _require_role(connection, variable, group)
            _require_head(connection)
    except OperationalError as down:
        raise _unreachable(down, variable) from None


def _require_role(connection: Connection, variable: str, group: str) -> None:
    role = connection.execute(
        text("""
            SELECT rolname AS name, rolsuper OR rolbypassrls AS sees_all,
                EXISTS (SELECT FROM pg_tables t WHERE t.schemaname = current_schema()
                    AND t.tablename = 'journal' AND pg_has_role(t.tableowner, 'MEMBER')) AS owns,
                EXISTS (SELECT FROM pg_roles g WHERE g.rolname = :group
                    AND pg_has_role(g.oid, 'USAGE')) AS is_member
            FROM pg_roles WHERE rolname = current_user
        """),
        {"group": group},
    ).one()
    if role.sees_all or role.owns:
        vi = "là superuser hoặc BYPASSRLS" if role.sees_all else "sở hữu các bảng"
        en = "is a superuser or BYPASSRLS" if role.sees_all else "owns the tables"
        raise StartError(
            f"{variable} dùng vai trò {role.name} {vi}, nên không tách được dữ liệu giữa các đơn "
            f"vị: hãy dùng vai trò {group}",
            f"{variable} uses the role {role.name}, which {en}, so billers could not be kept "
            f"apart: use the role {group}",
        )
    if not role.is_member:
        raise StartError(
            f"{variable} dùng vai trò {role.name}, không thuộc {group}: hãy chạy "
            f"GRANT {group} TO {role.name}",
            f"{variable} uses the role {role.name}, which is not in {group}: run "
            f"GRANT {group} TO {role.name}",
        )


def _require_head(connection: Connection) -> None:
    newest = head()
    at = None
    try:
        at = connection.scalar(text("SELECT version_num FROM alembic_version"))
    except DBAPIError:
        connection.rollback()  # no such table, or older than the right to look: not at head
    if at != newest:
        raise StartError(
            f"Cơ sở dữ liệu ở phiên bản {at or 'trống'}, cần {newest}: hãy chạy `thuphi migrate`",
            f"The database is at revision {at or 'none'}, this program needs {newest}: run "
            "`thuphi migrate`",
        )


def _unreachable(down: OperationalError, variable: str) -> StartError:
    # psycopg's first line names host and port, never the password.
    said = str(down.orig).strip().splitlines() if down.orig is not None else []
    reason = said[0] if said else type(down).__name__
    return StartError(
        f"Không kết nối được cơ sở dữ liệu ({variable}): {reason}",
        f"Cannot reach the database ({variable}): {reason}",
    )


def _refused(host: str, port: int) -> OSError | None:
    try:
        # As gunicorn does: connections of an earlier run that linger are no obstacle.
        socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        ).close()
    except OSError as refusal:
        return refusal
    return None


def _port_taken(host: str, port: int) -> StartError:
    return StartError(
        f"Cổng {port} trên {host} đang được chương trình khác dùng: hãy dừng chương trình đó, "
        "hoặc đặt THUPHI_PORT sang cổng khác",
        f"Port {port} on {host} is in use by another program: stop it, or set THUPHI_PORT to "
        "another port",
    )


def _cannot_listen(host: str, port: int, refusal: OSError) -> StartError:
    reason = refusal.strerror or type(refusal).__name__
    return StartError(
        f"Không mở được cổng {port} trên {host} ({reason}): hãy kiểm tra THUPHI_HOST và "
        "THUPHI_PORT",
        f"Cannot listen on port {port} of {host} ({reason}): check THUPHI_HOST and THUPHI_PORT",
    )
