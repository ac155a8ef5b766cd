"""One clock for every process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.clock import OffsetClock, SystemClock
from ops.errors import StartError

DAY = timedelta(days=1)
NEAR = timedelta(minutes=1)


def test_the_time_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_two_processes_with_one_file_tell_the_same_time(tmp_path: Path) -> None:
    mine, theirs = OffsetClock(tmp_path / "clock"), OffsetClock(tmp_path / "clock")
    assert theirs.offset() == timedelta(0)

    mine.advance(DAY)
    mine.advance(DAY)

    assert theirs.offset() == 2 * DAY
    assert abs(theirs.now() - datetime.now(UTC) - 2 * DAY) < NEAR


def test_the_machines_time_is_back_when_the_file_is_gone(tmp_path: Path) -> None:
    clock = OffsetClock(tmp_path / "clock")
    clock.advance(DAY)

    (tmp_path / "clock").unlink()

    assert clock.offset() == timedelta(0)


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[1]", '{"offset_seconds": "1"}', '{"offset_seconds": true}',
     '{"offset_seconds": 1e300}', '{"offset_seconds": NaN}'],
)  # fmt: skip
def test_a_file_that_is_no_offset_is_refused_and_not_taken_for_none(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "clock"
    path.write_text(content)

    with pytest.raises(StartError, match="offset_seconds"):
        OffsetClock(path)
