"""The demo as anybody types it: a whole day in real processes, again, and then in a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ops.embedded import ports

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder that the servers' own user can reach, which pytest's own is not for root."""
    folder = Path(tempfile.mkdtemp(prefix="thuphi-demo-"))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder)


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    web = ports.choose(None)
    told = {
        "LANG": "en_US.UTF-8",
        "THUPHI_HOME": str(home),
        # The usual ports belong to whoever else plays a demo on this machine just now.
        "THUPHI_PORT": str(web),
        "THUPHI_SIMULATOR_PORT": str(ports.choose(None, taken=(web,))),
    }
    return kept | told | more


def demo(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.cli", "demo", *arguments],
        cwd=PROJECT,
        env=environment(home, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def figures(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(row[name] for name in ("received", "applied", "credit", "refunded", "open"))


def test_a_day_of_trade_comes_out_as_told_and_leaves_nothing_unexplained(home: Path) -> None:
    done = demo(home, "--once", "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["unexplained"], told["not_as_told"]) == (0, [])
    assert {row["code"]: figures(row) for row in told["billers"]} == {
        "TH-HS": (5_770_000, 5_725_000, 45_000, 0, 0),
        "THPT-TLX": (15_760_000, 10_380_000, 1_970_000, 3_410_000, 0),
        "BV-HGX": (1_110_800, 480_800, 0, 630_000, 0),
        "H26.901": (24_000, 24_000, 0, 0, 0),
        "H26.990": (42_000, 42_000, 0, 0, 0),
    }
    assert [(row["bank"], row["unexplained"]) for row in told["billers"]] == [
        (row["ledger"], 0) for row in told["billers"]
    ]


def test_the_same_folder_plays_another_day_and_then_serves_every_address(home: Path) -> None:
    program = [sys.executable, "-m", "ops.cli", "demo"]
    told = home.parent / "told"
    with (
        told.open("w") as errors,
        subprocess.Popen(
            program,
            cwd=PROJECT,
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as running,
    ):
        try:
            said = until_ready(running)
            assert "Ctrl-C" in said, said + told.read_text()
            answers = {url: status(url) for url in re.findall(r"http://\S+", said)}
            running.send_signal(signal.SIGINT)
            code = running.wait(PATIENCE_SECONDS)
        finally:
            running.kill()

    assert len([url for url in answers if "/pay/" in url]) == 5
    assert {url: seen for url, seen in answers.items() if seen not in (200, 302, 303)} == {}
    assert code == 0


def test_a_port_that_was_asked_for_and_is_taken_is_said_at_once(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        done = demo(home, "--once", THUPHI_PORT=port)

    assert done.returncode == 2
    assert f"Port {port} (THUPHI_PORT) is in use" in done.stderr


def until_ready(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    lines = []
    for line in running.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    return "".join(lines)


def status(url: str) -> int:
    where = urlsplit(url)
    line = HTTPConnection(where.hostname or "", where.port or 80, timeout=30)
    try:
        line.request("GET", where.path or "/")
        return line.getresponse().status
    finally:
        line.close()
