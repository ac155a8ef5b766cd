"""The earlier credit beside a discrepancy: which it is, with links to what it has paid. No I/O."""

from __future__ import annotations

from typing import Final

from reconciliation.queries.case import Case
from reconciliation.queries.originals import DUPLICATE
from web.console.answers import HOME
from web.console.decisions import Earlier
from web.language import Both

_TAKEN_BACK: Final = Both("Khoản bị lấy lại", "The credit that is taken back")
_PAID_BEFORE: Final = Both("Khoản đã nộp trước", "What had paid it before")
_SETTLED: Final = Both("Dòng quyết toán đã có trước", "The row that settled it before")
_ITS_OWN: Final = Both("chênh lệch của khoản đó", "its own discrepancy")


def earlier(case: Case) -> Earlier | None:
    """What the page shows of it, or None where the discrepancy names none."""
    it = case.original
    if it is None:
        return None
    links = [(Both(name, name), f"{HOME}/bills/{bill}") for bill, name in it.bills]
    if it.discrepancy:
        links.append((_ITS_OWN, f"{HOME}/discrepancies/{it.discrepancy}"))
    what = _SETTLED if it.batch else _PAID_BEFORE if case.kind == DUPLICATE else _TAKEN_BACK
    return Earlier(what, it.reference, it.day, it.amount, links)
