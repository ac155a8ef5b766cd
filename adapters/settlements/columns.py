"""Where the heading stands, and which column is what. Columns are found by name, never by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.settlements.profile import NEEDED, Profile
from adapters.statements.cells import shown_text
from adapters.statements.profiles import fold
from adapters.statements.rows import Row

HEADING_WITHIN = 100
_HEADING_ROWS = 2  # two languages, or groups above their columns


@dataclass(frozen=True, slots=True)
class Heading:
    """columns: field -> index of its cell. below: index of the first row after the heading.

    doubled: fields that two columns are named for: nobody can tell which is meant.
    """

    columns: Mapping[str, int]
    below: int
    doubled: Sequence[str] = ()


def find(rows: Sequence[Row], profile: Profile) -> Heading | None:
    """The heading of a table, None if its needed columns stand in no row."""
    head = [[fold(shown_text(cell)) for cell in row.cells] for row in rows[:HEADING_WITHIN]]
    for height in range(1, _HEADING_ROWS + 1):
        for at in range(len(head) - height + 1):
            found = _read(head[at : at + height], profile)
            if found is not None:
                columns, doubled = found
                below = at + height
                # The same names once more in another language: no cell of it holds a digit.
                if below < len(head) and _is_heading(head[below], columns):
                    below += 1
                return Heading(columns, below, doubled)
    return None


def needed(profile: Profile) -> str:
    """The needed headings as people read them."""
    return ", ".join(profile.columns[field][0] for field in NEEDED)


def _read(
    rows: Sequence[Sequence[str]], profile: Profile
) -> tuple[dict[str, int], list[str]] | None:
    """field -> column, of one row or of two that stand for one heading."""
    names = _joined(rows)
    found: dict[str, list[int]] = {}
    for field, said in profile.columns.items():
        wanted = set(said)
        found[field] = [index for index, every in enumerate(names) if wanted & every]
    if not all(found[field] for field in NEEDED):
        return None
    doubled = [field for field, places in found.items() if len(places) > 1]
    return {field: places[0] for field, places in found.items() if places}, doubled


def _joined(rows: Sequence[Sequence[str]]) -> list[set[str]]:
    """What each column is called: by one of its rows, or by both together.

    A merged cell counts for the blanks at its right, but only together with what is below it.
    """
    width = max((len(row) for row in rows), default=0)
    if len(rows) == 1:
        return [{name} - {""} for name in rows[0]]
    upper, lower = ([*row, *[""] * (width - len(row))] for row in rows)
    names, above = [], ""
    for top, bottom in zip(upper, lower, strict=True):
        above = top or above
        names.append({top, bottom, f"{above} {bottom}".strip()} - {""})
    return names


def _is_heading(cells: Sequence[str], columns: Mapping[str, int]) -> bool:
    told = [cells[columns[field]] for field in NEEDED if columns[field] < len(cells)]
    text = "".join(told)
    return sum(map(bool, told)) >= 3 and not any(char.isdigit() for char in text)
