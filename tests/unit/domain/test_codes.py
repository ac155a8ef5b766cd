"""Payment codes: every single mistake reads back, and a bank's digits complete nothing."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain import codes
from payments.domain.codes import How, Prefix

CHARACTERS = string.ascii_uppercase + string.digits
CODE = "HP9VJP8E0W6W"


def some_codes(count: int) -> list[str]:
    below = random.Random(20260910).randrange  # noqa: S311 - the same codes in every run
    return [codes.generate(prefix, below) for prefix in Prefix for _ in range(count)]


@st.composite
def codes_of_any_kind(draw: st.DrawFn) -> str:
    digits = draw(st.lists(st.integers(0, 9), min_size=2, max_size=6))
    letters = st.lists(st.integers(10, 28), min_size=8 - len(digits), max_size=8 - len(digits))
    drawn = iter(draw(st.permutations(digits + draw(letters))))
    return codes.generate(draw(st.sampled_from(list(Prefix))), lambda _: next(drawn))


valid_codes = codes_of_any_kind()


def one_mistake(code: str) -> Iterator[str]:
    """Every word that differs from the code by one character or one adjacent swap."""
    for at in range(codes.LENGTH):
        yield from (code[:at] + other + code[at + 1 :] for other in CHARACTERS if other != code[at])
    for at in range(codes.LENGTH - 1):
        yield code[:at] + code[at + 1] + code[at] + code[at + 2 :]


def read(word: str) -> str | None:
    fixed = codes.correct(word)
    return codes.read_exact(word) or (fixed.code if fixed else None)


def test_every_single_mistake_in_these_codes_reads_back_as_exactly_the_code() -> None:
    for code in some_codes(20):
        assert {read(word) for word in one_mistake(code)} == {code}


def test_every_single_mistake_is_found_in_a_memo_as_exactly_the_code() -> None:
    for code in some_codes(2):
        for word in one_mistake(code):
            assert [found.code for found in codes.find(f"nop {word} thang 9")] == [code]


@given(valid_codes, st.integers(0, 11), st.sampled_from(CHARACTERS))
def test_any_substitution_in_any_code_reads_back(code: str, at: int, other: str) -> None:
    word = code[:at] + other + code[at + 1 :]

    assert read(word) == code


@given(valid_codes, st.integers(0, 10))
def test_any_adjacent_swap_in_any_code_reads_back(code: str, at: int) -> None:
    word = code[:at] + code[at + 1] + code[at] + code[at + 2 :]

    assert read(word) == code


@given(valid_codes)
def test_a_new_code_is_valid_and_has_two_letters_and_two_digits_at_least(code: str) -> None:
    random_part = code[2:10]

    assert codes.is_valid(code)
    assert len(code) == 12
    assert set(code[2:]) <= set(codes.ALPHABET)
    assert 2 <= sum(symbol.isdigit() for symbol in random_part) <= 6


def test_codes_come_from_the_secret_source_by_default_and_do_not_repeat() -> None:
    assert len({codes.generate(Prefix.TUITION) for _ in range(200)}) == 200


@pytest.mark.parametrize(
    "word",
    ["", CODE[:-1], CODE + "0", CODE.lower(), "XP" + CODE[2:], CODE[:-1] + "U", "HP1234567890"],
)
def test_only_the_canonical_spelling_is_valid(word: str) -> None:
    assert not codes.is_valid(word)


def test_a_correction_says_what_was_read_and_what_was_meant() -> None:
    swapped = codes.correct("HP9VJ8PE0W6W")
    wrong = codes.correct("HP9VJP8E0W6X")
    prefix = codes.correct("VP9VJP8E0W6W")

    assert swapped == codes.Corrected(CODE, "swap", 5, "8P", "P8")
    assert wrong == codes.Corrected(CODE, "substitution", 11, "X", "W")
    assert prefix == codes.Corrected(CODE, "substitution", 0, "V", "H")


def test_a_valid_code_needs_no_correction() -> None:
    assert codes.correct(CODE) is None


@pytest.mark.parametrize(
    ("memo", "how"),
    [
        (CODE, How.EXACT),
        ("đóng học phí hp9vjp8eow6w cho em Nguyễn Văn A", How.EXACT),
        (f"MBVCB.4567890123.{CODE}.CT tu 9999000001 NGUYEN A toi 9999000002 TRUONG", How.EXACT),
        (f"MBVCB.12345678901.6218BFTVGL256UBX.{CODE}", How.EXACT),
        (f"020097.211126.175901.{CODE} NGUYEN VAN A chuyen tien", How.EXACT),
        (f"TKThe :1234567890, tai MB. {CODE} -CTLNHIDI000012345678901-1/1-CRE-002", How.EXACT),
        (f"CT DEN:123456789012 {CODE}; tai Napas", How.EXACT),
        (f"{CODE} FT26253123456789", How.EXACT),
        (f"IBFT{CODE}NGUYEN VAN A", How.GLUED),
        (f"hocphi{CODE}", How.GLUED),
        ("HP9VJ P8E0W6W", How.SPLIT),
        ("HP9V.JP8E-0W6W", How.SPLIT),
        ("IBFT HP9VJP8E0\nW6W NGUYEN VAN A", How.SPLIT),
        ("HP 9VJP8E0W6W", How.SPLIT),
        ("HP9VJP8E0W6X", How.CORRECTED),
        ("hocphiHP9VJP8E0W6XNGUYEN", How.CORRECTED),
        ("nop 9VJP8E0W6W thang 9", How.PREFIX_LOST),
    ],
)  # fmt: skip
def test_a_code_is_found_however_the_memo_came(memo: str, how: How) -> None:
    found = codes.find(memo)

    assert [(one.code, one.how) for one in found] == [(CODE, how)]


@pytest.mark.parametrize(
    "memo",
    [
        "",
        "NGUYEN VAN A chuyen tien",
        "hoc phi ky 1",
        "MBVCB.1.HP9VJP8E",
        "HP9VJP8E0-100926-13:36:44 123456",
        "HP9VJP8E0W6 FT26253123456789",
        "nop9VJP8E0W6Wthang9",
        "HP1234567890",
    ],
)
def test_a_cut_or_missing_code_is_not_found(memo: str) -> None:
    assert codes.find(memo) == []


def test_digits_of_the_bank_never_complete_a_cut_code() -> None:
    # 0W6W is replaced by the digits of a date, and the result happens to be another real code.
    for code in some_codes(4000):
        if code[8:].isdigit() and code[10:12] <= "12":
            break
    else:
        pytest.fail("no code ends in four digits: draw more")
    memo = f"{code[:8]}.{code[8:]}26-13:36:44 123456"

    assert codes.find(memo) == []
    assert codes.beginnings(memo) == [(code[:8], 0, 8)]


def test_the_span_points_at_the_code_in_the_memo_as_it_came() -> None:
    memo = "Đóng tiền HP9VJ P8E0W6W nhé"

    [found] = codes.find(memo)

    assert memo[found.start : found.end] == "HP9VJ P8E0W6W"


def test_two_codes_in_one_memo_are_both_found_and_a_repeat_counts_once() -> None:
    one, two = some_codes(1)[:2]

    found = codes.find(f"{one} va {two}, {one}")

    assert [found.code for found in found] == [one, two]


@given(valid_codes, st.text(alphabet=" .-abchpv0123456789\n", max_size=30))
def test_a_beginning_is_never_read_as_a_whole_code(code: str, before: str) -> None:
    cut = code[:10]

    assert code not in [found.code for found in codes.find(f"{before} {cut}")]
