"""Lanes: chunks of a night written two at a time, with the books of one after the other.

A chunk locks its lines and the bills they pay before it decides anything, and chunks lock in
their order: of two that pay one bill the earlier has it, and PostgreSQL lets the later one see
that bill only when the earlier is booked. Chunks that share no bill do not meet at all.

Where one cannot be booked as a whole, nothing that comes later goes on before it has been
booked in another way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError

from payments.domain.errors import DomainError

C = TypeVar("C")

LANES: Final = 2
"""Chunks at a time. While one is in PostgreSQL, the rows of the next are made here."""

_REFUSED: Final = (DomainError, DBAPIError)  # a deadlock, too


class Overtaken(Exception):
    """A chunk before this one could not be booked; this one has changed nothing."""


class Turn:
    """The place of one chunk among those that are under way. Entered around its booking."""

    def __init__(self, before: Turn | None, trouble: Event) -> None:
        self._before, self._trouble = before, trouble
        self._locked = Event()

    def wait(self) -> None:
        """Return once the chunk before has locked what it needs. Hold no lock meanwhile."""
        if self._before is not None:
            self._before._locked.wait()
            self._before = None  # or each would keep all before it in memory

    def locked(self) -> None:
        """Everything that decides is locked: the next may lock. Raises Overtaken, see there."""
        if self._trouble.is_set():
            raise Overtaken()
        self._locked.set()

    def __enter__(self) -> Turn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        # Said within the transaction: its rollback frees bills that the next may wait for.
        if kind is not None:
            self._trouble.set()

    def over(self) -> None:
        """However it ended, nobody waits for this chunk any more."""
        self._locked.set()


Write = Callable[[C, Turn], None]


def in_order(
    chunks: Sequence[C], write: Write[C], one_by_one: Callable[[C], None], *, lanes: int = LANES
) -> Iterator[C]:
    """Book the chunks and give each back once it is committed, in their order.

    write: books one in a transaction of its own, which it enters `turn` within; called in
    threads. one_by_one: books one that PostgreSQL or the domain refused; called here.
    lanes: 1 books each here and in its turn.
    """
    if lanes < 2 or len(chunks) < 2:  # two chunks at least, or nothing to share
        for chunk in chunks:
            _alone(chunk, write, one_by_one)
            yield chunk
        return
    trouble, rest = Event(), deque(chunks)
    with ThreadPoolExecutor(lanes, "lane") as pool:
        under_way: deque[tuple[C, Future[None]]] = deque()
        last: Turn | None = None
        try:
            while rest or under_way:
                while rest and len(under_way) < lanes:
                    last = Turn(last, trouble)
                    chunk = rest.popleft()
                    under_way.append((chunk, pool.submit(_in_lane, write, chunk, last)))
                if _done(under_way[0][1]):
                    yield under_way.popleft()[0]
                    continue
                for chunk, future in _all_ended(under_way):
                    trouble.clear()
                    if not _done(future):
                        _mend(future, chunk, write, one_by_one)
                    yield chunk
                last = None
        finally:
            trouble.set()  # left early: what has not locked yet gives up


def _in_lane(write: Write[C], chunk: C, turn: Turn) -> None:
    try:
        turn.wait()
        write(chunk, turn)
    finally:
        turn.over()


def _alone(chunk: C, write: Write[C], one_by_one: Callable[[C], None]) -> None:
    try:
        write(chunk, Turn(None, Event()))
    except _REFUSED:
        one_by_one(chunk)


def _done(future: Future[None]) -> bool:
    """Wait for it; False: it changed nothing and is to be booked again."""
    error = future.exception()
    if error is not None and not isinstance(error, (*_REFUSED, Overtaken)):
        raise error
    return error is None


def _all_ended(
    under_way: deque[tuple[C, Future[None]]],
) -> Iterator[tuple[C, Future[None]]]:
    """All of them, once none is at work any more."""
    for _, future in under_way:
        future.exception()
    while under_way:
        yield under_way.popleft()


def _mend(future: Future[None], chunk: C, write: Write[C], one_by_one: Callable[[C], None]) -> None:
    if isinstance(future.exception(), Overtaken):
        _alone(chunk, write, one_by_one)
    else:
        one_by_one(chunk)
