"""Merkle trees, and the one way in which a fact is written before it is hashed.

The tree is that of RFC 6962: a leaf is SHA-256(0x00 ‖ content), a node SHA-256(0x01 ‖ left ‖
right); a level of odd width hands its last element up unchanged. The path of a leaf proves
that it is in the tree to anyone who trusts the root, and shows nothing of the other leaves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

Plain = str | int | None | Sequence["Plain"] | Mapping[str, "Plain"]
"""What a canonical form may hold. No floats: nothing of ours has a fraction."""


def canonical(fact: Mapping[str, Plain]) -> bytes:
    """Write a fact the one way it can be written: UTF-8 JSON, keys sorted, no spaces.

    This is RFC 8785 for the values we use, so programs in any language can rebuild it.
    Raises TypeError for a float.
    """
    _refuse_floats(fact)
    return json.dumps(fact, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def moment(at: datetime) -> str:
    """A moment in canonical form: UTC with microseconds, "2026-01-09T12:42:31.000000Z"."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def leaf(content: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(b"\x00" + content).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The hash that stands for all leaves and their order. Raises ValueError for none."""
    if not leaves:
        raise ValueError("a tree has at least one leaf")
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The neighbours that lead from one leaf to the root, lowest first.

    Raises IndexError when there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a tree of {len(leaves)}")
    level, steps = list(leaves), []
    while len(level) > 1:
        neighbour = index ^ 1
        if neighbour < len(level):
            steps.append(level[neighbour])
        level, index = _above(level), index // 2
    return tuple(steps)


def climb(leaf_hash: bytes, *, index: int, size: int, steps: Sequence[bytes]) -> bytes | None:
    """The root that a path leads to; None when the path does not fit a tree of that size."""
    if not 0 <= index < size:
        return None
    reached, left = leaf_hash, list(steps)
    while size > 1:
        if index ^ 1 < size:
            if not left:
                return None
            neighbour = left.pop(0)
            reached = node(neighbour, reached) if index & 1 else node(reached, neighbour)
        index, size = index // 2, (size + 1) // 2
    return None if left else reached


def _above(level: Sequence[bytes]) -> list[bytes]:
    pairs = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return [*pairs, level[-1]] if len(level) & 1 else pairs


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("a canonical fact holds no fractions")
    if isinstance(value, Mapping):
        for inner in value.values():
            _refuse_floats(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_floats(inner)
