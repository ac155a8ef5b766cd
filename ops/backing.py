"""The servers a command stands on: those it was told of, or the embedded ones.

A command beside a running `thuphi serve` uses its servers; alone, it starts them for its own
time, so that `thuphi add-biller` works the same either way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine

from ops.config import Config
from ops.embedded import servers
from ops.embedded.signals import leave_politely
from ops.migrate import migrate


@contextmanager
def config_with_servers(
    config: Config, *, share: bool = True, migrated: bool = True
) -> Iterator[Config]:
    """Yield the Config with every address and key filled in.

    share: False refuses a folder that another process serves (AlreadyRunning), as `serve` must.
    migrated: bring the database of embedded servers that we start to the newest revision; those
    of others are never touched.
    """
    if not config.embedded:
        yield config
        return
    if share and (urls := servers.running(config.home)) is not None:
        yield config.on(urls).with_kept_keys()
        return
    with leave_politely(), servers.start(config.home, pg_bin=config.pg_bin) as started:
        ready = config.on(started.urls).with_kept_keys()
        if migrated:
            _migrate(ready)
        yield ready


def _migrate(config: Config) -> None:
    engine = create_engine(config.need("owner_url"))
    try:
        migrate(engine)
    finally:
        engine.dispose()
