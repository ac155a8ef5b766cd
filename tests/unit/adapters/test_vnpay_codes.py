"""VNPAY's codes in our words: every listed code, and every pair of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.vnpay import checks, codes
from adapters.vnpay.codes import Meaning, of_payment
from payments.domain.gateway import Ending

# As VNPAY lists them.
RESPONSES = ["00", "07", "09", "10", "11", "12", "13", "24", "51", "65", "75", "79", "99"]
STATUSES = ["00", "01", "02", "04", "05", "06", "07", "09"]
CALLS = ["00", "02", "03", "91", "94", "97", "99"]
REFUNDS = ["00", "02", "03", "91", "94", "95", "97", "99"]
ANY = st.one_of(st.sampled_from(RESPONSES + STATUSES), st.text(max_size=3))


def test_every_listed_code_is_in_its_table_and_no_other() -> None:
    assert sorted(codes.RESPONSES) == RESPONSES
    assert sorted(codes.STATUSES) == STATUSES
    assert set(codes.CALLS) | {codes.DONE} == {*CALLS, *REFUNDS}
    assert set(checks.ADVICE) | {codes.DONE, codes.NOT_FOUND} == set(CALLS)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("response", RESPONSES)
def test_only_two_zeros_are_paid(response: str, status: str) -> None:
    paid = of_payment(status, response).meaning is Meaning.PAID

    assert paid is (response == status == "00")


@pytest.mark.parametrize(
    ("response", "status", "meaning", "reason", "ending"),
    [
        ("00", "00", Meaning.PAID, "paid", Ending.FAILED),
        ("07", "07", Meaning.DOUBT, "suspected_fraud", Ending.FAILED),
        ("07", "00", Meaning.DOUBT, "suspected_fraud", Ending.FAILED),
        ("07", "02", Meaning.DOUBT, "suspected_fraud", Ending.FAILED),
        ("00", "07", Meaning.DOUBT, "suspected_fraud", Ending.FAILED),
        ("24", "07", Meaning.DOUBT, "suspected_fraud", Ending.FAILED),
        ("00", "04", Meaning.DOUBT, "debited_not_credited", Ending.FAILED),
        ("99", "04", Meaning.DOUBT, "debited_not_credited", Ending.FAILED),
        ("24", "02", Meaning.OVER, "cancelled_by_payer", Ending.CANCELLED),
        ("24", "01", Meaning.OVER, "cancelled_by_payer", Ending.CANCELLED),
        ("11", "02", Meaning.OVER, "expired", Ending.EXPIRED),
        ("11", "01", Meaning.OVER, "expired", Ending.EXPIRED),
        ("00", "01", Meaning.WAITING, "not_completed", Ending.FAILED),
        ("99", "01", Meaning.WAITING, "not_completed", Ending.FAILED),
        ("00", "05", Meaning.DOUBT, "refund_under_way", Ending.FAILED),
        ("00", "06", Meaning.DOUBT, "refund_under_way", Ending.FAILED),
        ("00", "09", Meaning.DOUBT, "refund_refused", Ending.FAILED),
        ("51", "02", Meaning.OVER, "insufficient_funds", Ending.FAILED),
        ("00", "02", Meaning.OVER, "failed", Ending.FAILED),
        ("98", "02", Meaning.OVER, "failed", Ending.FAILED),
        ("51", "00", Meaning.DOUBT, "codes_contradict", Ending.FAILED),
        ("24", "00", Meaning.DOUBT, "codes_contradict", Ending.FAILED),
        ("98", "00", Meaning.DOUBT, "codes_contradict", Ending.FAILED),
        ("00", "08", Meaning.DOUBT, "unknown_code", Ending.FAILED),
        ("24", "", Meaning.DOUBT, "unknown_code", Ending.FAILED),
    ],
)
def test_two_codes_read_together(
    response: str, status: str, meaning: Meaning, reason: str, ending: Ending
) -> None:
    assert of_payment(status, response) == codes.Reading(meaning, reason, ending)


@given(ANY, st.one_of(st.none(), ANY))
def test_money_that_may_have_moved_is_never_called_over(status: str, response: str | None) -> None:
    reading = of_payment(status, response)

    if status not in ("01", "02") or response == "07":
        assert reading.meaning is not Meaning.OVER
    if reading.meaning is Meaning.PAID:
        assert status == "00"
        assert response in (None, "00")


@given(st.text(max_size=4))
def test_a_call_that_was_not_done_always_has_a_reason(code: str) -> None:
    assert codes.of_call(code)
