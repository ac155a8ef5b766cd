"""MoMo's settlement file: the layout in report.toml, unless a profile says otherwise."""

from __future__ import annotations

from adapters.settlements import layouts
from adapters.settlements.reader import Reader

READER = Reader(layouts.usual("momo"))
