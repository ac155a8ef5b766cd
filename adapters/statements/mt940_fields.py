"""MT940 text cut into fields and blocks, every field with its line in the file.

A field is a tag at the start of a line and all lines up to the next tag. A statement block
opens at `:20:`. SWIFT envelopes ({1:...}{4: and -}) and page markers (:940:) belong to none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Only the tags of the form: a memo wrapped inside a time of day may start a line with ":45:".
# A control character glued to a tag (0x1A ends a DOS file) is junk; the tag is still seen.
_TAG = re.compile(
    r"(?P<junk>[\x00-\x1f\x7f\ufeff]*)"
    r":(?P<tag>13[CD]?|2[01]|25P?|28C?|34F|60[FM]?|61|62[FM]?|6[45]|86|90[CD]|NS):(?P<value>.*)",
    re.DOTALL,
)
_MARKER = re.compile(r"-|:9[0-9]{2}:\s*")
_ENVELOPE = re.compile(r"(?:-\}|\{[1-5]:).*?(?=:[0-9]{2}[A-Z]?:|$)")
_LOOSE_ENTRY = re.compile(r":61:(?=[0-9]{6})")
_HALF_TAG = re.compile(r":[0-9]{0,2}[A-Z]?|-?\}?\{[0-9]?")
_SNIFF = re.compile(
    r"^[\x00-\x1f\ufeff]*(?:\{[1-4]:.*)?:(?:20|25|28C?|60[FM]|61|62[FM]):", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Field:
    """One tag with its lines. damaged: control characters stood before the tag."""

    tag: str
    line: int
    value: str
    damaged: bool = False


@dataclass(slots=True)
class Block:
    """The fields from one `:20:` to the next; line is where it starts."""

    line: int
    fields: list[Field] = field(default_factory=list)


def looks_like_mt940(text: str) -> bool:
    """True if at least two different MT940 tags stand at line starts."""
    return len({match.group().split(":")[-2] for match in _SNIFF.finditer(text)}) >= 2


def ends_in_the_middle(text: str) -> bool:
    """True if the last line is half a tag, or a SWIFT envelope was opened and not closed.

    Blocks before the cut may all close, so only the loose end tells that one is missing.
    """
    lines = text.rstrip().split("\n")
    opened = sum(line.count("{1:") for line in lines if line.startswith(("{", "-}")))
    closed = sum(line.startswith("-}") for line in lines)
    return opened > closed or bool(_HALF_TAG.fullmatch(lines[-1].strip()))


def entry_marks(text: str) -> int:
    """How often an entry seems to start anywhere in the text, also in the middle of a line."""
    return len(_LOOSE_ENTRY.findall(text))


def fields(text: str) -> Iterator[Field]:
    """The tags in the order of the file, continuation lines kept apart by newlines."""
    tag, start, damaged = "", 0, False
    lines: list[str] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = _ENVELOPE.sub("", raw) if raw.startswith(("-}", "{")) else raw
        line = line.rstrip()
        ends_block = bool(_MARKER.fullmatch(line)) or (line == "" != raw.strip())
        match = _TAG.match(line)
        if match:
            if tag:
                yield Field(tag, start, "\n".join(lines), damaged)
            tag, start, damaged = match["tag"], number, bool(match["junk"])
            lines = [match["value"]]
        elif ends_block:
            if tag:
                yield Field(tag, start, "\n".join(lines), damaged)
            tag = ""
        elif tag and line:
            lines.append(line)
    if tag:
        yield Field(tag, start, "\n".join(lines), damaged)


def blocks(text: str) -> list[Block]:
    """One block for each `:20:` at the start of a line; fields before the first open one too.

    A damaged `:20:` opens none: nobody can say whose header it was.
    """
    found: list[Block] = []
    for item in fields(text):
        if not found or (item.tag == "20" and not item.damaged):
            found.append(Block(item.line))
        found[-1].fields.append(item)
    return found
