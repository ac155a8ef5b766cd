"""The page of a reversal or a second payment shows the earlier credit, with links to its bills."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from payments.domain import ids
from tests.consoles import Office, an_office, tree, words
from tests.databases import QuickHouse
from tests.statement_files import Entry


def test_the_page_names_the_credit_of_days_ago_and_the_decision_opens_its_bill_again(
    quick_house: QuickHouse,
) -> None:
    office = an_office(quick_house)
    order = office.order(300_000)
    office.order(300_000, "GB-2")
    office.night(
        [
            Entry(300_000, order.code, "FT100001"),
            Entry(300_000, "khong ro", "FT100002"),
            Entry(300_000, f"{order.code} lan 2", "FT100003"),
        ]
    )
    bill = f"/console/bills/{ids.shown('inv', _bill(office))}"
    doubled = office.accountant.get(office.url("DUPLICATE_PAYMENT"))
    shown = tree(doubled).xpath("//*[@id='earlier']")[0]
    assert "Khoản đã nộp trước: FT100001 · 10/03/2026" in " ".join(shown.text_content().split())
    assert shown.xpath(".//a/@href") == [bill]

    office.night(
        [Entry(-300_000, "HOAN TRA GD FT100001", "FT200001")], date(2026, 3, 11), opening=900_000
    )

    url = office.url("REVERSAL")
    page = office.accountant.get(url)
    shown = tree(page).xpath("//*[@id='earlier']")[0]
    assert "Khoản bị lấy lại: FT100001 · 10/03/2026" in " ".join(shown.text_content().split())
    assert shown.xpath(".//a/@href") == [bill]
    assert "GB-1" in shown.text_content()
    assert office.accountant.get(bill).status_code == 200
    chosen = tree(page).xpath("//input[@name='candidate'][@checked]/@value")
    named = office.one("SELECT id FROM payment WHERE bank_reference = 'FT100001'")
    assert chosen == [ids.shown("pay", named)]
    assert len(tree(page).xpath("//input[@name='candidate']")) == 3  # a person may know better
    assert "ghi đảo, nêu giao dịch gốc" in words(page)
    assert "giấy báo lại còn nợ" in words(page)
    form = {"way": "take_back", "candidate": chosen[0], "reason": "Ngân hàng đảo"}
    office.accountant.post(f"{url}/propose", form, of=url)
    office.chief.post(f"{url}/approve", of=url)
    assert office.one("SELECT payment_state FROM invoice WHERE reference = 'GB-1'") == "unpaid"
    assert office.balance("suspense") == 0
    assert office.gaps(date(2026, 3, 11)) == []
    over = tree(office.viewer.get(url)).xpath("//*[@id='earlier']//a/@href")
    assert over == [bill]


def _bill(office: Office) -> UUID:
    found: UUID = office.one("SELECT id FROM invoice WHERE reference = 'GB-1'")
    return found
