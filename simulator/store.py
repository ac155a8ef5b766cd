"""Everything the bank has promised, in one SQLite file.

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

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS account (
    number TEXT PRIMARY KEY, holder TEXT NOT NULL, opening INTEGER NOT NULL, opened_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS virtual_account (
    number TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account
);
CREATE TABLE IF NOT EXISTS hook (
    account TEXT PRIMARY KEY REFERENCES account, url TEXT NOT NULL, secret TEXT, api_key TEXT,
    events TEXT NOT NULL, retry INTEGER NOT NULL, speed REAL NOT NULL, timeout REAL NOT NULL,
    code_pattern TEXT
);
CREATE TABLE IF NOT EXISTS posting (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL REFERENCES account,
    virtual_account TEXT, kind TEXT NOT NULL, at TEXT NOT NULL, value_date TEXT NOT NULL,
    booking_date TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount <> 0),
    reference TEXT NOT NULL, payer_memo TEXT NOT NULL, memo TEXT NOT NULL, shape TEXT NOT NULL,
    counterparty_name TEXT NOT NULL, counterparty_account TEXT NOT NULL,
    reverses INTEGER REFERENCES posting, faults TEXT NOT NULL,
    UNIQUE (account, booking_date, reference)
);
CREATE TABLE IF NOT EXISTS statement_row (
    id INTEGER PRIMARY KEY, posting INTEGER NOT NULL REFERENCES posting, account TEXT NOT NULL,
    file_day TEXT NOT NULL, shown INTEGER NOT NULL, counted INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS statement_row_day ON statement_row (account, file_day);
CREATE TABLE IF NOT EXISTS notice (
    id INTEGER PRIMARY KEY AUTOINCREMENT, posting INTEGER REFERENCES posting,
    account TEXT NOT NULL, body TEXT NOT NULL, made_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS call (
    id INTEGER PRIMARY KEY AUTOINCREMENT, notice INTEGER NOT NULL REFERENCES notice,
    account TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, due_at REAL NOT NULL,
    after INTEGER, tries INTEGER NOT NULL DEFAULT 0, drift INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS call_due ON call (due_at) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS attempt (
    id INTEGER PRIMARY KEY, call INTEGER NOT NULL REFERENCES call, at TEXT NOT NULL,
    status INTEGER, answer TEXT NOT NULL, error TEXT NOT NULL
);
"""
_EMPTIED = ("attempt", "call", "notice", "statement_row", "posting")
_ACCOUNTS = ("hook", "virtual_account", "account")


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
        self._db.executescript(_SCHEMA)
        with self.begin() as db:
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


def empty(db: sqlite3.Connection, *, keep_accounts: bool) -> None:
    """Forget the trade, and the accounts too unless they are kept.

    Ids go on counting: whoever hears our notices remembers the old ids for ever.
    """
    for table in _EMPTIED if keep_accounts else _EMPTIED + _ACCOUNTS:
        # A reversal points at an earlier posting of the same table.
        if table == "posting":
            db.execute("UPDATE posting SET reverses = NULL")
        db.execute(f"DELETE FROM {table}")


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
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('notice', ?)", (first,))
