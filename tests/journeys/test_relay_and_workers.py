"""PostgreSQL is the truth and RQ wakes people up: killed, wiped or forged, nothing is lost, nothing
is doubled and nothing strange is run. Real processes, real Valkey."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import redis
from rq import Callback, Queue
from rq.serializers import JSONSerializer
from sqlalchemy import text

from ops import queues
from payments import outbox
from tests.databases import House

PROJECT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(__file__).with_name("relay_program.py")
PATIENCE_SECONDS = 90

pytestmark = pytest.mark.slow


class Installation:
    """Processes on one house and one Valkey database."""

    def __init__(self, house: House, redis_url: str, folder: Path, stack: ExitStack) -> None:
        self.house = house
        self.redis = stack.enter_context(redis.Redis.from_url(redis_url))
        self.log = folder / "processes.log"
        self._stack = stack
        self._env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{PROJECT}{os.pathsep}{folder}",
            "DATABASE_URL": house.app_url,
            "THUPHI_SYSTEM_URL": house.system_url,
            "REDIS_URL": redis_url,
            "THUPHI_HOME": str(folder),
            "THUPHI_KEY_RING": "k1:" + "A" * 43 + "=",
            "THUPHI_SEALING_KEY": "B" * 42 + "A=",
            "THUPHI_LOG_FORMAT": "json",
        }

    def start(self, what: str, slow_ms: int = 0) -> subprocess.Popen[bytes]:
        return self._run(PROGRAM, what, str(slow_ms))

    def thuphi(self, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        return self._run("-m", "ops.cli", *arguments, **env)

    def logged(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def biller(self) -> UUID:
        biller_id = uuid4()
        with self.house.system.begin() as db:
            db.execute(
                text("""INSERT INTO biller (id, code, kind, name, created_at)
                        VALUES (:id, :code, 'school', 'Trường thử', now())"""),
                {"id": biller_id, "code": biller_id.hex[:8].upper()},
            )
        return biller_id

    def emit(self, biller_id: UUID, count: int, **body: str) -> list[UUID]:
        with self.house.sessions.begin(biller_id) as db:
            bodies = [dict(body) for _ in range(count)]
            return outbox.emit_many(db, "payment.received", bodies, at=self.house.clock.now())

    def handled(self) -> list[str]:
        rows = self.house.psql("admin", "SELECT subject FROM audit_line WHERE action = 'handled'")
        return [subject for (subject,) in rows]

    def leases_run_out(self) -> None:
        """What fifteen seconds would do to the leases of the dead."""
        self.house.psql(
            "admin", "UPDATE message SET leased_until = now() WHERE leased_until IS NOT NULL"
        )

    def _run(self, *arguments: str | Path, **env: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], env=self._env | env, stderr=log, stdout=log
            )
        self._stack.callback(_end, process)
        return process


@pytest.fixture
def installation(house: House, redis_url: str, tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        yield Installation(house, redis_url, tmp_path, stack)


def _end(process: subprocess.Popen[bytes]) -> None:
    for child in _children(process.pid):
        _kill(child)
    process.kill()
    process.wait()


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def wait_until(true: Callable[[], bool], installation: Installation) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < until, installation.logged()[-4000:]
        time.sleep(0.05)


def test_a_worker_and_a_relay_killed_in_the_middle_lose_nothing_and_double_nothing(
    installation: Installation,
) -> None:
    messages = installation.emit(installation.biller(), 60)
    messages += installation.emit(installation.biller(), 60)
    relay = installation.start("relay")

    for kills in range(1, 4):
        worker = installation.start("worker", slow_ms=20)
        wait_until(lambda: len(installation.handled()) >= 15 * kills, installation)  # noqa: B023  # called at once
        horses = _children(worker.pid)
        worker.kill()
        worker.wait()
        for horse in horses:
            _kill(horse)
        if kills == 2:
            relay.kill()
            relay.wait()
            relay = installation.start("relay")
        installation.leases_run_out()
    installation.start("worker")
    wait_until(lambda: len(installation.handled()) >= len(messages), installation)

    assert sorted(installation.handled()) == sorted(str(m) for m in messages)
    left = installation.house.psql("admin", "SELECT id FROM message WHERE due_at IS NOT NULL")
    assert left == []


def test_losing_redis_entirely_loses_nothing(installation: Installation) -> None:
    biller_id = installation.biller()
    messages = installation.emit(biller_id, 30)
    installation.start("relay")
    wait_until(lambda: queues.is_queued(installation.redis, "drain", drain="explain"), installation)

    installation.redis.flushdb()
    installation.start("worker", slow_ms=5)
    wait_until(lambda: len(installation.handled()) >= 10, installation)
    installation.redis.flushdb()
    messages += installation.emit(biller_id, 30)
    wait_until(lambda: len(installation.handled()) >= 60, installation)

    assert sorted(installation.handled()) == sorted(str(m) for m in messages)


def test_a_message_whose_handler_fails_is_put_off_and_the_others_go_on(
    installation: Installation,
) -> None:
    biller_id = installation.biller()
    installation.emit(biller_id, 1, kind="poison")
    others = installation.emit(biller_id, 20)
    installation.start("relay")

    installation.start("worker")
    wait_until(lambda: len(installation.handled()) >= 20, installation)

    assert sorted(installation.handled()) == sorted(str(m) for m in others)
    [(attempts, error)] = installation.house.psql(
        "admin", "SELECT attempts, last_error FROM message WHERE due_at IS NOT NULL"
    )
    assert attempts >= 1
    assert error.startswith("ValueError at tests/journeys/relay_program.py")
    told = installation.logged() + str(error)
    assert "message.failed" in told
    assert "Nguyễn" not in told
    assert "0000 000 001" not in told


def test_a_relay_keeps_one_job_waiting_however_much_is_due(installation: Installation) -> None:
    biller_id = installation.biller()
    installation.start("relay")
    installation.start("relay")
    installation.emit(biller_id, 5)
    queue = Queue(queues.QUICK, connection=installation.redis, serializer=JSONSerializer)
    wait_until(lambda: queue.count > 0, installation)

    installation.emit(biller_id, 5)
    time.sleep(1)  # ten looks of each relay

    assert queue.count <= 2


def test_a_relay_waits_for_redis_and_says_why(installation: Installation) -> None:
    installation.emit(installation.biller(), 1)

    installation.thuphi("relay", REDIS_URL="redis://127.0.0.1:1/0")
    worker = installation.thuphi("worker", REDIS_URL="redis://127.0.0.1:1/0")
    wait_until(lambda: "waits_for_redis" in installation.logged(), installation)

    assert worker.poll() is None
    assert "ConnectionError" in installation.logged()


def test_a_forged_job_is_thrown_away_before_anything_is_imported(
    installation: Installation, tmp_path: Path
) -> None:
    """Whoever can write to Redis must not be able to run code here."""
    touched = tmp_path / "touched"
    (tmp_path / "forged.py").write_text(
        f"open({str(touched)!r}, 'w').close()\ndef run(*args, **kwargs): pass\n"
    )
    plain = Queue(queues.QUICK, connection=installation.redis, serializer=JSONSerializer)
    pickled = Queue(queues.QUICK, connection=installation.redis)

    forged = [
        plain.enqueue("os.system", f"touch {touched}"),
        plain.enqueue("forged.run"),
        plain.enqueue("ops.jobs.time.sleep", 0),
        plain.enqueue("ops.jobs.use", kwargs={"runtime": "x"}),
        plain.enqueue("ops.jobs.sweep", 1),
        pickled.enqueue("os.system", f"touch {touched}"),
    ]
    with_callbacks = plain.enqueue(
        "ops.jobs.sweep",
        on_success=Callback("forged.run"),
        on_failure=Callback("forged.run"),
        on_stopped=Callback("forged.run"),
    )
    worker = installation.thuphi("worker", "--burst")

    assert worker.wait(PATIENCE_SECONDS) == 0
    assert not touched.exists()
    assert all(not installation.redis.exists(job.key) for job in forged)
    assert installation.logged().count("job.refused") == len(forged)
    assert "sweep.done" in installation.logged()
    assert not plain.failed_job_registry.get_job_ids()
    assert not installation.redis.exists(with_callbacks.key)


def test_the_timetable_is_put_on_the_queues_at_the_start(installation: Installation) -> None:
    schedule = installation.thuphi("schedule")

    def all_wait() -> bool:
        jobs = ("request_reconciliation", "seal", "expire_orders", "sweep")
        return all(queues.is_queued(installation.redis, job) for job in jobs)

    wait_until(all_wait, installation)
    schedule.terminate()

    assert schedule.wait(PATIENCE_SECONDS) == 0
    assert installation.thuphi("worker", "--burst").wait(PATIENCE_SECONDS) == 0
    assert "job.failed" not in installation.logged()
