"""Places: where in a frame each text stands. A dictionary that is built by columns, not by rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no stubs

_MANY = 50


class Places:
    """Text -> places in the frame. Empty texts are left out. keys: the texts, by place."""

    def __init__(self, keys: pd.Series[str]) -> None:
        """keys: one for each row, "" where there is none."""
        encoded = whole(keys).dictionary_encode()
        distinct: list[str] = encoded.dictionary.to_pylist()
        which = encoded.indices.to_numpy(zero_copy_only=False)
        # Equal texts are one object, here and in the dictionary: a million are no trifle.
        self.keys = np.array(distinct, dtype=object)[which]
        self._number = dict(zip(distinct, range(len(distinct)), strict=True))
        self._number.pop("", None)
        # The places of text n are _rows[_ends[n] - _counts[n] : _ends[n]].
        self._counts = np.bincount(which, minlength=len(distinct))
        self._ends = np.cumsum(self._counts)
        self._rows = np.argsort(which, kind="stable")
        self._several: dict[int, tuple[int, ...]] = {}
        # Of a text that stands nowhere else its place, and -1 behind the last for what is unknown.
        self._alone = np.full(len(distinct) + 1, -1, dtype=np.int64)
        once = np.flatnonzero(self._counts == 1)
        self._alone[once] = self._rows[self._ends[once] - 1]

    def of(self, key: str) -> tuple[int, ...]:
        """Every place of this text, in order; mostly one or none."""
        number = self._number.get(key)
        if number is None:
            return ()
        end = self._ends.item(number)
        if (count := self._counts.item(number)) == 1:
            return (self._rows.item(end - 1),)
        known = self._several.get(number)
        if known is None:
            known = tuple(self._rows[end - count : end].tolist())
            if count > _MANY:  # made once, and one object wherever it is told
                self._several[number] = known
        return known

    def only(self, key: str) -> int:
        """Its one place, or -1 where there is none or more than one."""
        return int(self._alone.item(self._number.get(key, -1)))

    def only_all(self, keys: Sequence[str]) -> npt.NDArray[np.int64]:
        """`only` of each of these."""
        numbers = np.fromiter(map(self._number.get, keys, repeat(-1)), np.int64, len(keys))
        return self._alone[numbers]

    def __contains__(self, key: str) -> bool:
        return key in self._number

    def __iter__(self) -> Iterator[str]:
        yield from self._number


def whole(texts: pd.Series[str]) -> Any:
    """A column of texts as one array of Arrow's, whether or not it is kept in pieces."""
    array = pa.array(texts, type=pa.large_string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
