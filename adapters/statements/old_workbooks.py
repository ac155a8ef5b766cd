"""Where the cells of an old binary workbook (.xls) stand: enough of its format to know, no more.

The container is [MS-CFB], the records inside are [MS-XLS]. Raises ValueError, IndexError or
struct.error for what does not hold together.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

Place = tuple[bool, int, int]
"""(is it a cell, its row, its column), both from 1."""

_LAST_SECTOR = 0xFFFFFFFA
_SHEET = 0x85
_ONE = frozenset({0x06, 0xD6, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x27E, 0x406, 0x206})
_MANY = frozenset({0xBD, 0xBE})  # several in a row: the last column stands at the end
_NAMES = ("Workbook", "Book", "WORKBOOK", "BOOK")


def places(data: bytes) -> Iterator[Place]:
    """The places of all cells, sheet by sheet."""
    stream = _workbook(data)
    starts = [0]
    for kind, at, size in _records(stream, 0):
        if kind == _SHEET and size >= 4:
            starts.append(struct.unpack_from("<I", stream, at)[0])
    for start in sorted(set(starts)):
        for kind, at, size in _records(stream, start):
            if size >= 4 and (kind in _ONE or kind in _MANY):
                row, column = struct.unpack_from("<HH", stream, at)
                if kind in _MANY and size >= 6:
                    column = max(column, struct.unpack_from("<H", stream, at + size - 2)[0])
                yield True, row + 1, column + 1


def _records(stream: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """(kind, where its body begins, size) up to the end of the substream."""
    at = start
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, at + 4, min(size, len(stream) - at - 4)
        if kind == 0x0A:
            return
        at += 4 + size


def _workbook(data: bytes) -> bytes:
    """The stream with the sheets."""
    sector = 1 << struct.unpack_from("<H", data, 30)[0]
    small = 1 << struct.unpack_from("<H", data, 32)[0]
    if sector not in (512, 4096) or small != 64:
        raise ValueError("sector")
    folder_at, limit, small_at = (struct.unpack_from("<I", data, at)[0] for at in (48, 56, 60))
    fat = _fat(data, sector)
    folder = _chain(data, fat, folder_at, sector, first=1)
    entries = [folder[at : at + 128] for at in range(0, len(folder) - 127, 128)]
    found = next((entry for name in _NAMES for entry in entries if _name(entry) == name), None)
    if found is None:
        return b""  # a locked workbook: the reader says so
    start, size = struct.unpack_from("<IQ", found, 116)
    if size >= limit:
        return _chain(data, fat, start, sector, first=1)[:size]
    root_at, _ = struct.unpack_from("<IQ", entries[0], 116)
    container = _chain(data, fat, root_at, sector, first=1)
    small_fat = _numbers(_chain(data, fat, small_at, sector, first=1))
    return _chain(container, small_fat, start, small, first=0)[:size]


def _fat(data: bytes, sector: int) -> list[int]:
    """Which sector follows which."""
    told = list(struct.unpack_from("<109I", data, 76))
    more, seen = struct.unpack_from("<I", data, 68)[0], set[int]()
    while more < _LAST_SECTOR and more not in seen:
        seen.add(more)
        page = _numbers(data[(more + 1) * sector : (more + 2) * sector])
        told += page[:-1]
        more = page[-1]
    sectors = [one for one in told if one < _LAST_SECTOR]
    return _numbers(b"".join(data[(one + 1) * sector : (one + 2) * sector] for one in sectors))


def _chain(data: bytes, fat: Sequence[int], start: int, sector: int, *, first: int) -> bytes:
    parts, at, seen = [], start, 0
    while at < _LAST_SECTOR:
        parts.append(data[(at + first) * sector : (at + first + 1) * sector])
        at, seen = fat[at], seen + 1
        if seen > len(fat):
            raise ValueError("a circle")
    return b"".join(parts)


def _numbers(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4]))


def _name(entry: bytes) -> str:
    size = struct.unpack_from("<H", entry, 64)[0]
    return entry[: max(0, min(size, 64) - 2)].decode("utf-16-le", errors="replace")
