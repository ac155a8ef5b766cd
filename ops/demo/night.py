"""Night: the banks' files, the runs of RQ's workers, what people decide, and the close."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from ops.demo import gateways
from ops.demo.day import BANK_FEE, MISSING
from ops.demo.story import Story
from ops.demo.town import House, Town

FORMATS: Final = {
    "TH-HS": "mt940",
    "THPT-TLX": "camt053",
    "BV-HGX": "csv-mb",
    "H26.901": "xlsx-vietinbank",
    "H26.990": "csv-vietcombank",
}
"""Biller -> how its bank prints the statement."""

LEFT: Final = {
    "TH-HS": [("UNDERPAID", MISSING), ("UNMATCHED", 581_000)],
    "THPT-TLX": [("DUPLICATE_PAYMENT", 1_970_000), ("NON_ORDER", BANK_FEE)],
    "BV-HGX": [],
    "H26.901": [],
    "H26.990": [],
}
"""Biller -> what the night leaves for people: kind and money at risk."""

RUN_SECONDS: Final = 60.0


def play(story: Story) -> None:
    """The morning after. Raises NotAsTold where it cannot go on."""
    town = story.town
    at = town.go_to(6, 10, days=1)
    town.teller.at(
        at,
        "tệp đối soát của ba cổng, sao kê của năm ngân hàng (MT940, camt.053, CSV, XLSX), qua RQ",
        "three gateways' settlement files, five statements (MT940, camt.053, CSV, XLSX), by RQ",
    )
    gateways.hand_in(town)
    for house in town.houses.values():
        with town.teller.step(f"{house.code}: sao kê", f"{house.code}: statement"):
            hand_in(town, house)
    for house in town.houses.values():
        with town.teller.step(f"{house.code}: đối soát", f"{house.code}: reconciliation"):
            reconcile(town, house)
    for house in town.houses.values():
        _left(town, house)
    story.becomes("linh", "paid")
    _refunded(story)
    _decide(story)
    _close(town)


def hand_in(town: Town, house: House) -> None:
    """Fetch the statement since the last one from the bank and send it to our API."""
    last = town.day.isoformat()
    first = last
    if house.covered is not None:
        first = min(town.day, house.covered + timedelta(days=1)).isoformat()
    form = FORMATS[house.code]
    address = f"/accounts/{house.number}/statement?from={first}&date={last}&format={form}"
    file = town.bank.fetch(address)
    name = file.headers.get_filename() or f"{house.number}.txt"
    kept = house.api.upload("/statements", name, file.body)
    seen: dict[str, Any] = town.teller.wait(
        f"tệp {name} phải được đọc",
        f"the file {name} must be read",
        lambda: house.api.get(f"/statements/{kept['id']}"),
        lambda found: found["status"] != "received",
    )
    town.teller.check(
        f"sao kê {name}",
        f"statement {name}",
        found=(seen["status"], [one["complete"] for one in seen["statements"]]),
        told=("read", [True]),
    )


def reconcile(town: Town, house: House) -> None:
    """Ask for the run of the day and wait for a worker to have finished it."""
    day = town.day.isoformat()
    asked_at = town.clock.now()
    house.api.post("/reconciliation-runs", {"account": house.account_id, "day": day})

    def finished() -> list[dict[str, Any]]:
        runs = house.api.every(f"/reconciliation-runs?day={day}&account={house.account_id}")
        return [
            run
            for run in runs
            if run["finished_at"] and datetime.fromisoformat(run["started_at"]) >= asked_at
        ]

    runs = town.teller.wait(
        f"đối soát {house.code} phải xong",
        f"the run of {house.code} must finish",
        finished,
        bool,
        seconds=RUN_SECONDS,
    )
    told = False
    town.teller.check(f"đối soát {house.code}", "the run", found=runs[0]["failed"], told=told)


def _open(town: Town, house: House) -> list[dict[str, Any]]:
    day = town.day.isoformat()
    return house.api.every(f"/discrepancies?status=open&day={day}")


def _left(town: Town, house: House) -> None:
    found = sorted((one["kind"], one["amount"]) for one in _open(town, house))
    town.teller.check(
        f"chênh lệch còn lại ở {house.code}",
        f"what is left at {house.code}",
        found=found,
        told=LEFT[house.code],
    )


def _refunded(story: Story) -> None:
    seen = story.house("thinh").api.get(f"/refunds/{story.refund}")
    story.town.teller.check(
        "hoàn tiền trên sao kê", "the refund on the statement", found=seen["status"], told="done"
    )


def _decide(story: Story) -> None:
    town = story.town
    at = town.go_to(7, 15, days=1)
    town.teller.at(
        at,
        "kế toán đề nghị, kế toán trưởng duyệt: khoản không mã, khoản trả hai lần, phí ngân hàng",
        "the accountants propose, their chiefs approve: the nameless credit, the double, the fee",
    )
    primary, secondary = town.houses["TH-HS"], town.houses["THPT-TLX"]
    for one in _open(town, primary):
        if one["kind"] == "UNMATCHED":
            reason = "Phụ huynh Bùi Tuấn Kiệt gửi ảnh biên lai"
            primary.desk.resolve(
                one["id"], one["amount"], "apply", reason, target=story.bills["kiet"].order
            )
    for one in _open(town, secondary):
        if one["kind"] == "DUPLICATE_PAYMENT":
            reason = "Phụ huynh muốn để dành cho tháng sau"
            secondary.desk.resolve(
                one["id"], one["amount"], "keep", reason, target=story.bills["minh"].order
            )
        if one["kind"] == "NON_ORDER":
            reason = "Phí tin nhắn của ngân hàng"
            secondary.desk.resolve(one["id"], one["amount"], "bank_charge", reason)
    story.becomes("kiet", "paid")


def _close(town: Town) -> None:
    at = town.go_to(7, 40, days=1)
    for house in town.houses.values():
        house.desk.sign_off(town.day)
    town.teller.at(
        at,
        f"năm kế toán ký lập, năm kế toán trưởng ký khóa sổ ngày {town.day:%d/%m/%Y}",
        f"five accountants check {town.day.isoformat()}, five chief accountants sign it off",
    )
