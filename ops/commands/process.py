"""What the commands that keep running share: a Runtime, and an event that asks them to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ops import logs
from ops.backing import config_with_servers
from ops.config import Config
from ops.embedded.signals import caught
from ops.runtime import Runtime


@contextmanager
def working() -> Iterator[tuple[Runtime, threading.Event]]:
    """Yield the Runtime of this process and the event that SIGTERM, SIGINT or SIGHUP sets."""
    told = Config.from_env()
    logs.configure(told.log_form, level=told.log_level)
    stop = threading.Event()
    with config_with_servers(told) as config:
        runtime = Runtime(config)
        try:
            with caught(lambda _number: stop.set()):
                yield runtime, stop
        finally:
            runtime.close()
