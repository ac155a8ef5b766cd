"""The README tells the truth: its commands run in a fresh checkout, its links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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
    # `make test` has just installed exactly this where there was nothing; once is enough.
    if (ROOT / ".venv/.installed").exists():
        (folder / ".venv").symlink_to(ROOT / ".venv")
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
        # The demo checks its own story: 0 only if it came out as told and nothing is unexplained.


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())

    missing = [link for link in links if not (page.parent / link).exists()]

    assert missing == []
