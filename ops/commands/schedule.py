"""`thuphi schedule`."""

from __future__ import annotations

from ops import schedule
from ops.commands.process import working


def command() -> None:
    """Keep the timetable: nightly runs, seals, expiry. Any number may run.

    Example: thuphi schedule
    """
    with working() as (runtime, stop):
        schedule.run(runtime, stop)
