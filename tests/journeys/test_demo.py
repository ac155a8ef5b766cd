"""The demo where it cannot come up. What it plays is tested as a newcomer does, in test_readme."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

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


def test_a_port_that_was_asked_for_and_is_taken_is_said_at_once(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        done = demo(home, "--once", THUPHI_PORT=port)

    assert done.returncode == 2
    assert f"Port {port} (THUPHI_PORT) is in use" in done.stderr
