"""Hearing in two processes: half the time of all that the lines say by themselves.

Only for a command that owns its whole process, as `thuphi match` does: the second one is a fork,
which inherits every open file and connection. It opens, closes and sends none of them, calls one
pure function, writes what it heard into memory that both share, and ends without cleaning up
anything that is not its own. A worker of the nightly job holds connections to a database, so it
hears in turn (reconciliation.engine.hearing.in_turn), as does any system without fork or memory
files.

Threads of Arrow sleep when the fork is made, and the second process calls only what Arrow does in
the thread that asks.
"""

from __future__ import annotations

import marshal
import os
import resource
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from reconciliation.engine.hearing import MOST_AT_ONCE, Hear, Told, in_turn, shares

_FEWEST = 20_000  # lines, below which a fork is not worth its while
_LEAST = 5_000  # lines taken at once
_PARTS = 24  # of a night, so that nobody waits long for the last one
_NUMBER = 4  # bytes that name a share
_MOST_SHARES = 8_000  # whose numbers fit into a pipe that nobody reads yet


@dataclass(slots=True)
class SecondProcess:
    """Hears lines together with a fork of this process. peak_kib: the most memory of both."""

    fewest: int = _FEWEST
    share: int = 0
    peak_kib: int = 0

    def __call__(self, hear: Hear, lines: int) -> Iterable[Told]:
        """As hearing.Hearer says. If the second process dies, the first hears its lines, too.

        share: so many lines are taken at once, 0: as many as are good for this night.
        """
        if lines < self.fewest or not (hasattr(os, "fork") and hasattr(os, "memfd_create")):
            return in_turn(hear, lines)
        size = self.share or min(max(lines // _PARTS, _LEAST), MOST_AT_ONCE)
        every = shares(lines, max(size, lines // _MOST_SHARES))
        heard = self._both(hear, every)
        return (_told(heard.pop(number, None), hear, share) for number, share in enumerate(every))

    def _both(self, hear: Hear, every: Sequence[range]) -> dict[int, Told | tuple[Any, ...]]:
        """What was heard, by the number of the share. Whoever is free takes the next one."""
        take, give = os.pipe()
        answers = os.memfd_create("heard")
        child = 0
        try:
            # A read of so few bytes is never torn: each number comes to one of the two.
            os.write(give, b"".join(n.to_bytes(_NUMBER, "big") for n in range(len(every))))
            os.close(give)
            child = os.fork()
            if not child:
                _answer(answers, hear, every, take)
            heard: dict[int, Told | tuple[Any, ...]] = {
                number: hear(every[number]) for number in _numbers(take)
            }
            _, status = os.waitpid(child, 0)
            child = 0
            return heard if status else heard | dict(self._answers(answers))
        finally:
            if child:  # this process failed: the other has nobody to hear for
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            os.close(take)
            os.close(answers)

    def _answers(self, answers: int) -> list[tuple[int, tuple[Any, ...]]]:
        with os.fdopen(os.dup(answers), "rb") as file:
            file.seek(0)
            own_kib = marshal.load(file)  # noqa: S302  # written by ourselves, just now
            # What this process held at most until now, and what the other did not share with it.
            self.peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + own_kib
            heard: list[tuple[int, tuple[Any, ...]]] = marshal.load(file)  # noqa: S302  # the same
            return heard


def _told(heard: Told | tuple[Any, ...] | None, hear: Hear, share: range) -> Told:
    """What was heard of this share, here or there; heard now if nobody could."""
    if heard is None:
        return hear(share)
    return heard if isinstance(heard, Told) else Told.unpacked(heard)


def _answer(answers: int, hear: Hear, every: Sequence[range], take: int) -> NoReturn:
    """What the second process does, and all that it does."""
    status = 1
    try:
        heard = [(number, hear(every[number]).packed()) for number in _numbers(take)]
        with os.fdopen(answers, "wb") as file:
            marshal.dump(_own_kib(), file)
            marshal.dump(heard, file)
        status = 0
    finally:
        os._exit(status)


def _numbers(take: int) -> Iterator[int]:
    while number := os.read(take, _NUMBER):
        yield int.from_bytes(number, "big")


def _own_kib() -> int:
    """Memory that this process does not share with the one it is a fork of."""
    try:
        told = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return sum(int(line.split()[1]) for line in told if line.startswith("Private_"))
