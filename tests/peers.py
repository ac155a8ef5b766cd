"""Peers: other people's libraries, installed from their registries into a folder of their own.

A peer that cannot be installed is left out with a line that says why; what it would have shown
is then shown by the vectors alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

_INSTALL_S = 180
_RUN_S = 60


def npm(folder: Path, *packages: str) -> None:
    """Install packages ("name@1.2.3") from npm; no script of theirs runs. Skips with the reason."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed, so {packages} could not be asked")
    (folder / "package.json").write_text("{}")
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1")
    _install(["npm", "install", *quiet, *packages], folder, packages)


def pypi(folder: Path, *packages: str) -> None:
    """Install packages ("name==1.2.3") from PyPI into the folder. Skips with the reason."""
    if shutil.which("uv"):
        program = ["uv", "pip", "install", "--quiet", "--python", sys.executable]
    elif find_spec("pip"):
        program = [sys.executable, "-m", "pip", "install", "--quiet"]
    else:
        pytest.skip(f"neither uv nor pip is installed, so {packages} could not be asked")
    _install([*program, "--target", str(folder), *packages], folder, packages)


def ask(program: Sequence[str], folder: Path, question: object, **env: str) -> Mapping[str, Any]:
    """Run a peer's program there: a question and an answer in JSON."""
    done = subprocess.run(
        program,
        cwd=folder,
        env=os.environ | env,
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=_RUN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer


def _install(command: Sequence[str], folder: Path, packages: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{packages} could not be installed within {_INSTALL_S} s")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        pytest.skip(
            f"{packages} could not be installed: {lines[0] if lines else 'no reason given'}"
        )
