"""What the payer's browser brings back from VNPAY: shown and never booked.

Whoever holds the browser may have kept, copied or repeated it, so even a genuine one only says
what VNPAY showed to the payer. The notice or a question to VNPAY decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.vnpay import codes, fields, signing
from adapters.vnpay.codes import Meaning
from payments.domain.gateway import Ending
from payments.domain.money import Money
from webhooks.event import Forged


@dataclass(frozen=True, slots=True)
class Returned:
    """What VNPAY showed to the payer. ending: None unless it is over and no money moved."""

    merchant_reference: str
    amount: Money
    paid: bool
    reason: str
    ending: Ending | None


def returned(query: str, settings: Mapping[str, str]) -> Returned | None:
    """Read a browser's return; None unless VNPAY signed it for this biller's terminal."""
    told = signing.genuine(query, settings["hash_secret"])
    if isinstance(told, Forged) or told.get("vnp_TmnCode") != settings["tmn_code"]:
        return None
    amount = fields.read_amount(told.get("vnp_Amount", ""))
    if amount is None:
        return None
    reading = codes.of_payment(
        told.get("vnp_TransactionStatus", ""), told.get("vnp_ResponseCode", "")
    )
    return Returned(
        merchant_reference=told.get("vnp_TxnRef", ""),
        amount=amount,
        paid=reading.meaning is Meaning.PAID,
        reason=reading.reason,
        ending=reading.ending if reading.meaning is Meaning.OVER else None,
    )
