"""Where the browser of the tests marked `browser` is, and what is said where there is none."""

from __future__ import annotations

import shutil
from typing import Final

# The shell has no window to manage: the same pages cost it a quarter of the processor time.
NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
MISSING: Final = (
    "tests marked `browser` are left out: there is no Chromium; to include them, install it "
    "(on Debian: apt-get install chromium-headless-shell)"
)


def program() -> str | None:
    """The Chromium of this machine, None without one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)
