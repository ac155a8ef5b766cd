"""What every gateway hears at its door, in every case its documents name, and what is booked."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from payments.store.sessions import Sessions
from tests import knocks
from tests.cast import ACCOUNT
from tests.databases import RING, QuickHouse
from tests.knocks import Knock
from tests.streets import Street, a_knock
from tests.tries import OWED
from tests.vnpay_calls import query_of
from web.app import create_app


@pytest.fixture
def street(quick_house: QuickHouse) -> Street:
    return Street(quick_house)


def code(response: TestResponse) -> str:
    """VNPAY's RspCode."""
    assert response.status_code == 200
    return str(json.loads(response.text)["RspCode"])


# VNPAY: 97, 01, 04, 02, 00, 99


def test_vnpay_hears_00_once_and_02_ever_after(street: Street) -> None:
    order, reference = street.a_try("vnpay")
    knock = knocks.vnpay(reference, OWED)

    before = [code(street.hear("vnpay", knock)) for _ in range(2)]
    street.work()
    after = code(street.hear("vnpay", knock))

    assert (before, after) == (["00", "02"], "02")
    assert street.till("vnpay").state(order) == "paid"
    assert street.paid() == [OWED]


def test_vnpay_hears_97_of_a_wrong_signature_before_anything_else_is_looked_at(
    street: Street,
) -> None:
    _, reference = street.a_try("vnpay")
    for told in (
        {"vnp_TxnRef": "nobody", "vnp_Amount": "1"},
        {"vnp_TxnRef": reference, "vnp_Amount": "58100000"},
    ):
        forged = Knock("GET", query=query_of(told, secret="ke-gia-mao"))
        assert code(street.hear("vnpay", forged)) == "97"

    assert street.calls() == [("refused", "wrong signature")] * 2
    assert street.paid() == []


def test_vnpay_hears_01_of_an_order_that_we_do_not_know_whatever_its_amount(
    street: Street,
) -> None:
    assert code(street.hear("vnpay", knocks.vnpay("HP7K2M9QX4TW-X", 1))) == "01"
    street.work()

    assert street.calls() == [("parked", "unknown-try")]


def test_vnpay_hears_04_of_a_wrong_amount_and_the_gateway_is_asked(street: Street) -> None:
    _, reference = street.a_try("vnpay")
    street.far["vnpay"].tells = "nothing"

    heard = code(street.hear("vnpay", knocks.vnpay(reference, OWED - 1_000)))
    street.work()

    assert heard == "04"
    assert street.calls() == [("parked", "other-amount")]
    assert street.rows("SELECT status FROM attempt")[0].status == "unknown"
    assert len(street.far["vnpay"].looked) == 1


def test_vnpay_hears_04_of_a_paid_order_told_with_another_amount(street: Street) -> None:
    """The documented order of the checks: the amount comes before "confirmed already"."""
    _, reference = street.a_try("vnpay")
    street.hear("vnpay", knocks.vnpay(reference, OWED))
    street.work()

    assert code(street.hear("vnpay", knocks.vnpay(reference, OWED + 1_000))) == "04"
    street.work()
    assert street.paid() == [OWED]


def test_vnpay_hears_00_of_a_failure_and_02_of_one_after_a_payment(street: Street) -> None:
    _, reference = street.a_try("vnpay")
    gave_up = knocks.vnpay(reference, OWED, number="0", ResponseCode="24", TransactionStatus="02")

    first = code(street.hear("vnpay", gave_up))
    street.work()
    _, other = street.a_try("vnpay")
    street.hear("vnpay", knocks.vnpay(other, OWED))
    street.work()
    late = knocks.vnpay(other, OWED, number="0", ResponseCode="24", TransactionStatus="02")

    assert (first, code(street.hear("vnpay", late))) == ("00", "02")
    assert [row.status for row in street.rows("SELECT status FROM attempt ORDER BY id")] == [
        "cancelled", "succeeded",
    ]  # fmt: skip


def test_vnpay_hears_00_of_a_payment_after_the_failure_it_told_before(street: Street) -> None:
    order, reference = street.a_try("vnpay")
    street.hear("vnpay", knocks.vnpay(reference, OWED, number="0", ResponseCode="24",
                                      TransactionStatus="02"))  # fmt: skip
    street.work()

    assert code(street.hear("vnpay", knocks.vnpay(reference, OWED))) == "00"
    street.work()
    assert street.till("vnpay").state(order) == "paid"


def test_vnpay_hears_99_when_the_database_is_away(street: Street) -> None:
    nobody = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1")
    street.runtime.sessions = Sessions(nobody, RING)
    client = create_app(street.runtime).test_client()

    response = knocks.vnpay("HP7K2M9QX4TW-X", OWED).at(client, "vnpay")

    assert (response.status_code, code(response)) == (200, "99")


def test_every_other_gateway_hears_that_it_should_call_again_when_the_database_is_away(
    street: Street,
) -> None:
    nobody = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1")
    street.runtime.sessions = Sessions(nobody, RING)
    client = create_app(street.runtime).test_client()
    heard = {
        gateway: knock.at(client, gateway)
        for gateway, knock in {
            "momo": knocks.momo("x", OWED),
            "zalopay": knocks.zalopay("260310_HP7K2M9QX4TW_1", OWED),
            "payos": knocks.payos("9999", OWED, account=ACCOUNT),
            "casso": knocks.casso(),
            "sepay": knocks.sepay(1, OWED, "x", ACCOUNT, street.house.clock.now()),
        }.items()
    }

    assert heard.pop("zalopay").get_json()["return_code"] == 0
    assert all(response.status_code >= 500 for response in heard.values())


def test_an_order_that_appears_after_the_first_call_is_booked_by_the_next(street: Street) -> None:
    """The restored database of a biller, or a call that overtakes our own commit."""
    till = street.till("vnpay")
    order = till.order()
    written = till.written(order.id)
    knock = knocks.vnpay(written.started.ask.reference, OWED)
    with till.begin() as db:
        db.execute(text("SELECT set_config('role', 'none', true)"))
        db.execute(text("UPDATE attempt SET merchant_reference = 'x'"))

    first = code(street.hear("vnpay", knock))
    at_once = code(street.hear("vnpay", knock))
    street.work()
    second = code(street.hear("vnpay", knock))
    with till.begin() as db:
        db.execute(text("SELECT set_config('role', 'none', true)"))
        db.execute(text("UPDATE attempt SET merchant_reference = :name"),
                   {"name": written.started.ask.reference})  # fmt: skip
    third = code(street.hear("vnpay", knock))
    street.work()

    assert (first, at_once, second, third) == ("01", "01", "01", "00")
    assert code(street.hear("vnpay", knock)) == "02"
    assert till.state(order.id) == "paid"
    assert street.calls() == [("booked", None)]


# The others


def test_momo_hears_204_and_nothing_whatever_was_found(street: Street) -> None:
    order, reference = street.a_try("momo")
    heard = [
        street.hear("momo", knock)
        for knock in (
            knocks.momo(reference, OWED),
            knocks.momo(reference, OWED),
            knocks.momo(reference, 1_000, number=5),
            knocks.momo("unknown", OWED, number=6),
        )
    ]
    street.work()

    assert [(response.status_code, response.data) for response in heard] == [(204, b"")] * 4
    assert street.till("momo").state(order) == "paid"
    assert street.paid() == [OWED]
    assert {status for status, _ in street.calls()} == {"booked", "parked"}


def test_momo_hears_403_of_a_wrong_signature(street: Street) -> None:
    _, reference = street.a_try("momo")

    response = street.hear("momo", knocks.momo(reference, OWED, key="ke-gia-mao"))

    assert (response.status_code, response.data) == (403, b"")
    assert street.calls() == [("refused", "wrong signature")]


def test_zalopay_hears_1_then_2_and_0_of_what_does_not_fit(street: Street) -> None:
    order, reference = street.a_try("zalopay")
    knock = knocks.zalopay(reference, OWED)
    unknown = knocks.zalopay("260310_HP7K2M9QX4TW_0000", OWED, number=2)
    other = knocks.zalopay(street.a_try("zalopay")[1], 1_000, number=3)
    forged = knocks.zalopay(reference, OWED, key="ke-gia-mao")

    heard = [street.hear("zalopay", one) for one in (knock, knock, unknown, other, forged)]
    street.work()

    assert all(response.status_code == 200 for response in heard)
    assert [response.get_json()["return_code"] for response in heard] == [1, 2, 0, 0, -1]
    assert street.till("zalopay").state(order) == "paid"
    assert street.paid() == [OWED]


def test_payos_hears_200_of_its_sample_and_nothing_is_booked(street: Street) -> None:
    response = street.hear("payos", knocks.payos("123", 3_000, account="12345678"))
    street.work()

    assert (response.status_code, response.get_json()) == (200, {"success": True})
    assert street.calls() == [("booked", None)]
    assert street.paid() == []


def test_payos_books_each_part_and_the_last_one_ends_the_try(street: Street) -> None:
    order, reference = street.a_try("payos")
    till = street.till("payos")
    seen = []
    for number, part in (("FT1", 500_000), ("FT2", 81_000), ("FT2", 81_000)):
        response = street.hear("payos", a_knock("payos", reference, part, number=number))
        street.work()
        seen.append((response.status_code, till.state(order)))

    assert seen == [(200, "part_paid"), (200, "paid"), (200, "paid")]
    assert street.rows("SELECT status FROM attempt")[0].status == "succeeded"
    assert street.paid() == [81_000, 500_000]


def test_casso_books_the_good_part_of_a_list_and_keeps_the_rest_for_a_person(
    street: Street,
) -> None:
    till, at = street.till("vnpay"), street.house.clock.now()
    first, second = till.order(), till.order(200_000)
    good = knocks.movement(1, OWED, f"MBVCB {first.code}", ACCOUNT, at)
    bad = knocks.movement(2, 5, "", ACCOUNT, at) | {"amount": "năm nghìn"}
    also = knocks.movement(3, 200_000, f"MBVCB {second.code}", ACCOUNT, at)

    response = street.hear("casso", knocks.casso(good, bad, also))
    street.work()

    assert (response.status_code, response.get_json()) == (200, {"success": True})
    assert [till.state(one.id) for one in (first, second)] == ["paid", "paid"]
    assert sorted(street.calls(), key=str) == [
        ("booked", None), ("booked", None), ("parked", "invalid"),
    ]  # fmt: skip


def test_each_event_of_a_list_finds_the_bytes_it_came_in(street: Street) -> None:
    """A later list may repeat what an earlier one told, and tell more."""
    at = street.house.clock.now()
    one, two = (knocks.movement(n, 1_000 * n, "nop tien", ACCOUNT, at) for n in (1, 2))
    street.hear("casso", knocks.casso(one))
    later = knocks.casso(one, two)
    street.hear("casso", later)

    raw = street.rows("""
        SELECT c.event_id, whole.id AS kept_by, first.event_id AS first
        FROM inbound_call c
        JOIN inbound_call whole ON whole.id = coalesce(c.part_of, c.id)
        JOIN inbound_call first ON first.id = whole.id ORDER BY c.event_id""")
    assert [(row.event_id, row.first) for row in raw] == [("1", "1"), ("2", "2")]


@pytest.mark.parametrize("gateway", ["sepay", "casso"])
def test_a_bank_notice_is_answered_with_success_once_and_again(
    street: Street, gateway: str
) -> None:
    till, at = street.till("vnpay"), street.house.clock.now()
    order = till.order()
    knock = (
        knocks.sepay(7, OWED, order.code, ACCOUNT, at) if gateway == "sepay"
        else knocks.casso(knocks.movement(7, OWED, order.code, ACCOUNT, at))
    )  # fmt: skip

    heard = [street.hear(gateway, knock) for _ in range(3)]
    street.work()

    assert [(one.status_code, one.get_json()) for one in heard] == [(200, {"success": True})] * 3
    assert till.state(order.id) == "paid"
    assert street.paid() == [OWED]
