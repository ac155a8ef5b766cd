"""vietnam-qr-pay reads the VietQR we make, and we read the VietQR it makes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from adapters.vietqr import banks, qr
from tests import peers

HERE = Path(__file__).parent
ORDERS = [
    ("9999001234567", 581_000, "HP7K2M9QX4TW"),
    ("9999001234567", 1, "VP7K2M9QX4TW BN 000123"),
    ("0" * 19, 499_999_999, "LP7K2M9QX4TW 25 ky tu day"),
    ("V3CAS0001", 2_000, ""),
    ("9999001234567", None, "HP7K2M9QX4TW"),
    ("1", None, ""),
]
"""Account, amount in đồng (None: the payer chooses) and memo."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("vietnam-qr-pay")
    peers.npm(made, "vietnam-qr-pay@1.5.1")
    shutil.copy(HERE / "vietqr_peer.cjs", made)
    return made


def test_a_peer_reads_our_codes_and_we_read_its_codes(folder: Path) -> None:
    cases = [(bank.bin, *order) for bank in banks.all_banks(demo=True) for order in ORDERS]
    ours = [
        qr.build(bank_bin=bin_, account=account, amount=amount, memo=memo, demo=True)
        for bin_, account, amount, memo in cases
    ]
    orders = [
        {"bankBin": bin_, "bankNumber": account}
        | ({"amount": str(amount)} if amount else {})
        | ({"purpose": memo} if memo else {})
        for bin_, account, amount, memo in cases
    ]

    told = peers.ask(["node", "vietqr_peer.cjs"], folder, {"texts": ours, "orders": orders})

    assert len(ours) == len(told["read"]) == len(told["built"]) > 300
    for (bin_, account, amount, memo), read, built in zip(
        cases, told["read"], told["built"], strict=True
    ):
        assert read == {
            "valid": True,
            "provider": "VIETQR",
            "method": "12" if amount else "11",
            "bin": bin_,
            "account": account,
            **({"amount": str(amount)} if amount else {}),
            **({"memo": memo} if memo else {}),
        }
        found = qr.parse(built)
        assert (found.provider, found.bank_bin, found.account) == ("VIETQR", bin_, account)
        assert (found.amount, found.purpose or "", found.currency) == (amount, memo, "704")


def test_a_peer_refuses_a_code_of_ours_that_was_changed(folder: Path) -> None:
    code = qr.build(bank_bin="999999", account="9999001234567", amount=581_000, demo=True)
    changed = [code.replace("581000", "181000"), code[:-1] + "?", code[:-4]]

    told = peers.ask(["node", "vietqr_peer.cjs"], folder, {"texts": changed, "orders": []})

    assert [one["valid"] for one in told["read"]] == [False, False, False]
