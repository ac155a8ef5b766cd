"""Makes the calls that are due, and repeats them until they are answered.

One thread looks for due calls; each call runs in its own thread, so that a listener which hangs
delays nobody else. A call that was cut off by the end of the process is made again after the
next start: at least once, never not at all.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from typing import Protocol

from simulator import wire
from simulator.clock import Clock
from simulator.rounds import BankRound
from simulator.store import Store
from simulator.telling import GatewayRound
from simulator.wire import Errand, Reply

log = logging.getLogger("simulator.courier")

_TICK = 0.05  # seconds between two looks: the clock may be moved at any moment
_AT_ONCE = 64


class Round(Protocol):
    """One kind of calls: which are due, what each says, and what its answer means."""

    def due(self, db: sqlite3.Connection, *, epoch: float) -> list[int]:
        """The calls to be made now, oldest first."""
        ...

    def errand(self, db: sqlite3.Connection, call: int, *, epoch: float) -> Errand | None:
        """What to send; None when nobody is to be called any more."""
        ...

    def record(
        self, db: sqlite3.Connection, call: int, reply: Reply | None, *, epoch: float
    ) -> None:
        """Keep the answer and settle what follows. reply: None when nobody was called."""
        ...


class Courier:
    """Sends notices. start() once; stop() lets the calls that are out end in the background."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._rounds: Sequence[Round] = (BankRound(), GatewayRound())
        self._wake = threading.Event()
        self._over = False
        self._out: set[tuple[int, int]] = set()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """Look now: something may be due."""
        self._wake.set()

    def stop(self) -> None:
        """Send nothing more."""
        self._over = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over:
            try:
                for call in self._due():
                    threading.Thread(target=self._deliver, args=call, daemon=True).start()
            except sqlite3.Error:
                log.exception("cannot read which calls are due")
            self._wake.wait(_TICK)
            self._wake.clear()

    def _due(self) -> list[tuple[int, int]]:
        epoch = self._clock.epoch()
        with self._store.begin() as db:
            due = [
                (nth, call)
                for nth, kind in enumerate(self._rounds)
                for call in kind.due(db, epoch=epoch)
                if (nth, call) not in self._out
            ]
            due = due[: max(0, _AT_ONCE - len(self._out))]
            self._out.update(due)
        return due

    def _deliver(self, nth: int, call: int) -> None:
        kind = self._rounds[nth]
        try:
            with self._store.begin() as db:
                errand = kind.errand(db, call, epoch=self._clock.epoch())
            reply = None if errand is None else wire.send(errand)
            with self._store.begin() as db:
                kind.record(db, call, reply, epoch=self._clock.epoch())
        except sqlite3.Error:
            if not self._over:
                log.exception("call %s was not recorded; it is made again", call)
        finally:
            self._out.discard((nth, call))
            self._wake.set()
