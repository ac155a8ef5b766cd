"""Discrepancies at the API: narrowed lists, one opened, and what programs and people may do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from payments import people
from payments.domain import ids
from payments.domain.people import Permission
from reconciliation import verdicts
from tests.cast import School, a_bill, a_notice, a_school, an_order
from tests.databases import QuickHouse
from tests.doors import Clerk, Program, a_clerk, a_program, an_app
from tests.settlement_desk import Desk
from tests.settlement_files import Settled
from tests.statement_files import Entry

LIST = "/api/v1/discrepancies"


class Counter:
    """A school, a program of it, and the people who decide."""

    def __init__(self, house: QuickHouse) -> None:
        self.house = house
        self.school: School = a_school(house)
        self.app: Flask = an_app(house)
        self.program: Program = a_program(self.app, house, self.school.biller_id)
        self.told = 0

    @property
    def accountant(self) -> Clerk:
        return a_clerk(self.app, self.house, self.school.accountant)

    @property
    def chief(self) -> Clerk:
        return a_clerk(self.app, self.house, self.school.chief)

    def limit(self, dong: int) -> None:
        with self.house.system.begin() as system:
            system.execute(text("UPDATE biller SET approval_limit = :limit"), {"limit": dong})

    def money(self, amount: int, memo: str, *, order: int = 0) -> str:
        """Free money with its discrepancy; order: a bill of so much is there to be paid."""
        self.told += 1
        with self.house.sessions.begin(self.school.biller_id) as db:
            if order:
                an_order(db, self.school, a_bill(db, self.school, order, f"GB-{self.told}"))
            a_notice(db, self.school, amount, memo, f"N{self.told}")
            verdicts.explain_free_money(db, at=self.house.clock.now())
            found = db.scalar(text("SELECT id FROM discrepancy ORDER BY id DESC LIMIT 1"))
        return ids.shown("dis", found)

    def order(self) -> str:
        with self.house.sessions.begin(self.school.biller_id) as db:
            found = db.scalar(text("SELECT id FROM payment_order ORDER BY id DESC LIMIT 1"))
        return ids.shown("ord", found)

    def listed(self, query: str = "") -> list[str]:
        said = self.program.get(f"{LIST}?{query}")
        assert said.status_code == 200, said.json
        return [one["id"] for one in said.json["items"]]


@pytest.fixture
def counter(quick_house: QuickHouse) -> Counter:
    return Counter(quick_house)


def test_the_list_is_narrowed_by_all_that_a_queue_is_sorted_by(counter: Counter) -> None:
    old = counter.money(100_000, "khong ro")
    counter.house.clock.advance(days=2)
    new = counter.money(250_000, "HP0000000000 khong co")
    counter.accountant.post(f"{LIST}/{old}/assign", {})
    with counter.house.sessions.begin(counter.school.biller_id) as db:
        bank = ids.shown("acc", db.scalar(text("SELECT id FROM bank_account")))

    assert counter.listed() == [new, old]
    assert counter.listed("waiting=yes&min_amount=200000") == [new]
    assert counter.listed("waiting=no") == []
    assert counter.listed("age=2-3") == [old]
    assert counter.listed("age=0-1&group=unidentified") == [new]
    assert counter.listed("age=%3E7") == counter.listed("group=duplicate") == []
    assert counter.listed("assigned=nobody") == [new]
    assert counter.listed("status=assigned&day_to=2026-03-11") == [old]
    assert counter.listed("day_from=2026-03-11") == counter.listed("day=2026-03-12") == [new]
    assert counter.listed("gateway=sepay&limit=1") == [new]
    assert counter.listed("gateway=momo") == []
    assert counter.listed(f"account={bank}") == [new, old]
    assert counter.listed(f"account={ids.shown('acc', ids.new())}") == []
    [aged] = [one for one in counter.program.get(LIST).json["items"] if one["id"] == old]
    assert (aged["age_days"], aged["age"], aged["group"]) == (2, "2-3", "unidentified")
    assert aged["assigned_to"]["name"] == "accountant"
    assert counter.program.get(f"{LIST}?age=9").status_code == 422


def test_one_is_opened_with_all_that_a_decision_needs(counter: Counter) -> None:
    exact = counter.money(581_000, "NOP TIEN HS-0001", order=581_000)
    said = counter.program.get(f"{LIST}/{exact}").json

    assert said["cause"]["en"] == "No reference decides which order is meant."
    assert said["needs_second"] is True
    assert (said["at_stake"], said["ways"][0]) == (581_000, "apply")
    [candidate] = said["candidates"]
    assert candidate["payment_order"] == counter.order()
    assert (candidate["rank"], candidate["rule"]) == (1, "payer_and_amount")
    assert [one["verdict"] for one in candidate["evidence"]] == ["agrees", "agrees"]
    assert said["suggested"] == {
        "way": "apply",
        "target": counter.order(),
        "exact": True,
        "parts": [],
        "transfers": [{"debit": "unapplied", "credit": "receivable", "amount": 581_000}],
    }
    assert [one["what"] for one in said["history"]] == ["opened"]


def test_money_without_a_candidate_is_searched_by_its_amount_and_nothing_chosen(
    counter: Counter,
) -> None:
    found = counter.money(77_000, "khong ro", order=77_000)

    said = counter.program.get(f"{LIST}/{found}").json

    [candidate] = said["candidates"]
    assert (candidate["searched"], candidate["amount"]) == (True, 77_000)
    nothing: dict[str, Any] = {"target": None, "exact": False, "parts": [], "transfers": []}
    assert said["suggested"] == {"way": "apply"} | nothing
    for _ in range(6):
        counter.money(1, "x", order=77_000)
    assert counter.program.get(f"{LIST}/{found}").json["candidates"] == []


def test_a_program_comments_and_proposes_and_a_person_decides(counter: Counter) -> None:
    counter.limit(1_000_000)
    found = counter.money(581_000, "khong ro noi dung", order=581_000)
    path, program = f"{LIST}/{found}", counter.program
    body = {"way": "apply", "reason": "Phụ huynh báo", "target": counter.order()}

    commented = program.post(f"{path}/comments", {"text": "Đã hỏi\nphụ huynh"})
    asked = program.post(f"{path}/resolve", body)
    refused = [
        program.post(f"{path}/approve"),
        program.post(f"{path}/refuse", {"reason": "x"}),
        program.post(f"{path}/reopen", {"reason": "x"}),
        program.post(f"{path}/assign", {}),
        program.post(f"{LIST}/approve", {"ids": [found]}),
    ]
    approved = counter.chief.post(f"{path}/approve")
    reopened = counter.accountant.post(f"{path}/reopen", {"reason": "Nhầm"})

    assert commented.json["history"][-1]["note"] == "Đã hỏi\nphụ huynh"
    # Below the limit as well: no person has decided yet.
    assert (asked.status_code, asked.json["status"]) == (200, "proposed")
    assert {(one.status_code, one.json["code"]) for one in refused} == {(403, "staff-only")}
    assert (approved.status_code, approved.json["status"]) == (200, "resolved")
    assert approved.json["suggested"]["transfers"][0]["amount"] == 581_000
    assert (reopened.status_code, reopened.json["status"]) == (200, "open")
    lacking = a_program(counter.app, counter.house, counter.school.biller_id, Permission.READ)
    assert lacking.post(f"{path}/comments", {"text": "x"}).json["code"] == "lacks-scope"


def test_staff_take_give_propose_refuse_and_resolve(counter: Counter) -> None:
    found = counter.money(581_000, "khong ro", order=581_000)
    path = f"{LIST}/{found}"
    body = {"way": "apply", "reason": "Phụ huynh báo", "target": counter.order()}
    chief = ids.shown("per", counter.school.chief.id)

    taken = counter.accountant.post(f"{path}/assign", {})
    back = counter.accountant.post(f"{path}/release")
    given = counter.accountant.post(f"{path}/assign", {"to": chief})
    nobody = counter.accountant.post(f"{path}/assign", {"to": ids.shown("per", ids.new())})
    counter.limit(1_000_000)
    asked = counter.accountant.post(f"{path}/propose", body)
    own = counter.accountant.post(f"{path}/approve")
    no = counter.chief.post(f"{path}/refuse", {"reason": "Hỏi lại"})
    wrong = counter.accountant.post(f"{path}/resolve", body | {"way": "burn"})
    done = counter.accountant.post(f"{path}/resolve", body)

    assert taken.json["assigned_to"]["name"] == "accountant"
    assert back.json["status"] == "open"
    assert given.json["assigned_to"] == {"id": chief, "name": "chief_accountant"}
    assert nobody.status_code == 422
    assert (asked.json["status"], asked.json["proposed_by"]["name"]) == ("proposed", "accountant")
    assert (own.status_code, own.json["code"]) == (403, "lacks-scope")
    assert (no.json["status"], no.json["history"][-1]["note"]) == ("open", "Hỏi lại")
    assert wrong.status_code == 422
    assert done.json["status"] == "resolved"


def test_many_are_accepted_once_for_a_key_and_above_the_limit_approved(counter: Counter) -> None:
    counter.limit(500_000)
    small = counter.money(300_000, "NOP TIEN HS-0001", order=300_000)
    doubtful = counter.money(111, "khong ro")
    with counter.house.sessions.begin(counter.school.biller_id) as db:
        other = people.save_beneficiary(
            db,
            kind="student",
            code="HS-0002",
            person=people.Person("Trần Khánh An"),
            at=counter.house.clock.now(),
        )
        counter.school = School(**vars(counter.school) | {"pupil_id": other})
    large = counter.money(900_000, "NOP TIEN HS-0002", order=900_000)
    body: dict[str, Any] = {
        "kind": "UNMATCHED",
        "ids": [small, large, doubtful],
        "reason": "Đúng mã học sinh và số tiền",
    }
    headers = {"X-CSRF-Token": counter.accountant.token}

    def accept(key: str) -> Any:
        clerk = counter.accountant
        sent = headers | {"Idempotency-Key": key}
        return clerk.client.post(f"{LIST}/accept", headers=sent, json=body)

    first, again, without = (
        accept("k1"),
        accept("k1"),
        counter.accountant.post(f"{LIST}/accept", body),
    )
    other_kind = counter.program.post(f"{LIST}/accept", body | {"kind": "UNDERPAID"})
    clerk = counter.chief
    approved = clerk.client.post(
        f"{LIST}/approve",
        headers={"X-CSRF-Token": clerk.token, "Idempotency-Key": "k2"},
        json={"ids": [large]},
    )

    said = first.get_json()
    assert (said["done"], said["proposed"]) == ([small], [large])
    assert [(one["id"], one["code"]) for one in said["skipped"]] == [(doubtful, "not-exact")]
    assert again.data == first.data
    assert without.json["code"] == "key-missing"
    assert other_kind.status_code == 422
    assert approved.get_json()["done"] == [large]
    assert counter.program.get("/api/v1/trial-balance").json["balanced"]
    assert counter.listed("waiting=yes") == [doubtful]


def test_one_opened_says_what_it_takes_back_or_repeats(counter: Counter) -> None:
    desk = Desk(counter.school)
    order = desk.order(300_000)
    desk.night([Entry(300_000, order.code, "FT26069001"), Entry(70_000, "khong ro", "FT26069002")])
    desk.night([Entry(-300_000, "HOAN TRA GD FT26069001", "FT2")])
    paid = Settled("77", 581_000, 6_391, ref="TP77", batch="VNP2026031101")
    payment = desk.pay("77")
    desk.file([paid])
    desk.file([replace(paid, batch="VNP2026031201")])

    found = {
        one["kind"]: counter.program.get(f"{LIST}/{one['id']}").json["original"]
        for one in counter.program.get(f"{LIST}?waiting=yes").json["items"]
    }

    assert found["UNMATCHED"] is None
    back, again = found["REVERSAL"], found["DUPLICATE_SETTLEMENT"]
    assert (back["reference"], back["day"], back["amount"]) == ("FT26069001", "2026-03-10", 300_000)
    assert [one["reference"] for one in back["bills"]] == ["GB-1"]
    assert (back["line"][:4], back["payment"][:4], back["batch"]) == ("lin_", "pay_", None)
    assert (again["reference"], again["batch"], again["line"]) == ("77", "VNP2026031101", None)
    assert again["payment"] == ids.shown("pay", payment)
