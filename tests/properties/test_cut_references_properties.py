"""A cut serial number, every completion of which is a real order, is never read as one of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from payments.domain import memo as memos
from payments.domain.memo import compact
from reconciliation.engine import reading
from reconciliation.engine.claims import References
from reconciliation.engine.payers import Payers
from reconciliation.engine.quick import Quick
from tests.memo_shapes import WRAPPED

NONE = [""] * 10_000
# A serial number, and one that holds what looks like a day of the month.
SERIAL, SLASHED = "MSHS1234", "HV/26/1234"
KNOWN = {
    SERIAL: References([f"MSHS{n:04d}" for n in range(10_000)]),
    SLASHED: References([f"HV/26/{n:04d}" for n in range(10_000)]),
}
QUICK = {whole: Quick(known, Payers(NONE, NONE)) for whole, known in KNOWN.items()}
STAMPS = memos.day_stamps([date(2026, 9, 10)])


def spoiled(memo: str) -> Iterator[str]:
    """The memo, with a line wrap at each place, without its signs, and squeezed."""
    yield memo
    yield from (f"{memo[:at]} {memo[at:]}" for at in range(1, len(memo)))
    yield "".join(char if char.isalnum() else " " for char in memo)
    yield "".join(char for char in memo if char.isalnum() or char == " ")


def firmly_read(whole: str, texts: list[str]) -> list[set[str]]:
    """What each memo says by columns, and read in full."""
    known, plain = KNOWN[whole], QUICK[whole].hear(texts, [""] * len(texts))
    return [
        ({known.compact_of(order)} if order >= 0 else set()) | read_in_full(known, text)
        for text, order in zip(texts, plain.order.tolist(), strict=True)
    ]


def read_in_full(known: References, text: str) -> set[str]:
    heard = reading.read(text, foreign=STAMPS, written=known.spelled)
    return {claim.ref for claim in known.claims(heard).firm}


@pytest.mark.parametrize("shape", WRAPPED.values(), ids=WRAPPED.keys())
@pytest.mark.parametrize("left", range(1, 4))
@pytest.mark.parametrize("words", ["{}", "hoc phi {}", "{} hoc phi"])
@pytest.mark.parametrize("whole", KNOWN)
def test_no_bank_completes_a_cut_reference(whole: str, shape: str, left: int, words: str) -> None:
    memo = shape.format(words.format(whole[: left - 4]))

    texts = list(spoiled(memo))

    read = firmly_read(whole, texts)
    assert [text for text, refs in zip(texts, read, strict=True) if refs] == []


@pytest.mark.parametrize("behind", ["10/09/2026", "10-09-26", "10.09.2026", "10/9", "13:36:44"])
@pytest.mark.parametrize("gap", [" ", "-", "."])
@pytest.mark.parametrize("whole", KNOWN)
def test_no_day_behind_a_cut_reference_completes_it(whole: str, gap: str, behind: str) -> None:
    texts = [f"{whole[:-missing]}{gap}{behind}" for missing in range(1, 5)]

    assert not any(read_in_full(KNOWN[whole], text) for text in texts)


@pytest.mark.parametrize("shape", WRAPPED.values(), ids=WRAPPED.keys())
@pytest.mark.parametrize("whole", KNOWN)
def test_a_whole_reference_is_read_through_any_wrap_at_any_place(whole: str, shape: str) -> None:
    memo = shape.format(f"{whole} hoc phi")

    texts = [memo, *(f"{memo[:at]} {memo[at:]}" for at in range(1, len(memo)))]

    ref = compact(whole)
    for text, read in zip(texts, firmly_read(whole, texts), strict=True):
        assert read == {ref}, text
