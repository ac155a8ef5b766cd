"""Evidence told by columns: what evidence.render says of one line, for a million plain ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no stubs
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no stubs

from reconciliation.engine.evidence import KINDS, VERDICTS, Verdict

_Ints = npt.NDArray[np.int64]


def sides(on_line: Sequence[str], on_order: Sequence[str]) -> Any:
    """What stands on lines and on their orders, as render() shows the two."""
    both = zip(on_line, on_order, strict=True)
    told = [one if one == other else f"{one} ~ {other}" for one, other in both]
    return pc.utf8_trim(pa.array(told, type=pa.large_string()), " ~")


def tell(
    lang: Literal["vi", "en"], ours: npt.NDArray[np.bool_], shown: Any, came: _Ints, owed: _Ints
) -> Any:
    """render() by columns of the two pieces that a plain line has: a reference that agrees, and
    the amount.

    ours: whether it is a payment code of ours; shown: sides() of it; came, owed: đồng.
    """
    at = 0 if lang == "vi" else 1
    code, reference, amount = (KINDS[kind][at] for kind in ("code", "reference", "amount"))
    begins = pc.if_else(pa.array(ours), _text(f"{code} "), _text(f"{reference} "))
    middle = _text(f" ({VERDICTS[Verdict.AGREES][at]}); {amount} ")
    return _joined(begins, shown, middle, _compared(came, owed, at))


def tell_fee(
    lang: Literal["vi", "en"], told: npt.NDArray[np.bool_], kept: _Ints, due: _Ints
) -> Any:
    """What tell() is followed by where something can be told of a gateway's fee, "" elsewhere:
    the đồng that it kept and those that were due."""
    at = 0 if lang == "vi" else 1
    said = _joined(_text(f"; {KINDS['fee'][at]} "), _compared(kept, due, at))
    return pc.if_else(pa.array(told), said, _text(""))


def _compared(one: _Ints, other: _Ints, at: int) -> Any:
    agrees, contradicts = VERDICTS[Verdict.AGREES][at], VERDICTS[Verdict.CONTRADICTS][at]
    first, second = (pc.cast(pa.array(some), pa.large_string()) for some in (one, other))
    varies = _joined(first, _text(" ~ "), second, _text(f" ({contradicts})"))
    return pc.if_else(pa.array(one == other), _joined(first, _text(f" ({agrees})")), varies)


def _joined(*texts: Any) -> Any:
    return pc.binary_join_element_wise(*texts, _text(""))


def _text(text: str) -> Any:
    return pa.scalar(text, pa.large_string())
