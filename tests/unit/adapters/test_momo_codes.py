"""MoMo's result codes: every one that its list has, and what each place makes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters.momo import codes
from adapters.momo.codes import CODES, Meaning
from payments.domain.gateway import Ending

HOW_TO = Path(__file__).parents[3] / "docs/how-to/momo.md"

# MoMo's list of result codes, API v2, by what it says of them.
LISTED = {
    Meaning.PAID: {0, 9000},
    Meaning.WAITING: {1000, 7000, 7002},
    Meaning.CLOSED: {10},
    Meaning.TURNED_AWAY: {11, 12, 13, 20, 21, 22, 45, 47, 2019},
    Meaning.TAKEN: {40, 41},
    Meaning.NOT_FOUND: {42},
    Meaning.BUSY: {43},
    Meaning.UNCLEAR: {98, 99},
    Meaning.OVER: {
        *(1001, 1002, 1003, 1004, 1005, 1006, 1007, 1017, 1026),
        *(4001, 4002, 4100),
    },
    Meaning.REFUND_FAILED: {1080},
    Meaning.REFUND_REFUSED: {1081, 1088},
    Meaning.UNSEEN: set(),
}


@pytest.mark.parametrize("meaning", Meaning)
def test_each_listed_code_has_the_meaning_that_momo_gives_it(meaning: Meaning) -> None:
    assert {number for number, code in CODES.items() if code.meaning is meaning} == LISTED[meaning]


def test_a_payer_who_gave_up_cancelled_and_a_dead_link_expired() -> None:
    endings = {number: code.ending for number, code in CODES.items()}

    cancelled = {number for number, ending in endings.items() if ending is Ending.CANCELLED}
    expired = {number for number, ending in endings.items() if ending is Ending.EXPIRED}
    assert cancelled == {1003, 1006, 1017}
    assert expired == {1005}


@pytest.mark.parametrize("given", [None, "0", True, False, 0.0, 1, 8000, -1, [], {}, 10**30])
def test_what_is_no_code_of_the_list_is_never_final(given: object) -> None:
    assert codes.read(given).meaning is Meaning.UNSEEN


def test_the_how_to_lists_the_same_codes() -> None:
    table = HOW_TO.read_text().partition("## MoMo's codes and our states")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if re.match(r"\| [0-9]", line)]

    written = [int(number) for row in rows for number in re.findall(r"[0-9]+", row)]

    assert sorted(written) == sorted(CODES)
