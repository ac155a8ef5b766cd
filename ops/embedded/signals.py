"""SIGTERM, SIGINT and SIGHUP: a request to stop, met in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def caught(handler: Callable[[int], None]) -> Iterator[None]:
    """Have `handler` called for a request to stop; SIGHUP stays ignored if it was (nohup).

    Only the main thread can; in any other this changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def call(number: int, _frame: FrameType | None) -> None:
        handler(number)

    watched = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        watched.append(signal.SIGHUP)
    before = {number: signal.signal(number, call) for number in watched}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def leave_politely() -> Iterator[None]:
    """Turn a request to stop into SystemExit, so that every `with` around us is left in order.

    For the whole life of a program that starts servers: without it SIGTERM ends Python at once,
    and PostgreSQL has to recover at the next start.
    """

    def leave(number: int) -> None:
        raise SystemExit(128 + number)

    with caught(leave):
        yield
