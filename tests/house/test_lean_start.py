"""What a process need not load, it does not load: tables belong to the night, not to a page."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"pandas", "numpy", "pyarrow"}


def test_the_web_starts_without_the_libraries_of_the_night() -> None:
    ask = "import sys, web.app; print(*sorted({name.partition('.')[0] for name in sys.modules}))"

    loaded = subprocess.check_output([sys.executable, "-c", ask], text=True).split()

    assert "flask" in loaded
    assert not HEAVY & set(loaded)
