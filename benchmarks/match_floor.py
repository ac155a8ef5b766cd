"""The least that could be called matching: pandas reads the files and joins memo and reference.

python benchmarks/match_floor.py ORDERS STATEMENT GATEWAY_REPORT
"""

from __future__ import annotations

import sys

import pandas as pd

orders, lines, rows = (pd.read_csv(name) for name in sys.argv[1:])
found = lines.merge(orders, left_on="memo", right_on="order_ref", how="left")
print(len(found), len(rows))
