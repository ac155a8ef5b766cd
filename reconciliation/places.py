"""Places: where in a frame each text stands. A dictionary that is built by columns, not by rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd


class Places:
    """Text -> places in the frame. Empty texts are left out. keys: the texts, by place."""

    def __init__(self, keys: pd.Series[str]) -> None:
        """keys: one for each row, "" where there is none."""
        array = self.keys = keys.to_numpy(dtype=object)
        kept = np.flatnonzero(keys.str.len().to_numpy() > 0)
        again = keys.iloc[kept].duplicated(keep=False).to_numpy()
        single, shared = kept[~again], kept[again]
        self._one: dict[str, int] = dict(zip(array[single], single.tolist(), strict=True))
        self._many: dict[str, list[int]] = {}
        for key, place in zip(array[shared], shared.tolist(), strict=True):
            self._many.setdefault(key, []).append(place)

    def of(self, key: str) -> tuple[int, ...]:
        """Every place of this text, in order; mostly one or none."""
        place = self._one.get(key)
        return (place,) if place is not None else tuple(self._many.get(key, ()))

    def only(self, key: str) -> int:
        """Its one place, or -1 where there is none or more than one."""
        return self._one.get(key, -1)

    def __contains__(self, key: str) -> bool:
        return key in self._one or key in self._many

    def __iter__(self) -> Iterator[str]:
        yield from self._one
        yield from self._many
