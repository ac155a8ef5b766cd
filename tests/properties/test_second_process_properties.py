"""Who hears the lines makes no difference to what is decided."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks.nights import files, night
from ops import match
from ops.second_process import SecondProcess
from reconciliation.engine.claims import Claims
from reconciliation.engine.hearing import Hear, Heard, Told, shares
from reconciliation.engine.quick import Plain

FILES = ("orders.csv", "statement.csv", "gateway-report.csv", "contract.json")
WRITTEN = ("matches.csv", "exceptions.csv", "problems.csv")


@pytest.mark.parametrize("forms", ["house", "numbers", "odd"])
def test_a_night_heard_by_two_processes_is_decided_as_by_one(tmp_path: Path, forms: str) -> None:
    files.write(night.make(seed=4, count=500, noise="high", forms=forms), tmp_path)
    given = [tmp_path / name for name in FILES]
    two = SecondProcess(fewest=0, share=7)

    match.run(*given, out=tmp_path / "one")
    match.run(*given, out=tmp_path / "two", second=two)

    for name in WRITTEN:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert two.peak_kib > 0


def heard(places: range) -> Told:
    words = {at: Heard(Claims(), business=(str(at), (0, at))) for at in places if at % 2}
    return Told(Plain.none(len(places)), words)


def told(found: Iterable[Told]) -> list[tuple[list[int], list[tuple[int, Heard]]]]:
    return [(one.plain.order.tolist(), list(one.heard.items())) for one in found]


def dying_elsewhere(here: int, hear: Hear) -> Hear:
    def hearing(places: range) -> Told:
        if os.getpid() != here:
            os._exit(9)
        return hear(places)

    return hearing


@pytest.mark.parametrize("lines", [0, 1, 20, 23])
def test_every_line_is_heard_once_and_in_its_order(lines: int) -> None:
    found = SecondProcess(fewest=0, share=4)(heard, lines)

    assert told(found) == told(map(heard, shares(lines, 4)))


def test_lines_of_a_second_process_that_dies_are_heard_by_the_first() -> None:
    hear = dying_elsewhere(os.getpid(), heard)

    found = SecondProcess(fewest=0, share=1)(hear, 50)

    assert told(found) == told(map(heard, shares(50, 1)))


def test_what_fails_in_both_processes_is_told_by_the_first() -> None:
    def fail(places: range) -> Told:
        raise ValueError(places)

    with pytest.raises(ValueError, match="range"):
        list(SecondProcess(fewest=0, share=1)(fail, 3))
