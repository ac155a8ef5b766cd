"""The faults a transfer can have: one table, read by the API, the page and the README's test.

A fault is asked for by its name ("late"), by name and first option ("late:90"), or in full
({"kind": "late", "seconds": 90}).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.errors import Refused

Option = int | str | bool
CHOICES: Mapping[str, tuple[str, ...]] = {
    "balances": ("printed", "true"),
    "file": ("same", "next"),
}
_LARGEST = 999_999_999_999
_PARALLEL_MAX = 32
_DIGITS = re.compile(r"[0-9]{1,15}")
_SMALLEST: Mapping[str, int] = {"amount": 0}
_LARGEST_OF: Mapping[str, int] = {"n": _PARALLEL_MAX, "seconds": 30 * 86_400}


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the table. group: at most one fault of an exclusive group a transfer."""

    name: str
    group: str
    vi: str
    en: str
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as asked for, every option filled in."""

    kind: str
    options: Mapping[str, Option]

    def number(self, name: str) -> int:
        """An option that is a whole number."""
        return int(self.options[name])

    def text(self, name: str) -> str:
        """An option that is a word."""
        return str(self.options[name])

    def as_json(self) -> dict[str, Option]:
        """The full form, as the API shows it."""
        return {"kind": self.kind, **self.options}


_GENUINE: Mapping[str, Option] = {"genuine": True}
FAULTS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        FaultKind("late", "notice", "Báo muộn (giây)", "Notice late", {"seconds": 60}),
        FaultKind("twice", "notice", "Báo hai lần", "Notice twice"),
        FaultKind("parallel", "notice", "Báo cùng lúc n lần", "n notices at once", {"n": 5}),
        FaultKind(
            "out_of_order", "notice", "Báo sau giao dịch kế tiếp", "Notice after the next one"
        ),
        FaultKind("lost", "notice", "Mất thông báo", "Notice lost"),
        FaultKind("forged", "notice", "Chữ ký giả đến trước", "Forged call first", _GENUINE),
        FaultKind(
            "stale", "notice", "Dấu thời gian cũ (giây)", "Stale call first",
            {"seconds": 600, **_GENUINE},
        ),
        FaultKind("short", "amount", "Thiếu tiền (đồng)", "Short amount", {"by": 1000}),
        FaultKind("over", "amount", "Thừa tiền (đồng)", "Over amount", {"by": 1000}),
        FaultKind("one_char", "memo", "Mã sai một ký tự", "One character of the code wrong"),
        FaultKind("swapped", "memo", "Mã đảo hai ký tự liền kề", "Two neighbours swapped"),
        FaultKind("split", "memo", "Mã bị chèn khoảng trắng", "Code split by a blank"),
        FaultKind("prefix_lost", "memo", "Mã mất tiền tố", "Prefix of the code lost"),
        FaultKind("truncated", "memo", "Mã bị cắt cuối (ký tự)", "Code cut off", {"by": 4}),
        FaultKind("no_code", "memo", "Không có mã", "Code missing"),
        FaultKind(
            "two_codes", "second", "Trả hai giấy báo một lần", "Two bills in one transfer",
            {"qr_text": "", "memo": "", "amount": 0},
        ),
        FaultKind(
            "row_missing", "row", "Sao kê thiếu dòng", "Statement row missing",
            {"balances": "printed"},
        ),
        FaultKind(
            "row_twice", "row", "Sao kê lặp dòng", "Statement row twice",
            {"file": "same", "balances": "true"},
        ),
        FaultKind(
            "row_next_day", "row", "Dòng nằm ở tệp hôm sau", "Row in the next day's file",
            {"balances": "printed"},
        ),
        FaultKind("booked_next_day", "day", "Hạch toán ngày hôm sau", "Booked the next day"),
        FaultKind("reversed_next_day", "day", "Hoàn trả hôm sau", "Reversed the next day"),
    )
}  # fmt: skip
_ONE_ONLY = {"amount": "số tiền", "memo": "mã", "row": "dòng sao kê"}


def parse(
    asked: object,
    *,
    groups: Iterable[str] | None = None,
    table: Mapping[str, FaultKind] = FAULTS,
) -> tuple[Fault, ...]:
    """Read a list of faults. groups: those that make sense here, all if None; table: the known."""
    if asked is None:
        return ()
    if not isinstance(asked, Sequence) or isinstance(asked, str):
        raise Refused("faults phải là một danh sách", "faults must be a list")
    faults = tuple(_one(each, table) for each in asked)
    kinds = [fault.kind for fault in faults]
    if len(set(kinds)) < len(kinds):
        raise Refused("Một lỗi được nêu hai lần", "A fault is named twice")
    for group, vi in _ONE_ONLY.items():
        if sum(table[kind].group == group for kind in kinds) > 1:
            raise Refused(f"Chỉ chọn một lỗi về {vi}", f"Choose one fault of the group {group!r}")
    allowed = None if groups is None else set(groups)
    for kind in kinds:
        if allowed is not None and table[kind].group not in allowed:
            raise Refused(f"Lỗi {kind!r} không dùng được ở đây", f"{kind!r} does not apply here")
    return faults


def find(faults: Iterable[Fault], *kinds: str) -> Fault | None:
    """The first of these kinds, if it was asked for."""
    return next((fault for fault in faults if fault.kind in kinds), None)


def of_group(faults: Iterable[Fault], group: str) -> Fault | None:
    """The fault of an exclusive group, if one was asked for."""
    return next((fault for fault in faults if FAULTS[fault.kind].group == group), None)


def _one(asked: object, table: Mapping[str, FaultKind]) -> Fault:
    given: dict[str, Any]
    if isinstance(asked, str):
        name, colon, value = asked.partition(":")
        options = table[name].options if name in table else {}
        given = {next(iter(options), "value"): value} if colon else {}
    elif isinstance(asked, Mapping):
        given = dict(asked)
        name = str(given.pop("kind", ""))
    else:
        name, given = str(asked), {}
    if name not in table:
        known = ", ".join(table)
        raise Refused(f"Không có lỗi {name!r}; có: {known}", f"No fault {name!r}; known: {known}")
    kind = table[name]
    for unknown in set(given) - set(kind.options):
        raise Refused(f"Lỗi {name} không có {unknown!r}", f"{name} has no option {unknown!r}")
    options = {
        option: _value(name, option, given.get(option, default), default)
        for option, default in kind.options.items()
    }
    return Fault(name, options)


def _value(name: str, option: str, value: object, default: Option) -> Option:
    """The value in the type of its default, or a refusal that names the option."""
    where = f"{name}.{option}"
    if isinstance(default, bool):
        words = {True: True, False: False, "true": True, "false": False}
        if isinstance(value, bool | str) and value in words:
            return words[value]
        raise Refused(f"{where} phải là true hoặc false", f"{where} must be true or false")
    if isinstance(default, int):
        return whole(value, where, _SMALLEST.get(option, 1), _LARGEST_OF.get(option, _LARGEST))
    if not isinstance(value, str) or value not in CHOICES.get(option, (value,)):
        known = " | ".join(CHOICES.get(option, ("text",)))
        raise Refused(f"{where} phải là {known}", f"{where} must be {known}")
    return value


def whole(value: object, name: str, smallest: int, largest: int) -> int:
    """A whole number within bounds; digits in a text are taken too, 1.5 and true are not."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= largest:
        raise Refused(
            f"{name} phải là số nguyên từ {smallest} đến {largest}",
            f"{name} must be a whole number from {smallest} to {largest}",
        )
    return value
