"""Banks a VietQR can pay into: BIN, names, SWIFT, short codes. The data are banks.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from payments.domain.errors import NotFound

DEMO_BIN = "999999"
"""A BIN no bank has. It exists in demo mode only, so that a demo code can pay nobody."""


class UnknownBank(NotFound):
    """No bank has this BIN."""

    slug = "unknown-bank"
    title_vi = "Không có ngân hàng này"
    title_en = "No such bank"


@dataclass(frozen=True, slots=True)
class Bank:
    """One bank as the transfer network knows it. Key on bin: short codes differ by source.

    vietqr: "sends and receives", "receive only", or None where it is not known.
    """

    bin: str
    name: str
    legal_name: str
    codes: tuple[str, ...]
    swift: str | None = None
    vietqr: str | None = None
    on_state_bank_list: bool = False
    other_names: tuple[str, ...] = ()
    note: str | None = None


_DEMO = Bank(bin=DEMO_BIN, name="Ngân hàng Thử nghiệm", legal_name="Demo", codes=("DEMO",))


@cache
def _by_bin() -> Mapping[str, Bank]:
    text = files(__package__).joinpath("banks.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["bank"]
    banks = [
        Bank(**row | {key: tuple(row.get(key, ())) for key in ("codes", "other_names")})
        for row in rows
    ]
    return MappingProxyType({bank.bin: bank for bank in banks})


def all_banks(*, demo: bool = False) -> tuple[Bank, ...]:
    """Every bank in the order of its BIN; the demo bank last, in demo mode only."""
    real = tuple(_by_bin().values())
    return (*real, _DEMO) if demo else real


def bank(bin_: str, *, demo: bool = False) -> Bank:
    """The bank with this six-digit BIN.

    Raises UnknownBank, also for the demo BIN outside demo mode.
    """
    if demo and bin_ == DEMO_BIN:
        return _DEMO
    try:
        return _by_bin()[bin_]
    except KeyError:
        raise UnknownBank(
            "Không có ngân hàng nào mang mã BIN này. Hãy chọn ngân hàng trong danh sách.",
            "No bank has this BIN. Choose a bank from the list.",
        ) from None
