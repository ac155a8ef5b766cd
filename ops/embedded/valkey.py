"""Valkey: its configuration, and waiting for it.

It only wakes workers up; PostgreSQL keeps the facts, so losing all of it loses nothing. That
decides `appendfsync everysec`: every write reaches the kernel before it is answered, so a killed
server forgets nothing, and only a power cut costs the last second, without an fsync per job.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.embedded import journal
from ops.embedded.addresses import Urls
from ops.embedded.children import ChildSpec
from ops.embedded.folder import StateFolder
from ops.embedded.ports import HOST
from ops.embedded.postgres import ENVIRONMENT, POLL_SECONDS
from ops.embedded.programs import Programs


@dataclass(frozen=True, slots=True)
class Valkey:
    """Valkey in one state folder, on one port."""

    folder: StateFolder
    programs: Programs
    passwords: Mapping[str, str]
    urls: Urls
    port: int
    durable: bool

    def spec(self) -> ChildSpec:
        """The child that is the server. It is restarted for as long as we live."""
        return ChildSpec(
            "valkey",
            [self.programs.valkey, "-"],  # reads its configuration, password included, from stdin
            ENVIRONMENT,
            restart=True,
            cwd=self.folder.path,
            output=self.folder.log_of("valkey"),
            stdin=self._configuration().encode(),
            account=self.folder.account,
            own_group=True,
            stop_signal=signal.SIGTERM if self.durable else signal.SIGKILL,
            quick_deaths_max=None,
            prepare=self._prepare,
        )

    def wait_ready(self, *, seconds: float, alive: Callable[[], bool]) -> None:
        """Return once the server answers; reading a long log back may take its time."""
        log, until = self.folder.log_of("valkey"), time.monotonic() + seconds
        # Our loop is the only one that tries again: the client's own waits seconds between.
        once = Retry(NoBackoff(), 0)
        client = redis.Redis.from_url(self.urls.redis, socket_connect_timeout=5, retry=once)
        try:
            while True:
                try:
                    client.ping()
                except redis.RedisError:
                    said = journal.tail(log)
                    if not alive():
                        raise journal.explain(
                            "Valkey", said, folder=self.folder.path, port=self.port
                        ) from None
                    if time.monotonic() > until:
                        raise journal.too_slow("Valkey", said, seconds=seconds) from None
                    time.sleep(POLL_SECONDS)
                else:
                    return
        finally:
            client.close()

    def _prepare(self) -> AbstractContextManager[Sequence[int]]:
        # Nothing in there is missed: if somebody removed it, the next start begins empty.
        self.folder.make_own("valkey")
        return self.folder.alone("valkey")

    def _configuration(self) -> str:
        lines = {
            "bind": HOST,
            "port": str(self.port),
            "requirepass": self.passwords["valkey"],
            "dir": _quoted(self.folder.own("valkey")),
            "daemonize": "no",
            "logfile": '""',
            "loglevel": "notice",
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",  # a queue that forgets would be no queue
            "enable-debug-command": "no",
            "enable-module-command": "no",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
