"""`thuphi serve`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ops import checks, logs, serve
from ops.backing import config_with_servers
from ops.commands.speaking import say
from ops.config import Config
from ops.runtime import Runtime


def command(
    simulator: Annotated[
        bool, typer.Option("--simulator", help="Pretend gateways and banks as well.")
    ] = False,
) -> None:
    """Run everything in one process group, until Ctrl-C.

    Uses DATABASE_URL and REDIS_URL; when both are unset, PostgreSQL and Valkey are started in
    THUPHI_HOME. Example: thuphi serve
    """
    told = Config.from_env()
    logs.configure(told.log_form, level=told.log_level)
    with config_with_servers(told, share=False) as config:
        runtime = Runtime.for_web(config)
        checks.require_redis(runtime.redis)
        checks.require_port(config.host, config.port)
        runtime.close()

        def ready() -> None:
            say(f"Thuphi chạy tại {config.public_url}", f"Thuphi runs at {config.public_url}")

        code = serve.run(config, simulator=simulator or config.demo, ready=ready)
    sys.exit(code)
