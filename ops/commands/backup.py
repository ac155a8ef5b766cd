"""`thuphi backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops import archive, logs
from ops.backing import config_with_servers
from ops.commands.speaking import give, say
from ops.config import Config


def command(
    file: Annotated[Path, typer.Argument(help="Where to write it.", dir_okay=False)],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Write the whole database to a file, as its owner.

    Example: thuphi backup /var/backups/thuphi-2026-03-01.dump
    """
    told = Config.from_env()
    logs.configure(told.log_form, level=told.log_level)
    with config_with_servers(told) as config:
        archive.backup(config, file)
    say(
        "Khóa không nằm trong bản sao lưu: hãy cất tệp khóa ở nơi khác",
        "The keys are not in the backup: keep the key file somewhere else",
    )
    give({"file": str(file), "bytes": file.stat().st_size}, as_json=as_json)
