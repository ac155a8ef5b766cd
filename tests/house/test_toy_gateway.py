"""A new gateway touches only the files that docs/reference/layout.md names, and takes payments.

The gateway is the one that docs/how-to/write-an-adapter.md writes: its code blocks are put into a
copy of the checkout, where a journey pays through it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/write-an-adapter.md"
BLOCK = re.compile(r"^`([^`\n]+)`(?: (imports|entry|line))?\n```[a-z]+\n(.*?)^```$", re.M | re.S)
MAY_TOUCH = (
    re.compile(r"adapters/toy/[a-z_]+[.]py"),
    re.compile(r"adapters/registry[.]py"),
    re.compile(r"[.]env[.]example"),
    re.compile(r"simulator/toy[.]py"),
    re.compile(r"tests/data/toy/[a-z_]+[.]json"),
)
"""The row "A new gateway or bank" of "what each change touches"."""

JOURNEY = """
from collections import Counter
from datetime import UTC, datetime
import json
from pathlib import Path

from adapters import registry
from payments.domain.money import Money
from tests import promise
from tests.shops import AMOUNT, a_shop
from webhooks.event import Call

SAMPLE = json.loads(Path("tests/data/toy/notice.json").read_text())


def test_the_sample_is_read_by_the_code_that_production_runs():
    body = json.dumps(SAMPLE["body"]).encode()
    [event] = registry.EVENT_SOURCES["toy"].verify(
        Call({}, body), {"key": SAMPLE["key"]}, now=datetime.now(UTC)
    )
    assert (event.merchant_reference, event.amount) == ("HP7K2M9QX4TW-1", Money(581_000))


def test_payments_come_by_notice_and_by_look_up_and_forgeries_do_not(town):
    with a_shop(town, "toy") as shop:
        assert shop.post("/channels/toy/test", {})["ok"]
        for fault, minutes, calls in (("twice", 0, 2), ("lost", 20, 0), ("forged", 0, 2)):
            order = shop.order()
            tried = shop.start(order, "toy")
            shop.opens(tried)
            shop.pays(tried, fault)
            town.work()
            town.pass_time(minutes=minutes, biller=shop.biller_id)
            seen = promise.standing(shop, order)
            assert seen == promise.Standing("paid", AMOUNT, ["succeeded"], [AMOUNT], 1, 0)
            kept = promise.calls_kept(shop, order)
            assert sum(times * count for (_, times), count in kept.items()) == calls
            promise.must_hold(shop, bank_told=False)
        assert promise.balances(shop)["gateway:toy"] == 3 * AMOUNT
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the files that git knows."""
    folder = tmp_path_factory.mktemp("toy") / "thuphi"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    yield folder
    shutil.rmtree(folder.parent, ignore_errors=True)


def blocks() -> list[tuple[str, str, str]]:
    """File, what the block is to it ("" for the whole of it), and its text."""
    return [(name, what, text) for name, what, text in BLOCK.findall(PAGE.read_text())]


def written(name: str, what: str, text: str, before: str) -> str:
    """The file after the page was followed."""
    if what == "imports":
        marker = "from adapters.vietqr.gateway import"
        assert before.count(marker) == 1
        return before.replace(marker, text + marker)
    if what == "entry":
        marker = '    Company("sepay"'
        assert before.count(marker) == 1
        return before.replace(marker, text + marker)
    if what == "line":
        marker = "THUPHI_GATEWAY_PAYOS_API_URL="
        assert before.count(marker) == 1
        return before.replace(marker, text + marker)
    assert not before, f"{name} is there already"
    return text


@pytest.fixture(scope="module")
def toyed(checkout: Path) -> tuple[Path, Mapping[str, str]]:
    """The copy with the toy gateway in it, and what was written, by file."""
    touched: dict[str, str] = {}
    for name, what, text in blocks():
        place = checkout / name
        place.parent.mkdir(parents=True, exist_ok=True)
        before = place.read_text() if place.exists() else ""
        touched[name] = written(name, what, text, before)
        place.write_text(touched[name])
    return checkout, touched


def run(folder: Path, *command: str) -> None:
    told = {k: v for k, v in os.environ.items() if not k.startswith(("THUPHI_", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder, env=told, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-3_000:]


def test_a_new_gateway_touches_only_what_the_layout_says(
    toyed: tuple[Path, Mapping[str, str]],
) -> None:
    _, touched = toyed

    assert [name for name in touched if not any(m.fullmatch(name) for m in MAY_TOUCH)] == []
    assert all(any(m.fullmatch(name) for name in touched) for m in MAY_TOUCH)
    assert len(touched) == 9


def test_the_example_reads_like_the_rest_of_the_house(
    toyed: tuple[Path, Mapping[str, str]],
) -> None:
    folder, touched = toyed
    code = [name for name in touched if name.endswith(".py")]

    run(folder, "ruff", "check", "--no-cache", *code)
    run(folder, "ruff", "format", "--check", "--no-cache", *code)
    assert json.loads(touched["tests/data/toy/notice.json"])["body"]["amount"] == 581_000


@pytest.mark.slow
def test_the_example_takes_payments(toyed: tuple[Path, Mapping[str, str]]) -> None:
    folder, _ = toyed
    (folder / "tests/journeys/test_toy_journey.py").write_text(JOURNEY)

    run(
        folder, "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/journeys/test_toy_journey.py"
    )
