"""Story: the bills of the day by the name of who owes them, and what anybody does about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ops.demo.bills import Planned
from ops.demo.town import House, Town


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill as it was issued. order, code, pay_url, qr: "" where nothing is to be paid."""

    planned: Planned
    id: str
    amount: int
    order: str = ""
    code: str = ""
    pay_url: str = ""
    qr: str = ""


class Story:
    """The bills of the day by the name of who owes them, and what happens to them."""

    def __init__(self, town: Town, *, first: bool) -> None:
        self.town = town
        self.first = first
        self.bills: dict[str, Bill] = {}
        self.refund = ""
        self.refunds: dict[str, str] = {}  # by the gateways

    def house(self, who: str) -> House:
        """The biller of somebody's bill."""
        return self.town.houses[self.bills[who].planned.biller]

    def state(self, who: str) -> str:
        """What has become of somebody's order."""
        order = self.house(who).api.get(f"/payment-orders/{self.bills[who].order}")
        return str(order["payment_state"])

    def becomes(self, who: str, state: str) -> None:
        """Wait for it."""
        name = self.bills[who].planned.body["beneficiary"]["name"]
        self.town.teller.wait(
            f"lệnh của {name} phải thành {state}",
            f"the order of {name} must become {state}",
            lambda: self.state(who),
            lambda seen: seen == state,
        )

    def pays(self, who: str, *faults: object, **edits: object) -> dict[str, Any]:
        """Somebody scans the QR of their bill and sends; edits: what they change in the form."""
        bill = self.bills[who]
        asked = {"qr_text": bill.qr, "from_name": bill.planned.payer, "faults": list(faults)}
        made: dict[str, Any] = self.town.bank.post("/transfers", asked | edits)
        return made
