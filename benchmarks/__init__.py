"""Benchmarks: speed as ratios to a floor that is measured in the same run.

results.py        what a row is, how goals are judged, the table and results.json
place.py          durable servers in a temporary folder, a biller, its keys and bills
clients.py        processes full of clients; rounds that alternate between two sides
served.py         a gunicorn of the real settings, ours or a floor's

one_account.py    row 1: postings into one clearing account
bulk_posting.py   row 2: ledger.post_many
order_api.py      row 3: POST /payment-orders; order_floor.py is what it is held against
matching.py       row 4: thuphi match on made-up nights; match_floor.py is what it is held against
nights/           made-up nights with the truth about every line; score.py holds an answer to it

Start reading at one_account.measure. A new row is a new file with a `measure(place, effort)`,
its floor in it or beside it, and one line in __main__.py.
"""
