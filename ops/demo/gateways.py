"""Gateways: pupils' bills paid by card and wallet, money given back, and the day's settlements.

Each gateway of the simulator misbehaves once: VNPAY's call is lost and found by a look-up, MoMo's
comes twice, ZaloPay's comes late and its refund takes its time, payOS tells of a bank credit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from ops.demo.story import Story
from ops.demo.town import House, Town
from ops.seed import Seeded

SETTLING: Final = ("vnpay", "momo", "zalopay")
"""Gateways that hold the money and pay it out in a batch."""

FEE_BPS: Final = {"vnpay": 110, "momo": 70, "zalopay": 70}
FEE_FIXED: Final = {"vnpay": 2_000, "momo": 0, "zalopay": 0}

TUITION: Final = 1_970_000
SOME_BACK: Final = {"khoi": 470_000, "lam": 970_000}
ALL_BACK: Final = "nhi"

LOOK_UP: Final = timedelta(minutes=3)
"""After a payment whose call is lost, the gateway has been asked."""


@dataclass(frozen=True, slots=True)
class Way:
    """How somebody pays. faults: what the gateway does wrong with its call."""

    who: str
    channel: str
    faults: Sequence[object] = ()


WAYS: Final = (
    Way("hoa", "vnpay", ("lost",)),
    Way("nhi", "vnpay"),
    Way("khoi", "momo", ("twice",)),
    Way("lam", "zalopay", ({"kind": "late", "seconds": 60}, {"kind": "refund_pending", "n": 1})),
)


def sign_up(bank: Any, seeded: Sequence[Seeded], *, public_url: str) -> None:
    """Make the billers merchants of the pretend gateways, with the keys they were given."""
    for one in seeded:
        for name, keys in one.gateways.items():
            merchant = {
                **keys,
                "title": one.cast.holder,
                "account": one.cast.account,
                "notify_url": f"{public_url}/webhooks/{name}/{one.cast.code}",
                "fee_bps": FEE_BPS.get(name, 0),
                "fee_fixed": FEE_FIXED.get(name, 0),
            }
            bank.post(f"/gateways/{name}/merchants", merchant)


def play(story: Story) -> None:
    """Four families pay by card and wallet; three of them get money back."""
    town = story.town
    at = town.go_to(16, 0)
    town.teller.at(
        at,
        "bốn phụ huynh trả qua VNPAY, MoMo, ZaloPay: một thông báo mất, một đến hai lần, một muộn",
        "four parents pay by VNPAY, MoMo, ZaloPay: one call is lost, one comes twice, one late",
    )
    for way in WAYS:
        pay(story, way)
    town.clock.advance(LOOK_UP)
    for way in WAYS:
        story.becomes(way.who, "paid")
    _give_back(story)


def pay(story: Story, way: Way) -> None:
    """Begin a try through our API, go to the gateway's page, and pay there."""
    town, bill = story.town, story.bills[way.who]
    before = _orders(town, way.channel)
    api = story.house(way.who).api
    tried = api.post(f"/payment-orders/{bill.order}/attempts", {"channel": way.channel})
    if tried["redirect_url"] is None:
        town.teller.check(
            f"{way.channel} mở được trang", f"{way.channel} opens a page",
            found=tried["status"], told="redirected",
        )  # fmt: skip
        return
    where = urlsplit(tried["redirect_url"])
    town.bank.see(f"{where.path}?{where.query}" if where.query else where.path)
    made = [ref for ref in _orders(town, way.channel) if ref not in before]
    for reference in made:
        town.bank.post(
            f"/gateways/{way.channel}/orders/{reference}/pay", {"faults": list(way.faults)}
        )


def settle(town: Town) -> None:
    """In the evening each gateway pays the day's batch into the school's account."""
    at = town.go_to(20, 30)
    town.teller.at(
        at,
        "VNPAY, MoMo, ZaloPay trả lô trong ngày vào tài khoản trường, đã trừ phí và tiền hoàn",
        "VNPAY, MoMo, ZaloPay pay the day's batches to the school, less fees and refunds",
    )
    for house, name in _settled(town):
        asked = {"date": town.day.isoformat(), "merchant": _merchant(house, name)}
        town.bank.post(f"/gateways/{name}/settle", asked)


def hand_in(town: Town) -> None:
    """Send the gateways' settlement files to our API, with what was agreed about fees."""
    for house, name in _settled(town):
        terms = {"bps": FEE_BPS[name], "fixed": FEE_FIXED[name]}
        house.api.put(f"/channels/{name}/contract", terms)
        query = f"date={town.day.isoformat()}&merchant={_merchant(house, name)}"
        file = town.bank.fetch(f"/gateways/{name}/settlement?{query}")
        told = file.headers.get_filename() or f"{name}.csv"
        kept = house.api.upload("/settlement-files", told, file.body, gateway=name)
        seen = _read(town, house, kept["id"], told)
        town.teller.check(
            f"đối soát cổng {name}", f"settlement of {name}",
            found=(seen["status"], seen["problems"]), told=("read", []),
        )  # fmt: skip


def _give_back(story: Story) -> None:
    town = story.town
    at = town.go_to(16, 30)
    town.teller.at(
        at,
        "hoàn qua cổng: VNPAY hoàn đủ, MoMo và ZaloPay hoàn một phần; kế toán trưởng duyệt",
        "refunds by the gateways: VNPAY all of it, MoMo and ZaloPay a part; the chief approves",
    )
    before = sum(len(_refunds(town, name)) for name in SETTLING)
    for who, amount in ({ALL_BACK: TUITION} | SOME_BACK).items():
        house = story.house(who)
        body = {"amount": amount, "reason": "Học sinh chuyển lớp", "method": "gateway"}
        made = house.api.post(f"/payment-orders/{story.bills[who].order}/refunds", body)
        house.desk.approve_refund(made["id"])
        story.refunds[who] = made["id"]
    # `sent` is written before the call: only the gateways tell when all of them have been asked.
    town.teller.wait(
        "ba cổng phải nhận được yêu cầu hoàn",
        "three gateways must have been asked for the refunds",
        lambda: sum(len(_refunds(town, name)) for name in SETTLING),
        lambda seen: seen >= before + len(story.refunds),
    )


def given_back(story: Story) -> None:
    """By half past six in the evening every gateway has been asked often enough."""
    story.town.go_to(18, 30)
    for who in story.refunds:
        _becomes(story, who, "done")


def _becomes(story: Story, who: str, *wanted: str) -> None:
    api, refund = story.house(who).api, story.refunds[who]
    story.town.teller.wait(
        f"hoàn tiền cho {who} phải thành {wanted[-1]}",
        f"the refund of {who} must become {wanted[0]}",
        lambda: api.get(f"/refunds/{refund}")["status"],
        lambda seen: seen in wanted,
    )


def _read(town: Town, house: House, file: str, named: str) -> dict[str, Any]:
    found: dict[str, Any] = town.teller.wait(
        f"tệp {named} phải được đọc",
        f"the file {named} must be read",
        lambda: house.api.get(f"/settlement-files/{file}"),
        lambda seen: seen["status"] != "received",
    )
    return found


def _settled(town: Town) -> Sequence[tuple[House, str]]:
    return [
        (house, name)
        for house in town.houses.values()
        for name in SETTLING
        if name in house.seeded.gateways
    ]


def _merchant(house: House, name: str) -> str:
    keys: Mapping[str, str] = house.seeded.gateways[name]
    return next(iter(keys.values()))


def _refunds(town: Town, name: str) -> Sequence[Any]:
    found: Sequence[Any] = town.bank.get(f"/gateways/{name}/refunds")["refunds"]
    return found


def _orders(town: Town, name: str) -> set[str]:
    return {one["reference"] for one in town.bank.get(f"/gateways/{name}/orders")["orders"]}
