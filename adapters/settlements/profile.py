"""A layout as data: which heading means what, how days, times and types are written.

The usual layout of a gateway is `report.toml` in its folder. A profile in TOML has the same
keys; what it leaves out stays as usual, so that a contract that only renames a column needs
two lines.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.statements.profiles import fold
from reconciliation.settlement_report import RowKind

NEEDED = ("batch", "settle_date", "txn_id", "type", "gross", "net")
FIELDS = (*NEEDED, "merchant_ref", "request_ref", "paid_at", "fee", "vat", "merchant", "status")
_KEYS = {
    "gateway", "title", "delimiter", "encoding", "date", "time", "negatives", "columns", "types",
    "settled",
}  # fmt: skip
_ENCODINGS = {"auto": "", "utf-8": "utf-8-sig", "utf-16": "utf-16", "windows-1258": "cp1258"}
_DELIMITERS = {",": ",", ";": ";", "|": "|", "\t": "\t", "tab": "\t"}
_PARTS = {
    "%Y": r"(?P<Y>[0-9]{4})",
    "%m": r"(?P<m>[0-9]{2})",
    "%d": r"(?P<d>[0-9]{2})",
    "%H": r"(?P<H>[0-9]{2})",
    "%M": r"(?P<M>[0-9]{2})",
    "%S": r"(?P<S>[0-9]{2})",
}
_MOST_CHARACTERS = 65_536


class ProfileError(ValueError):
    """A profile that cannot be used; the text says why, in English and for the writer of it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One layout. columns: field -> folded headings, any of which names it.

    date, time: patterns with the groups Y m d H M S. types: folded word -> kind. settled:
    folded words of the status column that mean "paid out"; empty when every row is.
    negatives: whether refunds and charge-backs are written with a minus.
    """

    gateway: str
    title: str
    delimiter: str
    encoding: str
    date: re.Pattern[str]
    time: re.Pattern[str]
    negatives: bool
    columns: Mapping[str, Sequence[str]]
    types: Mapping[str, RowKind]
    settled: frozenset[str]
    date_example: str
    time_example: str


def parsed(text: str, usual: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """TOML as a mapping, over the usual layout. Raises ProfileError."""
    if len(text) > _MOST_CHARACTERS:
        raise ProfileError("longer than 65,536 characters")
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise ProfileError(f"no TOML: {broken}") from None
    unknown = sorted(set(told) - _KEYS)
    if unknown:
        raise ProfileError(f"unknown {', '.join(unknown)}")
    merged = {**(usual or {}), **told}
    if usual is not None and isinstance(told.get("columns"), dict):
        merged["columns"] = {**usual["columns"], **told["columns"]}
    return merged


def made(raw: Mapping[str, Any]) -> Profile:
    """The profile that a mapping describes. Raises ProfileError that names what is wrong."""
    missing = sorted(_KEYS - {"settled", "encoding"} - set(raw))
    if missing:
        raise ProfileError(f"{', '.join(missing)} missing")
    texts = [raw[name] for name in ("gateway", "title", "delimiter", "date", "time")]
    if not all(isinstance(one, str) and one for one in texts):
        raise ProfileError("gateway, title, delimiter, date and time are texts")
    encoding = raw.get("encoding", "auto")
    if encoding not in _ENCODINGS:
        raise ProfileError(f"encoding is one of {', '.join(_ENCODINGS)}")
    if raw["delimiter"] not in _DELIMITERS:
        raise ProfileError('delimiter is "," or ";" or "|" or "tab"')
    if not isinstance(raw["negatives"], bool):
        raise ProfileError("negatives is true or false")
    return Profile(
        gateway=raw["gateway"],
        title=raw["title"],
        delimiter=_DELIMITERS[raw["delimiter"]],
        encoding=_ENCODINGS[encoding],
        date=_format("date", raw["date"], {"%Y", "%m", "%d"}),
        time=_format("time", raw["time"], {"%Y", "%m", "%d"}),
        date_example=_example(raw["date"]),
        time_example=_example(raw["time"]),
        negatives=raw["negatives"],
        columns=_columns(raw["columns"]),
        types=_types(raw["types"]),
        settled=frozenset(_words("settled", raw.get("settled", []))),
    )


def _format(name: str, written: str, needed: set[str]) -> re.Pattern[str]:
    """A strict pattern for a format such as "%d/%m/%Y": all digits, in just these places."""
    parts = re.split(r"(%.)", written)
    used = [part for part in parts if part.startswith("%")]
    if len(set(used)) != len(used) or not needed <= set(used) or not set(used) <= set(_PARTS):
        raise ProfileError(f"{name} is a format of %Y %m %d and, for a time, %H %M %S")
    return re.compile("".join(_PARTS.get(part, re.escape(part)) for part in parts))


def _example(written: str) -> str:
    """A moment in this format, for people."""
    parts = {"%Y": "2026", "%m": "03", "%d": "11", "%H": "08", "%M": "05", "%S": "30"}
    return "".join(parts.get(part, part) for part in re.split(r"(%.)", written))


def _columns(raw: Any) -> Mapping[str, Sequence[str]]:
    if not isinstance(raw, dict):
        raise ProfileError("columns is a table")
    unknown = sorted(set(raw) - set(FIELDS))
    if unknown:
        raise ProfileError(f"unknown column {', '.join(unknown)}; known are {', '.join(FIELDS)}")
    columns = {field: _words(f"columns.{field}", said) for field, said in raw.items()}
    columns = {field: said for field, said in columns.items() if said}
    missing = [field for field in NEEDED if field not in columns]
    if missing:
        raise ProfileError(f"columns {', '.join(missing)} missing")
    every = [heading for said in columns.values() for heading in said]
    twice = sorted({heading for heading in every if every.count(heading) > 1})
    if twice:
        raise ProfileError(f"the heading {', '.join(twice)} names two columns")
    return columns


def _types(raw: Any) -> Mapping[str, RowKind]:
    kinds = {kind.value for kind in RowKind}
    if not isinstance(raw, dict) or not set(raw) <= kinds or "payment" not in raw:
        raise ProfileError(f"types is a table of {', '.join(sorted(kinds))}")
    found: dict[str, RowKind] = {}
    for kind, said in raw.items():
        for word in _words(f"types.{kind}", said):
            if word in found:
                raise ProfileError(f"the type {word} means two things")
            found[word] = RowKind(kind)
    return found


def _words(name: str, said: Any) -> list[str]:
    if not isinstance(said, list) or not all(isinstance(one, str) and fold(one) for one in said):
        raise ProfileError(f"{name} is a list of texts")
    return [fold(one) for one in said]
