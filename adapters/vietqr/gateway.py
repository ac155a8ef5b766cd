"""VietQR as a way to pay: nobody is called, the code itself is the request.

The bank tells us later that the money came, as a notice or on the statement; so an attempt
stays pending until a payment quotes its order's code.
"""

from __future__ import annotations

from adapters.vietqr import qr
from payments.domain.gateway import Ask, Checkout


class VietqrGateway:
    """Implements payments.domain.gateway.LocalGateway. demo: also into a bank that is none."""

    name = "vietqr"

    def __init__(self, *, demo: bool = False) -> None:
        self._demo = demo

    def start(self, ask: Ask) -> Checkout:
        """The code for exactly this amount, with the payment code as its memo.

        Raises QrRefused from 500,000,000 đồng on, which instant transfers do not carry.
        """
        text = qr.build(
            bank_bin=ask.receiver.bank_bin,
            account=ask.receiver.account_number,
            amount=ask.amount.amount,
            memo=ask.code,
            demo=self._demo,
        )
        return Checkout(qr_text=text)
