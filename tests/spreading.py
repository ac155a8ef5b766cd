"""The order of the tests of a whole run: those that wait, between those that compute.

A slow file starts processes and waits for them. Three of them at a time leave both cores idle now
and then; one beside two workers that compute does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import pytest

_WITHIN: Final = 0.8  # of the other tests; what comes last is short, so that nobody waits for it


def spread(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """All of them. Files stay together, and slow ones stand evenly between the others."""
    files = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
    slow = sorted(filter(_is_slow, files), key=len, reverse=True)
    others = [tests for tests in files if not _is_slow(tests)]
    step = _WITHIN * sum(map(len, others)) / max(len(slow), 1)
    order: list[pytest.Item] = []
    waiting, passed, due = iter(slow), 0, 0.0
    for tests in others:
        while passed >= due and (one := next(waiting, None)) is not None:
            order += one
            due += step
        order += tests
        passed += len(tests)
    return order + [item for tests in waiting for item in tests]


def _is_slow(tests: Sequence[pytest.Item]) -> bool:
    return any(item.get_closest_marker("slow") for item in tests)
