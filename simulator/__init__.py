"""A pretend bank and pretend gateways that misbehave on request.

They share no code with the rest, so that mistakes cannot cancel out.

asks, faults    what may be asked of the bank: read from JSON, checked, refused with a reason
qr, memo, damage
                what a payer's bank app does: scan a QR, wrap a memo, spoil a code
bank            accounts and the money on them: the only writer of postings
sources: sepay, casso; notices, rounds
                what they say about a posting, and which calls carry it (late, twice, forged)
statements/     the files of a day: MT940, camt.053, CSV and XLSX

gateway         what a gateway is, and how the app finds them: vnpay, momo, zalopay, payos
merchants, checkout, refunding, remembering
                who takes money, orders and payments, money back, requests asked before
mischief, telling, upsets
                what can go wrong, the calls that tell of an order, answers of the API spoiled
settling, sheet what is owed for a day: the file and the payout
desk, hosted, control
                a gateway's doors: its own API, the payer's page, JSON for tests

api, page, gateway_bench
                the bank's JSON door, and the pages for people
courier, wire   sends the calls over HTTP and repeats them until they are answered
store, schema, clock
                SQLite that survives kill -9; one clock that can be moved

Run it: `python -m simulator --port 8100 --data DIR`. Start reading at bank.transfer, then momo.
"""
