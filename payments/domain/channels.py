"""Channels: what a biller has to tell us before a gateway or a bank's notices can be used.

Each adapter declares its settings as a table of these; the API, the command line and the
console read the same table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from payments.domain.errors import Invalid

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Setting:
    """One field. secret: sealed and never shown again, else shown as it is.

    pattern: a regular expression of the whole value. needed: False if it may be left out.
    merchant: it names the biller at the gateway, so that no two billers may share it.
    """

    name: str
    vi: str
    en: str
    pattern: str = r"[\x21-\x7e]{8,500}"
    secret: bool = True
    needed: bool = True
    merchant: bool = False


class WrongSettings(Invalid):
    """Settings that cannot be kept. missing, wrong: names of fields, for forms to point at."""

    def __init__(self, vi: str, en: str, *, missing: Sequence[str], wrong: Sequence[str]) -> None:
        super().__init__(vi, en)
        self.missing = tuple(missing)
        self.wrong = tuple(wrong)


def checked(
    gateway: str, taken: Sequence[Setting], given: Mapping[str, str], *, one_of: bool = False
) -> dict[str, str]:
    """The settings as they may be kept. one_of: any one of the fields is enough.

    Raises WrongSettings that names every field which is missing or malformed; never a value,
    nor an unknown name.
    """
    known = {one.name: one for one in taken}
    unknown = sorted(set(given) - set(known))
    wrong = sorted(
        name
        for name, value in given.items()
        if name in known and (len(value) > _LONGEST or not re.fullmatch(known[name].pattern, value))
    )
    missing = [one.name for one in taken if one.needed and not one_of and one.name not in given]
    if one_of and not given:
        missing = [one.name for one in taken][:1]
    if unknown or wrong or missing:
        vi, en = _words(gateway, unknown, wrong, missing, [one.name for one in taken])
        raise WrongSettings(vi, en, missing=missing, wrong=wrong)
    return dict(given)


def merchant_of(taken: Sequence[Setting], settings: Mapping[str, str]) -> str | None:
    """The name under which the gateway knows this biller; None if it gives none."""
    names = [settings.get(one.name, "") for one in taken if one.merchant]
    return "|".join(names) if any(names) else None


def _words(
    gateway: str,
    unknown: Sequence[str],
    wrong: Sequence[str],
    missing: Sequence[str],
    known: Sequence[str],
) -> tuple[str, str]:
    vi, en = [], []
    if missing:
        vi.append(f"thiếu {', '.join(missing)}")
        en.append(f"{', '.join(missing)} missing")
    if wrong:
        vi.append(f"sai dạng {', '.join(wrong)}")
        en.append(f"{', '.join(wrong)} malformed")
    if unknown:
        vi.append("có mục lạ")  # a name that somebody mistyped may be a secret
        en.append("an unknown field")
    fields = ", ".join(known)
    return (
        f"Kênh {gateway}: {'; '.join(vi)}. Các mục nhận: {fields}.",
        f"The channel {gateway}: {'; '.join(en)}. It takes: {fields}.",
    )
