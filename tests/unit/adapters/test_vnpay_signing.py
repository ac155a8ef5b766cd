"""VNPAY's signature over a query: what survives it, and what it refuses."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.vnpay import signing
from tests.vnpay_calls import NOTICE, SECRET, hashed, notice, query_of
from webhooks.event import Forged

NAMES = st.from_regex(r"vnp_[A-Za-z]{1,12}", fullmatch=True).filter(
    lambda name: not name.lower().startswith("vnp_securehash")
)
FIELDS = st.dictionaries(NAMES, st.text(max_size=40), min_size=1, max_size=8).filter(
    lambda fields: len({name.lower() for name in fields}) == len(fields)
)
TEXTS = ["a+b & c%d", "Học phí kỳ 1", "😀 ok", "100%", "%zz", "a=b&c=d", "%2B", "  ", ";", "\0"]
TEXTS += ["*~!'()"]
PAGE = "https://pay.example.vn/page"


def read(query: str) -> object:
    return signing.genuine(query, SECRET)


@given(FIELDS)
def test_every_text_survives_the_address_and_is_genuine(fields: dict[str, str]) -> None:
    url = signing.signed_url(PAGE, fields, SECRET)

    assert read(url.removeprefix(f"{PAGE}?")) == {
        name: value for name, value in fields.items() if value
    }


@given(FIELDS, st.data())
def test_any_change_of_a_signed_field_is_refused(
    fields: dict[str, str], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(fields)))
    other = data.draw(st.text(max_size=40).filter(lambda text: text != fields[name]))
    honest = urlsplit(signing.signed_url(PAGE, fields, SECRET)).query
    given_hash = honest.rpartition("=")[2]

    changed = signing.sign_data(fields | {name: other})

    assert isinstance(read(f"{changed}&vnp_SecureHash={given_hash}"), Forged)


@given(st.sampled_from(sorted(NOTICE)))
def test_a_field_that_is_left_out_is_refused(name: str) -> None:
    parts = [part for part in notice().split("&") if not part.startswith(f"{name}=")]

    assert isinstance(read("&".join(parts)), Forged)


@given(st.text(max_size=300))
def test_no_query_brings_the_reader_down(query: str) -> None:
    assert isinstance(read(query), Forged)
    assert isinstance(signing.covered(query), bytes)


@pytest.mark.parametrize("text", TEXTS, ids=repr)
@pytest.mark.parametrize("star", ["*", ""], ids=["java", "php"])
def test_free_text_is_verified_as_java_and_as_php_encode_it(text: str, star: str) -> None:
    query = query_of(NOTICE | {"vnp_OrderInfo": text}, star=star)

    assert read(query) == NOTICE | {"vnp_OrderInfo": text}


def test_a_proxy_may_write_the_same_text_otherwise() -> None:
    query = query_of(NOTICE | {"vnp_OrderInfo": "Nộp học phí"})

    rewritten = query.replace("+", "%20").replace("%E1", "%e1").replace("HSPTEST1", "%48SPTEST1")

    assert rewritten != query
    assert read(rewritten) == NOTICE | {"vnp_OrderInfo": "Nộp học phí"}


def test_the_order_of_parameters_does_not_matter() -> None:
    assert read("&".join(reversed(notice().split("&")))) == NOTICE


def test_upper_case_hex_is_accepted() -> None:
    head, _, given_hash = notice().rpartition("=")

    assert read(f"{head}={given_hash.upper()}") == NOTICE


def test_the_type_of_the_hash_is_no_part_of_it() -> None:
    assert read(f"{notice()}&vnp_SecureHashType=SHA512") == NOTICE | {}


def test_an_extra_field_of_vnpay_takes_part_in_the_hash() -> None:
    extra = NOTICE | {"vnp_Promotion": "x"}

    assert read(query_of(extra)) == extra
    assert isinstance(read(f"{notice()}&vnp_Promotion=x"), Forged)


def test_what_is_not_vnpays_is_ignored() -> None:
    assert read(f"utm_source=a&{notice()}&utm_source=b&vnp&&=") == NOTICE


def test_an_empty_field_is_left_out_or_signed() -> None:
    """VNPAY's Java drops it before signing, and the PHP sample keeps it."""
    dropped = f"{notice()}&vnp_Promotion="
    kept = query_of(NOTICE | {"vnp_Promotion": ""})

    assert read(dropped) == NOTICE
    assert read(kept) == NOTICE
    assert kept.rpartition("=")[2] != dropped.split("vnp_SecureHash=")[1].partition("&")[0]


@pytest.mark.parametrize(
    "extra",
    [
        "vnp_Amount=58100000",
        "vnp_Amount=1",
        "vnp_Amount",
        "vnp%5FAmount=1",
        "vnp_Amount%00=1",
        "vnp_Amount[]=1",
        "vnp_Amount%5B0%5D=1",
        "vnp.Amount=1",
        "vnp+Amount=1",
        "+vnp_Amount=1",
        "VNP_AMOUNT=1",
        "%EF%BD%96np_Amount=1",
        "vnp_SecureHash=",
        "vnp_securehash=00",
    ],
)
def test_two_parameters_that_some_reader_takes_for_one_are_refused(extra: str) -> None:
    assert read(f"{notice()}&{extra}") == Forged("a parameter is repeated")
    assert read(f"{extra}&{notice()}") == Forged("a parameter is repeated")


def test_two_hashes_of_which_one_is_right_are_refused() -> None:
    head, _, given_hash = notice().rpartition("&")

    assert isinstance(read(f"{head}&vnp_SecureHash={'0' * 128}&{given_hash}"), Forged)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "&&&",
        "vnp_SecureHash=",
        f"vnp_SecureHash={'0' * 128}",
        "vnp_SecureHash=é",
        f"vnp_SecureHash={'é' * 64}",
        notice().rpartition("&")[0],
        notice()[:-1],
        notice() + "0",
        query_of(NOTICE, secret="another secret"),
        "vnp_Amount=%",
        "vnp_Amount=%zz%f",
        "vnp_Amount=%ff%fe%00",
        "\ud800vnp_Amount=1\ud800",
        "vnp_a=" + "%41" * 87_000,
        "&" * 262_144,
        "&".join(f"vnp_{i}=1" for i in range(20_000)),
    ],
    ids=lambda query: query[:30].encode("ascii", "replace").decode(),
)
def test_what_is_not_signed_is_refused_and_never_crashes(query: str) -> None:
    assert isinstance(read(query), Forged)
    assert isinstance(signing.covered(query), bytes)


def test_bytes_that_are_no_text_are_signed_as_they_came() -> None:
    data = "vnp_OrderInfo=%FF%00&vnp_TxnRef=a"

    assert read(f"{data}&vnp_SecureHash={hashed(data)}") == {
        "vnp_OrderInfo": "\ufffd\0",
        "vnp_TxnRef": "a",
    }


def test_calls_are_equal_when_their_signed_parts_and_signatures_are() -> None:
    query = notice()

    same = [f"utm=1&{query}", "&".join(reversed(query.split("&"))), query.replace("HSP", "%48SP")]
    other = [notice(Amount="1"), query[:-1] + "x", f"{query}&vnp_Extra=1"]

    assert {signing.covered(one) for one in [query, *same]} == {signing.covered(query)}
    assert len({signing.covered(one) for one in [query, *other]}) == 4
