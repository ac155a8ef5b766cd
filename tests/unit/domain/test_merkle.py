"""The tree is RFC 6962's; the vectors below are worked by hand from its definition."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from payments.domain import merkle


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


A, B, C = (merkle.leaf(letter) for letter in (b"a", b"b", b"c"))


def test_a_leaf_and_a_node_can_never_be_taken_for_each_other() -> None:
    left, right = bytes(32), bytes(range(32))

    assert merkle.leaf(left + right) == _hash(b"\x00", left, right)
    assert merkle.node(left, right) == _hash(b"\x01", left, right)
    assert merkle.leaf(left + right) != merkle.node(left, right)


def test_the_root_of_one_leaf_is_the_leaf_itself() -> None:
    assert merkle.root([A]) == A


def test_an_odd_leaf_is_handed_up_and_never_doubled() -> None:
    root = merkle.root([A, B, C])

    assert root == _hash(b"\x01", _hash(b"\x01", A, B), C)
    assert root != merkle.root([A, B, C, C])


def test_the_path_of_the_last_of_three_is_one_step() -> None:
    assert merkle.path([A, B, C], 2) == (merkle.node(A, B),)
    assert merkle.path([A, B, C], 0) == (B, C)


def test_a_tree_without_leaves_has_no_root() -> None:
    with pytest.raises(ValueError, match="at least one leaf"):
        merkle.root([])


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_path_for_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        merkle.path([A, B, C], index)
    assert merkle.climb(A, index=index, size=3, steps=(B, C)) is None


@pytest.mark.parametrize("steps", [(B,), (B, C, A), ()])
def test_a_path_of_the_wrong_length_leads_nowhere(steps: tuple[bytes, ...]) -> None:
    assert merkle.climb(A, index=0, size=3, steps=steps) is None


def test_a_fact_is_written_in_one_way_only() -> None:
    one: dict[str, merkle.Plain] = {"b": [1, None], "a": {"tên": "Hoa Sen", "amount": 581_000}}
    other: dict[str, merkle.Plain] = {"a": {"amount": 581_000, "tên": "Hoa Sen"}, "b": [1, None]}

    assert merkle.canonical(one) == merkle.canonical(other)
    assert merkle.canonical(one) == (
        '{"a":{"amount":581000,"tên":"Hoa Sen"},"b":[1,null]}'.encode()
    )


def test_a_fraction_is_refused_wherever_it_hides() -> None:
    with pytest.raises(TypeError, match="no fractions"):
        merkle.canonical({"lines": [{"amount": 1.5}]})  # type: ignore[dict-item]  # the point


def test_a_moment_is_written_in_utc_with_microseconds() -> None:
    hanoi = timezone(timedelta(hours=7))

    assert merkle.moment(datetime(2026, 1, 9, 19, 42, 31, tzinfo=hanoi)) == (
        "2026-01-09T12:42:31.000000Z"
    )
    assert datetime.fromisoformat("2026-01-09T12:42:31.000000Z") == datetime(
        2026, 1, 9, 12, 42, 31, tzinfo=UTC
    )
