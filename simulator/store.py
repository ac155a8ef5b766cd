"""Everything the bank and the gateways have promised, in one SQLite file.

A transaction is on disk before anybody hears of it (WAL, synchronous=FULL), so a process that is
killed leaves neither half a transfer nor a notice that was promised and forgotten.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from simulator.errors import Refused
from simulator.schema import BANK, GATEWAYS, OWNERS, TRADE


class Store:
    """One open data folder. Only one process may hold it; the second is refused."""

    def __init__(self, folder: Path, *, seed: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._held = (folder / "simulator.lock").open("w")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._held.close()
            raise Refused(
                f"Tiến trình khác đang dùng thư mục {folder}: hãy dừng nó hoặc chọn --data khác",
                f"Another process is using {folder}: stop it or choose another --data",
            ) from None
        self._db = sqlite3.connect(
            folder / "simulator.sqlite", isolation_level=None, check_same_thread=False
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(BANK + GATEWAYS)
        with self.begin() as db:
            _grow(db)
            _plant(db, seed)

    @contextmanager
    def begin(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone: committed at the end, undone by any error."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the folder."""
        with self._lock:
            self._db.close()
            self._held.close()


def remembered(db: sqlite3.Connection, key: str) -> str | None:
    """A setting that outlives the process."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row["value"])


def remember(db: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a setting."""
    db.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def dice(db: sqlite3.Connection) -> Random:
    """A fresh source of chance: the nth one is the same for the same seed, after a restart too."""
    nth = int(remembered(db, "draws") or 0) + 1
    remember(db, "draws", str(nth))
    return Random(f"{remembered(db, 'seed')}/{nth}")


def number(db: sqlite3.Connection) -> int:
    """The next number of a gateway's transaction: never given twice, after a reset neither."""
    taken = int(remembered(db, "number") or 0) + 1
    remember(db, "number", str(taken))
    return taken


def empty(db: sqlite3.Connection, *, keep_accounts: bool) -> None:
    """Forget the trade, and the accounts too unless they are kept.

    Ids go on counting: whoever hears our notices remembers the old ids for ever.
    """
    for table in TRADE if keep_accounts else TRADE + OWNERS:
        # A reversal points at an earlier posting of the same table.
        if table == "posting":
            db.execute("UPDATE posting SET reverses = NULL")
        db.execute(f"DELETE FROM {table}")


def _grow(db: sqlite3.Connection) -> None:
    """A folder of an older version lacks what came later."""
    columns = {row["name"] for row in db.execute("PRAGMA table_info(hook)")}
    if "source" not in columns:
        db.execute("ALTER TABLE hook ADD COLUMN source TEXT NOT NULL DEFAULT 'sepay'")
    seed = remembered(db, "seed")
    if seed is not None and remembered(db, "number") is None:
        remember(db, "number", str(90_000 + int(seed) % 1_000_000_000))


def _plant(db: sqlite3.Connection, seed: int | None) -> None:
    """Settle the seed. A new folder without one starts at the time, so that a listener which
    remembers the notices of an older folder does not take new ones for repetitions."""
    known = remembered(db, "seed")
    if seed is None and known is not None:
        return
    chosen = seed if seed is not None else int(time.time())
    remember(db, "seed", str(chosen))
    if known is None:
        first = 90_000 + chosen % 1_000_000_000
        remember(db, "number", str(first))
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('notice', ?)", (first,))
