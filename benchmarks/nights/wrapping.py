"""How a payer's text stands in the bank's line: what is put around it, and where lines wrap."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from benchmarks.nights import people

Wrap = Callable[[random.Random, str, str], str]


def digits(rng: random.Random, length: int) -> str:
    """So many digits, as a trace number has."""
    return str(rng.randrange(10 ** (length - 1), 10**length))


def _own(rng: random.Random, memo: str, sender: str) -> str:
    to = f"999900{digits(rng, 6)}"
    return f"MBVCB.{digits(rng, 10)}.{memo}.CT tu 99990{digits(rng, 6)} {sender} toi {to} TRUONG X"


def _napas(rng: random.Random, memo: str, sender: str) -> str:
    head = f"{digits(rng, 6)}.{rng.randint(10, 14)}0926.{rng.randint(8, 22):02d}{digits(rng, 4)}"
    tail = rng.choice(
        ("", f" FT26253{digits(rng, 9)}", f"-100926-13:36:{rng.randint(10, 59)} {digits(rng, 6)}")
    )
    return f"{head}.{memo}{tail}"


def _iso(rng: random.Random, memo: str, sender: str) -> str:
    trace = f"0200{digits(rng, 18)}2026{people.plain(sender)[:2].upper()}CD{digits(rng, 6)}"
    return f"{trace}.{digits(rng, 4)} {rng.randint(1, 9)}.{digits(rng, 6)}.{memo}"


def _wallet(rng: random.Random, memo: str, sender: str) -> str:
    trace = f"{digits(rng, 4)} {digits(rng, 7)}.2026091{rng.randint(0, 4)}.{digits(rng, 11)}"
    return f"PARTNER.DIRECT_DEBITS_VCB.MSE.{trace}-0000000{digits(rng, 3)}_{memo}"


def _bidv(rng: random.Random, memo: str, sender: str) -> str:
    bank = rng.choice(("MB", "VCB", "TCB", "ACB"))
    return (
        f"TKThe :{digits(rng, 10)}, tai {bank}. {memo} -CTLNHIDI0000{digits(rng, 11)}-1/1-CRE-002"
    )


def _remittance(rng: random.Random, memo: str, sender: str) -> str:
    trace = f"080005_{digits(rng, 6)}_0_0_{digits(rng, 9)}_{digits(rng, 11)}"
    return f"REM Tfr Ac:{digits(rng, 10)} O@L_{trace} {memo}"


def _vietin(rng: random.Random, memo: str, sender: str) -> str:
    if rng.random() < 0.5:
        return f"CT DEN:{digits(rng, 12)} {memo}" + rng.choice(("", "; tai Napas"))
    return f"CT nhanh 247 den: {memo} (CT0000{digits(rng, 6)}) {sender}"


def _agri(rng: random.Random, memo: str, sender: str) -> str:
    return f"{memo} FT24254{digits(rng, 9)}"


def _nested(rng: random.Random, memo: str, sender: str) -> str:
    return _bidv(rng, _own(rng, memo, sender), sender)


SHAPES: Mapping[str, tuple[int, Wrap]] = {
    "plain": (18, lambda rng, memo, sender: memo),
    "own": (18, _own),
    "newer": (6, lambda rng, memo, sender: f"MBVCB.{digits(rng, 11)}.6218BFTVGL256UBX.{memo}"),
    "napas": (14, _napas),
    "iso": (6, _iso),
    "wallet": (5, _wallet),
    "bidv": (12, _bidv),
    "remittance": (2, _remittance),
    "vietin": (10, _vietin),
    "agri": (6, _agri),
    "nested": (4, _nested),
    "ibft": (3, lambda rng, memo, sender: f"IBFT {memo}"),
}
_NAMES = list(SHAPES)
_WEIGHTS = [weight for weight, _ in SHAPES.values()]


def wrap(rng: random.Random, memo: str, sender: str) -> str:
    """The memo in one of the shapes, as often as they are seen."""
    shape = rng.choices(_NAMES, _WEIGHTS)[0]
    return SHAPES[shape][1](rng, memo, people.plain(sender).upper())


def break_line(rng: random.Random, memo: str, inside: str) -> str:
    """One blank where the line wraps: a fixed column, here somewhere inside `inside`."""
    at = memo.find(inside)
    if at < 0 or len(inside) < 3:
        return memo
    column = at + rng.randint(1, len(inside) - 1)
    return f"{memo[:column]} {memo[column:]}"
