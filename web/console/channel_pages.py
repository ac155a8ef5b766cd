"""What the staff's pages show of channels: plain values, built by views_channels.

ChannelsPage   every company, and how this biller stands with it
ChannelPage    one of them: its settings, its test, its history

Amounts are int đồng, times aware datetimes, codes those of web/words.py (see web/pages.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from web.console.decisions import Done
from web.console.pages import Shell, Tab
from web.language import Both
from web.pages import ONE_PAGE, FieldError, Pager


@dataclass(frozen=True, slots=True)
class Card:
    """One company. label: its name, as a text mark; does: what it is for. status: on, off, absent.

    address: where it has to call us. check: works, fails, untried; found: the test's own words.
    held: what it has of our money, None for one that holds none. count, amount: today through it.
    """

    name: str
    label: str
    does: Both
    status: str
    url: str
    address: str
    updated_at: datetime | None = None
    check: str = "untried"
    found: Both | None = None
    checked_at: datetime | None = None
    held: int | None = None
    count: int = 0
    amount: int = 0


@dataclass(frozen=True, slots=True)
class ChannelsPage:
    """Every company, those that are set up first. may: the reader may set one up.

    parts: the pages beside this one.
    """

    template: ClassVar[str] = "console/channels.html"

    shell: Shell
    parts: Sequence[Tab]
    cards: Sequence[Card]
    may: bool


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting. value: only of what is no secret; kept: there is one already.

    A secret that is kept stays when its field is left empty; drop: it may be taken away.
    """

    name: str
    label: Both
    secret: bool
    needed: bool
    value: str = ""
    kept: bool = False
    drop: bool = False


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """One channel. one_of: any one of the fields is enough.

    calls_url: what it told us. POST save_url (every field by its name, drop-<name>), test_url,
    switch_url (on: 1 or 0); "" where the reader may not, or there is nothing to do it to.
    """

    template: ClassVar[str] = "console/channel.html"

    shell: Shell
    parts: Sequence[Tab]
    card: Card
    fields: Sequence[SettingField]
    one_of: bool
    history: Sequence[Done] = ()
    errors: Sequence[FieldError] = ()
    notice: Both | None = None
    save_url: str = ""
    test_url: str = ""
    switch_url: str = ""
    calls_url: str = ""
    back_url: str = ""
    pager: Pager = ONE_PAGE
