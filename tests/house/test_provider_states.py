"""docs/reference/provider-states.md says what the adapters' tables say: each code, and no other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from adapters.momo import codes as momo
from adapters.payos import codes as payos
from adapters.vnpay import codes as vnpay
from adapters.zalopay import codes as zalopay
from payments.domain.gateway import Pending, Refused, Unknown
from payments.domain.states import AttemptStatus

PAGE: Final = Path(__file__).parents[2] / "docs/reference/provider-states.md"
Row = tuple[str, ...]


def of_vnpay(table: Mapping[str, vnpay.Reading]) -> list[Row]:
    """(code, becomes, reason)."""
    words = {
        vnpay.Meaning.PAID: "succeeded",
        vnpay.Meaning.WAITING: "pending",
        vnpay.Meaning.DOUBT: "unknown",
    }
    return [(code, words.get(it.meaning, it.ending), it.reason) for code, it in table.items()]


def of_momo() -> list[Row]:
    """(code, when started, when told or asked, reason)."""
    m = momo.Meaning
    words = {
        m.PAID: ("redirected", "succeeded"),
        m.WAITING: ("pending", "pending"),
        m.TURNED_AWAY: ("failed", "unknown"),
        m.CLOSED: ("failed", "unknown"),
        m.BUSY: ("unknown", "unknown"),
        m.TAKEN: ("unknown", "unknown"),
        m.NOT_FOUND: ("failed", "pending, then expired"),
        m.UNCLEAR: ("unknown", "unknown, then failed"),
    }
    refunds = (m.REFUND_FAILED, m.REFUND_REFUSED)
    return [
        (str(code), *words.get(it.meaning, (it.ending, it.ending)), it.reason)
        for code, it in momo.CODES.items()
        if it.meaning not in refunds
    ]


def outcome(said: Refused | Unknown | Pending | None) -> str:
    match said:
        case Refused(reason=reason, ending=ending):
            return f"{ending}: {reason}"
        case Unknown(reason=reason):
            return f"unknown: {reason}"
        case Pending():
            return "pending"
        case _:
            return "unknown"


def of_zalopay() -> list[Row]:
    """(code, when started, when asked)."""
    every = sorted({*zalopay.CREATE, *zalopay.QUERY}, reverse=True)
    asked = dict(zalopay.QUERY)
    missing = (zalopay.NOT_FOUND, zalopay.BAD_ID)
    return [
        (
            str(code),
            outcome(zalopay.CREATE.get(code)),
            "pending, then expired" if code in missing else outcome(asked.get(code)),
        )
        for code in every
    ]


def of_payos() -> list[Row]:
    """(state of the link, without a credit)."""
    return [(state, outcome(payos.WITHOUT_MONEY[state])) for state in payos.LINK]


EXPECTED: Final[Mapping[str, Sequence[Row]]] = {
    "VNPAY: `vnp_TransactionStatus`": of_vnpay(vnpay.STATUSES),
    "VNPAY: `vnp_ResponseCode`": of_vnpay(vnpay.RESPONSES),
    "MoMo: `resultCode`": of_momo(),
    "ZaloPay: `return_code` and `sub_return_code`": of_zalopay(),
    "payOS: state of a link": of_payos(),
}


def rows(heading: str) -> list[Row]:
    """The table below a heading, without its two first lines."""
    _, _, below = PAGE.read_text("utf-8").partition(f"\n### {heading}\n")
    table = re.findall(r"^\|(.*)\|$", below.partition("\n### ")[0].partition("\n## ")[0], re.M)
    return [tuple(cell.strip() for cell in line.split("|")) for line in table[2:]]


@pytest.mark.parametrize("heading", EXPECTED)
def test_every_code_of_a_provider_stands_there_as_the_adapter_reads_it(heading: str) -> None:
    assert rows(heading) == list(EXPECTED[heading])


def test_every_state_of_a_try_says_who_moves_it() -> None:
    told = {row[0].strip("`") for row in rows("States of a try")}

    assert told == set(AttemptStatus)
