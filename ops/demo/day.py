"""Day: from seven in the morning to the evening, scene by scene, through HTTP and the bank."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from ops.demo import bills, gateways
from ops.demo.bills import Planned
from ops.demo.calls import Json
from ops.demo.story import Bill, Story
from ops.demo.teller import NotAsTold
from payments.domain.money import grouped

DEPOSIT: Final = 1_000_000
SURPLUS: Final = 630_000
MISSING: Final = 40_000
BANK_FEE: Final = 11_000
PAYEE: Final = {"name": "LE VAN THINH", "bank": "999999", "account": "9999700118"}


def _bills(story: Story) -> None:
    town = story.town
    at = town.go_to(7, 30)
    planned = bills.of_the_day(town.day, first=story.first)
    town.teller.at(
        at,
        f"{len(planned)} giấy báo từ năm đơn vị, qua API",
        f"{len(planned)} bills from five billers, through the API",
    )
    for one in planned:
        api = town.houses[one.biller].api
        issued = api.post("/invoices", one.body)
        story.bills[one.who] = _ordered(story, api, one, issued)
    _worked_bills(story)
    _pay_page(story)


def _ordered(story: Story, api: Json, one: Planned, issued: dict[str, Any]) -> Bill:
    amount = int(issued["amount"])
    if not amount:
        return Bill(one, issued["id"], 0)
    asked: dict[str, Any] = {"invoices": [issued["id"]]}
    if one.who == "thao":
        asked["expires_at"] = story.town.moment(12).isoformat()
    order = api.post("/payment-orders", asked)
    attempt = api.post(f"/payment-orders/{order['id']}/attempts", {"channel": "vietqr"})
    return Bill(
        one, issued["id"], amount, order["id"], order["code"], order["pay_url"], attempt["qr_text"]
    )


def _worked_bills(story: Story) -> None:
    check = story.town.teller.check
    told = {"bao": 581_000, "anh": 536_000, "thinh": 370_000, "dat": 24_000, "dat online": 0}
    found = {who: story.bills[who].amount for who in told}
    check("số tiền trên giấy báo", "what the bills ask for", found=found, told=told)
    free = story.bills["dat online"]
    seen = story.house("dat online").api.get(f"/invoices/{free.id}")
    check("hồ sơ 0 ₫", "the dossier of 0 đồng", found=seen["payment_state"], told="paid")
    story.town.teller.say(
        "             hồ sơ trực tuyến 0 ₫ hoàn tất ngay, không cần thanh toán",
        "             the dossier filed online costs 0 ₫ and is complete at once",
    )


def _pay_page(story: Story) -> None:
    bill = story.bills["bao"]
    page = story.town.web.fetch(bill.pay_url.removeprefix(story.town.web.base)).text
    for sign in (bill.code, grouped(bill.amount), bill.planned.body["beneficiary"]["name"]):
        story.town.teller.check(
            f"trang thanh toán có {sign}",
            f"the pay page shows {sign}",
            found=sign in page,
            told=True,
        )


def _on_time(story: Story) -> None:
    town = story.town
    at = town.go_to(8, 5)
    town.teller.at(
        at,
        "trả đúng: học phí của Bảo và An, viện phí ngoại trú, cước; lệ phí 24.000 ₫ qua payOS",
        "paid as billed: Bảo and An, an outpatient, postage; 24,000 ₫ at the counter by payOS",
    )
    shapes = {
        "bao": "vietcombank_new", "an": "napas", "quyen": "ibft", "son": "named",
    }  # fmt: skip
    for who, shape in shapes.items():
        story.pays(who, shape=shape)
    gateways.pay(story, gateways.Way("dat", "payos"))
    for who in (*shapes, "dat"):
        story.becomes(who, "paid")


def _troubled_notices(story: Story) -> None:
    town = story.town
    at = town.go_to(9, 10)
    town.teller.at(
        at,
        "thông báo của ngân hàng: một đến muộn, một đến hai lần, một có bản giả đi trước, "
        "một mất hẳn",
        "the bank's notices: one late, one twice, one behind a forgery, one lost for good",
    )
    story.pays("chau", {"kind": "late", "seconds": 7200}, shape="vietinbank")
    story.pays("huy", "twice", shape="bidv_rem")
    forged = story.pays("my", "forged", shape="napas_tail")
    story.pays("linh", "lost", shape="vietcombank")
    story.becomes("huy", "paid")
    story.becomes("my", "paid")
    _both_heard(story, forged["notice"]["id"])
    for who in ("chau", "linh"):
        town.teller.check(f"lệnh {who}", f"order {who}", found=_unpaid(story, who), told=True)


def _both_heard(story: Story, notice: int) -> None:
    """The forged call was refused and the genuine one taken."""
    seen = story.town.bank.get(f"/notices/{notice}")
    statuses = sorted(
        (call["kind"], attempt["status"]) for call in seen["calls"] for attempt in call["attempts"]
    )
    story.town.teller.check(
        "trả lời cho bản giả và bản thật",
        "answers to the forged call and the genuine one",
        found=statuses,
        told=[("forged", 401), ("genuine", 200)],
    )


def _unpaid(story: Story, who: str) -> bool:
    return story.state(who) in ("created", "awaiting")


def _troubled_amounts(story: Story) -> None:
    town = story.town
    at = town.go_to(10, 20)
    town.teller.at(
        at,
        "số tiền và nội dung: thiếu 40.000 ₫, thừa 45.000 ₫, mã sai một chữ, không ghi mã, "
        "hai con trong một lần chuyển",
        "amounts and memos: 40,000 ₫ short, 45,000 ₫ over, one letter wrong, no code at all, "
        "two children in one transfer",
    )
    story.pays("ngoc", {"kind": "short", "by": MISSING}, shape="iso8583")
    story.pays("anh", {"kind": "over", "by": 45_000}, shape="plain_reference")
    story.pays("vy", "one_char", shape="vietinbank_247")
    story.pays("kiet", memo="con nop tien hoc thang nay", shape="napas")
    second = {"kind": "two_codes", "qr_text": story.bills["yen"].qr}
    story.pays("dang", second, shape="vietcombank_new")
    story.becomes("ngoc", "part_paid")
    for who in ("anh", "vy", "dang", "yen"):
        story.becomes(who, "paid")


def _late_ones(story: Story) -> None:
    town = story.town
    at = town.go_to(12, 30)
    town.teller.at(
        at,
        "thông báo muộn đã tới; lệnh của Thảo hết hạn lúc 12:00",
        "the late notice has come; Thảo's order expired at noon",
    )
    story.becomes("chau", "paid")
    story.becomes("thao", "expired")
    at = town.go_to(14, 0)
    town.teller.at(
        at,
        "Thảo vẫn trả bằng mã cũ; phụ huynh của Minh trả hai lần",
        "Thảo pays with the old code all the same; Minh's parent pays twice",
    )
    story.pays("thao", shape="vietinbank")
    story.becomes("thao", "late_paid")
    story.pays("minh", shape="named")
    story.becomes("minh", "paid")
    story.pays("minh", shape="ibft")
    _queue_holds(story, "THPT-TLX", {"DUPLICATE_PAYMENT"})


def _queue_holds(story: Story, code: str, kinds: set[str]) -> None:
    api = story.town.houses[code].api
    story.town.teller.wait(
        f"chênh lệch ở {code} phải là {sorted(kinds)}",
        f"the discrepancies at {code} must be {sorted(kinds)}",
        lambda: {one["kind"] for one in api.every("/discrepancies?status=open")},
        lambda seen: kinds <= seen,
    )


def _hospital(story: Story) -> None:
    town, house = story.town, story.house("thinh")
    bill = story.bills["thinh"]
    at = town.go_to(15, 0)
    town.teller.at(
        at,
        "người bệnh Thịnh đã tạm ứng 1.000.000 ₫ cho phần phải trả 370.000 ₫: còn dư 630.000 ₫",
        "the patient Thịnh sends 1,000,000 ₫ for the 370,000 ₫ he owes: 630,000 ₫ are his",
    )
    story.pays("thinh", amount=DEPOSIT, shape="bidv")
    story.becomes("thinh", "paid")
    asked = {
        "amount": SURPLUS,
        "reason": "Hoàn tiền thừa sau quyết toán ra viện",
        "payee": PAYEE,
        "of": "credit",
    }
    refund = house.api.post(f"/payment-orders/{bill.order}/refunds", asked)
    story.refund = refund["id"]
    at = town.go_to(15, 30)
    house.desk.approve_refund(story.refund)
    seen = house.api.get(f"/refunds/{story.refund}")
    town.teller.check("hoàn tiền", "the refund", found=seen["status"], told="approved")
    town.teller.at(
        at,
        "phần mềm bệnh viện đề nghị hoàn 630.000 ₫, kế toán trưởng duyệt, ngân hàng nhận tệp chi",
        "the hospital's program asks for 630,000 ₫ back, the chief approves, the bank takes a file",
    )
    made = house.api.post("/payouts", {"account": house.account_id, "refunds": [story.refund]})
    code = house.api.get(f"/refunds/{story.refund}")["memo_code"]
    town.teller.check("tệp chi", "the payout file", found=made["total"], told=SURPLUS)
    payout = {
        "account": house.number,
        "amount": SURPLUS,
        "to_name": PAYEE["name"],
        "to_account": PAYEE["account"],
        "memo": f"{code} hoan vien phi",
        "at": (at + timedelta(minutes=20)).isoformat(),
    }
    town.bank.post("/payouts", payout)


def _evening(story: Story) -> None:
    town = story.town
    at = town.go_to(17, 0)
    town.teller.at(
        at,
        "ngân hàng thu phí 11.000 ₫ của trường Thăng Long Xanh",
        "the bank charges Thăng Long Xanh 11,000 ₫",
    )
    fee = {"account": town.houses["THPT-TLX"].number, "amount": BANK_FEE, "memo": "Phi SMS thang"}
    town.bank.post("/fees", fee)
    gateways.given_back(story)
    gateways.settle(town)
    town.go_to(21, 0)
    left = town.teller.wait(
        "ngân hàng phải gửi hết thông báo",
        "the bank must have sent its notices",
        lambda: int(town.bank.get("/health")["outstanding"]),
        lambda seen: seen == 0,
    )
    if left:
        raise NotAsTold()


Scene = Callable[[Story], None]

SCENES: Final[tuple[Scene, ...]] = (
    _bills,
    _on_time,
    _troubled_notices,
    _troubled_amounts,
    _late_ones,
    _hospital,
    gateways.play,
    _evening,
)
"""In the order of the day."""


def play(story: Story) -> None:
    """The whole day. Raises NotAsTold where it cannot go on."""
    for scene in SCENES:
        scene(story)
