"""The bank's clock: its own offset, or the one in a file that others share."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from simulator.clock import Clock
from simulator.errors import Refused
from simulator.store import Store
from tests.unit.simulator.bench import Bench, a_bench


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "bank", seed=1)
    yield opened
    opened.close()


def test_business_time_is_vietnams_and_stands_where_the_machine_does(store: Store) -> None:
    now = Clock(store).now()

    assert now.utcoffset() == timedelta(hours=7)
    assert abs(now.timestamp() - time.time()) < 60


@pytest.mark.parametrize("text", ["86400", "86400.0", '{"offset_seconds": 86400}'])
def test_a_shared_file_holds_a_number_or_an_object(store: Store, tmp_path: Path, text: str) -> None:
    file = tmp_path / "clock.json"
    file.write_text(text)

    assert Clock(store, file).offset() == 86_400


def test_no_file_means_no_offset_and_a_new_one_counts_at_once(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    clock = Clock(store, file)
    assert clock.offset() == 0

    file.write_text("3600")
    assert clock.offset() == 3600


@pytest.mark.parametrize(
    "text", ["", "soon", "true", "[]", "1e400", "{}", '{"offset_seconds": "1"}']
)
def test_a_file_that_cannot_be_read_keeps_the_last_good_time_and_says_so(
    store: Store, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "clock.json"
    file.write_text("3600")
    clock = Clock(store, file)
    clock.offset()

    file.write_text(text)

    assert clock.offset() == 3600
    assert str(file) in clock.problem


def test_moving_a_shared_clock_moves_the_file_that_others_read(
    store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "clock.json"

    Clock(store, file).move(7200)

    assert json.loads(file.read_text()) == {"offset_seconds": 7200}
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["clock.json"]


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e12])
def test_a_clock_is_not_moved_out_of_this_age(store: Store, seconds: float) -> None:
    with pytest.raises(Refused):
        Clock(store).move(seconds)


def test_an_own_offset_outlives_the_process(tmp_path: Path) -> None:
    with a_bench(tmp_path / "bank") as bench:
        bench.post("/clock", {"offset_seconds": 86_400}, status=200)
        bench.post("/clock", {"advance_seconds": 60}, status=200)
    with a_bench(tmp_path / "bank") as bench:
        shown = bench.get("/clock")

    assert shown["offset_seconds"] == 86_460
    ahead = datetime.fromisoformat(shown["now"]).timestamp() - time.time()
    assert abs(ahead - 86_460) < 60


@pytest.mark.parametrize("body", [{}, {"offset_seconds": "1"}, {"offset_seconds": True}, {"at": 1},
                                  {"offset_seconds": 1, "advance_seconds": 1}])  # fmt: skip
def test_a_move_that_is_no_number_of_seconds_is_refused(bench: Bench, body: object) -> None:
    bench.post("/clock", body, status=422)

    assert bench.get("/clock")["offset_seconds"] == 0


def test_a_transfer_happens_on_the_banks_day(bench: Bench) -> None:
    bench.post("/clock", {"offset_seconds": 40 * 86_400}, status=200)

    made = bench.transfer(bench.account())["transfer"]

    ahead = datetime.fromisoformat(made["at"]).timestamp() - time.time()
    assert abs(ahead - 40 * 86_400) < 60
