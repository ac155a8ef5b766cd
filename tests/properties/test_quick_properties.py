"""The quick way of plain lines says nothing that the long way would not say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.domain import memo as memos
from reconciliation.claims import References
from reconciliation.payers import Payers
from reconciliation.quick import Quick

REFS = ["HP9VJP8E0W6W", "VP0QXAD3MFTT", "MSHS0012345", "MSHS0012346", "DVC-7K2M9QX4C", "TT20260001"]
CODES = ["HS0001", "HS0002", "2026000345", "HS0004", "CK0005", "HS0006"]
NAMES = ["Trần Gia Bảo", "Lê Văn Thịnh", "Học Nam", "Phạm Quốc Đạt", "Vũ Minh Quân", "Đỗ Ân"]

REFERENCES = References(REFS)
PAYERS = Payers(CODES, NAMES)
QUICK = Quick(REFERENCES, PAYERS)

words = st.sampled_from(
    [
        *REFS,
        *CODES,
        *(memos.fold(name) for name in NAMES),
        *("hoc", "phi", "chuyen tien", "CK", "nop", "TT", "nam", "MSHS", "0012346", "HP", "12345"),
        *("100926", "FT26253123456789"),
        "mshs0012345",
        "HP9VJP8E0W6X",
        "9VJP8E0W6W",
        "DVC7K2M9QX4C",
        "MBVCB.1234567890",
        "CT tu 9999000009 LE VAN THINH",
        "MSHS00123",
        "MSHS0099999",
    ]
)
memo_texts = st.builds(
    lambda parts, gap: gap.join(parts),
    st.lists(words, max_size=6),
    st.sampled_from([" ", ".", "-", "", ". "]),
)


@settings(deadline=None, max_examples=400)
@given(memo_texts)
def test_what_the_quick_way_tells_the_long_way_tells_too(memo: str) -> None:
    quick = QUICK.claims(memo, "5217.75001")

    if quick is not None:
        reading = memos.read(memo)
        full = REFERENCES.claims(reading)
        assert full.firm == quick.firm
        assert [*full.corrected, *full.prefix_lost, *full.doubtful, *full.unknown] == []
        assert PAYERS.named(reading, full.spans()) == []


@pytest.mark.parametrize(
    "memo",
    [
        "HP9VJP8E0W6W",
        "MBVCB.1234567890.MSHS0012345 phi.CT tu 9999000009 LE VAN THINH toi 9999000001 TRUONG X",
        "123456.100926.133629.DVC-7K2M9QX4C",
        "TKThe :1234567890, tai MB. mshs0012345 -CTLNHIDI000012345678901-1/1-CRE-002",
    ],
)
def test_a_plain_line_is_told_by_its_words(memo: str) -> None:
    quick = QUICK.claims(memo, "")

    assert quick is not None
    assert len(quick.firm) == 1


@pytest.mark.parametrize(
    "memo",
    [
        "MSHS0012345 HS0002",
        "MSHS0012345 2026000345",
        "MSHS0012345 hoc nam",
        "MSHS0012345 Lê Văn Thịnh",
        "MSHS0012345 MSHS0012346",
        "MSHS 0012345",
        "hoc phi",
        "",
    ],
)
def test_a_word_that_could_matter_takes_the_long_way(memo: str) -> None:
    assert QUICK.claims(memo, "") is None
