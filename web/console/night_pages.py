"""How far the runs of a day are: values of a part that is asked for again until all is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from web.language import Both


@dataclass(frozen=True, slots=True)
class NightRow:
    """One account's run. state, step: run_state and run_step of words.py, step "" before it began.

    done, total: lines; why: of a failure; again_at: when it is tried again, None where nobody
    asked; url: of the run, "" before it began.
    """

    account: str
    state: str
    step: str = ""
    done: int = 0
    total: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempt: int = 0
    why: Both | None = None
    again_at: datetime | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class NightPart:
    """The runs of a day. url: of this part alone; going: whether it changes by itself."""

    template: ClassVar[str] = "console/night.html"

    day: date
    rows: Sequence[NightRow]
    url: str

    @property
    def going(self) -> bool:
        """Whether a run works, waits for a worker or will be tried again."""
        return any(
            one.state in ("asked", "running", "broken_off") or one.again_at is not None
            for one in self.rows
        )

    @property
    def finished(self) -> int:
        """How many runs are done."""
        return sum(one.state == "finished" for one in self.rows)
