"""Every status has its word in both languages, an icon and a colour."""

from __future__ import annotations

import re

import pytest

from payments.domain.states import MACHINES
from web.rendering import HERE
from web.words import WORDS, word

PAYER = "awaiting confirming paid part_paid overpaid expired cancelled refunding refunded late_paid"
GENERATED = {
    "invoice": "unpaid part_paid paid part_refunded refunded",
    "payment_order": "part_paid paid late_paid",
}
KINDS = (
    "UNDERPAID OVERPAID DUPLICATE_PAYMENT ORDER_CLOSED UNKNOWN_REF REF_CONFLICT SPLIT_MISMATCH"
    " UNMATCHED REVERSAL NON_ORDER BATCH_MISMATCH BATCH_MISSING MISSING_IN_REPORT AMOUNT_MISMATCH"
    " FEE_VARIANCE REFUND CHARGEBACK DUPLICATE_SETTLEMENT"
)
GROUPS = (
    "matched received_unapplied applied_unreceived amount_mismatch duplicate unidentified timing"
    " fee_mismatch refund_unmatched"
)
TONES = {"act", "ok", "wait", "warn", "off", "back"}


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_every_stored_state_has_a_word(machine: str) -> None:
    states = {state.value for state in MACHINES[machine]}

    assert states <= WORDS[machine].keys()


@pytest.mark.parametrize("noun", sorted(GENERATED))
def test_every_state_that_follows_from_money_has_a_word(noun: str) -> None:
    assert set(GENERATED[noun].split()) <= WORDS[noun].keys()


def test_every_payer_state_and_every_kind_of_discrepancy_has_a_word() -> None:
    assert set(PAYER.split()) == WORDS["payer"].keys()
    assert {*KINDS.split(), *GROUPS.split()} <= WORDS["kind"].keys()


def test_every_word_is_in_both_languages_with_an_icon_that_exists_and_a_known_colour() -> None:
    drawn = set(
        re.findall(
            r'^  "(\w+)":', (HERE / "templates/components/icon.html").read_text("utf-8"), re.M
        )
    )

    words = [one for noun in WORDS.values() for one in noun.values()]

    assert all(one.name.vi.strip() and one.name.en.strip() for one in words)
    assert {one.icon for one in words} <= drawn
    assert {one.tone for one in words} <= TONES


def test_debt_is_never_painted_as_something_wrong() -> None:
    owed = [WORDS["payer"][code] for code in ("awaiting", "part_paid", "expired", "late_paid")]

    assert "warn" not in {one.tone for one in owed}


def test_within_a_noun_of_states_no_two_words_look_and_read_alike() -> None:
    for noun in ("payer", *MACHINES):
        if noun == "invoice":  # issued is what the table says, unpaid what follows from money
            continue
        seen = [(one.name.vi, one.icon, one.tone) for one in WORDS[noun].values()]
        assert len(seen) == len(set(seen)), noun


def test_a_code_without_a_word_is_shown_for_a_person_to_see_and_breaks_no_page() -> None:
    assert word("kind", "SOMETHING_NEW").name.en == "SOMETHING_NEW"
