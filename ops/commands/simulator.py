"""`thuphi simulator`."""

from __future__ import annotations

import os
import sys

from ops.config import Config
from ops.serve import PROJECT


def command() -> None:
    """Pretend to be banks and gateways that behave badly on request. Never for production.

    Example: THUPHI_SIMULATOR_PORT=8100 thuphi simulator
    """
    config = Config.from_env()
    os.chdir(PROJECT)
    data = config.home / "simulator"
    argv = [sys.executable, "-m", "simulator", "--port", str(config.simulator_port)]
    argv += ["--data", str(data)]
    os.execvpe(sys.executable, argv, config.environment())  # noqa: S606  # no shell is wanted
