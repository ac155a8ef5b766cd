"""What a gateway can do wrong on request: four tables, read by the API, the pages and the README.

ORDER   with the end of one order: its notifications, and its refunds later
DOOR    with the next calls of the gateway's API
FILE    with the settlement file of a day
BATCH   with the payout of that file
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.faults import Fault, FaultKind, parse

_GENUINE = {"genuine": True}
_REFUNDS = (
    FaultKind(
        "refund_pending", "refund", "Hoàn tiền chờ n lần hỏi", "Refund pending n look-ups",
        {"n": 2},
    ),
    FaultKind(
        "refund_held", "refund", "Hoàn tiền chờ bấm tay", "Refund pending until settled by hand"
    ),
    FaultKind(
        "refund_failed", "refund", "Hoàn tiền hỏng sau n lần hỏi", "Refund fails after n look-ups",
        {"n": 1},
    ),
    FaultKind("refund_refused", "refund", "Từ chối hoàn tiền", "Refund refused at once"),
)  # fmt: skip


def _table(*kinds: FaultKind) -> Mapping[str, FaultKind]:
    return {kind.name: kind for kind in kinds}


ORDER = _table(
    FaultKind("late", "notice", "Báo muộn (giây)", "Call late", {"seconds": 60}),
    FaultKind("twice", "notice", "Báo hai lần", "Call twice"),
    FaultKind("parallel", "notice", "Báo cùng lúc n lần", "n calls at once", {"n": 5}),
    FaultKind("out_of_order", "notice", "Báo sau đơn kế tiếp", "Call after the next order's"),
    FaultKind("lost", "notice", "Mất thông báo", "Call lost"),
    FaultKind("forged", "notice", "Chữ ký giả đến trước", "Wrong signature first", _GENUINE),
    FaultKind(
        "wrong_amount", "notice", "Sai số tiền, chữ ký đúng", "Wrong amount, rightly signed",
        {"by": 1000, **_GENUINE},
    ),
    FaultKind(
        "unknown_order", "notice", "Đơn lạ, chữ ký đúng", "Unknown order, rightly signed", _GENUINE
    ),
    *_REFUNDS,
)  # fmt: skip

_ACTED = {"acted": False}
DOOR = _table(
    FaultKind("500", "api", "Trả lỗi 500", "Answers 500", _ACTED),
    FaultKind("html", "api", "Trả trang HTML", "Answers an HTML page", _ACTED),
    FaultKind("empty", "api", "Trả rỗng", "Answers nothing, 200", _ACTED),
    FaultKind("half_json", "api", "Trả nửa JSON", "Acts, answers half a JSON"),
    FaultKind("huge", "api", "Trả 200 MB", "Answers 200 MB", {"megabytes": 200, **_ACTED}),
    FaultKind("slow", "api", "Trả lời chậm (giây)", "Acts, answers late", {"seconds": 5}),
    FaultKind(
        "timeout", "api", "Làm xong rồi im lặng", "Acts, never answers",
        {"seconds": 120, "acted": True},
    ),
    FaultKind(
        "cut", "api", "Làm xong rồi cắt kết nối", "Acts, closes the connection", {"acted": True}
    ),
    *_REFUNDS,
)  # fmt: skip

_PRINTED = {"balances": "printed"}
FILE = _table(
    FaultKind(
        "row_missing", "row", "Thiếu một dòng", "A row is missing", {"reference": "", **_PRINTED}
    ),
    FaultKind("row_extra", "row", "Thừa một dòng lạ", "A row nobody knows",
              {"amount": 100_000, **_PRINTED}),
    FaultKind(
        "row_twice", "row", "Một dòng đứng hai lần", "A row stands twice",
        {"reference": "", "file": "same", **_PRINTED},
    ),
    FaultKind(
        "fee_wrong", "row", "Sai phí (đồng)", "A fee is wrong",
        {"reference": "", "by": 1000, **_PRINTED},
    ),
    FaultKind("truncated", "file", "Tệp bị cắt", "The file is cut off"),
    FaultKind("html", "file", "Trang HTML thay cho tệp", "A web page instead of the file"),
)  # fmt: skip
BATCH = _table(
    FaultKind("batch_late", "batch", "Trả muộn (giây)", "Paid late", {"seconds": 86_400}),
    FaultKind("batch_short", "batch", "Trả thiếu (đồng)", "Paid short", {"by": 1000}),
    FaultKind("batch_split", "batch", "Trả làm hai lần", "Paid in two credits"),
)
SETTLEMENT: Mapping[str, FaultKind] = {**FILE, **BATCH}
TABLES: Mapping[str, Mapping[str, FaultKind]] = {
    "order": ORDER, "api": DOOR, "file": FILE, "batch": BATCH,
}  # fmt: skip


def dumped(faults: Iterable[Fault]) -> str:
    """As the database keeps them."""
    return json.dumps([fault.as_json() for fault in faults])


def loaded(text: str, table: Mapping[str, FaultKind]) -> tuple[Fault, ...]:
    """As they were asked for."""
    found: list[dict[str, Any]] = json.loads(text)
    return parse(found, table=table)
