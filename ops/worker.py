"""Worker: takes jobs from the queues and runs each in a process of its own.

RQ imports whatever name a job carries, for its function and for its callbacks. Whoever can write
to Redis could thereby run anything, so ours knows the names of ops/jobs.py and no others: a job
that asks for more is thrown away before anything is imported.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import redis
import structlog
from rq import Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from ops import checks, jobs, logs, queues
from ops.runtime import Runtime

AGAIN_SECONDS = 1.0
LEAVE: Final = signal.SIGUSR1  # from a worker that is to stop, to its child
_DATA_LIMIT = 64 * 1024  # bytes of a job, unpacked; ours have a few dozen

_KEPT: Final = frozenset(
    {
        "data", "created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat", "origin",
        "status", "worker_name", "result_ttl", "failure_ttl", "ttl",
    }
)  # fmt: skip
"""The fields of a job that we read. Left out, and thereby without effect: callbacks, webhooks,
dependencies, retries, repeats, groups, rate limits, meta, and the time limit, which is ours."""

log = logs.logger(__name__)


class Refused(NoSuchJobError):
    """The job asks for something that is not in the table."""


class JobFailed(Exception):
    """A job failed; says where, and never quotes data."""


class ListedJob(Job):
    """A job that can only be one of ops/jobs.py, with plain names as arguments."""

    def restore(self, raw_data: Mapping[Any, Any]) -> None:
        """Take what Redis holds, or raise Refused, which makes a worker pass on to the next."""
        kept = {key: value for key, value in raw_data.items() if _text(key) in _KEPT}
        try:
            name, arguments = _read(kept)
            super().restore(kept)
        except Exception as wrong:
            # Never the content: a stranger wrote it. The hash goes, so that nothing finds it again.
            log.error("job.refused", job=self.id, reason=str(wrong)[:80])
            self.connection.delete(self.key)
            raise Refused(f"job {self.id} is not one of ours") from None
        self._func_name, self._instance = f"ops.jobs.{name}", None
        self._args, self._kwargs = (), dict(arguments)
        self.timeout = queues.JOBS[name].seconds
        self.description = name

    @property
    def func(self) -> Callable[..., None]:
        """The function of the table. Raises Refused for any other name."""
        return _function(str(self.func_name))

    @property
    def success_callback(self) -> None:
        """There are none."""

    @property
    def failure_callback(self) -> None:
        """There are none."""

    @property
    def stopped_callback(self) -> None:
        """There are none."""

    def perform(self) -> None:
        """Run the job. What it raises reaches Redis as a description, never as the data."""
        with structlog.contextvars.bound_contextvars(job=self.id):
            try:
                super().perform()
            except Exception as error:
                log.error("job.failed", exc_info=error)
                raise JobFailed(logs.describe(error)) from None


class ListedWorker(Worker):
    """RQ's worker for our jobs. It forks for each one: a job that dies takes nobody along."""

    job_class = ListedJob

    @property
    def stop_asked(self) -> bool:
        """Whether it ended because somebody asked it to, and not for want of Redis."""
        return self._shutdown_requested_date is not None

    def handle_warm_shutdown_request(self) -> None:
        """Let the child at work know as well, so that what takes long ends at its next step."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # of RQ
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.horse_pid, LEAVE)

    def setup_work_horse_signals(self) -> None:
        """In the child: hear that it is to leave."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]  # of RQ
        signal.signal(LEAVE, lambda _number, _frame: jobs.leave())


def run(
    runtime: Runtime,
    *,
    burst: bool = False,
    only: Sequence[str] = queues.ORDER,
    stop: threading.Event,
) -> None:
    """Work until asked to stop; burst: until the queues are empty.

    Waits for Redis, and says why. Raises StartError when the database is not ready.
    """
    checks.require_application(runtime.sessions.engine)
    checks.require_system(runtime.system.engine)
    jobs.use(runtime)
    jobs.load()
    runtime.close()  # a child must find nothing open that it would share
    while checks.wait_for_redis(runtime.redis, stop):
        worker = _worker(runtime, only)
        try:
            worker.work(burst=burst, logging_level="WARNING")
        except redis.RedisError as down:
            log.warning("worker.lost_redis", reason=logs.describe(down))
        if burst or worker.stop_asked:
            return
        stop.wait(AGAIN_SECONDS)


def _worker(runtime: Runtime, only: Sequence[str]) -> ListedWorker:
    return ListedWorker(
        list(only),
        connection=runtime.redis,
        serializer=JSONSerializer,
        log_job_description=False,
        default_result_ttl=0,
    )


def _function(func_name: str) -> Callable[..., None]:
    package, _, name = func_name.rpartition(".")
    if package != "ops.jobs" or name not in queues.JOBS:
        raise Refused(f"{func_name[:60]!r} is not in the table")
    function: Callable[..., None] = getattr(jobs, name)
    return function


def _read(raw: Mapping[Any, Any]) -> tuple[str, Mapping[str, str]]:
    """The name and arguments of a job. Raises Refused or any error of a parser."""
    data = raw[b"data"] if b"data" in raw else raw["data"]
    unpacked = zlib.decompressobj().decompress(data, _DATA_LIMIT)
    func_name, instance, args, arguments = json.loads(unpacked)
    _function(func_name)
    if instance is not None or args or not isinstance(arguments, dict):
        raise Refused("a job has named arguments only")
    if any(not isinstance(value, str) for value in arguments.values()):
        raise Refused("an argument is a name")
    return func_name.rpartition(".")[2], arguments


def _text(key: object) -> str:
    return key.decode(errors="replace") if isinstance(key, bytes) else str(key)
