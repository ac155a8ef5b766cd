"""Settling: which statement line shows the money that a notice had told of. Pure.

One notice, one line: by the bank's reference, else by the same memo within a day. Where
several are alike in everything, they are paired in order if there are as many lines as
notices: equal payments may swap labels, and nothing is lost by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from payments.domain.memo import fold

NEAR_DAYS = 1


@dataclass(frozen=True, slots=True)
class Side:
    """A notice or a line. key: whatever tells it from the others. amount: đồng, in."""

    key: Hashable
    amount: int
    day: date
    bank_reference: str | None
    memo: str


_Key = Callable[[Side], Hashable | None]


def settle(notices: Sequence[Side], lines: Sequence[Side]) -> dict[Hashable, tuple[Hashable, str]]:
    """line key -> (notice key, rule). Lines and notices that are not in it stay as they are."""
    pairs: dict[Hashable, tuple[Hashable, str]] = {}
    _pair(notices, lines, _by_reference, "bank_reference", pairs)
    taken = {notice for notice, _ in pairs.values()}
    left_notices = [notice for notice in notices if notice.key not in taken]
    left_lines = [line for line in lines if line.key not in pairs]
    _pair(left_notices, left_lines, _by_memo, "memo_and_day", pairs)
    return pairs


def _by_reference(side: Side) -> Hashable | None:
    reference = "".join((side.bank_reference or "").split()).upper()
    return (side.amount, reference) if reference else None


def _by_memo(side: Side) -> Hashable | None:
    memo = "".join(fold(side.memo).split())
    return (side.amount, memo) if memo else None


def _pair(
    notices: Iterable[Side],
    lines: Iterable[Side],
    by: _Key,
    rule: str,
    pairs: dict[Hashable, tuple[Hashable, str]],
) -> None:
    told, shown = _grouped(notices, by), _grouped(lines, by)
    for key, candidates in shown.items():
        partners = told.get(key, [])
        if len(candidates) != len(partners):
            continue
        for line, notice in zip(candidates, partners, strict=True):
            if rule == "bank_reference" or _agree(line, notice):
                pairs[line.key] = (notice.key, rule)


def _agree(line: Side, notice: Side) -> bool:
    """Within a day, and no reference on both sides that says otherwise."""
    references = _by_reference(line), _by_reference(notice)
    contradicted = None not in references and references[0] != references[1]
    return abs((line.day - notice.day).days) <= NEAR_DAYS and not contradicted


def _grouped(sides: Iterable[Side], by: _Key) -> dict[Hashable, list[Side]]:
    groups: dict[Hashable, list[Side]] = defaultdict(list)
    for side in sides:
        key = by(side)
        if key is not None:
            groups[key].append(side)
    for group in groups.values():
        group.sort(key=lambda side: (side.day, str(side.key)))
    return groups
