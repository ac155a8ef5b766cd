"""Sample pages of call-backs to the biller's own systems, in every state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from tests.house.cast_staff import NOW, shell
from web.console.callbacks import (
    CallRow,
    DeliveryPage,
    DeliveryRow,
    EndpointForm,
    EndpointPage,
    EndpointRow,
    EndpointsPage,
)
from web.language import Both
from web.pages import Choice, FieldError, Page, Pager

URL: Final = "https://erp.hoasen.example.vn/thuphi/su-kien"
LONG: Final = "https://tich-hop.so-giao-duc.example.vn/api/v2/don-vi/truong-tieu-hoc-hoa-sen/nhan"
HERE: Final = "/console/callbacks/e1"
_BAD: Final = (
    FieldError(
        "url",
        Both(
            "Địa chỉ nhận: phải bắt đầu bằng https://.", "The address: it must begin with https://."
        ),
    ),
)
_LOG: Final = (
    DeliveryRow(f"{HERE}/d3", "payment.received", 1_204, NOW, "pending", 3, 500, "status"),
    DeliveryRow(f"{HERE}/d2", "allocation.made", 1_203, NOW, "delivered", 1, 204),
    DeliveryRow(f"{HERE}/d1", "discrepancy.opened", 1_202, NOW, "failed", 10, None, "timeout"),
    DeliveryRow(f"{HERE}/d0", "payment_order.created", 1_201, NOW, "pending", 0),
)
_STATUSES: Final = (
    Choice("", Both("Mọi trạng thái", "Every status"), True),
    Choice("failed", Both("Không báo được", "Not delivered")),
)
_KINDS: Final = (
    Choice("", Both("Mọi sự kiện", "Every event"), True),
    Choice("refund.*", "refund.*"),
)
_OVERLAPS: Final = (
    Choice("24", Both("Khóa cũ còn hiệu lực 24 giờ", "The old secret stays valid for 24 hours")),
    Choice("0", Both("Khóa cũ hết hiệu lực ngay", "The old secret is void at once")),
)


def callback_pages() -> Mapping[str, Page]:
    """The list, one endpoint and one event, for who may and who may not."""
    rows = (
        EndpointRow(HERE, URL, "Phần mềm kế toán", ("*",), "on", 0, NOW),
        EndpointRow(HERE, LONG, "", ("payment.*", "refund.done"), "trying", 42, NOW),
        EndpointRow(HERE, "https://app.hoasen.example.vn/x", "", ("*",), "gone", 7),
        EndpointRow(HERE, "https://cu.hoasen.example.vn/x", "Bản cũ", ("*",), "failing", 3, NOW),
        EndpointRow(HERE, "https://thu.hoasen.example.vn/x", "", ("day.*",), "by_hand", 0, NOW),
    )
    every = EndpointsPage(shell("callbacks"), rows, "/console/callbacks")
    one = EndpointPage(
        shell=shell("callbacks"),
        address=URL,
        note="Phần mềm kế toán",
        kinds=("*",),
        status="on",
        created_at=NOW,
        waiting=2,
        rows=_LOG,
        list_url=HERE,
        back_url="/console/callbacks",
        delivered_at=NOW,
        typed=EndpointForm(URL, "*", "Phần mềm kế toán"),
        statuses=_STATUSES,
        kind_choices=_KINDS,
        overlaps=_OVERLAPS,
        pager=Pager("", "?before=d0"),
        change_url=f"{HERE}/change",
        secret_url=f"{HERE}/secret",
        test_url=f"{HERE}/test",
        disable_url=f"{HERE}/disable",
    )
    off = replace(one, test_url="", disable_url="", enable_url=f"{HERE}/enable")
    return {
        "endpoints": every,
        "endpoints-none": replace(every, rows=()),
        "endpoints-wrong": replace(
            every, typed=EndpointForm("http://erp.hoasen.example.vn", "*"), errors=_BAD
        ),
        "endpoints-viewer": replace(every, add_url=""),
        "endpoint": one,
        "endpoint-new": replace(
            one,
            rows=(),
            pager=Pager(),
            delivered_at=None,
            waiting=0,
            secret="whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=",
        ),
        "endpoint-trying": replace(
            one, status="trying", address=LONG, failing_since=NOW, old_secret_until=NOW
        ),
        "endpoint-gone": replace(off, status="gone"),
        "endpoint-failing": replace(off, status="failing"),
        "endpoint-off": replace(off, status="by_hand", rows=(), filtered=True),
        "endpoint-tested": replace(
            one, notice=Both("Đã gửi một sự kiện thử.", "A test event is on its way.")
        ),
        "endpoint-wrong": replace(one, errors=_BAD),
        **_delivery_pages(),
    }


def _delivery_pages() -> Mapping[str, Page]:
    told = DeliveryPage(
        shell=shell("callbacks"),
        address=URL,
        kind="payment.received",
        event_id="evt_01k0w3v8zq7h2m9n4t5x6y7z8a",
        position=1_204,
        at=NOW,
        status="pending",
        data=(("amount", "581000"), ("payment", "pay_01k0w3v8zq7h2m9n4t5x6y7z8a")),
        calls=(
            CallRow(3, NOW, "93.184.216.34", 41, 500, "status", "Internal error: order not found"),
            CallRow(2, NOW, "93.184.216.34", 15_001, None, "timeout"),
            CallRow(1, NOW, "93.184.216.34", 120, 302, "redirect"),
        ),
        back_url=HERE,
        due_at=NOW + timedelta(minutes=30),
        replay_url=f"{HERE}/d3/replay",
    )
    return {
        "delivery": told,
        "delivery-told": replace(
            told,
            status="delivered",
            due_at=None,
            calls=(CallRow(1, NOW, "93.184.216.34", 38, 204),),
        ),
        "delivery-not-yet": replace(told, calls=(), due_at=None, replay_url=""),
    }
