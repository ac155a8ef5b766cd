"""Where the heading stands, and which column is what. Columns are found by name, never by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.settlements.profile import NEEDED, Profile
from adapters.statements.cells import shown_text
from adapters.statements.profiles import fold
from adapters.statements.rows import Row

HEADING_WITHIN = 100
_HEADING_ROWS = 2  # two languages, or groups above their columns


@dataclass(frozen=True, slots=True)
class Heading:
    """columns: field -> index of its cell. below: index of the first row after the heading.

    doubled: fields that two columns are named for: nobody can tell which is meant. titles: field ->
    what the file itself calls its column.
    """

    columns: Mapping[str, int]
    below: int
    doubled: Sequence[str] = ()
    titles: Mapping[str, str] = field(default_factory=dict)


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
                return Heading(columns, below, doubled, _titles(rows[at : at + height], columns))
    return None


def _titles(rows: Sequence[Row], columns: Mapping[str, int]) -> dict[str, str]:
    """The lowest cell above the rows says most."""
    said = [[shown_text(cell).strip() for cell in row.cells] for row in reversed(rows)]
    return {
        name: next((row[at] for row in said if at < len(row) and row[at]), name)
        for name, at in columns.items()
    }


def needed(profile: Profile) -> str:
    """The needed headings as people read them."""
    return ", ".join(profile.columns[name][0] for name in NEEDED)


def _read(
    rows: Sequence[Sequence[str]], profile: Profile
) -> tuple[dict[str, int], list[str]] | None:
    """field -> column, of one row or of two that stand for one heading."""
    names = _joined(rows)
    found: dict[str, list[int]] = {}
    for name, said in profile.columns.items():
        wanted = set(said)
        found[name] = [index for index, every in enumerate(names) if wanted & every]
    if not all(found[name] for name in NEEDED):
        return None
    doubled = [name for name, places in found.items() if len(places) > 1]
    return {name: places[0] for name, places in found.items() if places}, doubled


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
    told = [cells[columns[name]] for name in NEEDED if columns[name] < len(cells)]
    text = "".join(told)
    return sum(map(bool, told)) >= 3 and not any(char.isdigit() for char in text)
