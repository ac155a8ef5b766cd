"""What tests stand on: servers, databases, clock. Setup of rows belongs in factories.py.

house        a migrated database of its own; commits are real (about 60 ms)
quick_house  the same face inside one transaction that is rolled back (about 1 ms)
redis_url    an empty Valkey database
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import settings

from payments import access
from tests import chromium, spreading, url_builders
from tests.databases import House, QuickHouse, a_clone, a_transaction, an_empty_redis
from tests.servers import Addresses, Elsewhere, Servers

# Properties that name no number of examples get so many, and more where somebody has the time:
# HYPOTHESIS_PROFILE=thorough. Each run tries others, and what once failed is tried first.
settings.register_profile("suite", max_examples=40)
settings.register_profile("thorough", max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

# Eight thousand tests are a large heap that lives to the end: walking it again and again for
# garbage took a third of the time of collecting them.
gc.set_threshold(50_000, 20, 50)

url_builders.write_once()

SERVERS = pytest.StashKey[Servers | Elsewhere]()

# Argon2id at its real cost would be most of this suite's time: every school of a test has two
# people. The processes that journeys start hash at full cost.
access.PASSWORDS = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def pytest_configure(config: pytest.Config) -> None:
    """Hold the servers here, or, in a worker of xdist, know where to ask for them."""
    told: dict[str, Any] | None = getattr(config, "workerinput", None)
    if told is not None:
        config.stash[SERVERS] = Elsewhere(told["servers"], told["workerid"])
        return
    config.stash[SERVERS] = Servers()
    # A run that is asked to end drops its databases and stops its servers first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each worker where to ask."""
    holder = node.config.stash[SERVERS]
    node.workerinput["servers"] = holder.desk()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a browser where there is none; never skip it in silence. A slow file
    stays on one worker, so that the processes it starts for all its tests are started once."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items[:] = spreading.spread(items)
    if chromium.program() is None:
        left_out = [item for item in items if item.get_closest_marker("browser")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """What is there before the first test stays; the collector need not look at it."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say so in one line."""
    if chromium.program() is None:
        terminalreporter.write_line(chromium.MISSING)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Drop and stop everything, however the run ended."""
    config.stash[SERVERS].stop()


@pytest.fixture(scope="session")
def addresses(request: pytest.FixtureRequest) -> Addresses:
    """The servers of this run, started on the first demand."""
    return request.config.stash[SERVERS].addresses()


@pytest.fixture
def house(addresses: Addresses) -> Iterator[House]:
    """A migrated database of this test's own."""
    with a_clone(addresses) as made:
        yield made


@pytest.fixture(scope="session")
def shared_house(addresses: Addresses) -> Iterator[House]:
    """One database for all tests that leave nothing in it."""
    with a_clone(addresses) as made:
        yield made


@pytest.fixture
def quick_house(shared_house: House, addresses: Addresses) -> Iterator[QuickHouse]:
    """A house within one transaction; nothing of it stays."""
    with a_transaction(shared_house, addresses) as made:
        yield made


@pytest.fixture
def redis_url(addresses: Addresses) -> Iterator[str]:
    """An empty Valkey database of this test's own."""
    with an_empty_redis(addresses.redis_url) as url:
        yield url
