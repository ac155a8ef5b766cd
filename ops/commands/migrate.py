"""`thuphi migrate`."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError, OperationalError

from ops import logs
from ops.backing import config_with_servers
from ops.commands.speaking import give
from ops.config import Config
from ops.errors import StartError
from ops.migrate import migrate
from ops.runtime import Runtime

LOCK_TIMEOUT = "55P03"


def command(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Bring the database to the newest revision, as its owner. Safe to repeat.

    Example: THUPHI_OWNER_URL=postgresql://thuphi_owner:…@db/thuphi thuphi migrate
    """
    told = Config.from_env()
    logs.configure(told.log_form, level=told.log_level)
    with config_with_servers(told) as config:
        runtime = Runtime(config)
        try:
            revision = migrate(runtime.owner)
        except DBAPIError as error:
            raise _explained(error) from None
        finally:
            runtime.close()
    give({"revision": revision}, as_json=as_json)


def _explained(error: DBAPIError) -> StartError:
    state = getattr(error.orig, "sqlstate", None)
    if state == LOCK_TIMEOUT:
        return StartError(
            "Có giao dịch đang giữ bảng nên chưa chuyển được phiên bản; không có gì thay đổi: "
            "hãy chạy lại",
            "A transaction holds a table, so the migration gave up and nothing changed: run it "
            "again",
        )
    if isinstance(error, OperationalError) and state is None:
        said = str(error.orig).strip().splitlines()
        reason = said[0] if said else "no answer"
        return StartError(
            f"Không kết nối được cơ sở dữ liệu (THUPHI_OWNER_URL): {reason}",
            f"Cannot reach the database (THUPHI_OWNER_URL): {reason}",
        )
    what = logs.describe(error)
    return StartError(
        f"Không chuyển được phiên bản ({what}): THUPHI_OWNER_URL phải là chủ của các bảng",
        f"The migration failed ({what}): THUPHI_OWNER_URL must own the tables",
    )
