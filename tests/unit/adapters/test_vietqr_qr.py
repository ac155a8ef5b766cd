"""VietQR against the published vectors, the limits, and damage of every single character."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.vietqr import qr
from adapters.vietqr.banks import UnknownBank

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/vietqr.json").read_text())["cases"]


def cases(kind: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case["kind"] == kind]
    assert chosen
    return pytest.mark.parametrize("case", chosen, ids=[case["name"] for case in chosen])


@cases("build")
def test_a_built_code_is_the_published_text_with_its_checksum(case: dict[str, Any]) -> None:
    ask = dict(case["input"])
    ask["memo"] = ask.pop("purpose", "")

    text = qr.build(**ask)

    assert text == case["expected"]["qr"]
    assert text[-4:] == case["expected"]["crc"]


@cases("parse")
def test_a_published_code_is_read_or_refused_with_the_published_reason(
    case: dict[str, Any],
) -> None:
    expected = dict(case["expected"])
    if not expected.pop("valid"):
        with pytest.raises(qr.UnreadableQr) as refusal:
            qr.parse(case["input"]["qr"])
        assert refusal.value.reason == expected["reason"]
        return

    contents = asdict(qr.parse(case["input"]["qr"]))

    assert {key: contents[key] for key in expected} == expected


@cases("crc16_ccitt_false")
def test_the_checksum_is_the_catalogue_one(case: dict[str, Any]) -> None:
    assert qr.crc16(case["input"]["ascii"]) == case["expected"]


@cases("memo_fold")
def test_a_memo_is_folded_as_published(case: dict[str, Any]) -> None:
    assert qr.fold_memo(case["input"]["text"], case["input"]["max"]) == case["expected"]


@pytest.mark.parametrize("amount", [0, -1, 500_000_000, 1.5, True])
def test_an_amount_outside_the_instant_transfer_limit_is_refused(amount: Any) -> None:
    with pytest.raises(qr.QrRefused, match=r"500,000,000"):
        qr.build(bank_bin="970436", account="9999000001", amount=amount)


@pytest.mark.parametrize(
    "ask",
    [
        {"memo": "X" * 26},
        {"memo": "học phí"},
        {"account": "1" * 20},
        {"account": "99 99"},
        {"account": "९९९९"},
        {"account": ""},
        {"service": "QRPUSH"},
        {"mcc": "80"},
        {"merchant_name": "X" * 26},
    ],
)
def test_what_does_not_fit_is_refused_and_never_cut(ask: dict[str, str]) -> None:
    with pytest.raises(qr.QrRefused):
        qr.build(**({"bank_bin": "970436", "account": "9999000001"} | ask))  # type: ignore[arg-type]  # table rows hold texts only


def test_the_demo_bank_exists_in_demo_mode_only() -> None:
    with pytest.raises(UnknownBank):
        qr.build(bank_bin="999999", account="9999000001")

    demo = qr.build(bank_bin="999999", account="9999000001", demo=True)

    assert qr.parse(demo).bank_bin == "999999"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "format"),
        ("hello", "format"),
        ("00020101", "length"),
        ("000201", "format"),
        ("0002", "length"),
        ("000२01", "length"),
        ("000201000201", "format"),
        ("0103abc6304FFFF", "format"),
    ],
)
def test_a_text_that_is_no_payment_code_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(qr.UnreadableQr) as refusal:
        qr.parse(text)

    assert refusal.value.reason == reason


def test_a_foreign_network_with_a_flat_value_does_not_hide_the_bank_account() -> None:
    own = qr.build(bank_bin="970436", account="9999000001")
    body = own[:12] + "2705HELLO" + own[12:-4]

    contents = qr.parse(body + qr.crc16(body))

    assert contents.account == "9999000001"


@given(
    amount=st.none() | st.integers(1, 499_999_999),
    memo=st.text("ABCDEFGHJKMNPQRTVWXY0123456789 ", max_size=25),
    account=st.text("0123456789ABCDEF", min_size=1, max_size=19),
)
def test_reading_gives_back_what_was_built(amount: int | None, memo: str, account: str) -> None:
    text = qr.build(bank_bin="970418", account=account, amount=amount, memo=memo)

    contents = qr.parse(text)

    assert (contents.bank_bin, contents.account, contents.amount, contents.purpose or "") == (
        "970418",
        account,
        amount,
        memo,
    )


@given(at=st.integers(0, 200), char=st.characters(min_codepoint=32, max_codepoint=0x1FFF))
def test_any_single_changed_character_is_noticed(at: int, char: str) -> None:
    text = qr.build(bank_bin="970436", account="9999000001", amount=581_000, memo="HP7K2M9QX4T")
    at %= len(text)
    changed = text[:at] + char + text[at + 1 :]
    if changed.strip().upper() == text.upper() and at >= len(text) - 4:
        return  # readers accept a lower-case checksum
    if changed == text:
        return

    with pytest.raises(qr.UnreadableQr):
        qr.parse(changed)


@given(text=st.text(max_size=80))
def test_any_text_is_read_or_refused_and_folding_always_fits(text: str) -> None:
    with suppress(qr.UnreadableQr):
        qr.parse(text)

    folded = qr.fold_memo(text)

    assert len(folded) <= 25
    assert folded.isascii()
    assert qr.fold_memo(folded) == folded


def test_a_code_is_drawn_for_a_page_and_as_a_picture_to_save() -> None:
    text = qr.build(bank_bin="970436", account="9999000001", amount=581_000)

    assert qr.svg(text).startswith("<svg")
    assert "style=" not in qr.svg(text)
    assert qr.png(text).startswith(b"\x89PNG\r\n")
