"""Where the browser of the tests marked `browser` is, and what is said where there is none."""

from __future__ import annotations

import shutil
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
MISSING: Final = (
    "tests marked `browser` are left out: there is no Chromium; to include them, install it "
    "(on Debian: apt-get install chromium)"
)


def program() -> str | None:
    """The Chromium of this machine, None without one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)
