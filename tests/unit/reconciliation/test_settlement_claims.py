"""Which credit pays which batch: by its name however it was written, else only beyond doubt."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from payments.domain import codes, ids
from reconciliation.settlement_lines import Credit, Due, claims, names_a_batch

DAY = date(2026, 3, 11)


def a_due(reference: str = "VNP2026031101", missing: int = 574_609, gateway: str = "vnpay") -> Due:
    return Due(ids.new(), gateway, reference, DAY, missing)


def a_credit(memo: str, amount: int = 574_609, *, after: int = 1) -> Credit:
    return Credit(ids.new(), amount, DAY + timedelta(days=after), memo)


def paid(dues: list[Due], *lines: Credit) -> list[UUID | None]:
    found = claims(dues, lines)
    return [found[line.id][0].id if line.id in found else None for line in lines]


@pytest.mark.parametrize(
    "memo",
    ["VNPAY QT LO VNP2026031101", "vnpay qt lo vnp2026031101", "VNPAY QT LO VNP 20260311 01",
     "VNPAYQTLOVNP2026031101", "Quyết toán VNP2026031101 VNPAY", "VNPAY QT LO VNP2O26O311O1",
     "VNPAY THANH TOAN LO:VNP2026031101;NGAY 12/03/2026", "VNP-2026031101"],
)  # fmt: skip
def test_a_name_is_read_as_people_and_banks_write_it(memo: str) -> None:
    due = a_due()
    others = [a_due("VNP2026031201"), a_due("VNP2026031001")]

    assert paid([due, *others], a_credit(memo, 500_000)) == [due.id]


@pytest.mark.parametrize(
    "memo",
    ["VNPAY QT LO VNP2026031102", "VNPAY QT LO VNP20260311", "VNPAY QT LO VNP20260311013",
     "VNP2026031101 VNP2026031201", "chuyen tien hoc phi", ""],
)  # fmt: skip
def test_another_name_a_cut_one_or_two_names_pay_nothing(memo: str) -> None:
    dues = [a_due(), a_due("VNP2026031201")]

    assert paid(dues, a_credit(memo, 500_000)) == [None]


def test_without_a_name_the_gateway_the_sum_and_the_day_must_leave_one() -> None:
    due, other = a_due(), a_due("VNP2026031201", 99_000)

    assert paid([due, other], a_credit("VNPAY THANH TOAN")) == [due.id]
    assert paid([due, other], a_credit("THANH TOAN")) == [None]
    assert paid([due, other], a_credit("VNPAY THANH TOAN", 574_608)) == [None]
    assert paid([due, other], a_credit("VNPAY THANH TOAN", after=-1)) == [None]
    assert paid([due, other], a_credit("VNPAY THANH TOAN", after=31)) == [None]
    assert paid([due, a_due("VNP2026031201")], a_credit("VNPAY THANH TOAN")) == [None]


def test_two_credits_alike_and_one_batch_are_left_for_a_person() -> None:
    twins = a_credit("VNPAY THANH TOAN"), a_credit("VNPAY THANH TOAN")

    assert paid([a_due()], *twins) == [None, None]


def test_a_credit_with_the_code_of_an_order_is_never_taken_by_its_amount() -> None:
    code = codes.generate(codes.Prefix.TUITION)

    assert paid([a_due()], a_credit(f"{code} MOMO VNPAY")) == [None]


def test_two_gateways_may_call_their_batches_alike() -> None:
    ours, theirs = a_due("20260311-01"), a_due("20260311-01", gateway="momo")

    assert paid([ours, theirs], a_credit("MOMO LO 20260311-01", 5)) == [theirs.id]
    assert paid([ours, theirs], a_credit("LO 20260311-01", 5)) == [None]


@pytest.mark.parametrize(
    ("memo", "told"),
    [
        ("VNPAY QT LO VNP2026031101", "VNP2026031101"),
        ("Momo quyết toán MOM-20260311-02", "MOM-20260311-02"),
        ("QT LO VNP2026031101", ""),
        ("VNPAY chuyen tien hoc phi", ""),
        ("MOMO-CASHIN-0000000123-NGUYEN VAN A", ""),
        ("VNPAY VNP2026999901", ""),
    ],
)
def test_a_batch_that_nobody_knows_yet_is_told_by_gateway_and_shape(memo: str, told: str) -> None:
    assert names_a_batch(memo, ["momo", "vnpay"]) == told
