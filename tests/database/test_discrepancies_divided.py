"""Money of one payment divided between several bills: one decision, one journal for each part."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from payments import money_in, people
from payments.domain import ids
from payments.domain.errors import TooMuch
from payments.orders import Order
from reconciliation import discrepancies, undoing, verdicts
from reconciliation.dividing import Part
from reconciliation.remedies import Proposal
from tests.cast import a_bill, a_notice, an_order
from tests.consoles import Desk, Office, an_office, tree, words
from tests.databases import House, QuickHouse
from tests.doors import a_program
from tests.statement_files import Entry

PAID = "SELECT string_agg(allocated::text, ' ' ORDER BY reference) FROM invoice"
JOURNALS = "SELECT count(*) FROM journal WHERE event_key LIKE 'apply:%'"


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return an_office(quick_house)


def siblings(office: Office, *amounts: int) -> list[Order]:
    """A bill for each child of a family."""
    made = []
    for number, amount in enumerate(amounts, 1):
        with office.begin() as db:
            child = people.save_beneficiary(
                db,
                kind="student",
                code=f"HS-1{number:03}",
                person=people.Person(f"Em Số {number}", "lớp 2B"),
                at=office.school.house.clock.now(),
            )
            of = replace(office.school, pupil_id=child)
            made.append(an_order(db, of, a_bill(db, of, amount, f"GB-{number}")))
    return made


def shown(order: Order) -> str:
    return ids.shown("ord", order.id)


def form(parts: list[tuple[Order, str]], **more: str) -> dict[str, Any]:
    """The form of a division."""
    amounts = {f"amount-{shown(order)}": amount for order, amount in parts}
    ticks = [shown(order) for order, _ in parts]
    return {"way": "divide", "part": ticks, "reason": "Mẹ nộp cho hai con"} | amounts | more


def transfer(office: Office, amount: int, *orders: Order) -> str:
    """One transfer that names several orders; the page of its discrepancy."""
    office.night([Entry(amount, " ".join(order.code for order in orders))])
    assert office.one("SELECT kind FROM discrepancy") == "SPLIT_MISMATCH"
    return office.url()


def lines(page: Any) -> list[str]:
    rows = tree(page).xpath("//section[@aria-labelledby='what']//table//tr")
    return [" ".join(" ".join(row.xpath("*//text() | text()")).split()) for row in rows]


def approve(desk: Desk, url: str) -> Any:
    return desk.post(f"{url}/approve", of=url)


def test_two_bills_are_ticked_shown_sent_and_booked_by_one_approval_and_undone_one_by_one(
    office: Office,
) -> None:
    first, second = siblings(office, 581_000, 250_000)
    url = transfer(office, 800_000, first, second)
    desk = office.accountant

    begin = desk.get(url)
    fields_of = "//form[@id='divided']//input[starts-with(@name, 'amount-')]/@value"
    ticked = desk.get(f"{url}?way=divide&part={shown(first)}&part={shown(second)}")
    bare = desk.post(f"{url}/propose", form([(first, ""), (second, "")]), of=url)
    sent = desk.post(f"{url}/propose", form([(first, "581.000"), (second, "219000")]), of=url)

    assert "D" in [link.xpath(".//kbd/text()")[0] for link in tree(begin).xpath("//a[.//kbd]")]
    fields = tree(ticked).xpath(fields_of)
    assert fields == ["581.000", "219.000"]
    assert lines(ticked)[1:] == [
        "3378 Tiền đã nhận, chưa ghi 800.000",
        "1383 Phải thu · Em Số 1 581.000",
        "1383 Phải thu · Em Số 2 219.000",
        "Cân 800.000 800.000",
    ]
    assert bare.status_code == 422  # nobody saw the amounts that were filled in
    assert tree(bare).xpath(fields_of) == fields
    assert sent.status_code == 303
    assert office.one(JOURNALS) == 0
    assert lines(office.chief.get(url))[1:] == lines(ticked)[1:]

    assert approve(office.chief, url).status_code == 303
    assert approve(office.chief, url).status_code == 303  # twice changes nothing
    assert (office.one(PAID), office.one(JOURNALS)) == ("581000 219000", 2)
    assert office.gaps() == []
    assert "Em Số 2" in words(office.chief.get(url))

    with office.begin() as db:
        one = db.scalar(text("SELECT id FROM allocation ORDER BY id LIMIT 1"))
        who, at = office.school.accountant, office.school.house.clock.now()
        undoing.undo_match(db, one, reason="Nhầm con", by=who, at=at)
    assert office.one(PAID) == "0 219000"
    assert office.balance("unapplied") == 581_000
    assert office.gaps() == []


def test_the_rest_becomes_credit_of_the_family_that_is_named_or_waits_as_a_new_task(
    office: Office,
) -> None:
    first, second = siblings(office, 581_000, 250_000)
    url = transfer(office, 900_000, first, second)
    parts = [(first, "581.000"), (second, "200.000")]
    looked = office.accountant.post(f"{url}/propose", form(parts, look="yes"), of=url)
    desk, chief = office.accountant, office.chief

    desk.post(f"{url}/propose", form(parts, rest=shown(second)), of=url)
    approve(chief, url)
    credit = office.balance("credit")
    chief.post(f"{url}/undo", {"reason": "Sai"}, of=url)
    undone = (office.balance("credit"), office.one(PAID))
    desk.post(f"{url}/propose", form(parts), of=url)
    approve(chief, url)

    assert "119.000 ₫ thành một việc mới" in words(looked)
    assert "Số dư của Em Số 2" in words(looked)
    assert (credit, undone) == (119_000, (0, "0 0"))
    assert office.one(PAID) == "581000 200000"
    waiting = "SELECT kind || holds FROM discrepancy WHERE status = 'open'"
    assert office.one(waiting) == "UNMATCHED119000"
    assert office.one("SELECT status FROM bank_line") == "discrepancy"
    assert office.gaps() == []


def test_what_does_not_fit_is_said_beside_its_field_and_nothing_is_proposed(
    office: Office,
) -> None:
    first, second = siblings(office, 581_000, 250_000)
    url = transfer(office, 800_000, first, second)

    def said(*amounts: str) -> str:
        sent = form(list(zip((first, second), amounts, strict=False)))
        answer = office.accountant.post(f"{url}/propose", sent, of=url)
        assert answer.status_code == 422
        return words(answer)

    assert "Chọn từ hai giấy báo trở lên." in said("581000")
    assert "Giấy báo này chỉ còn nợ 250.000 ₫." in said("1", "250001")
    assert "Các phần vượt số tiền 31.000 ₫." in said("581000", "250000")
    for wrong in ("0", "-1", "1,5", "1.50", "mot"):
        assert "Ghi số tiền lớn hơn 0" in said("1000", wrong)
    assert office.one("SELECT status FROM discrepancy") == "open"


def test_a_bill_paid_meanwhile_stops_the_whole_proposal_and_says_which(office: Office) -> None:
    first, second = siblings(office, 581_000, 250_000)
    url = transfer(office, 800_000, first, second)
    sent = form([(first, "550.000"), (second, "250.000")])
    office.accountant.post(f"{url}/propose", sent, of=url)
    with office.begin() as db:
        other = a_notice(db, office.school, 250_000, "khac", "N1").payment_id
        at, by = office.school.house.clock.now(), office.school.accountant
        money_in.pay_order(db, other, second.id, rule="by_person", by=by, at=at)

    answer = approve(office.chief, url)

    assert answer.status_code == 409
    assert f"Giấy báo {second.code} chỉ còn nợ 0 ₫" in words(answer)
    assert office.one(PAID) == "0 250000"
    assert office.one("SELECT status FROM discrepancy WHERE kind = 'SPLIT_MISMATCH'") == "proposed"
    office.chief.post(f"{url}/refuse", {"reason": "Con thứ hai đã nộp"}, of=url)
    assert "Bị từ chối" in words(office.accountant.get(url))


def test_of_two_divisions_that_want_the_same_bills_one_is_booked_whole_and_one_not_at_all(
    house: House,
) -> None:
    office = an_office(house)
    first, second = siblings(office, 581_000, 250_000)
    by, at = office.school.accountant, house.clock.now()
    with house.system.begin() as system:
        system.execute(text("UPDATE biller SET approval_limit = 10000000"))
    with office.begin() as db:
        for number in range(2):
            a_notice(db, office.school, 700_000, "cho hai con", f"N{number}")
        verdicts.explain_free_money(db, at=at)
        wanted = db.scalars(text("SELECT id FROM discrepancy ORDER BY id")).all()
    start, said = Barrier(2), list[str]()

    def divide(discrepancy_id: UUID, parts: tuple[Part, ...]) -> None:
        start.wait()
        try:
            with office.begin() as db:
                proposal = Proposal("divide", "Hai con", parts=parts)
                discrepancies.propose(db, discrepancy_id, proposal, by=by, at=at)
        except TooMuch as refused:
            said.append(refused.slug)

    parts = (Part(shown(first), 500_000), Part(shown(second), 200_000))
    threads = [
        Thread(target=divide, args=(wanted[0], parts)),
        Thread(target=divide, args=(wanted[1], parts[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert said == ["too-much"]
    assert office.one(PAID) == "500000 200000"
    assert office.balance("unapplied") == 700_000
    assert office.one("SELECT count(*) FROM discrepancy WHERE status = 'open'") == 1


def test_a_program_proposes_parts_and_a_person_decides(quick_house: QuickHouse) -> None:
    office = an_office(quick_house)
    first, second = siblings(office, 581_000, 250_000)
    dis = transfer(office, 900_000, first, second).rpartition("/")[2]
    program = a_program(office.app, quick_house, office.school.biller_id)
    path = f"/api/v1/discrepancies/{dis}"
    parts = [
        {"order": shown(first), "amount": 581_000},
        {"order": shown(second), "amount": 200_000},
    ]
    body: dict[str, Any] = {"way": "divide", "reason": "Hai con", "parts": parts}

    def refused(**more: Any) -> tuple[int, str]:
        answer = program.post(f"{path}/propose", body | more)
        return answer.status_code, answer.json["code"]

    nobody = {"order": ids.shown("ord", ids.new()), "amount": 1}
    assert refused(parts=parts[:1])[0] == refused(parts=[*parts, nobody])[0] == 422
    assert refused(parts=[parts[0], parts[0]])[0] == refused(target="ord_x")[0] == 422
    assert refused(way="apply", target=shown(first))[0] == 422
    assert refused(parts=[parts[0], parts[1] | {"amount": 1.5}])[0] == 422
    assert refused(parts=[parts[0], parts[1] | {"amount": 250_001}]) == (409, "too-much")
    asked = program.post(f"{path}/resolve", body | {"target": shown(first)}).json

    assert asked["status"] == "proposed"
    assert asked["suggested"]["parts"] == parts
    assert [one["amount"] for one in asked["suggested"]["transfers"]] == [581_000, 200_000, 119_000]
    approve(office.chief, f"/console/discrepancies/{dis}")
    done = program.get(path).json
    assert (done["status"], done["resolution"]) == ("resolved", "divide")
    assert done["suggested"]["parts"] == parts
    assert office.one(PAID) == "581000 200000"
    assert office.balance("credit") == 119_000
