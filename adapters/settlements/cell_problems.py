"""What is said about a cell of a settlement file that cannot be taken: its column, what was found,
what is expected, and how to mend it. The line number stands beside the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from adapters.statements.damage import shown

MOST_WORDS: Final = 8


class BadCellError(ValueError):
    """A cell that cannot be taken; the arguments say why, in Vietnamese and English."""


Wanted = tuple[str, str]

AGAIN: Wanted = (
    "Hãy xuất lại tệp từ cổng rồi tải lên lại.",
    "Export the file from the gateway again and upload it.",
)
AMOUNT: Wanted = (
    "cần số đồng nguyên, không quá 12 chữ số, như 1.234.567 hoặc 1234567",
    "whole đồng are needed, at most 12 digits, such as 1.234.567 or 1234567",
)


def one_of(words: Iterable[str]) -> Wanted:
    """The words that are known, as they are compared: small letters without accents."""
    known = ", ".join(sorted(words)[:MOST_WORDS])
    return (
        f"cần một trong: {known}; từ khác thì khai trong mẫu cột",
        f"one of these is needed: {known}; name other words in a profile",
    )


def name_of(most: int) -> Wanted:
    """A number or name of a transaction or batch."""
    return (
        f"cần tối đa {most} chữ cái không dấu, chữ số và dấu . _ : / # | -",
        f"at most {most} plain letters, digits and . _ : / # | - are needed",
    )


def like(example: str) -> Wanted:
    """A day or moment in the form of the file."""
    return f"cần ngày có thật viết như {example}", f"a real day is needed, such as {example}"


def bad(title: str, said: str, wanted: Wanted) -> BadCellError:
    """A cell that cannot be read. title: the heading of its column."""
    found = shown(said)
    return BadCellError(
        f"Cột {shown(title)}: không đọc được {found}; {wanted[0]}. {AGAIN[0]}",
        f"Column {shown(title)}: cannot read {found}; {wanted[1]}. {AGAIN[1]}",
    )


def missing(title: str) -> BadCellError:
    """A cell that has to be filled and is blank."""
    return BadCellError(
        f"Thiếu giá trị ở cột {shown(title)}: ô trống. {AGAIN[0]}",
        f"A value is missing in column {shown(title)}: the cell is blank. {AGAIN[1]}",
    )
