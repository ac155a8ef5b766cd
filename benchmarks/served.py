"""A gunicorn of the real settings, for our application or for a floor's; and what it uses."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.place import Place
from ops.commands import web_server
from ops.embedded import ports
from ops.serve import PROJECT

READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers on 127.0.0.1."""

    port: int
    pid: int

    def cpu_seconds(self) -> float | None:
        """Processor time of its workers so far; None where the kernel does not tell."""
        tick = os.sysconf("SC_CLK_TCK")
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        try:
            spent = 0
            for child in children.read_text().split():
                fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
                spent += int(fields[11]) + int(fields[12])
        except OSError:
            return None
        return spent / tick


@contextmanager
def served(place: Place, app: str, extra: Mapping[str, str]) -> Iterator[Served]:
    """Serve `app` ("wsgi:app") as `thuphi web` would. extra: more environment, for a floor.

    Both have the worker class, processes, threads and keep-alive of the real thing.
    """
    config = replace(place.config, port=ports.choose(None))
    argv = [app if part == "wsgi:app" else part for part in web_server.argv(config)]
    log = place.config.home / f"{app.replace(':', '-')}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            env=config.environment() | dict(extra),
            cwd=PROJECT,
            stdout=output,
            stderr=output,
        )
        try:
            _wait(process, config.port, log)
            yield Served(config.port, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError, http.client.HTTPException):
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asked.request("GET", "/health/live")
            if asked.getresponse().status == 200:
                asked.close()
                return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
