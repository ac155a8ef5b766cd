"""The quick way to build a tree agrees with the recursive definition of RFC 6962, and no proof
proves anything but its own leaf."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from payments.domain import merkle

LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def by_definition(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962: split at the largest power of two below the count."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    halves = by_definition(leaves[:split]) + by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + halves).digest()


@given(LEAVES)
def test_the_root_is_the_one_the_definition_gives(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == by_definition(leaves)


@given(LEAVES, st.data())
def test_every_path_leads_to_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))

    steps = merkle.path(leaves, index)

    assert merkle.climb(leaves[index], index=index, size=len(leaves), steps=steps) == (
        merkle.root(leaves)
    )


@given(LEAVES, st.data())
def test_no_other_leaf_place_or_step_passes_for_it(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    steps = merkle.path(leaves, index)
    root, size = merkle.root(leaves), len(leaves)
    stranger = data.draw(st.binary(min_size=32, max_size=32).filter(lambda b: b != leaves[index]))

    assert merkle.climb(stranger, index=index, size=size, steps=steps) != root
    for place, step in enumerate(steps):
        bent = bytes([step[0] ^ 1]) + step[1:]
        changed = (*steps[:place], bent, *steps[place + 1 :])
        assert merkle.climb(leaves[index], index=index, size=size, steps=changed) != root


@given(LEAVES, st.data())
def test_adding_dropping_or_swapping_leaves_changes_the_root(
    leaves: list[bytes], data: st.DataObject
) -> None:
    root = merkle.root(leaves)
    extra = data.draw(st.binary(min_size=32, max_size=32))

    assert merkle.root([*leaves, extra]) != root
    if len(leaves) > 1:
        assert merkle.root(leaves[:-1]) != root
        assert (merkle.root(leaves[::-1]) == root) == (leaves[::-1] == leaves)
