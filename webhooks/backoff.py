"""When a call that failed is tried again, and when it no longer is. Pure.

The schedule is that of Standard Webhooks: ten tries over a good three days. It counts from the
first try, so that a try that was pulled forward (the system is back) uses nothing up.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import accumulate
from typing import Final

PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
SPAN: Final = sum(PAUSES, timedelta())
"""75 h 35 min: from the first try to the last one."""

_DUE: Final = tuple(accumulate(PAUSES))
_FEWEST: Final = 4
"""Tries that every event gets, even if we were away when its time ran out."""

_JITTER: Final = 0.1

TROUBLED: Final = 3
"""Failures in a row after which an endpoint rests, and one call at a time tries it."""
FIRST_REST: Final = timedelta(seconds=5)
LONGEST_REST: Final = timedelta(minutes=5)

PATIENCE: Final = timedelta(days=3)
"""An endpoint that only failed for so long is disabled."""
FAILURES: Final = 6
"""And at least so often: a clock that jumps disables nothing."""

LONGEST_ASKED: Final = timedelta(hours=24)
LONGEST_SLOWING: Final = timedelta(minutes=15)


def next_try(
    *,
    started_at: datetime,
    attempts: int,
    now: datetime,
    asked: timedelta = timedelta(),
    chance: Callable[[], float] = random.random,
) -> datetime | None:
    """The moment of the next try after a failure; None: it is given up.

    attempts: how many there were since started_at, this one included. asked: what the answer's
    Retry-After wants, honoured up to a day. Up to a tenth of the pause is added at random, so
    that what failed together is not tried together.
    """
    ahead = [pause for due in _DUE if (pause := started_at + due - now) > timedelta()]
    if ahead:
        pause = max(ahead[0], PAUSES[0])
    elif attempts < _FEWEST:
        pause = PAUSES[attempts - 1]
    else:
        return None
    spread: timedelta = pause * (_JITTER * chance())
    return now + max(pause + spread, min(asked, LONGEST_ASKED))


def rest(failures: int) -> timedelta:
    """How long an endpoint is left alone after so many failures in a row."""
    if failures < TROUBLED:
        return timedelta()
    doubled: timedelta = FIRST_REST * 2 ** min(failures - TROUBLED, 10)
    return min(LONGEST_REST, doubled)


def asked(retry_after: str, now: datetime) -> timedelta:
    """How long a Retry-After asks to wait, in seconds or as a date; 0 when it says nothing."""
    said = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", said):
        return timedelta(seconds=int(said))
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, TypeError, IndexError):
        return timedelta()
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(timedelta(), aware - now)


def gives_up(failures: int, failing_since: datetime, now: datetime) -> bool:
    """Whether an endpoint has failed so long and so often that it is disabled."""
    return failures >= FAILURES and now - failing_since >= PATIENCE
