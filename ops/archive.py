"""Backups: pg_dump and pg_restore, run as the owner of the tables.

The owner is not bound by row-level security, so a dump is whole. The keys are not in it: without
them the books can be read, and the personal fields cannot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from ops.config import Config
from ops.embedded import programs
from ops.embedded.errors import StartError as EmbeddedError
from ops.errors import StartError
from ops.migrate import ROLES


def backup(config: Config, target: Path) -> None:
    """Write a dump of the whole database. Raises StartError; a half-written file never stays."""
    part = target.with_name(f"{target.name}.part")
    if target.exists():
        raise StartError(
            f"{target} đã có: hãy chọn tên khác", f"{target} exists already: choose another name"
        )
    try:
        # pg_dump opens the file itself; it must never be readable by others, not even at first.
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        _run(config, "pg_dump", "--format=custom", "--no-owner", f"--file={part}")
        part.rename(target)
    except OSError as refusal:
        raise StartError(
            f"Không ghi được {target} ({refusal.strerror})",
            f"Cannot write {target} ({refusal.strerror})",
        ) from None
    finally:
        part.unlink(missing_ok=True)


def restore(config: Config, source: Path) -> None:
    """Fill an empty database from a dump, whole or not at all. Raises StartError."""
    _require_empty(config)
    _run(
        config,
        "pg_restore",
        "--exit-on-error",
        "--single-transaction",
        "--no-owner",
        f"--dbname={make_url(config.need('owner_url')).database}",
        str(source),
    )


def _require_empty(config: Config) -> None:
    engine = create_engine(config.need("owner_url"))
    try:
        with engine.connect() as connection:
            tables = connection.scalar(
                text("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")
            )
            found = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
    except OperationalError as down:
        said = str(down.orig).strip().splitlines() or ["no answer"]
        raise StartError(
            f"Không kết nối được cơ sở dữ liệu (THUPHI_OWNER_URL): {said[0]}",
            f"Cannot reach the database (THUPHI_OWNER_URL): {said[0]}",
        ) from None
    finally:
        engine.dispose()
    if tables:
        raise StartError(
            "Chỉ khôi phục vào cơ sở dữ liệu trống: hãy tạo cơ sở dữ liệu mới và đặt "
            "THUPHI_OWNER_URL",
            "A backup is restored into an empty database only: create a new one and set "
            "THUPHI_OWNER_URL",
        )
    if missing := [role for role in ROLES if role not in found]:
        create = " ".join(f"CREATE ROLE {role} NOLOGIN;" for role in missing)
        raise StartError(
            f"Máy chủ chưa có vai trò {', '.join(missing)}. Quản trị viên chạy: {create}",
            f"The server has no role {', '.join(missing)}. An administrator runs: {create}",
        )


def _run(config: Config, program: str, *arguments: str) -> None:
    url = make_url(config.need("owner_url"))
    told = {
        "PGHOST": url.host,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        # In the environment of the child: a command line can be read by everybody.
        "PGPASSWORD": str(url.password) if url.password is not None else None,
        "PGDATABASE": url.database,
    }
    env = dict(config.environment()) | {k: v for k, v in told.items() if v}
    done = subprocess.run(  # noqa: S603  # our own program, and no shell reads it
        [str(_find(config, program)), *arguments],
        env=env,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise StartError(
            f"{program} không hoàn thành: {said[0]}", f"{program} did not finish: {said[0]}"
        )


def _find(config: Config, program: str) -> Path:
    """The program beside the configured or bundled PostgreSQL, else the one on the PATH."""
    try:
        beside = programs.find(config.pg_bin).postgres.parent / program
    except EmbeddedError:
        beside = None
    if beside is not None and os.access(beside, os.X_OK):
        return beside
    if on_path := shutil.which(program):
        return Path(on_path)
    raise StartError(
        f"Không tìm thấy {program}: hãy đặt THUPHI_PG_BIN là thư mục chứa chương trình này",
        f"{program} is missing: set THUPHI_PG_BIN to the folder that holds it",
    )
