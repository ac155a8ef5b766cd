"""Transfers: a few open orders and lines that may pay them, for tests of matching."""

from __future__ import annotations

import pandas as pd

from reconciliation.matching import Matched
from tests.frames import frame

ORDERS = frame(
    "order_id  order_ref     payer_code  payer_name         amount_vnd  due_at      status",
    "o1        HP9VJP8E0W6W  HS0001      Trần Gia Bảo       581000      2026-09-30  OPEN",
    "o2        MSHS0012345   HS0002      Trần Khánh An      250000      2026-09-30  OPEN",
    "o3        MSHS0012346   HS0003      Lê Văn Thịnh       250000      2026-09-30  OPEN",
    "o4        VP0QXAD3MFTT  BN0004      Phạm Quốc Đạt      370000      2026-09-30  OPEN",
    "o5        MSHS0012310   HS0005      Vũ Thị Mai Chi     250000      2026-09-30  OPEN",
    "o6        MSHS0012399   HS0006      Đỗ Minh Quân       250000      2026-09-30  PAID",
    "o7        MSHS0012398   HS0007      Bùi Gia Khánh      250000      2026-09-30  CANCELLED",
)  # fmt: skip


def lines(*transfers: tuple[int, str], **common: str) -> pd.DataFrame:
    """Lines l1, l2 … a minute apart: (amount in đồng, memo)."""
    rows = [
        {
            "line_id": f"l{at}",
            "file_id": "f1",
            "account": "9999000001",
            "booking_date": "2026-09-10",
            "value_date": "2026-09-10",
            "txn_time": f"08:{at:02d}:00",
            "bank_ref": f"5217.{75000 + at}",
            "amount_vnd": amount,
            "balance_after": "",
            "counterparty_account": "",
            "counterparty_name": "",
            "memo": memo,
        }
        | common
        for at, (amount, memo) in enumerate(transfers, start=1)
    ]
    return pd.DataFrame(rows)


def ends(matched: Matched) -> list[tuple[str, str, str]]:
    """(decision, exception code, orders with what goes to each), line by line."""
    found = []
    for outcome in matched.outcomes.to_dict("records"):
        of_line = matched.matches[matched.matches["source_id"] == outcome["source_id"]]
        parts = zip(of_line["order_id"], of_line["alloc_vnd"], strict=True)
        goes = " ".join(f"{order}:{amount}" for order, amount in parts if order)
        found.append((outcome["decision"], outcome["exception_code"], goes))
    return found
