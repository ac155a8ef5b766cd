"""Makes the calls that are due, and repeats them as SePay does until they are answered.

One thread looks for due calls; each call runs in its own thread, so that a listener which hangs
delays nobody else. A call that was cut off by the end of the process is made again after the
next start: at least once, never not at all.
"""

from __future__ import annotations

import http.client
import logging
import sqlite3
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from simulator import accounts, sepay
from simulator.clock import Clock, moment
from simulator.store import Store

log = logging.getLogger("simulator.courier")

_TICK = 0.05  # seconds between two looks: the clock may be moved at any moment
_AT_ONCE = 64
_BAD = {"forged", "stale"}
_ANSWER_BYTES = 65_536
_ANSWER_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. status None: nothing did, and error says why."""

    status: int | None
    answer: bytes = b""
    error: str = ""


class Courier:
    """Sends notices. start() once; stop() lets the calls that are out end in the background."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._wake = threading.Event()
        self._over = False
        self._out: set[int] = set()
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
                    threading.Thread(target=self._deliver, args=(call,), daemon=True).start()
            except sqlite3.Error:
                log.exception("cannot read which calls are due")
            self._wake.wait(_TICK)
            self._wake.clear()

    def _due(self) -> list[int]:
        epoch = self._clock.epoch()
        with self._store.begin() as db:
            rows = db.execute(
                "SELECT id FROM call WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, id",
                (epoch,),
            ).fetchall()
            due = [int(row["id"]) for row in rows if row["id"] not in self._out]
            due = due[: max(0, _AT_ONCE - len(self._out))]
            self._out.update(due)
        return due

    def _deliver(self, call: int) -> None:
        try:
            with self._store.begin() as db:
                row = db.execute(
                    "SELECT call.*, notice.body FROM call JOIN notice ON notice.id = call.notice"
                    " WHERE call.id = ?",
                    (call,),
                ).fetchone()
                hook = accounts.hook(db, row["account"]) if row else None
            if row is None:
                return  # reset in the meantime
            reply = None if hook is None else _send(hook, row, epoch=self._clock.epoch())
            with self._store.begin() as db:
                _record(db, row, hook, reply, epoch=self._clock.epoch())
        except sqlite3.Error:
            if not self._over:
                log.exception("call %s was not recorded; it is made again", call)
        finally:
            self._out.discard(call)
            self._wake.set()


def _send(hook: sqlite3.Row, call: sqlite3.Row, *, epoch: float) -> Reply:
    """One POST. Redirects are not followed: the answer must come from the hook itself."""
    raw = str(call["body"]).encode()
    headers = sepay.headers(hook, raw, epoch=epoch - call["drift"], forged=call["kind"] == "forged")
    where = urlsplit(hook["url"])
    path = (where.path or "/") + (f"?{where.query}" if where.query else "")
    connection = http.client.HTTPConnection(
        where.hostname or "127.0.0.1", where.port or 80, timeout=hook["timeout"]
    )
    try:
        connection.request("POST", path, body=raw, headers=headers)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(_ANSWER_BYTES))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Reply(None, error=f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def _record(
    db: sqlite3.Connection,
    call: sqlite3.Row,
    hook: sqlite3.Row | None,
    reply: Reply | None,
    *,
    epoch: float,
) -> None:
    """Keep the answer, settle what follows, and let go of the calls that waited for this one."""
    if db.execute("SELECT 1 FROM call WHERE id = ?", (call["id"],)).fetchone() is None:
        return  # reset while the call was out
    if reply is not None:
        db.execute(
            "INSERT INTO attempt (call, at, status, answer, error) VALUES (?, ?, ?, ?, ?)",
            (
                call["id"], moment(epoch).isoformat(), reply.status,
                reply.answer.decode(errors="replace")[:_ANSWER_SHOWN], reply.error,
            ),
        )  # fmt: skip
    tries = call["tries"] + (reply is not None)
    state, due = _next(call, hook, reply, tries, epoch)
    db.execute(
        "UPDATE call SET state = ?, due_at = ?, tries = ? WHERE id = ?",
        (state, due, tries, call["id"]),
    )
    db.execute(
        "UPDATE call SET state = 'pending', due_at = max(due_at, ?)"
        " WHERE after = ? AND state = 'waiting'",
        (epoch, call["id"]),
    )


def _next(
    call: sqlite3.Row, hook: sqlite3.Row | None, reply: Reply | None, tries: int, epoch: float
) -> tuple[str, float]:
    """The state after an attempt, and when the next one is due."""
    if hook is None or reply is None:
        return "no_hook", call["due_at"]
    if call["kind"] in _BAD:
        return "answered", call["due_at"]
    if reply.status is not None and sepay.accepted(reply.status, reply.answer):
        return "delivered", call["due_at"]
    if not hook["retry"] or tries >= sepay.ATTEMPTS:
        return "given_up", call["due_at"]
    gap = sepay.GAPS_MINUTES[tries - 1] * 60 / hook["speed"]
    return "pending", epoch + gap
