"""How gunicorn runs the web: threads in a few processes, logs like everybody else's."""

from __future__ import annotations

import gc
import logging
import sys
from importlib import import_module

from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # gunicorn has no types

from ops import collector, logs
from ops.config import Config

TIMEOUT_SECONDS = 60
GRACEFUL_SECONDS = 10
KEEP_ALIVE_SECONDS = 5
HEADER_BYTES = 8190


class ServerLog(Logger):  # type: ignore[misc]  # the same
    """Sends gunicorn's own lines through our log; requests are logged by the application."""

    def setup(self, cfg: object) -> None:
        """Configure this process and hand the server's loggers to it."""
        collector.relax()
        told = Config.from_env()
        logs.configure(told.log_form, level=told.log_level)
        for name in ("gunicorn.error", "gunicorn.access"):
            handed = logging.getLogger(name)
            handed.handlers[:] = []
            handed.propagate = True
        self.loglevel = logging.getLogger().level


def on_starting(_server: object) -> None:
    """gunicorn's hook in the process that forks: what every worker needs is loaded once, shared
    by all, and there at once when one has to be replaced."""
    import_module("web.app")
    gc.freeze()


def argv(config: Config) -> list[str]:
    """The command line of the server. The application is made in each process, after the fork."""
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "wsgi:app",
        f"--config=python:{__name__}",
        f"--bind={config.host}:{config.port}",
        "--worker-class=gthread",
        f"--workers={config.web_processes}",
        f"--threads={config.web_threads}",
        f"--timeout={TIMEOUT_SECONDS}",
        f"--graceful-timeout={GRACEFUL_SECONDS}",
        f"--keep-alive={KEEP_ALIVE_SECONDS}",
        f"--limit-request-field_size={HEADER_BYTES}",
        # VNPAY tells of a payment in a query, with free text that is mostly percent signs.
        f"--limit-request-line={HEADER_BYTES}",
        f"--forwarded-allow-ips={'*' if config.proxy_hops else ''}",
        "--logger-class=ops.commands.web_server.ServerLog",
        "--no-control-socket",
    ]
