"""`thuphi web`."""

from __future__ import annotations

import os
import sys

from ops import checks, logs
from ops.backing import config_with_servers
from ops.commands.web_server import argv
from ops.config import Config
from ops.runtime import Runtime
from ops.serve import PROJECT, run_alone


def command() -> None:
    """Serve pages and the API with gunicorn. Refuses to start with the wrong database role.

    Example: THUPHI_PORT=8080 thuphi web
    """
    told = Config.from_env()
    logs.configure(told.log_form, level=told.log_level)
    with config_with_servers(told) as config:
        # Asked here as well as in every process, so that the answer is one line and not a trace.
        Runtime.for_web(config).close()
        checks.require_port(config.host, config.port)
        if config is not told:
            sys.exit(run_alone("web", argv(config), config))
        os.chdir(PROJECT)
        os.execvpe(sys.executable, argv(config), config.environment())  # noqa: S606  # no shell
