"""An amount in Vietnamese words, as receipts must carry it: 24.000 -> "Hai mươi tư nghìn đồng".

The spelling that accountants differ on is a Style; the grammar is not. Numbers are read in
groups of three. After the first spoken group every group says its hundreds ("không trăm"), an
all-zero group is silent, and from a billion on the billions are read by the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_BILLION = 10**9


@dataclass(frozen=True, slots=True)
class Style:
    """The choices that offices make; the defaults are those of public-sector accounting."""

    thousand: Literal["nghìn", "ngàn"] = "nghìn"
    gap: Literal["linh", "lẻ"] = "linh"
    four: Literal["tư", "bốn"] = "tư"
    even: bool = False
    """Whether " chẵn" ends the words, so that nothing can be written behind them."""


PLAIN = Style()


def in_words(amount: int, style: Style = PLAIN) -> str:
    """The amount in đồng, first letter capital: 581000 -> "Năm trăm tám mươi mốt nghìn đồng".

    A negative amount (a credit note) begins with "Âm". Any size is read.
    """
    words = _number(abs(amount), style, inside=False) or [_DIGITS[0]]
    if amount < 0:
        words.insert(0, "âm")
    words.append("đồng chẵn" if style.even else "đồng")
    text = " ".join(words)
    return text[0].upper() + text[1:]


def _number(number: int, style: Style, *, inside: bool) -> list[str]:
    """inside: something was spoken before, so the hundreds are spoken even when they are 0."""
    billions, rest = divmod(number, _BILLION)
    words: list[str] = []
    if billions:
        words += [*_number(billions, style, inside=inside), "tỷ"]
    for size, name in ((10**6, "triệu"), (10**3, style.thousand), (1, "")):
        group = rest // size % 1000
        if group:
            words += _group(group, style, inside=inside or bool(words))
            words += [name] if name else []
    return words


def _group(group: int, style: Style, *, inside: bool) -> list[str]:
    hundreds, below = divmod(group, 100)
    words = [_DIGITS[hundreds], "trăm"] if hundreds or inside else []
    tens, unit = divmod(below, 10)
    if tens == 0:
        if unit:
            words += [style.gap, _DIGITS[unit]] if words else [_DIGITS[unit]]
        return words
    words += ["mười"] if tens == 1 else [_DIGITS[tens], "mươi"]
    if unit:
        words.append(_unit_after_tens(unit, tens, style))
    return words


def _unit_after_tens(unit: int, tens: int, style: Style) -> str:
    if unit == 5:
        return "lăm"
    if tens >= 2 and unit == 1:
        return "mốt"
    if tens >= 2 and unit == 4:
        return style.four
    return _DIGITS[unit]
