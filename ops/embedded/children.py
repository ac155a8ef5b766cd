"""Named child processes: started, watched, restarted and stopped together.

One thread of the family starts every child and lives as long as the last of them: the kernel's
parent-death signal follows the *thread* that started a child, so a child started by a passing
thread would die with it. Children are signalled and reaped by that thread alone, through a handle
the kernel gives for the process (pidfd), so a signal can never hit a stranger with a reused pid.

    with Family([ChildSpec("web", (...)), ChildSpec("worker", (...), restart=True)]) as family:
        return family.wait()
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

from ops.embedded import signals
from ops.embedded.account import AS_CHILD, Account
from ops.embedded.errors import StartError

log = logging.getLogger(__name__)

NOT_YET_SECONDS = 0.05
QUICK_SECONDS = 10.0  # a child that lived shorter than this died quickly
BACK_OFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0)  # before the first, second, … quick restart


class NotYet(Exception):
    """What a child needs is still in use; the family asks again shortly."""


def _nothing() -> AbstractContextManager[Sequence[int]]:
    return nullcontext(())


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One child. argv[0] is a path, or a name to look up in the PATH of `env`.

    env: the whole environment; None: ours. restart: start it again whenever it ends; without,
    its end is the end of the family. The rest has defaults that fit a process of our own.
    """

    name: str
    argv: Sequence[str | Path]
    env: Mapping[str, str] | None = None
    restart: bool = False
    cwd: Path | None = None
    output: Path | None = None  # stdout and stderr are appended here; None: to ours
    stdin: bytes = b""  # at most what a pipe holds (64 KiB)
    account: Account | None = None  # changed to before the program runs; None: as we are
    own_group: bool = False  # out of reach of the terminal's Ctrl-C, which goes to our group
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0  # then SIGKILL
    orphan_signal: signal.Signals = signal.SIGTERM  # sent by the kernel when we are gone
    quick_deaths_max: int | None = 5  # this many in a row end the family; None: never give up
    prepare: Callable[[], AbstractContextManager[Sequence[int]]] = field(default=_nothing)
    """Entered around every start; gives files to inherit; may raise NotYet."""


class What(StrEnum):
    """What happened to a child."""

    STARTED = "started"
    ENDED = "ended"
    GAVE_UP = "gave up"


@dataclass(frozen=True, slots=True)
class ChildEvent:
    """Something happened to a child. code: as a shell shows it, 128 + n for signal n."""

    name: str
    what: What
    pid: int
    code: int | None = None


class _Child:
    """A spec and what is true of it now. Touched by the family's thread only."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.process: subprocess.Popen[bytes] | None = None
        self.handle = -1
        self.due: float | None = 0.0  # when to start it; None: not to be started
        self.kill_at: float | None = None
        self.started_at = 0.0
        self.quick_deaths = 0
        self.starts = 0


class Family:
    """Children that live together: `start`, then `wait`, then `stop`; or `with`."""

    def __init__(
        self, specs: Iterable[ChildSpec], *, heard: Callable[[ChildEvent], None] | None = None
    ) -> None:
        """heard: called in the family's thread for every event; must not block."""
        self._children = [_Child(spec) for spec in specs]
        self._heard = heard
        self._thread = threading.Thread(target=self._run, name="family", daemon=True)
        self._first_round = threading.Event()
        self._failure: BaseException | None = None
        self._stop_asked = False
        self._stopping = False
        self._code = 0
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        """Start the children."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the children, whatever happened."""
        self.stop()

    def start(self) -> None:
        """Start every child in the order given; raises StartError if one cannot even be made."""
        self._thread.start()
        self._first_round.wait()
        if self._failure:
            self.stop()
            raise StartError(
                f"Không tạo được tiến trình con: {self._failure}",
                f"Could not start a child process: {self._failure}",
            ) from self._failure

    def stop(self) -> None:
        """Ask every child to stop, last started first; returns when all are gone. Repeatable."""
        if self._thread.ident is not None:
            self._ask_to_stop()
            self._thread.join()
        self._close()

    def wait(self) -> int:
        """Wait for the end of the family, and return the exit code to pass on.

        SIGTERM, SIGINT and SIGHUP (unless ignored, as under nohup) stop the children when called
        from the main thread. 0: stopped because asked; otherwise the code of the child that ended.
        """
        with signals.caught(lambda _number: self._ask_to_stop()):
            self._thread.join()
        return self._code

    def pids(self) -> dict[str, int]:
        """The children that run now, by name."""
        return {
            child.spec.name: process.pid for child in self._children if (process := child.process)
        }

    def restarts(self) -> dict[str, int]:
        """How many times each child was started again."""
        return {child.spec.name: max(0, child.starts - 1) for child in self._children}

    def _ask_to_stop(self) -> None:
        # Called from signal handlers as well: no lock may be taken here.
        self._stop_asked = True
        with contextlib.suppress(OSError):  # full: it wakes up anyway; closed: it is over
            os.write(self._wake_write, b"!")

    def _run(self) -> None:
        try:
            while True:
                if self._stop_asked and not self._stopping:
                    self._begin_stop()
                self._start_due()
                self._first_round.set()
                if not any(child.process or child.due is not None for child in self._children):
                    return
                self._sleep()
                self._kill_overdue()
        finally:
            self._first_round.set()

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.due is None or child.due > now:
                continue
            try:
                child.process = spawn(child.spec)
            except NotYet:
                child.due = now + NOT_YET_SECONDS
                continue
            except (OSError, StartError) as failure:
                self._could_not_start(child, failure)
                continue
            child.handle = os.pidfd_open(child.process.pid)
            child.due, child.kill_at = None, None
            child.started_at = time.monotonic()
            child.starts += 1
            self._tell(ChildEvent(child.spec.name, What.STARTED, child.process.pid))

    def _could_not_start(self, child: _Child, failure: Exception) -> None:
        log.error("%s could not be started: %s", child.spec.name, failure)
        if not self._first_round.is_set():
            self._failure = failure
            self._begin_stop()
        else:
            self._ended(child, pid=0, code=1)

    def _sleep(self) -> None:
        """Wait until a child ends, somebody wakes us, or something falls due."""
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        by_handle = {child.handle: child for child in self._children if child.process}
        for handle in by_handle:
            poll.register(handle, select.POLLIN)
        moments = [at for c in self._children for at in (c.due, c.kill_at) if at is not None]
        seconds = max(0.0, min(moments) - time.monotonic()) if moments else None
        for handle, _ in poll.poll(None if seconds is None else seconds * 1000 + 1):
            if handle == self._wake_read:
                os.read(self._wake_read, 512)
            else:
                self._reap(by_handle[handle])

    def _reap(self, child: _Child) -> None:
        process = child.process
        if process is None:
            return
        code = process.wait()
        os.close(child.handle)
        child.process, child.handle, child.kill_at = None, -1, None
        self._ended(child, pid=process.pid, code=code if code >= 0 else 128 - code)

    def _ended(self, child: _Child, *, pid: int, code: int) -> None:
        self._tell(ChildEvent(child.spec.name, What.ENDED, pid, code))
        child.due = None
        if self._stopping:
            return
        now = time.monotonic()
        lived_long = pid != 0 and now - child.started_at >= QUICK_SECONDS
        child.quick_deaths = 0 if lived_long else child.quick_deaths + 1
        patience = child.spec.quick_deaths_max
        if child.spec.restart and (patience is None or child.quick_deaths < patience):
            pause = BACK_OFF_SECONDS[min(max(0, child.quick_deaths - 1), len(BACK_OFF_SECONDS) - 1)]
            child.due = now + pause
            log.warning("%s ended with code %d and is started again", child.spec.name, code)
            return
        if child.spec.restart:
            self._tell(ChildEvent(child.spec.name, What.GAVE_UP, pid, code))
        self._code = code
        self._begin_stop()

    def _begin_stop(self) -> None:
        self._stopping = True
        now = time.monotonic()
        for child in reversed(self._children):
            child.due = None
            if child.process:
                self._send(child, child.spec.stop_signal)
                child.kill_at = now + child.spec.stop_seconds

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process and child.kill_at is not None and child.kill_at <= now:
                log.warning("%s did not stop in time and is killed", child.spec.name)
                self._send(child, signal.SIGKILL)
                child.kill_at = None

    def _send(self, child: _Child, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has just ended, and is reaped next
            signal.pidfd_send_signal(child.handle, number)

    def _tell(self, event: ChildEvent) -> None:
        if self._heard is None:
            return
        try:
            self._heard(event)
        except Exception:
            # A listener's mistake must not leave the children without their keeper.
            log.exception("the listener of %s failed", event.name)

    def _close(self) -> None:
        ends = (self._wake_read, self._wake_write)
        self._wake_read = self._wake_write = -1
        for end in ends:
            if end >= 0:
                os.close(end)


def spawn(spec: ChildSpec) -> subprocess.Popen[bytes]:
    """Start one child that dies with the calling thread. Raises NotYet, OSError.

    Callers other than a Family must wait for it in the same thread.
    """
    settings = {
        "parent": os.getpid(),
        "signal": int(spec.orphan_signal),
        "uid": spec.account.uid if spec.account else None,
        "gid": spec.account.gid if spec.account else None,
    }
    argv = [sys.executable, "-I", "-S", AS_CHILD, "exec", json.dumps(settings), *spec.argv]
    with spec.prepare() as inherited, _opened(spec.output) as output:
        process = subprocess.Popen(  # noqa: S603 - argv is ours, and no shell reads it
            argv,
            env=spec.env,
            cwd=spec.cwd,
            stdin=subprocess.PIPE if spec.stdin else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=inherited,
            process_group=0 if spec.own_group else None,
        )
    if process.stdin:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(spec.stdin)
    return process


def run(spec: ChildSpec, *, seconds: float) -> int | None:
    """Run one child to its end; its code, or None if it took longer and was killed."""
    process = spawn(spec)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        process.kill()
        process.wait()


@contextmanager
def _opened(path: Path | None) -> Iterator[int | None]:
    if path is None:
        yield None
        return
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield file
    finally:
        os.close(file)
