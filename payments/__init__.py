"""Payments: what is owed, paid and given back, and the ledger that proves it.

domain/         rules only: money, states, journals, payment codes. No I/O.
store/          the PostgreSQL tables under those rules, and the sessions that open them.
invoices, orders, attempts, money_in, refunds, receipts, days
                what you can ask for, one verb per function.
obstacles       what keeps a day from being closed, beside its figures.
bookings        many credits at once, as money_in and allocations book them one by one.
inquiries       when a gateway is asked what became of an attempt.
sources         who tells of a bank account's credits, and which was told before.
ledger, outbox  the only writers of entries and of messages.
sealing, idempotency, access, audit, vault, key_ring, rotation
                what the verbs share: proofs, repeats, people, trails, secrets.
queries         the only reads that pages and the API use.

Every verb takes an open transaction and never ends it. Start reading at
money_in.report: it shows payment, ledger and outbox moving together.
"""
