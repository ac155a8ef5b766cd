"""The `thuphi` command. Each subcommand is a module of ops/commands with one function `command`,
imported only when it is asked for: reading a statement must not wait for a web framework."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

from ops import collector
from ops.commands.speaking import tell
from payments.domain.errors import DomainError

COMMANDS: Final[Mapping[str, str]] = {
    "serve": "serve",
    "web": "web",
    "worker": "worker",
    "relay": "relay",
    "schedule": "schedule",
    "simulator": "simulator",
    "parse-statement": "parse_statement",
    "match": "match",
    "demo": "demo",
    "migrate": "migrate",
    "seed": "seed",
    "backup": "backup",
    "restore": "restore",
    "import-statement": "import_statement",
    "import-settlement": "import_settlement",
    "reconcile": "reconcile",
    "check-ledger": "check_ledger",
    "verify-receipt": "verify_receipt",
    "add-biller": "add_biller",
    "add-staff": "add_staff",
    "add-key": "add_key",
    "set-channel": "set_channel",
    "set-contract": "set_contract",
    "rotate-keys": "rotate_keys",
}
"""Command -> its module in ops/commands."""


class _Commands(TyperGroup):
    """Looks a command up by name and imports it then."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"ops.commands.{COMMANDS[cmd_name]}")
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(cmd_name)(module.command)
        return typer.main.get_command(alone)


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


@app.callback()
def thuphi() -> None:
    """Thuphi: cashless payment and reconciliation for tuition, hospital and public fees."""


def main() -> None:
    """Run the command line; errors that people can act on are one line on stderr."""
    collector.relax()
    try:
        app()
    except DomainError as error:
        sys.exit(tell(error))


if __name__ == "__main__":
    main()
