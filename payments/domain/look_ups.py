"""Look-ups: when a gateway is asked what became of a try that has brought no news. Pure.

A notice may be late or lost, so a try is asked about while the payer waits, when its time is
over, and then as its gateway allows. A try in doubt is asked about at once, then ever more
rarely, and never given up before the gateway's own schedule ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

FIRST: Final = timedelta(seconds=30)
"""After a try was written down: a process that died before the answer is found by then."""

AFTER_RETURN: Final = timedelta(seconds=2)
"""After the payer's browser came back: the gateway's own call is usually faster."""

WAITING: Final = (timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=10))
"""After the start of a try whose payer is at the gateway."""

IN_DOUBT: Final = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
)
"""Pauses between questions about a try in doubt; the last one repeats."""

AFTER_END: Final = (
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=12),
    timedelta(hours=47),
)
"""After the end of a try, for gateways that say nothing else."""


def next_one(
    started: datetime,
    ends: datetime,
    after_end: Sequence[timedelta],
    *,
    in_doubt: bool,
    looks: int,
    now: datetime,
) -> datetime | None:
    """When to ask next; None when the schedule is used up.

    after_end: the gateway's own, counted from `ends`. looks: how often it was asked. A doubt is
    asked about a few times even if the schedule is over when it arises, or when we come back from
    an outage: one lost answer must not decide.
    """
    ended = [ends + pause for pause in after_end]
    if in_doubt:
        due = now + IN_DOUBT[min(looks, len(IN_DOUBT)) - 1]
        last = max([*ended, ends])
        return due if due <= last or looks < len(IN_DOUBT) else None
    waiting = [started + pause for pause in WAITING if started + pause < ends]
    return min((moment for moment in [*waiting, *ended] if moment > now), default=None)
