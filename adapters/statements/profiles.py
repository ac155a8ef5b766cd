"""Column profiles: which heading means what, bank by bank. The data are banks/*.toml.

Headings are folded (no accents, case, punctuation) and read as a run of known words:
"Ngày GD/ TNX Date / Số CT/ Doc No" is date, date, reference, reference, so the column holds
both. A new bank is a new file here and no code.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

GENERIC = "generic"
_NOISE = frozenset({"vnd", "dong", "d", "usd", "eur"})  # units behind a heading: "Ghi nợ (VND)"
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Profile:
    """What one bank writes. fields: folded heading -> the field of the line it fills.

    own: the headings the bank's file names itself, without the general ones.
    """

    name: str
    title: str
    marks: tuple[str, ...]
    fields: Mapping[str, str]
    own: frozenset[str]
    inferred: bool


@dataclass(frozen=True, slots=True)
class Labels:
    """Words that open a row without movement: balances, totals, account, currency."""

    opening: tuple[str, ...]
    closing: tuple[str, ...]
    total: tuple[str, ...]
    account: tuple[str, ...]
    currency: tuple[str, ...]
    credit_words: frozenset[str]
    debit_words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Heading:
    """A row read as a heading. columns: field -> index of its cell; known: cells understood."""

    profile: Profile
    columns: Mapping[str, int]
    known: int

    def has_money(self) -> bool:
        """True if a day and an amount with a direction can be read from the columns."""
        has_day = bool({"date", "date_reference", "value_date"} & set(self.columns))
        return has_day and ({"debit", "credit"} <= set(self.columns) or "amount" in self.columns)


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Lower-case words without accents and punctuation: "Nợ/ Debit" -> "no debit"."""
    plain = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(c for c in plain if not unicodedata.combining(c)).lower()
    return " ".join(re.findall(r"[a-z0-9]+", letters))


@cache
def all_profiles() -> Mapping[str, Profile]:
    """Every profile by name, the general one last."""
    folder = files(__package__).joinpath("banks")
    raw = {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }
    general = _headings(raw[GENERIC]["columns"])
    names = sorted(raw, key=lambda name: (name == GENERIC, name))
    return {name: _profile(name, raw[name], general) for name in names}


@cache
def labels() -> Labels:
    """The label and direction words of the general profile; they serve every bank."""
    raw = tomllib.loads(files(__package__).joinpath("banks/generic.toml").read_text("utf-8"))
    words = {key: tuple(sorted(said, key=len, reverse=True)) for key, said in raw["labels"].items()}
    kinds = raw["kind_words"]
    return Labels(
        **words,
        credit_words=frozenset(kinds["credit"]),
        debit_words=frozenset(kinds["debit"]),
    )


def read_heading(cells: Sequence[str], profile: Profile) -> Heading:
    """The cells as this profile understands them; the fuller of two headings for a field wins."""
    best: dict[str, tuple[int, int]] = {}
    known = 0
    for index, cell in enumerate(cells):
        folded = fold(cell)
        meaning = _field(folded, profile.name)
        if meaning is None:
            continue
        known += 1
        if meaning not in best or len(folded) > best[meaning][0]:
            best[meaning] = (len(folded), index)
    return Heading(profile, {meaning: index for meaning, (_, index) in best.items()}, known)


def best_heading(cells: Sequence[str], context: str, wanted: str | None = None) -> Heading | None:
    """The profile that reads this row as a heading with day and money; None if none does.

    context: folded text above the row, where banks print their names. A bank's profile is
    taken if its name stands there or if it knows every heading itself; else the general one.
    """
    if sum(bool(cell.strip()) for cell in cells) < 3:
        return None
    profiles = all_profiles()
    if wanted is not None:
        heading = read_heading(cells, profiles[wanted])
        return heading if heading.has_money() else None
    general = read_heading(cells, profiles[GENERIC])
    filled = [fold(cell) for cell in cells if fold(cell)]
    chosen: tuple[tuple[bool, int], Heading] | None = None
    for name, profile in profiles.items():
        heading = read_heading(cells, profile)
        if name == GENERIC or not heading.has_money():
            continue
        own = sum(_is_run(cell, profile.own) for cell in filled)
        marked = any(mark in context for mark in profile.marks)
        rank = (marked, own)
        if (marked or own == len(filled)) and (chosen is None or rank > chosen[0]):
            chosen = (rank, heading)
    if chosen is not None:
        return chosen[1]
    return general if general.has_money() else None


def lacking(cells: Sequence[str]) -> tuple[str, str] | None:
    """What a row lacks to be a heading, in Vietnamese and English; None if it is far from one."""
    heading = read_heading(cells, all_profiles()[GENERIC])
    if heading.known < 3 or heading.has_money():
        return None
    has = set(heading.columns)
    lacks = []
    if not has & {"date", "date_reference", "value_date"}:
        lacks.append(("ngày", "date"))
    if "amount" not in has and not has & {"debit", "credit"}:
        lacks.append(("số tiền", "amount"))
    elif "amount" not in has:
        lacks += [("ghi nợ", "debit")] * ("debit" not in has)
        lacks += [("ghi có", "credit")] * ("credit" not in has)
    vi, en = zip(*lacks, strict=True)
    return ", ".join(vi), ", ".join(en)


def _profile(name: str, raw: Mapping[str, object], general: Mapping[str, str]) -> Profile:
    columns, marks = raw["columns"], raw["marks"]
    if not isinstance(columns, dict) or not isinstance(marks, list):
        raise TypeError(f"banks/{name}.toml: columns is a table, marks is a list")
    own = _headings(columns)
    return Profile(
        name=name,
        title=str(raw["title"]),
        marks=tuple(marks),
        fields={**general, **own},
        own=frozenset(own),
        inferred=bool(raw["inferred"]),
    )


def _headings(columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {heading: meaning for meaning, said in columns.items() for heading in said}


@lru_cache(maxsize=65_536)
def _field(folded: str, profile: str) -> str | None:
    """The field a heading names; None if it is unknown or names two things at once."""
    run = _run(folded, all_profiles()[profile].fields)
    meanings = {meaning for meaning in run or () if meaning != "serial" or len(run or ()) == 1}
    if meanings == {"date", "reference"}:
        return "date_reference"
    return meanings.pop() if len(meanings) == 1 else None


def _is_run(folded: str, headings: frozenset[str]) -> bool:
    return _run(folded, dict.fromkeys(headings, "")) is not None


def _run(folded: str, fields: Mapping[str, str]) -> list[str] | None:
    """The heading cut into the fewest known headings, as their fields; None if it cannot be."""
    words = folded.split()
    if not words or len(words) > 4 * _MOST_WORDS:
        return None
    shortest: list[list[str] | None] = [[]] + [None] * len(words)
    for end in range(1, len(words) + 1):
        for start in range(max(0, end - _MOST_WORDS), end):
            before = shortest[start]
            piece = " ".join(words[start:end])
            if before is None or (piece not in fields and piece not in _NOISE):
                continue
            run = before if piece in _NOISE and piece not in fields else [*before, fields[piece]]
            best = shortest[end]
            if best is None or len(run) < len(best):
                shortest[end] = run
    return shortest[-1] or None
