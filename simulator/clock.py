"""The bank's clock: the machine's time and an offset. Business time is Asia/Ho_Chi_Minh.

Where a shared clock file is named, that file holds the offset, for this process and all others
that read it; otherwise the offset is kept in the data folder.
"""

from __future__ import annotations

import json
import math
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from simulator.errors import Refused
from simulator.store import Store, remember, remembered

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_FARTHEST = 20 * 366 * 86_400  # seconds: further away it is a slip of the hand


class Clock:
    """Tells the bank's time. file: the shared offset, or None."""

    def __init__(self, store: Store, file: Path | None = None) -> None:
        self._store = store
        self.file = file
        self.problem = ""
        with store.begin() as db:
            self._last = float(remembered(db, "offset") or 0)

    def offset(self) -> float:
        """Seconds ahead of the machine. A file that cannot be read keeps the last good value."""
        if self.file is None:
            return self._last
        try:
            self._last = _offset(self.file.read_text())
            self.problem = ""
        except FileNotFoundError:
            self._last, self.problem = 0.0, ""
        except (OSError, ValueError) as error:
            self.problem = f"{self.file}: {error}"
        return self._last

    def move(self, seconds: float) -> None:
        """Set the offset, in the shared file if there is one."""
        if not math.isfinite(seconds) or abs(seconds) > _FARTHEST:
            raise Refused(
                "offset_seconds phải là số giây, không quá 20 năm",
                "offset_seconds must be a number of seconds, at most 20 years",
            )
        if self.file is None:
            with self._store.begin() as db:
                remember(db, "offset", repr(seconds))
            self._last = seconds
            return
        part = self.file.with_name(f"{self.file.name}.simulator")
        part.write_text(json.dumps({"offset_seconds": seconds}))
        part.replace(self.file)  # whole or not at all: others read it at any moment

    def epoch(self) -> float:
        """Unix seconds on this clock."""
        return time.time() + self.offset()

    def now(self) -> datetime:
        """The moment in Vietnam, to the second."""
        return moment(self.epoch())


def moment(epoch: float) -> datetime:
    """Unix seconds as Vietnamese time, whole seconds."""
    return datetime.fromtimestamp(int(epoch), VIETNAM)


def _offset(text: str) -> float:
    """{"offset_seconds": n}, or the bare number. Raises ValueError for anything else."""
    found = json.loads(text)
    if isinstance(found, dict):
        found = found.get("offset_seconds")
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError("offset_seconds is not a number of seconds")
    if not math.isfinite(found) or abs(found) > _FARTHEST:
        raise ValueError("offset_seconds is too far away")
    return float(found)
