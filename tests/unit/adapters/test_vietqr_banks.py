"""The bank list against the published BINs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.vietqr import banks

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/bank_bins.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_bank_is_known_by_its_bin(case: dict[str, Any]) -> None:
    expected = case["expected"]

    bank = banks.bank(case["input"]["bin"])

    assert bank == banks.Bank(
        bin=expected["bin"],
        name=expected["name"],
        legal_name=expected["legal_name"],
        codes=tuple(expected["codes"]),
        swift=expected["swift"],
        vietqr=expected["vietqr_receive"],
        on_state_bank_list=expected["sbv_list_2023_12_31"],
        other_names=tuple(expected.get("other_names", ())),
        note=expected.get("note"),
    )


def test_the_list_holds_the_published_banks_and_no_others() -> None:
    assert {bank.bin for bank in banks.all_banks()} == {case["input"]["bin"] for case in CASES}


def test_the_demo_bank_is_listed_and_found_in_demo_mode_only() -> None:
    assert banks.bank(banks.DEMO_BIN, demo=True) in banks.all_banks(demo=True)
    assert banks.DEMO_BIN not in {bank.bin for bank in banks.all_banks()}
    with pytest.raises(banks.UnknownBank):
        banks.bank(banks.DEMO_BIN)
