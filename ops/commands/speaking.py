"""How commands speak: one line for an error, results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from ops.config import language
from ops.embedded.errors import AlreadyRunning
from ops.errors import StartError
from payments.domain.errors import DomainError, Invalid, Unavailable

T = TypeVar("T")

QUIET_SECONDS = 2.0
USAGE = 2  # wrong use, or a process that cannot start as it was told
_WRONG_USE = (StartError, Unavailable, Invalid, AlreadyRunning)


def tell(error: DomainError) -> int:
    """Say what went wrong in the language of the terminal; returns the exit code."""
    said = error.vi if language() == "vi" else error.en
    sys.stderr.write(f"thuphi: {' '.join(said.split())}\n")
    return USAGE if isinstance(error, _WRONG_USE) else 1


def say(vi: str, en: str) -> None:
    """A line for people, on stderr, so that stdout stays the result."""
    sys.stderr.write(f"{vi if language() == 'vi' else en}\n")


def give(result: Mapping[str, object], *, as_json: bool) -> None:
    """The result, on stdout: one JSON object, or a line per field."""
    if as_json:
        sys.stdout.write(json.dumps(dict(result), ensure_ascii=False) + "\n")
        return
    width = max(len(name) for name in result)
    for name, value in result.items():
        sys.stdout.write(f"{name:<{width}}  {value}\n")


def watched(items: Iterable[T], *, what: str, total: int) -> Iterator[T]:
    """The items, with a progress bar on a terminal once it takes longer than two seconds."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console  # noqa: PLC0415  # half a second that programs never need
    from rich.progress import Progress  # noqa: PLC0415

    begun = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True, disable=False) as bar:
        task = bar.add_task(what, total=total, visible=False)
        for item in items:
            yield item
            bar.update(task, advance=1, visible=time.monotonic() - begun > QUIET_SECONDS)
