"""Lines that are the bank's own business or take money back, by the words banks use.

Heard only where no order's reference stands in the line. "học phí" and "viện phí" are tuition
and hospital fees, so the bare word "phi" means a bank fee on outgoing lines only.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Kind(StrEnum):
    """What a line is, as far as its words and sign tell."""

    PAYMENT = "payment"
    REVERSAL = "reversal"
    NON_ORDER = "non_order"
    OTHER = "other"


_INTERNAL = r"DIEU (CHUYEN|VON)|CHUYEN (TIEN )?NOI BO|\bNOI BO\b|INTERNAL|CHUYEN VON|SWEEP"
_INTEREST = (
    r"\b(TRA|NHAP|THANH TOAN|CHI) LAI\b(?! TIEN)"
    r"|\bLAI (TIEN GUI|SUAT|NHAP|KHONG KY|CO KY|TK\b|TAI KHOAN)"
    r"|\bINTEREST\b|\bLAI THANG\b"
)
_GIFT = r"\bUNG HO\b|\bTAI TRO\b|\bQUYEN GOP\b|\bTU THIEN\b|\bDONATION\b|\bGIFT\b"
_FEE_BACK = r"\bHOAN (LAI |TRA )?(TIEN )?PHI\b|\bFEE REFUND\b|\bREFUND FEE\b"
_FEE = r"\bPHI\b|\bFEE\b|\bVAT\b|\bCHARGE\b|\bSMS\b"
_SPENT = (
    r"\b(CHI|TRA|THANH TOAN|TT|HACH TOAN) (TIEN )?LUONG\b|\bLUONG (THANG|KY|T) ?\d|\bSALARY\b"
    r"|\bPAYROLL\b|\b(NOP|DONG) (TIEN )?(THUE|BHXH|BHYT|BHTN|BAO HIEM)\b|\bRUT TIEN\b"
)
_BACK = (
    r"\bHOAN (TRA|LAI|TIEN)\b|\bDIEU CHINH\b|\bREV\b|\bREVERSAL\b|\bREVERSED\b|\bDAO\b"
    r"|\bHUY (GD|GIAO DICH|LENH)\b|\bTHU HOI\b|\bTRA LAI TIEN\b"
)

NON_ORDER_IN = re.compile("|".join((_FEE_BACK, _INTEREST, _INTERNAL, _GIFT)))
NON_ORDER_OUT = re.compile("|".join((_FEE, _INTEREST, _INTERNAL, _SPENT)))
REVERSAL = re.compile(_BACK)

# Without one of these NON_ORDER_IN finds nothing; looking for them takes a twentieth of its time.
_SIGNS_IN = (
    "LAI", "HOAN", "FEE", "NOI BO", "DIEU", "CHUYEN VON", "INTER", "SWEEP", "UNG HO", "TAI TRO",
    "QUYEN GOP", "TU THIEN", "DONATION", "GIFT",
)  # fmt: skip


def kind_of(text: str, amount: int) -> Kind:
    """text: the folded memo; amount: signed đồng, money in is positive."""
    if amount < 0:
        if REVERSAL.search(text):
            return Kind.REVERSAL
        return Kind.NON_ORDER if NON_ORDER_OUT.search(text) else Kind.OTHER
    told = any(sign in text for sign in _SIGNS_IN) and NON_ORDER_IN.search(text)
    return Kind.NON_ORDER if told else Kind.PAYMENT


def words_in(text: str) -> tuple[str, tuple[int, int]]:
    """The words that told, and where they stand in the folded memo."""
    for pattern in (REVERSAL, NON_ORDER_IN, NON_ORDER_OUT):
        if match := pattern.search(text):
            return match.group(), match.span()
    return "", (0, 0)
