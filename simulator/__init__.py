"""A pretend bank that misbehaves on request.

It shares no code with the rest, so that mistakes cannot cancel out.

asks, faults    what may be asked: read from JSON, checked, refused with a reason
qr, memo, damage
                what a payer's bank app does: scan a QR, wrap a memo, spoil a code
bank            accounts and the money on them: the only writer of postings
sepay, notices  what SePay says about a posting, and which calls carry it (late, twice, forged)
courier         sends the calls over HTTP and repeats them until they are answered
statements/     the files of a day: MT940, camt.053, CSV and XLSX
api, page       the doors: JSON for programs, one page for people
store, clock    SQLite that survives kill -9; one clock that can be moved

Run it: `python -m simulator --port 8100 --data DIR`. Start reading at bank.transfer.
"""
