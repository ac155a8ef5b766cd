"""Settlement files in the usual layouts, as gateways would write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.databases import A_MORNING


@dataclass(frozen=True)
class Settled:
    """One row. gross: signed đồng; net defaults to what the fee leaves of it."""

    txn: str
    gross: int
    fee: int = 0
    kind: str = "payment"
    batch: str = "VNP2026031101"
    ref: str = ""
    paid_at: datetime = A_MORNING
    net: int | None = None
    day: str = "2026-03-11"

    @property
    def comes_to(self) -> int:
        """The net amount."""
        return self.gross - self.fee if self.net is None else self.net


VNPAY_HEADING = (
    "Batch,SettleDate,TmnCode,TxnRef,TransactionNo,Type,PayDate,BankCode,CardType,Amount,Fee,"
    "NetAmount"
)
_VNPAY_WORDS = {"payment": "PAY", "refund": "REFUND", "chargeback": "CHARGEBACK"}
MOMO_HEADING = (
    "Batch ID,Settlement Date,Partner Code,Order ID,Request ID,Trans ID,Transaction Type,"
    "Payment Time,Amount,Fee,Net Amount,Status"
)
ZALOPAY_HEADING = (
    "Mã đợt;Ngày quyết toán;app_trans_id;zp_trans_id;Loại;Thời gian;Số tiền;Phí;Thực nhận"
)
_ZALOPAY_WORDS = {"payment": "Thanh toán", "refund": "Hoàn tiền", "chargeback": "Tra soát"}


def vnpay(rows: Iterable[Settled], *, tmn: str = "HOASEN01", heading: str = VNPAY_HEADING) -> bytes:
    """VNPAY's: comma, digits only, UTF-8 with a mark."""
    lines = [heading]
    lines += [
        f"{row.batch},{row.day.replace('-', '')},{tmn},{row.ref},{row.txn},"
        f"{_VNPAY_WORDS[row.kind]},{row.paid_at:%Y%m%d%H%M%S},NCB,ATM,{row.gross},{row.fee},"
        f"{row.comes_to}"
        for row in rows
    ]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def momo(rows: Iterable[Settled], *, partner: str = "MOMOHOASEN") -> bytes:
    """MoMo's: comma, dates with dashes."""
    lines = [MOMO_HEADING]
    lines += [
        f"{row.batch},{row.day},{partner},{row.ref},,{row.txn},{row.kind},"
        f"{row.paid_at:%Y-%m-%d %H:%M:%S},{row.gross},{row.fee},{row.comes_to},Success"
        for row in rows
    ]
    return "\n".join(lines).encode()


def zalopay(rows: Iterable[Settled]) -> str:
    """ZaloPay's: semicolon, Vietnamese words, grouped digits; text, for any encoding."""
    lines = [ZALOPAY_HEADING]
    lines += [
        f"{row.batch};{'/'.join(row.day.split('-')[::-1])};{row.ref};{row.txn};"
        f"{_ZALOPAY_WORDS[row.kind]};{row.paid_at:%d/%m/%Y %H:%M:%S};{_grouped(row.gross)};"
        f"{_grouped(row.fee)};{_grouped(row.comes_to)}"
        for row in rows
    ]
    return "\r\n".join(lines) + "\r\n"


def later(**by: int) -> datetime:
    """A moment after A_MORNING."""
    return A_MORNING + timedelta(**by)


def _grouped(amount: int) -> str:
    return f"{amount:,}".replace(",", ".")
