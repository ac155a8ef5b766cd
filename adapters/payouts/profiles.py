"""Profiles: which columns a bank's form of a payout file has, as data (banks/*.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

GENERIC: Final = "generic"
FIELDS: Final = frozenset(
    {"number", "from_account", "name", "account", "bank", "bank_bin", "amount", "currency", "memo"}
)
"""What a column may hold."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. plain: letters A to Z without marks, for banks that take nothing else."""

    heading: str
    field: str
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """One bank's form. banks: the BINs it is for. memo: with {code}; most_memo: characters."""

    name: str
    title: str
    banks: frozenset[str]
    delimiter: str
    sheet: str
    memo: str
    most_memo: int
    columns: tuple[Column, ...]


@cache
def all_profiles() -> Mapping[str, Profile]:
    """Every profile by name. Raises ValueError for a file that is no profile."""
    folder = files(__package__).joinpath("banks")
    found = {}
    for file in folder.iterdir():
        if file.name.endswith(".toml"):
            name = file.name.removesuffix(".toml")
            found[name] = read(name, tomllib.loads(file.read_text(encoding="utf-8")))
    return found


def of_bank(bank_bin: str) -> Profile:
    """The form that a bank takes, the general one if we know no other."""
    known = all_profiles()
    return next((one for one in known.values() if bank_bin in one.banks), known[GENERIC])


def read(name: str, told: Mapping[str, Any]) -> Profile:
    """A profile from its file. Raises ValueError that names what is wrong with it."""
    columns = tuple(
        Column(one["heading"], one["field"], one.get("plain", False)) for one in told["columns"]
    )
    fields = [column.field for column in columns]
    unknown = sorted(set(fields) - FIELDS)
    if unknown:
        raise ValueError(f"banks/{name}.toml: no such field: {', '.join(unknown)}")
    # Without them the bank cannot pay, and its statement could not prove it.
    missing = sorted({"name", "account", "amount", "memo"} - set(fields))
    if missing:
        raise ValueError(f"banks/{name}.toml: no column for {', '.join(missing)}")
    if "{code}" not in told["memo"] or told["memo"].index("{code}"):
        raise ValueError(f"banks/{name}.toml: the memo begins with {{code}}, or it may be cut")
    return Profile(
        name=name,
        title=told["title"],
        banks=frozenset(told["banks"]),
        delimiter=told["delimiter"],
        sheet=told["sheet"],
        memo=told["memo"],
        most_memo=told["most_memo"],
        columns=columns,
    )
