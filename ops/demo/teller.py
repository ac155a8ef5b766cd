"""Teller: what a demo says while it goes on, and what did not come out as told.

Progress goes to stderr in the language of the terminal; stdout is for the table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Self, TypeVar

from rich.console import Console

from ops.config import language
from payments.domain.calendar import HANOI
from payments.domain.errors import Conflict

T = TypeVar("T")

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.1


class NotAsTold(Conflict):
    """The story took another turn; says where."""

    slug = "not-as-told"
    title_vi = "Diễn biến không đúng kịch bản"
    title_en = "The story did not come out as told"


class Teller:
    """Says what is going on. quiet: only what went wrong.

    Between __enter__ and `rest` something moves on a terminal, however long a step takes.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._quiet = quiet
        self._moving = self._console.status("…")
        self.wrong: list[str] = []

    def __enter__(self) -> Self:
        """Begin to move, where somebody looks."""
        if self._console.is_terminal and not self._quiet:
            self._moving.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""
        self.rest()

    def rest(self) -> None:
        """Stop moving, so that others can write. Repeatable."""
        self._moving.stop()

    def say(self, vi: str, en: str) -> None:
        """One line."""
        if not self._quiet:
            self._console.print(in_words(vi, en), markup=False)

    @contextmanager
    def step(self, vi: str, en: str) -> Iterator[None]:
        """Something that may take seconds."""
        said, begun = in_words(vi, en), time.monotonic()
        if self._quiet:
            yield
            return
        self._moving.update(said)
        if not self._console.is_terminal:
            self._console.print(f"  {said} …", markup=False)
        yield
        if self._console.is_terminal:
            self._console.print(f"  {said} ({time.monotonic() - begun:.1f} s)", markup=False)
        self._moving.update("…")

    def at(self, moment: datetime, vi: str, en: str) -> None:
        """A scene of the day."""
        when = moment.astimezone(HANOI)
        self.say(f"{when:%d/%m %H:%M}  {vi}", f"{when:%d %b %H:%M}  {en}")

    def check(self, vi: str, en: str, *, found: object, told: object) -> None:
        """Compare with the story; what differs is said at once and again at the end."""
        if found == told:
            return
        said = in_words(f"{vi}: cần {told}, thấy {found}", f"{en}: {told} was told, {found} found")
        self.wrong.append(said)
        self._console.print(f"  ✗ {said}", style="bold red", markup=False)

    def wait(
        self,
        vi: str,
        en: str,
        look: Callable[[], T],
        good: Callable[[T], bool],
        *,
        seconds: float = PATIENCE_SECONDS,
    ) -> T:
        """Look until it is good. Raises NotAsTold with what was seen last."""
        until = time.monotonic() + seconds
        while True:
            seen = look()
            if good(seen):
                return seen
            if time.monotonic() > until:
                raise NotAsTold(
                    f"{vi}: chờ {seconds:g} giây vẫn thấy {_short(seen)}",
                    f"{en}: after {seconds:g} s still {_short(seen)}",
                )
            time.sleep(LOOK_SECONDS)


def in_words(vi: str, en: str) -> str:
    """The one of the two that the terminal's language asks for."""
    return vi if language() == "vi" else en


def _short(seen: object) -> str:
    said = str(seen)
    return said if len(said) <= 300 else f"{said[:300]}…"
