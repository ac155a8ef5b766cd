"""What becomes of a payer's text: the app folds it, the bank wraps its own words around it.

The shapes are those banks are known to print; every number and name in them is invented.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NOT_KEPT = re.compile(r"[^A-Za-z0-9 .,_/-]+")
LONGEST = 200  # characters of a payer's text; apps allow far fewer


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What a bank knows when it prints a credit, and the chance its trace numbers come from."""

    memo: str
    at: datetime
    reference: str
    from_name: str
    from_account: str
    to_name: str
    to_account: str
    random: Random

    def digits(self, count: int) -> str:
        """A trace number that does not begin with a zero."""
        return str(self.random.randrange(10 ** (count - 1), 10**count))

    def trace(self) -> str:
        """Sixteen letters and digits, as the newer Vietcombank lines carry."""
        letters = "".join(self.random.choices(_LETTERS, k=6))
        return f"{self.digits(4)}{letters}{self.digits(3)}{self.random.choice(_LETTERS)}BX"


def fold(text: str) -> str:
    """ASCII without marks, as it leaves the payer's app: `Học phí` is `Hoc phi`."""
    bare = unicodedata.normalize("NFKC", text).replace("đ", "d").replace("Đ", "D")
    bare = "".join(c for c in unicodedata.normalize("NFD", bare) if not unicodedata.combining(c))
    return " ".join(_NOT_KEPT.sub(" ", bare).split())


def wrap(shape: str, wrapping: Wrapping) -> str:
    """The memo as the receiving bank prints it. shape: a key of SHAPES."""
    return SHAPES[shape](wrapping)


def _vietcombank(w: Wrapping) -> str:
    sender = f"CT tu {w.from_account} {w.from_name} toi {w.to_account} {w.to_name}"
    return f"MBVCB.{w.digits(10)}.{w.memo}.{sender}"


def _vietcombank_new(w: Wrapping) -> str:
    return f"MBVCB.{w.digits(11)}.{w.trace()}.{w.memo}"


def _napas(w: Wrapping) -> str:
    return f"{w.digits(6)}.{w.at:%d%m%y}.{w.at:%H%M%S}.{w.memo}"


def _napas_tail(w: Wrapping) -> str:
    return f"{_napas(w)}-{w.at:%d%m%y-%H:%M:%S} {w.digits(6)}"


def _iso8583(w: Wrapping) -> str:
    head = f"020097{w.digits(6)}{w.at:%d%H%M%S%Y}{w.trace()[4:8]}{w.digits(6)}"
    return f"{head}.{w.digits(4)} {w.digits(1)}.{w.at:%H%M%S}.{w.memo}"


def _bidv(w: Wrapping) -> str:
    return f"TKThe :{w.from_account}, tai MB. {w.memo} -CTLNHIDI0000{w.digits(11)}-1/1-CRE-002"


def _bidv_rem(w: Wrapping) -> str:
    trace = f"O@L_080005_{w.digits(6)}_0_0_{w.digits(9)}_{w.digits(11)}"
    return f"REM Tfr Ac:{w.from_account} {trace} {w.memo}"


def _vietinbank(w: Wrapping) -> str:
    return f"CT DEN:{w.digits(12)} {w.memo}; tai Napas"


def _vietinbank_247(w: Wrapping) -> str:
    phone = f"0000000{w.random.randrange(1000):03d}"
    return f"CT nhanh 247 den: {w.memo} (CT{phone}) {w.from_name}"


def _ibft(w: Wrapping) -> str:
    return f"IBFT {w.memo}"


def _named(w: Wrapping) -> str:
    return f"{w.memo}-{w.from_name} chuyen {w.reference}"


def _plain_reference(w: Wrapping) -> str:
    return f"{w.memo} {w.reference}"


def _plain(w: Wrapping) -> str:
    return w.memo


SHAPES: dict[str, Callable[[Wrapping], str]] = {
    "plain": _plain,
    "plain_reference": _plain_reference,
    "vietcombank": _vietcombank,
    "vietcombank_new": _vietcombank_new,
    "napas": _napas,
    "napas_tail": _napas_tail,
    "iso8583": _iso8583,
    "bidv": _bidv,
    "bidv_rem": _bidv_rem,
    "vietinbank": _vietinbank,
    "vietinbank_247": _vietinbank_247,
    "ibft": _ibft,
    "named": _named,
}
