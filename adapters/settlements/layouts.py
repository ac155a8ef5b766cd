"""The usual layouts: report.toml in the folder of each gateway that settles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from adapters.settlements import profile


@cache
def usual(gateway: str) -> Mapping[str, Any]:
    """The layout of a gateway's folder. Raises LookupError where there is none."""
    told = files("adapters").joinpath(gateway, "report.toml")
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,19}", gateway) or not told.is_file():
        raise LookupError(gateway)
    return profile.parsed(told.read_text(encoding="utf-8"))


def lookalike(headings: Iterable[str], gateway: str) -> str | None:
    """The title of another gateway whose columns all stand among these folded headings."""
    said = set(headings)
    for folder in sorted(files("adapters").iterdir(), key=lambda one: one.name):
        try:
            other = usual(folder.name)
        except LookupError:
            continue
        columns = profile.made(other).columns
        if folder.name != gateway and all(said & set(columns[name]) for name in profile.NEEDED):
            return str(other["title"])
    return None
