"""Chunks go two at a time, and each sees what those before it have done."""

from __future__ import annotations

import threading

import pytest

from payments.domain.errors import Conflict
from reconciliation.lanes import Turn, in_order


class Night:
    """Chunks 0..n-1. Those in `bad` cannot be booked together."""

    def __init__(self, bad: set[int]) -> None:
        self.bad, self.locks, self.booked, self.single = bad, list[int](), list[int](), list[int]()
        self.beside = 0
        self.most = 0
        self._guard = threading.Lock()

    def together(self, chunk: int, turn: Turn) -> None:
        with self._guard:
            self.beside += 1
            self.most = max(self.most, self.beside)
        try:
            with turn:
                self.locks.append(chunk)
                turn.locked()
                if chunk in self.bad:
                    raise Conflict("không", "no")
            self.booked.append(chunk)
        finally:
            with self._guard:
                self.beside -= 1

    def one_by_one(self, chunk: int) -> None:
        assert self.beside == 0, "something goes on while a chunk is mended"
        self.single.append(chunk)
        self.booked.append(chunk)


@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("bad", [set(), {0}, {3}, {4, 5}, {9}, set(range(10))])
def test_every_chunk_is_booked_once_and_given_back_in_order(lanes: int, bad: set[int]) -> None:
    night = Night(bad)

    given = list(in_order(range(10), night.together, night.one_by_one, lanes=lanes))

    assert given == list(range(10))
    assert sorted(night.booked) == list(range(10))
    assert night.single == sorted(bad)
    assert night.most <= lanes


def test_chunks_lock_in_their_order() -> None:
    night = Night(set())

    list(in_order(range(50), night.together, night.one_by_one))

    assert night.locks == list(range(50))


def test_a_later_chunk_changes_nothing_while_an_earlier_one_is_in_trouble() -> None:
    reached, go = threading.Event(), threading.Event()
    booked: list[int] = []

    def together(chunk: int, turn: Turn) -> None:
        with turn:
            if chunk == 0:
                turn.locked()
                assert reached.wait(10)
                try:
                    raise Conflict("không", "no")
                finally:
                    threading.Timer(0.05, go.set).start()
            if not booked:
                reached.set()
                assert go.wait(10)
            turn.locked()
        booked.append(chunk)

    assert list(in_order([0, 1], together, booked.append)) == [0, 1]
    assert booked == [0, 1]


def test_what_nobody_expected_ends_the_night() -> None:
    def together(chunk: int, turn: Turn) -> None:
        with turn:
            turn.locked()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(in_order([0, 1, 2], together, lambda _: None))
