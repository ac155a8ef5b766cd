"""`thuphi restore`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ops import archive, logs
from ops.backing import config_with_servers
from ops.commands.check_ledger import proved
from ops.commands.speaking import give
from ops.config import Config
from ops.migrate import migrate
from ops.runtime import Runtime


def command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Fill an empty database from a backup, bring it to the newest revision, and prove it.

    Ends with 1 if the ledger does not add up.
    Example: THUPHI_HOME=/srv/new thuphi restore /var/backups/thuphi-2026-03-01.dump
    """
    told = Config.from_env()
    logs.configure(told.log_form, level=told.log_level)
    with config_with_servers(told, migrated=False) as config:
        archive.restore(config, file)
        runtime = Runtime(config)
        try:
            revision = migrate(runtime.owner)
            holds = proved(runtime, as_json=as_json)
        finally:
            runtime.close()
    give({"file": str(file), "revision": revision, "holds": holds}, as_json=as_json)
    sys.exit(0 if holds else 1)
