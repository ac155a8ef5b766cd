"""Dealing: which pairs a suite of ten minutes plays, and which only somebody with an hour does.

A story that goes wrong and the gateway it goes wrong at are nearly independent: each adapter is
tested by itself, and so is each verb. So each story is played at one gateway and each gateway in
some story; HYPOTHESIS_PROFILE=thorough plays all of them at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final, TypeVar

A = TypeVar("A")
B = TypeVar("B")

THOROUGH: Final = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def dealt(stories: Iterable[A], places: Sequence[B]) -> list[tuple[A, B]]:
    """Each story with one of the places, in turns."""
    told = list(stories)
    if THOROUGH:
        return list(product(told, places))
    return [(one, places[turn % len(places)]) for turn, one in enumerate(told)]


def some(places: Sequence[B], turn: int) -> Sequence[B]:
    """One or two of the places, others at each turn."""
    if THOROUGH:
        return places
    return sorted({places[turn % len(places)], places[(turn + 2) % len(places)]}, key=places.index)
