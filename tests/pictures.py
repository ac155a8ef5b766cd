"""Reads a QR code off a picture, the way a phone does, so that tests look at what is shown.

    scan(png) -> the text

For pictures without damage: upright, black on white, whole pixels or nearly. Errors are found,
not corrected: a module that is read wrongly raises Unreadable instead of being guessed at.
Source: ISO/IEC 18004 (finder patterns, format information, masks, placement, block table).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, cast

from segno import consts

_DARK: Final = 128
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_BYTES_MODE: Final = 0b0100
_ALPHANUMERIC_MODE: Final = 0b0010
_ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

Grid = list[list[bool]]
"""Rows of pixels or modules; True is dark."""

_ECC: Final[Mapping[int, Mapping[int, Sequence[Any]]]] = cast(Any, consts.ECC)  # stubs say object

_MASKS: Final[Sequence[Callable[[int, int], bool]]] = (
    lambda r, c: (r + c) % 2 == 0,
    lambda r, _: r % 2 == 0,
    lambda _, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
)


class Unreadable(Exception):
    """There is no QR code in this picture that can be read."""


def scan(png: bytes) -> str:
    """The text of the one QR code in a picture. Raises Unreadable."""
    modules = _modules(_pixels(png))
    bits = "".join("01"[bit] for byte in _data(modules) for bit in _bits(byte))
    return _text(bits, large=_version(modules) > 9)


# ---- the picture ----


def _pixels(png: bytes) -> Grid:
    """A PNG without interlace, as rows of dark or light."""
    if not png.startswith(_SIGNATURE):
        raise Unreadable("not a PNG")
    chunks = list(_chunks(png))
    head = next(body for name, body in chunks if name == b"IHDR")
    width, height = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    depth, kind = head[8], head[9]
    palette = next((body for name, body in chunks if name == b"PLTE"), b"")
    raw = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    step = max(1, depth * _CHANNELS[kind] // 8)
    length = (width * depth * _CHANNELS[kind] + 7) // 8
    before, rows = bytearray(length), []
    for at in range(0, height * (length + 1), length + 1):
        before = _unfiltered(raw[at], bytearray(raw[at + 1 : at + 1 + length]), before, step)
        rows.append(_dark(bytes(before), width, depth, kind, palette))
    return rows


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _unfiltered(kind: int, line: bytearray, above: bytearray, step: int) -> bytearray:
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        if kind == 1:
            line[i] = (line[i] + left) & 255
        elif kind == 2:
            line[i] = (line[i] + above[i]) & 255
        elif kind == 3:
            line[i] = (line[i] + (left + above[i]) // 2) & 255
        elif kind == 4:
            line[i] = (line[i] + _nearest(left, above[i], corner)) & 255
    return line


def _nearest(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((abs(guess - one), place, one) for place, one in enumerate((left, above, corner)))[2]


def _dark(line: bytes, width: int, depth: int, kind: int, palette: bytes) -> list[bool]:
    if depth < 8:
        per, most = 8 // depth, (1 << depth) - 1
        values = [line[i // per] >> (8 - depth * (i % per + 1)) & most for i in range(width)]
        if kind == 3:
            return [palette[3 * value] < _DARK for value in values]
        return [value * 255 // most < _DARK for value in values]
    step = _CHANNELS[kind]
    if kind == 3:
        return [palette[3 * line[i]] < _DARK for i in range(width)]
    return [line[i * step] < _DARK for i in range(width)]


def _modules(pixels: Grid) -> Grid:
    """Cut the code out: from the first dark pixel to the last, by the size of a finder's row."""
    rows = [y for y, row in enumerate(pixels) if any(row)]
    if not rows:
        raise Unreadable("nothing dark")
    columns = [x for row in pixels for x, dark in enumerate(row) if dark]
    top, left, right = rows[0], min(columns), max(columns) + 1
    wide = right - left
    first = next(len(list(run)) for _, run in groupby(pixels[top][left:right]))
    count = round(wide / (first / 7))
    count = min(range(21, 178, 4), key=lambda size: abs(size - count))
    size = wide / count
    return [
        [pixels[int(top + (r + 0.5) * size)][int(left + (c + 0.5) * size)] for c in range(count)]
        for r in range(count)
    ]


# ---- the code ----


def _version(modules: Grid) -> int:
    return (len(modules) - 17) // 4


def _format(modules: Grid) -> tuple[int, int]:
    """Level of error correction as segno numbers it, and the mask."""
    cells = [(8, c) for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [(r, 8) for r in (7, 5, 4, 3, 2, 1, 0)]
    value = int("".join("01"[modules[r][c]] for r, c in cells), 2) ^ 0x5412
    levels: Mapping[int, int] = {
        0b01: consts.ERROR_LEVEL_L,
        0b00: consts.ERROR_LEVEL_M,
        0b11: consts.ERROR_LEVEL_Q,
        0b10: consts.ERROR_LEVEL_H,
    }
    return levels[value >> 13], value >> 10 & 7


def _data(modules: Grid) -> bytes:
    """The data bytes, put back in order; the bytes that correct errors are left aside."""
    level, mask = _format(modules)
    hides = _MASKS[mask]
    stream = [modules[r][c] ^ hides(r, c) for r, c in _walk(modules)]
    words = [
        int("".join("01"[bit] for bit in stream[at : at + 8]), 2)
        for at in range(0, len(stream) - 7, 8)
    ]
    sizes = [
        group.num_data for group in _ECC[_version(modules)][level] for _ in range(group.num_blocks)
    ]
    blocks: list[list[int]] = [[] for _ in sizes]
    given = iter(words)
    for place in range(max(sizes)):
        for block, wanted in zip(blocks, sizes, strict=True):
            if place < wanted:
                block.append(next(given))
    return bytes(word for block in blocks for word in block)


def _walk(modules: Grid) -> Iterator[tuple[int, int]]:
    """The cells that carry bits: two columns at a time, up and down, from the right."""
    size, upward = len(modules), True
    for right in (*range(size - 1, 6, -2), 5, 3, 1):
        rows = range(size - 1, -1, -1) if upward else range(size)
        for r in rows:
            for c in (right, right - 1):
                if not _is_pattern(r, c, size):
                    yield r, c
        upward = not upward


def _is_pattern(r: int, c: int, size: int) -> bool:
    """Whether a cell belongs to the finders, the timing, the alignment or the format."""
    if 6 in (r, c):
        return True
    if (r < 9 and (c < 9 or c >= size - 8)) or (r >= size - 8 and c < 9):
        return True
    version = (size - 17) // 4
    if version >= 7 and ((r < 6 and c >= size - 11) or (c < 6 and r >= size - 11)):
        return True
    if version < 2:
        return False
    centres = consts.ALIGNMENT_POS[version - 2]
    first, last = centres[0], centres[-1]
    finders = {(first, first), (first, last), (last, first)}
    return any(
        abs(r - y) <= 2 and abs(c - x) <= 2
        for y in centres
        for x in centres
        if (y, x) not in finders
    )


def _bits(byte: int) -> list[int]:
    return [byte >> shift & 1 for shift in range(7, -1, -1)]


def _text(bits: str, *, large: bool) -> str:
    mode = int(bits[:4], 2)
    if mode == _ALPHANUMERIC_MODE:
        width = 11 if large else 9
        return _pairs(bits[4 + width :], int(bits[4 : 4 + width], 2))
    if mode == _BYTES_MODE:
        width = 16 if large else 8
        count, at = int(bits[4 : 4 + width], 2), 4 + width
        return bytes(int(bits[at + 8 * i : at + 8 * i + 8], 2) for i in range(count)).decode()
    raise Unreadable(f"mode {mode:04b}")


def _pairs(bits: str, count: int) -> str:
    text, at = "", 0
    while len(text) + 1 < count:
        first, second = divmod(int(bits[at : at + 11], 2), 45)
        text, at = text + _ALPHANUMERIC[first] + _ALPHANUMERIC[second], at + 11
    return text if len(text) == count else text + _ALPHANUMERIC[int(bits[at : at + 6], 2)]
