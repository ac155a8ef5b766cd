"""The README tells the truth: its commands run in a fresh checkout, its links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 300
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^[$] (.+)$", README, re.M)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(scope="module")
def fresh_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a newcomer has: the files git knows, and nothing that was built or left behind."""
    folder = tmp_path_factory.mktemp("fresh") / "thuphi"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture
def home() -> Iterator[Path]:
    """A state folder that the servers' own user can reach, which pytest's own is not for root."""
    folder = Path(tempfile.mkdtemp(prefix="thuphi-readme-"))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder)


@pytest.mark.slow
def test_the_commands_of_the_readme_run_in_a_fresh_checkout(
    fresh_checkout: Path, home: Path
) -> None:
    own = {k: v for k, v in os.environ.items() if not k.startswith(("THUPHI_", "VIRTUAL_ENV"))}
    env = own | {"THUPHI_HOME": str(home)}
    for name in ("DATABASE_URL", "REDIS_URL", "MAKEFLAGS", "MAKELEVEL", "PYTHONPATH"):
        env.pop(name, None)

    for command in COMMANDS:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=fresh_checkout,
            env=env,
            capture_output=True,
            text=True,
            check=False,  # the assertion below shows what it said
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    # The demo checks its own story and ends with 0 only if it came out as told and nothing is
    # unexplained. In the same folder it plays another day, and then serves.
    _another_day_is_served(fresh_checkout, env, home)


def _another_day_is_served(checkout: Path, env: dict[str, str], home: Path) -> None:
    told = home.parent / "told"
    with (
        told.open("w") as errors,
        subprocess.Popen(
            [str(checkout / ".venv/bin/thuphi"), "demo"],
            cwd=checkout,
            env=env | {"LANG": "en_US.UTF-8"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as running,
    ):
        try:
            said = _until_ready(running)
            assert "Ctrl-C" in said, said + told.read_text()
            answers = {url: _status(url) for url in re.findall(r"http://\S+", said)}
            running.send_signal(signal.SIGINT)
            code = running.wait(PATIENCE_SECONDS)
        finally:
            running.kill()

    assert len([url for url in answers if "/pay/" in url]) == 6
    assert {url: seen for url, seen in answers.items() if seen not in (200, 302, 303)} == {}
    assert code == 0


def _until_ready(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    lines = []
    for line in running.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    return "".join(lines)


def _status(url: str) -> int:
    where = urlsplit(url)
    line = HTTPConnection(where.hostname or "", where.port or 80, timeout=30)
    try:
        line.request("GET", where.path or "/")
        return line.getresponse().status
    finally:
        line.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())

    missing = [link for link in links if not (page.parent / link).exists()]

    assert missing == []
