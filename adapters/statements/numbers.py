"""Amounts as banks print them.

VND has no minor unit, so a separator before three digits is grouping: 1.500 is 1500. For
other currencies the same text would be a guess, so they have a rule of their own. Anything
irregular is refused: a wrong amount is worse than an unread line.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

_MOST_CHARACTERS = 24  # eighteen digits and their separators; no account holds more
_MOST_DIGITS = 18

_BLANKS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2212": "-"})
_LONE_DASH = frozenset({"-", "\u2013", "\u2014"})
_CURRENCY = r"(?:VND|VNĐ|₫|đ)"
# Nearly every amount in a file looks like this, and files have a hundred thousand of them.
_COMMON = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3}){0,5}(?:[.]00)?")
_SIGNED = re.compile(
    rf"(?:{_CURRENCY} ?)?(?P<open>\()?(?P<sign>[+-] ?)?(?P<digits>[0-9][0-9., ]*?)"
    rf" ?(?:{_CURRENCY})?(?P<close>\))?(?: ?{_CURRENCY})?",
    re.IGNORECASE,
)
# One separator style per number; the decimals, if any, use another one and are zero.
_WHOLE = re.compile(
    r"(?P<plain>0|[1-9][0-9]*)(?:[.,]00)?"
    r"|(?P<dots>[1-9][0-9]{0,2}(?:[.][0-9]{3})+)(?:,00)?"
    r"|(?P<commas>[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:[.]00)?"
    r"|(?P<blanks>[1-9][0-9]{0,2}(?: [0-9]{3})+)(?:[.,]00)?"
)
_FOREIGN = re.compile(
    r"(?P<sign>[+-])?"
    r"(?P<whole>[0-9]{1,3}(?P<group>[,. '])[0-9]{3}(?:(?P=group)[0-9]{3})*|[0-9]+)"
    r"(?:(?P<point>[.,])(?P<part>[0-9]{1,3}))?"
)

# fmt: off
_NO_MINOR = frozenset({
    "VND", "JPY", "KRW", "CLP", "ISK", "PYG", "UGX", "XAF", "XOF", "XPF", "BIF", "DJF", "GNF",
    "KMF", "RWF", "VUV",
})
_THREE_MINOR = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
# fmt: on

PLAIN = re.compile(r"[0-9]{1,18}(?:[.][0-9]{0,17})?")


class AmountError(ValueError):
    """The text is no amount that can be read without a guess."""


@lru_cache(maxsize=65_536)
def vnd_number(text: str) -> int | None:
    """Whole đồng in a printed number; None for an empty cell or a lone dash.

    Accepts 1.234.567, 1,234,567, 1 234 567, an optional ,00 or .00, an optional VND or đ,
    a leading sign or parentheses. Raises AmountError for everything else.
    """
    if _COMMON.fullmatch(text):
        return int(text.removesuffix(".00").replace(",", ""))
    said = text.translate(_BLANKS).strip()
    if not said or said in _LONE_DASH:
        return None
    match = _SIGNED.fullmatch(said)
    digits = _WHOLE.fullmatch(match["digits"]) if match else None
    if match is None or digits is None or bool(match["open"]) != bool(match["close"]):
        raise AmountError(text)
    whole = next(group for group in digits.groups() if group)
    bare = re.sub("[., ]", "", whole)
    if (match["open"] and match["sign"]) or len(bare) > _MOST_DIGITS:
        raise AmountError(text)
    value = int(bare)
    negative = match["open"] or (match["sign"] or "").startswith("-")
    return -value if negative else value


@lru_cache(maxsize=65_536)
def printed_amount(text: str, currency: str) -> Decimal | None:
    """A printed number in any currency; None for an empty cell. Raises AmountError.

    Outside VND a lone separator before exactly three digits could be either thing: refused.
    """
    if currency == "VND":
        whole = vnd_number(text)
        return None if whole is None else Decimal(whole)
    said = text.translate(_BLANKS).strip().removesuffix(currency).removeprefix(currency).strip()
    if not said or said in _LONE_DASH:
        return None
    match = _FOREIGN.fullmatch(said)
    if match is None or len(said) > _MOST_CHARACTERS:
        raise AmountError(text)
    if match["group"] is not None and match["group"] == match["point"]:
        raise AmountError(text)
    lone_group = match["group"] in {",", "."} and match["point"] is None
    if lone_group and match["whole"].count(match["group"]) == 1 and minor_digits(currency):
        raise AmountError(text)
    whole_digits = re.sub("[,. ']", "", match["whole"])
    value = Decimal(f"{match['sign'] or ''}{whole_digits}.{match['part'] or '0'}")
    return checked(value, currency)


def minor_digits(currency: str) -> int:
    """Decimals the currency has (ISO 4217); 2 where it is not listed otherwise."""
    if currency in _NO_MINOR:
        return 0
    return 3 if currency in _THREE_MINOR else 2


def checked(amount: Decimal, currency: str) -> Decimal:
    """The amount, if its decimals exist in the currency; 22000.00 VND becomes 22000.

    Raises AmountError: 0.5 đồng is somebody's mistake, and rounding would hide it.
    """
    most = minor_digits(currency)
    quantum = Decimal(1).scaleb(-most)
    if amount != amount.quantize(quantum):
        raise AmountError(str(amount))
    return (
        amount.quantize(quantum) if not most or -int(amount.as_tuple().exponent) > most else amount
    )


def plain_decimal(text: str, currency: str) -> Decimal:
    """An amount as XML writes it: digits, at most one point, no sign, no exponent, no NaN."""
    if not PLAIN.fullmatch(text):
        raise AmountError(text)
    return checked(Decimal(text), currency)
