"""Clients: processes of threads that do one thing over and over, for as long as a round lasts.

Several processes, because the threads of one share an interpreter lock: a load made by one
process would measure that lock. Both sides of a figure get the same processes and threads.
"""

from __future__ import annotations

import multiprocessing as mp
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import quantiles
from types import TracebackType
from typing import Any, Self

Act = Callable[[], object]
Client = Callable[[], AbstractContextManager[Act]]
"""Opens what one client holds (a connection) and gives the one thing it does."""
Sides = Callable[[Mapping[str, Any]], Mapping[str, Client]]
"""Makes, in a client process, the clients of each side by name. A function of a module."""

PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Burst:
    """What all clients of one round got done. latencies: seconds, of each thing done."""

    seconds: float
    latencies: list[float]

    @property
    def per_second(self) -> float:
        """Things done a second."""
        return len(self.latencies) / self.seconds

    @property
    def p99_ms(self) -> float:
        """The time within which 99 of 100 were done, in milliseconds."""
        return quantiles(self.latencies, n=100, method="inclusive")[98] * 1000


class Crowd:
    """Client processes that wait for rounds.

    sides: called in each process with `told`, which travels there and is plain data.
    """

    def __init__(self, sides: Sides, told: Mapping[str, Any], *, processes: int) -> None:
        # Spawned, not forked: no client inherits a connection or a lock.
        spawning = mp.get_context("spawn")
        self._members: list[tuple[Any, Connection]] = []
        for _ in range(processes):
            here, there = spawning.Pipe()
            process = spawning.Process(target=_member, args=(there, sides, told), daemon=True)
            process.start()
            there.close()
            self._members.append((process, here))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        """Send everybody home."""
        for _process, pipe in self._members:
            pipe.close()
        for process, _pipe in self._members:
            process.join(timeout=10)
            if process.is_alive():
                process.kill()

    def run(self, side: str, *, clients: int, seconds: float) -> Burst:
        """One round: `clients` in all, evenly over the processes. Raises what a client raised."""
        each, left = divmod(clients, len(self._members))
        assert left == 0, "clients must divide evenly over the processes"
        self._tell((side, each))
        self._heard()  # everybody is connected
        start = time.monotonic() + 0.05
        self._tell((start, start + seconds))
        return Burst(seconds, [one for found in self._heard() for one in found])

    def _tell(self, what: object) -> None:
        for _, pipe in self._members:
            pipe.send(what)

    def _heard(self) -> list[list[float]]:
        answers = []
        for _, pipe in self._members:
            if not pipe.poll(PATIENCE_SECONDS):
                raise TimeoutError("a client process does not answer")
            answer = pipe.recv()
            if isinstance(answer, str):
                raise RuntimeError(f"a client failed: {answer}")
            answers.append(answer)
        return answers


def alternated(
    sides: Mapping[str, Callable[[float], Burst]], *, seconds: float, rounds: int
) -> dict[str, list[Burst]]:
    """Run every side once to warm up, then A, B, A, B …; returns the rounds of each side.

    Whatever else the machine does meanwhile then falls on both.
    """
    for run in sides.values():
        run(min(seconds, 1.0))
    found: dict[str, list[Burst]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            found[name].append(run(seconds))
    return found


def _member(pipe: Connection, sides: Sides, told: Mapping[str, Any]) -> None:
    try:
        made = sides(told)
        while True:
            side, threads = pipe.recv()
            _round(pipe, made[side], threads)
    except EOFError:
        return
    except Exception as error:
        pipe.send(repr(error))
        raise


def _round(pipe: Connection, client: Client, count: int) -> None:
    """Connect `count` threads, say so, run them between the two moments that are told."""
    ready, told = threading.Semaphore(0), threading.Event()
    moments: list[float] = []
    found: list[list[float]] = []
    errors: list[BaseException] = []

    def one() -> None:
        try:
            with client() as act:
                ready.release()
                told.wait()
                found.append(_between(act, *moments))
        except BaseException as error:
            errors.append(error)
            ready.release()

    threads = [threading.Thread(target=one, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for _ in threads:
        ready.acquire()
    pipe.send([])
    moments.extend(pipe.recv())
    told.set()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    pipe.send([one for each in found for one in each])


def _between(act: Act, start: float, end: float) -> list[float]:
    """Do it until the end; what ends later does not count."""
    time.sleep(max(0.0, start - time.monotonic()))
    spent: list[float] = []
    before = time.monotonic()
    while True:
        act()
        now = time.monotonic()
        if now > end:
            return spent
        spent.append(now - before)
        before = now
