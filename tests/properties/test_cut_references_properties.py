"""A cut serial number, every completion of which is a real order, is never read as one of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from payments.domain import memo as memos
from reconciliation import reading
from reconciliation.claims import References
from reconciliation.payers import Payers
from reconciliation.quick import Quick
from tests.memo_shapes import WRAPPED

WHOLE = "MSHS1234"
REFERENCES = References([f"MSHS{n:04d}" for n in range(10_000)])
QUICK = Quick(REFERENCES, Payers([""] * 10_000, [""] * 10_000))
STAMPS = memos.day_stamps([date(2026, 9, 10)])


def spoiled(memo: str) -> Iterator[str]:
    """The memo, with a line wrap at each place, without its signs, and squeezed."""
    yield memo
    yield from (f"{memo[:at]} {memo[at:]}" for at in range(1, len(memo)))
    yield "".join(char if char.isalnum() else " " for char in memo)
    yield "".join(char for char in memo if char.isalnum() or char == " ")


def firmly_read(texts: list[str]) -> list[set[str]]:
    """What each memo says by columns, and read in full."""
    plain = QUICK.hear(texts, [""] * len(texts))
    return [
        ({f"MSHS{order:04d}"} if order >= 0 else set()) | read_in_full(text)
        for text, order in zip(texts, plain.order.tolist(), strict=True)
    ]


def read_in_full(text: str) -> set[str]:
    heard = reading.read(text, foreign=STAMPS, written=REFERENCES.is_written)
    return {claim.ref for claim in REFERENCES.claims(heard).firm}


@pytest.mark.parametrize("shape", WRAPPED.values(), ids=WRAPPED.keys())
@pytest.mark.parametrize("left", range(4, len(WHOLE)))
@pytest.mark.parametrize("words", ["{}", "hoc phi {}", "{} hoc phi"])
def test_no_bank_completes_a_cut_reference(shape: str, left: int, words: str) -> None:
    memo = shape.format(words.format(WHOLE[:left]))

    texts = list(spoiled(memo))

    assert [text for text, read in zip(texts, firmly_read(texts), strict=True) if read] == []


@pytest.mark.parametrize("shape", WRAPPED.values(), ids=WRAPPED.keys())
def test_a_whole_reference_is_read_through_any_wrap_at_any_place(shape: str) -> None:
    memo = shape.format(f"{WHOLE} hoc phi")

    texts = [memo, *(f"{memo[:at]} {memo[at:]}" for at in range(1, len(memo)))]

    for text, read in zip(texts, firmly_read(texts), strict=True):
        assert read == {WHOLE}, text
