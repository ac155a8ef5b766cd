"""Where a demo lives and which day it plays, without starting anything."""

from __future__ import annotations

import socket
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ops.clock import OffsetClock
from ops.demo import place, town
from ops.errors import StartError
from payments.domain.calendar import HANOI

NOON = datetime(2026, 3, 10, 12, tzinfo=HANOI)


@pytest.fixture
def clock(tmp_path: Path) -> OffsetClock:
    return OffsetClock(tmp_path / "clock.json")


def set_to(clock: OffsetClock, at: datetime) -> None:
    clock.advance(at - clock.now())


def test_a_fresh_demo_plays_yesterday_so_that_its_morning_after_is_over(clock: OffsetClock) -> None:
    assert town.day_to_play(clock, fresh=True, real=NOON) == date(2026, 3, 9)


def test_before_eight_it_plays_the_day_before_yesterday(clock: OffsetClock) -> None:
    early = NOON.replace(hour=7, minute=59)

    assert town.day_to_play(clock, fresh=True, real=early) == date(2026, 3, 8)


def test_a_second_demo_goes_on_after_the_day_its_clock_shows(clock: OffsetClock) -> None:
    set_to(clock, datetime(2026, 3, 10, 7, 40, tzinfo=HANOI))

    assert town.day_to_play(clock, fresh=False, real=NOON) == date(2026, 3, 11)


def test_an_old_demo_plays_yesterday_again(clock: OffsetClock) -> None:
    set_to(clock, datetime(2026, 2, 1, 7, 40, tzinfo=HANOI))

    assert town.day_to_play(clock, fresh=False, real=NOON) == date(2026, 3, 9)


def test_the_clock_shows_real_time_again_only_where_that_leads_on(clock: OffsetClock) -> None:
    set_to(clock, datetime.now(UTC) - timedelta(hours=5))
    back = town.set_to_real_time(clock)
    assert (back, clock.offset()) == (True, timedelta(0))

    set_to(clock, datetime.now(UTC) + timedelta(days=1))
    ahead = town.set_to_real_time(clock)
    assert (ahead, clock.offset() > timedelta(hours=23)) == (False, True)


def test_a_demo_never_takes_over_the_address_of_a_database(tmp_path: Path) -> None:
    config = place.config(
        {
            "THUPHI_HOME": str(tmp_path),
            "DATABASE_URL": "postgresql://app:secret@db.example/thuphi",
            "REDIS_URL": "redis://cache.example/0",
            "THUPHI_DEMO": "0",
        }
    )

    assert (config.embedded, config.redis_url, config.demo) == (True, None, True)
    assert config.clock_path == tmp_path / "clock.json"


def test_a_folder_with_somebodys_installation_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)

    with pytest.raises(StartError, match="no demo"):
        place.config({"THUPHI_HOME": str(tmp_path)})


def test_a_taken_port_is_avoided_unless_it_was_asked_for(tmp_path: Path) -> None:
    env = {"THUPHI_HOME": str(tmp_path)}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(StartError, match=f"Port {port}"):
            place.config({**env, "THUPHI_PORT": str(port)})

        config = place.config(env)
    assert config.public_url == f"http://127.0.0.1:{config.port}"
    assert config.port != config.simulator_port
