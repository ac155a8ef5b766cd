"""What is told of plain lines by columns is what a full reading says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.domain import memo as memos
from reconciliation.engine import reading
from reconciliation.engine.claims import References
from reconciliation.engine.payers import Payers
from reconciliation.engine.quick import Quick

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
        *("100926", "10.09.2026", "10/9", "FT26253123456789", "toi", "0012", "345", "6", "PHUONG"),
        *("mshs0012345", "MSHS0O12345", "HP9VJP8E0W6X", "HP9VJ8PE0W6W", "9VJP8E0W6W", "hp9vjp8e"),
        *("DVC7K2M9QX4C", "MSHS00123", "MSHS0099999", "VP0QXAD3", "MFTT", "le thanh nam", "LE"),
        *("MBVCB.1234567890.", "123456.100926.133629.", "CT DEN:123456789012", "; tai Napas"),
        *(".CT tu 9999000009 LE VAN THINH", "-CTLNHIDI000012345678901-1/1-CRE-002", "IBFT"),
    ]
)
memo_texts = st.builds(
    lambda parts, gap: gap.join(parts),
    st.lists(words, max_size=6),
    st.sampled_from([" ", ".", "-", "", ". "]),
)


@settings(deadline=None, max_examples=1200)
@given(memo_texts)
def test_what_is_told_by_columns_the_long_way_tells_too(memo: str) -> None:
    plain = QUICK.hear([memo], ["5217.75001"])

    order = int(plain.order[0])
    if order >= 0:
        heard = reading.read(memo, written=REFERENCES.spelled)
        full = REFERENCES.claims(heard)
        [claim] = full.firm
        assert claim.orders == (order,)
        assert (claim.how == "exact") == plain.exact[0]
        assert not (plain.whole[0] and claim.sure)
        assert [*full.corrected, *full.prefix_lost, *full.doubtful] == []
        assert [one for one in full.unknown if not PAYERS.has_code(one.ref)] == []
        others = [one for one in PAYERS.named(heard, full.spans()) if order not in one.orders]
        assert others == [] or CODES[order] in memos.fold(memo)


@settings(deadline=None, max_examples=30)
@given(st.lists(memo_texts, max_size=8))
def test_a_memo_is_heard_alike_whatever_stands_beside_it(texts: list[str]) -> None:
    together = QUICK.hear(texts, [""] * len(texts)).order.tolist()

    assert together == [int(QUICK.hear([text], [""]).order[0]) for text in texts]


@pytest.mark.parametrize(
    "memo",
    [
        "HP9VJP8E0W6W",
        "MBVCB.1234567890.MSHS0012345 phi.CT tu 9999000009 LE VAN THINH toi 9999000001 TRUONG X",
        "123456.100926.133629.DVC-7K2M9QX4C",
        "TKThe :1234567890, tai MB. mshs0012345 -CTLNHIDI000012345678901-1/1-CRE-002",
        "hocphi MSHS001 2345",
        "MSHS00I2345 hoc nam nop",
        "nopHP9VJP8E0W6Wthang9",
        "HS0001 HP9VJP8E0W6W chi Phuong",
    ],
)
def test_a_plain_line_is_told_by_columns(memo: str) -> None:
    assert QUICK.hear([memo], [""]).order[0] >= 0


@pytest.mark.parametrize(
    "memo",
    [
        "MSHS0012345 HS0002",
        "MSHS0012346 2026000345",
        "MSHS0012346 hoc nam",
        "MSHS0012345 Vu Minh Quan",
        "MSHS0012345 MSHS0012346",
        "MSHS0012345678",
        "MSHS001 100926",
        "hoc phi",
        "",
    ],
)
def test_a_word_that_could_matter_takes_the_long_way(memo: str) -> None:
    assert QUICK.hear([memo], [""]).order[0] == -1
