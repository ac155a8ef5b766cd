"""One bank and one listener for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.simulator.bench import Bench, Listener, a_bench, listening


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with a_bench(tmp_path / "bank") as opened:
        yield opened


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as heard:
        yield heard
