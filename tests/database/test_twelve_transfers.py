"""Twelve transfers that are hard to place, from the bank's statement to the page that says why.

All of them come in one night of the service; each ends as a paid bill, a suggestion or a row of
the queue, and the page shows what was read, marked in the bank's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from werkzeug.test import TestResponse

from payments import orders, people
from payments.domain import ids
from payments.domain.codes import ALPHABET
from tests.cast import a_bill, an_order
from tests.consoles import Office, an_office, tree, words
from tests.databases import QuickHouse
from tests.statement_files import Entry


@dataclass(frozen=True)
class Transfer:
    """What a family owes, what came, and what they wrote. memo: from the codes they were given."""

    owed: Sequence[int]
    came: int
    memo: Callable[..., str]


def with_one_wrong(code: str) -> str:
    """Another symbol at the sixth place: not one that merely looks alike."""
    other = next(one for one in ALPHABET if one.isalpha() and one != code[5])
    return code[:5] + other + code[6:]


def with_two_swapped(code: str) -> str:
    """The first two neighbours behind the prefix that differ, the other way round."""
    at = next(at for at in range(3, 11) if code[at] != code[at + 1])
    return code[:at] + code[at + 1] + code[at] + code[at + 2 :]


TWELVE: Final[Mapping[str, Transfer]] = {
    "exact": Transfer([301_000], 301_000, lambda code: code),
    "bank prefix": Transfer(
        [302_000], 302_000, lambda code: f"MBVCB.6120934418.{code}.CT tu 9999001122 toi 9999018452"
    ),
    "split": Transfer([303_000], 303_000, lambda code: f"{code[:6]} {code[6:]} NOP TIEN"),
    "no prefix": Transfer([304_000], 304_000, lambda code: f"{code[2:]} NOP TIEN"),
    "one wrong": Transfer([305_000], 305_000, with_one_wrong),
    "two swapped": Transfer([306_000], 306_000, with_two_swapped),
    "two bills": Transfer([307_000, 308_000], 615_000, lambda one, two: f"{one} {two}"),
    "two bills short": Transfer([309_000, 310_000], 600_000, lambda one, two: f"{one} {two}"),
    "underpaid": Transfer([311_000], 271_000, lambda code: f"{code} NOP TIEN"),
    "overpaid": Transfer([312_000], 352_000, lambda code: f"{code} NOP TIEN"),
    "blank": Transfer([313_000], 313_000, lambda code: ""),
    "truncated": Transfer([314_000], 314_000, lambda code: f"NOP TIEN {code[:9]}"),
}


class Night:
    """The families, and the morning after their transfers came."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.orders = {
            name: [self._order(f"{name} {at}", owed) for at, owed in enumerate(it.owed)]
            for name, it in TWELVE.items()
        }
        office.night(
            [
                Entry(it.came, it.memo(*(o.code for o in self.orders[name])), reference(name))
                for name, it in TWELVE.items()
            ]
        )

    def bill(self, name: str, at: int = 0) -> TestResponse:
        """The page of a bill that a transfer is for."""
        order = self.orders[name][at].id
        invoice = self.office.one(f"SELECT invoice_id FROM order_invoice WHERE order_id='{order}'")
        return self.office.accountant.get(f"/console/bills/{ids.shown('inv', invoice)}")

    def states(self, name: str) -> list[str]:
        """How far the bills of a transfer are paid."""
        return [
            self.office.one(
                f"""SELECT payment_state FROM invoice i JOIN order_invoice p
                    ON p.biller_id = i.biller_id AND p.invoice_id = i.id
                    WHERE p.order_id = '{one.id}'"""
            )
            for one in self.orders[name]
        ]

    def kind(self, name: str) -> str:
        """The kind of a transfer's discrepancy, "" without one."""
        return str(self._found(name, "kind") or "")

    def discrepancy(self, name: str) -> TestResponse:
        """The page of a transfer's discrepancy."""
        return self.office.accountant.get(
            f"/console/discrepancies/{ids.shown('dis', self._found(name, 'id'))}"
        )

    def _found(self, name: str, column: str) -> Any:
        return self.office.one(
            f"""SELECT d.{column} FROM discrepancy d JOIN payment p
                ON p.biller_id = d.biller_id AND p.id = d.payment_id
                WHERE p.bank_reference = '{reference(name)}'"""
        )

    def _order(self, name: str, amount: int) -> orders.Order:
        office = self.office
        with office.begin() as db:
            at = office.school.house.clock.now()
            person = people.Person(f"Em {name}", "lớp 1A")
            code = f"HS-{amount}"
            pupil = people.save_beneficiary(db, kind="student", code=code, person=person, at=at)
            school = replace(office.school, pupil_id=pupil)
            return an_order(db, school, a_bill(db, school, amount, f"GB-{amount}"))


def reference(name: str) -> str:
    """The bank's number of a transfer."""
    return f"FT2606900{list(TWELVE).index(name):04}"


def marks(page: TestResponse) -> list[tuple[str, bool]]:
    """What is marked in the memo, and whether only nearly."""
    return [
        ("".join(mark.xpath("text()")), mark.get("class") == "near")
        for mark in tree(page).xpath("//p[@class='memo']/mark")
    ]


def proof(page: TestResponse) -> str:
    """The comparison, in words."""
    rows = tree(page).xpath("//table[contains(@class, 'proof')]//tbody/tr")
    return " | ".join(" ".join(row.text_content().split()) for row in rows)


PAID: Final = {
    "exact": ("đúng mã thanh toán", "Khớp", False),
    "bank prefix": ("đúng mã thanh toán", "Khớp", False),
    "split": ("mã thanh toán trong nội dung", "Khớp khi bỏ dấu cách", False),
    "no prefix": ("mã mất tiền tố, đúng tiền", "Mất hai chữ đầu", True),
    "one wrong": ("mã sai một ký tự, đúng tiền", "Sai 1 ký tự", True),
    "two swapped": ("mã sai một ký tự, đúng tiền", "Hai ký tự đổi chỗ", True),
}
"""Those that are booked to one bill to the đồng: the rule, what was read, whether only nearly."""


def test_each_of_twelve_hard_transfers_ends_in_its_place_and_the_page_says_why(
    quick_house: QuickHouse,
) -> None:
    night = Night(an_office(quick_house))

    for name, (rule, read, near) in PAID.items():
        page, quoted = night.bill(name), TWELVE[name].memo(night.orders[name][0].code)
        assert night.states(name) == ["paid"], name
        assert night.kind(name) == "", name
        assert f"Vì sao khớp: {rule}" in words(page), name
        assert read in proof(page), name
        [(text, only_nearly)] = marks(page)
        assert text in quoted, name
        assert only_nearly == near, name

    assert night.states("two bills") == ["paid", "paid"]
    for at, order in enumerate(night.orders["two bills"]):
        page = night.bill("two bills", at)
        assert "nhiều mã, đủ tổng tiền" in words(page)
        assert marks(page) == [(order.code, False)]  # each bill by its own code

    one, two = night.orders["two bills short"]
    page = night.discrepancy("two bills short")
    assert night.states("two bills short") == ["unpaid", "unpaid"]
    assert night.kind("two bills short") == "SPLIT_MISMATCH"
    assert marks(page) == [(one.code, False), (two.code, False)]
    assert "Thiếu 19.000" in proof(page)
    assert len(tree(page).xpath("//input[@name='candidate']")) == 2

    page = night.bill("underpaid")
    assert night.states("underpaid") == ["part_paid"]
    assert night.kind("underpaid") == "UNDERPAID"
    assert "Thiếu 40.000" in proof(page)
    page = night.discrepancy("underpaid")
    assert marks(page) == [(night.orders["underpaid"][0].code, False)]
    assert "Đã ghi phần nhận được; nhắc nộp phần còn thiếu." in words(page)

    page = night.bill("overpaid")
    assert night.states("overpaid") == ["paid"]
    assert "Thừa 40.000" in proof(page)
    assert night.office.balance("credit") == 40_000  # the rest is the family's

    page = night.discrepancy("blank")
    assert night.states("blank") == ["unpaid"]
    assert night.kind("blank") == "UNMATCHED"
    assert "Ngân hàng không ghi nội dung nào." in words(page)
    assert "Không có mã nào đủ để xác định đơn." in words(page)

    page, [order] = night.discrepancy("truncated"), night.orders["truncated"]
    assert night.states("truncated") == ["unpaid"]
    assert night.kind("truncated") == "UNMATCHED"
    assert marks(page) == [(order.code[:9], True)]
    assert "Bị cắt, thiếu 3 ký tự cuối" in proof(page)
    assert "Căn cứ tốt nhất: mã bị cắt." in words(page)
    assert tree(page).xpath("//input[@name='candidate']/@value") == [ids.shown("ord", order.id)]

    assert night.office.gaps() == []
