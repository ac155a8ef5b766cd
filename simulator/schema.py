"""The tables: what the bank holds, and what the gateways hold. Amounts are whole đồng."""

from __future__ import annotations

BANK = """
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
    code_pattern TEXT, source TEXT NOT NULL DEFAULT 'sepay'
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

# A merchant's secrets stand here in plain text: they open nothing but this pretend gateway.
GATEWAYS = """
CREATE TABLE IF NOT EXISTS merchant (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gateway TEXT NOT NULL, code TEXT NOT NULL,
    title TEXT NOT NULL, keys TEXT NOT NULL, notify_url TEXT NOT NULL,
    account TEXT REFERENCES account, fee_bps INTEGER NOT NULL, fee_fixed INTEGER NOT NULL,
    retry INTEGER NOT NULL, speed REAL NOT NULL, timeout REAL NOT NULL,
    told_by_bank INTEGER NOT NULL, UNIQUE (gateway, code)
);
CREATE TABLE IF NOT EXISTS checkout (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gateway TEXT NOT NULL, merchant TEXT NOT NULL,
    reference TEXT NOT NULL, period TEXT NOT NULL, token TEXT NOT NULL UNIQUE,
    amount INTEGER NOT NULL CHECK (amount > 0), info TEXT NOT NULL, state TEXT NOT NULL,
    code TEXT NOT NULL, return_url TEXT NOT NULL, notify_url TEXT NOT NULL,
    language TEXT NOT NULL, asked TEXT NOT NULL, made_at TEXT NOT NULL, expires_at REAL,
    ended_at TEXT, faults TEXT NOT NULL,
    UNIQUE (gateway, merchant, reference, period)
);
CREATE TABLE IF NOT EXISTS paid (
    id INTEGER PRIMARY KEY AUTOINCREMENT, checkout INTEGER NOT NULL REFERENCES checkout,
    number TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0), at TEXT NOT NULL,
    posting INTEGER REFERENCES posting
);
CREATE TABLE IF NOT EXISTS given_back (
    id INTEGER PRIMARY KEY AUTOINCREMENT, checkout INTEGER NOT NULL REFERENCES checkout,
    gateway TEXT NOT NULL, merchant TEXT NOT NULL, kind TEXT NOT NULL, reference TEXT NOT NULL,
    number TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0), state TEXT NOT NULL,
    look_ups_left INTEGER NOT NULL, ends TEXT NOT NULL, asked TEXT NOT NULL,
    made_at TEXT NOT NULL, ended_at TEXT, UNIQUE (gateway, merchant, reference)
);
CREATE TABLE IF NOT EXISTS asked_before (
    gateway TEXT NOT NULL, merchant TEXT NOT NULL, request TEXT NOT NULL, digest TEXT NOT NULL,
    answer TEXT NOT NULL, PRIMARY KEY (gateway, merchant, request)
);
CREATE TABLE IF NOT EXISTS upset (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gateway TEXT NOT NULL, door TEXT NOT NULL,
    kind TEXT NOT NULL, fault TEXT NOT NULL, calls_left INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS request_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gateway TEXT NOT NULL, door TEXT NOT NULL,
    at TEXT NOT NULL, asked TEXT NOT NULL, status INTEGER, answer TEXT NOT NULL,
    fault TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tell (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gateway TEXT NOT NULL, merchant TEXT NOT NULL,
    checkout INTEGER REFERENCES checkout, kind TEXT NOT NULL, state TEXT NOT NULL,
    due_at REAL NOT NULL, after INTEGER, tries INTEGER NOT NULL DEFAULT 0,
    method TEXT NOT NULL, url TEXT NOT NULL, headers TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS tell_due ON tell (due_at) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS tell_attempt (
    id INTEGER PRIMARY KEY, tell INTEGER NOT NULL REFERENCES tell, at TEXT NOT NULL,
    status INTEGER, answer TEXT NOT NULL, error TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gateway TEXT NOT NULL, merchant TEXT NOT NULL,
    code TEXT NOT NULL, first_day TEXT NOT NULL, day TEXT NOT NULL, paid_at TEXT NOT NULL,
    net INTEGER NOT NULL, faults TEXT NOT NULL, postings TEXT NOT NULL,
    UNIQUE (gateway, merchant, day)
);
"""

# Children before their parents.
TRADE = (
    "tell_attempt", "tell", "batch", "upset", "request_log", "asked_before", "given_back", "paid",
    "checkout", "attempt", "call", "notice", "statement_row", "posting",
)  # fmt: skip
OWNERS = ("merchant", "hook", "virtual_account", "account")
