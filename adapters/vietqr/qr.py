"""VietQR text: build, read, fold a memo, draw.

The text is EMVCo's merchant-presented form as NAPAS uses it (VietQR format document v1.0,
09/2021): tag, two-digit length in characters, value, and a CRC at the end. The document's
own example 6.1.1 is misprinted (sub-length 12 for 13 characters); the lengths here are right.
"""

from __future__ import annotations

import binascii
import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import segno

from adapters.vietqr import banks
from payments.domain.errors import Invalid

MEMO_MOST = 25
ACCOUNT_MOST = 19
AMOUNT_BELOW = 500_000_000  # NAPAS 24/7 carries transfers under 500 million đồng

_NAPAS = "A000000727"
_VNPAY = "A000000775"
_VND = "704"
_ELEMENT_MOST = 99

# str.isdigit() accepts digits of other scripts, so every check is an ASCII pattern.
_BIN = re.compile(r"[0-9]{6}")
_ACCOUNT = re.compile(rf"[A-Za-z0-9]{{1,{ACCOUNT_MOST}}}")
_PRINTABLE = re.compile(r"[ -~]*")
_MCC = re.compile(r"[0-9]{4}")
_LENGTH = re.compile(r"[0-9]{2}")
_AMOUNT = re.compile(r"[0-9]+(?:[.]0*)?")


class Service(StrEnum):
    """What the number names: a bank account, or a card."""

    TO_ACCOUNT = "QRIBFTTA"
    TO_CARD = "QRIBFTTC"


class QrRefused(Invalid):
    """A VietQR cannot carry what was asked of it."""

    slug = "vietqr-refused"
    title_vi = "Không tạo được mã VietQR"
    title_en = "This VietQR cannot be made"


class UnreadableQr(Invalid):
    """A text that is no valid payment code. reason: format, length, crc or amount."""

    slug = "vietqr-unreadable"
    title_vi = "Không đọc được mã QR"
    title_en = "This QR code cannot be read"

    def __init__(self, reason: Literal["format", "length", "crc", "amount"]) -> None:
        self.reason = reason
        super().__init__(*_UNREADABLE[reason])


_UNREADABLE = {
    "format": (
        "Đây không phải là mã thanh toán theo chuẩn EMVCo.",
        "This is not a payment code of the EMVCo form.",
    ),
    "length": (
        "Mã bị cắt cụt hoặc sai độ dài ở một trường. Hãy quét lại.",
        "The code is cut off, or a field has a wrong length. Scan it again.",
    ),
    "crc": (
        "Mã kiểm tra không khớp: nội dung đã bị hỏng hoặc bị sửa. Không thanh toán theo mã này.",
        "The checksum does not fit: the content was damaged or changed. Do not pay by it.",
    ),
    "amount": (
        "Số tiền trong mã không hợp lệ.",
        "The amount in the code is not valid.",
    ),
}


@dataclass(frozen=True, slots=True)
class QrContents:
    """What a payment code says. amount: whole đồng, None when the payer chooses.

    provider: VIETQR or VNPAY by the network's identifier, None for another's code.
    method: "11" reusable, "12" one payment.
    """

    provider: str | None
    method: str | None
    bank_bin: str | None
    account: str | None
    service: str | None
    amount: int | None
    currency: str | None
    purpose: str | None
    bill_number: str | None
    guid: str | None
    merchant_id: str | None
    mcc: str | None
    merchant_name: str | None
    merchant_city: str | None
    store_label: str | None
    terminal_label: str | None


def crc16(text: str) -> str:
    """CRC-16/CCITT-FALSE over the UTF-8 bytes, four upper-case hex digits: "29B1"."""
    return f"{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def fold_memo(text: str, most: int = MEMO_MOST) -> str:
    """The text as every bank app carries it: ASCII letters, digits and single blanks.

    Accents are dropped, anything else becomes a blank, and the rest is cut to `most`.
    """
    stroked = unicodedata.normalize("NFKC", text).replace("đ", "d").replace("Đ", "D")
    letters = "".join(c for c in unicodedata.normalize("NFD", stroked) if not _is_mark(c))
    words = re.sub(r"[^A-Za-z0-9 ]+", " ", letters)
    return " ".join(words.split())[:most].strip()


def build(
    *,
    bank_bin: str,
    account: str,
    amount: int | None = None,
    memo: str = "",
    bill_number: str = "",
    service: Service | str = Service.TO_ACCOUNT,
    mcc: str = "",
    merchant_name: str = "",
    merchant_city: str = "",
    demo: bool = False,
) -> str:
    """The text of a VietQR: reusable without an amount, for one payment with one.

    amount: whole đồng, 1 to 499,999,999. memo: at most 25 plain ASCII characters; fold it
    first, because a memo cut in silence is a payment nobody can match. demo: also accept
    the demo BIN. Raises QrRefused and UnknownBank.
    """
    banks.bank(bank_bin, demo=demo)
    _check_receiver(account, service)
    _check_amount(amount)
    _check_text(memo, MEMO_MOST, "Nội dung chuyển khoản", "The memo")
    _check_text(bill_number, 25, "Số hóa đơn", "The bill number")
    _check_text(merchant_name, 25, "Tên đơn vị", "The merchant name")
    _check_text(merchant_city, 15, "Tên thành phố", "The merchant city")
    if mcc and not _MCC.fullmatch(mcc):
        raise QrRefused("Mã ngành (MCC) gồm đúng 4 chữ số.", "A category code has 4 digits.")

    receiver = _element("00", bank_bin) + _element("01", account)
    network = _element("00", _NAPAS) + _element("01", receiver) + _element("02", Service(service))
    body = (
        _element("00", "01")
        + _element("01", "11" if amount is None else "12")
        + _element("38", network)
        + _element("52", mcc)
        + _element("53", _VND)
        + _element("54", "" if amount is None else str(amount))
        + _element("58", "VN")
        + _element("59", merchant_name)
        + _element("60", merchant_city)
        + _element("62", _element("01", bill_number) + _element("08", memo))
        + "6304"
    )
    return body + crc16(body)


def parse(text: str) -> QrContents:
    """Read a payment code: unknown tags, long names and several networks are accepted.

    Raises UnreadableQr with its reason; a wrong checksum is never read further.
    """
    code = text.strip()
    fields = _fields(code)
    if list(fields)[:1] != ["00"] or list(fields)[-1:] != ["63"] or len(fields["63"]) != 4:
        raise UnreadableQr("format")
    if crc16(code[:-4]) != fields["63"].upper():
        raise UnreadableQr("crc")

    networks = [_network(value) for tag, value in fields.items() if 26 <= int(tag) <= 51]
    napas = next((n for n in networks if n.get("00") == _NAPAS), {})
    network = napas or next((n for n in networks if n.get("00") == _VNPAY), {})
    receiver = _fields(napas.get("01", ""))
    more = _fields(fields.get("62", ""))
    guid = network.get("00") or next((n["00"] for n in networks if "00" in n), None)
    return QrContents(
        provider={_NAPAS: "VIETQR", _VNPAY: "VNPAY"}.get(guid or ""),
        method=fields.get("01"),
        bank_bin=receiver.get("00"),
        account=receiver.get("01"),
        service=napas.get("02"),
        amount=_amount(fields.get("54")),
        currency=fields.get("53"),
        purpose=more.get("08"),
        bill_number=more.get("01"),
        guid=guid,
        merchant_id=None if napas else network.get("01"),
        mcc=fields.get("52"),
        merchant_name=fields.get("59"),
        merchant_city=fields.get("60"),
        store_label=more.get("03"),
        terminal_label=more.get("07"),
    )


def svg(text: str, *, scale: int = 4) -> str:
    """The code as an SVG element to put into a page: no XML header, no style attribute."""
    out = io.BytesIO()
    _drawn(text).save(out, kind="svg", scale=scale, border=4, xmldecl=False, nl=False)
    return out.getvalue().decode()


def png(text: str, *, scale: int = 8) -> bytes:
    """The code as a PNG picture, for people who save it and open it in their bank's app."""
    out = io.BytesIO()
    _drawn(text).save(out, kind="png", scale=scale, border=4)
    return out.getvalue()


def _drawn(text: str) -> segno.QRCode:
    # Level M survives a scratched screen; boosting it further would only make denser codes.
    return segno.make_qr(text, error="m", boost_error=False)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("M")


def _element(tag: str, value: str) -> str:
    """Tag, length and value; nothing at all for an empty value."""
    if len(value) > _ELEMENT_MOST:
        raise QrRefused(
            "Số hóa đơn và nội dung chuyển khoản cộng lại quá dài cho mã VietQR.",
            "Bill number and memo together are too long for a VietQR.",
        )
    return f"{tag}{len(value):02d}{value}" if value else ""


def _fields(text: str) -> Mapping[str, str]:
    """Tags and values in the order written. A tag twice would be two answers: refused."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        tag, length = text[at : at + 2], text[at + 2 : at + 4]
        if not _LENGTH.fullmatch(tag) or tag in found:
            raise UnreadableQr("format")
        if not _LENGTH.fullmatch(length) or at + 4 + int(length) > len(text):
            raise UnreadableQr("length")
        found[tag] = text[at + 4 : at + 4 + int(length)]
        at += 4 + int(length)
    return found


def _network(value: str) -> Mapping[str, str]:
    """One merchant template, tags 26 to 51; a foreign one may hold anything at all."""
    try:
        return _fields(value)
    except UnreadableQr:
        if _NAPAS in value:
            raise
        return {}


def _amount(text: str | None) -> int | None:
    if text is None:
        return None
    if len(text) > 13 or not _AMOUNT.fullmatch(text) or not int(text.split(".")[0]):
        raise UnreadableQr("amount")
    return int(text.split(".")[0])


def _check_receiver(account: str, service: Service | str) -> None:
    if not _ACCOUNT.fullmatch(account):
        raise QrRefused(
            f"Số tài khoản chỉ gồm chữ không dấu và số, tối đa {ACCOUNT_MOST} ký tự.",
            f"An account has letters and digits only, at most {ACCOUNT_MOST}.",
        )
    if service not in list(Service):
        raise QrRefused(
            "Mã dịch vụ phải là QRIBFTTA (tài khoản) hoặc QRIBFTTC (thẻ).",
            "The service is QRIBFTTA (to an account) or QRIBFTTC (to a card).",
        )


def _check_amount(amount: int | None) -> None:
    if amount is None or (type(amount) is int and 0 < amount < AMOUNT_BELOW):
        return
    raise QrRefused(
        "Chuyển khoản nhanh chỉ nhận số tiền nguyên từ 1 đến dưới 500.000.000 đồng mỗi lần. "
        "Hãy chia nhỏ hoặc dùng kênh khác.",
        "An instant transfer carries a whole amount from 1 to under 500,000,000 đồng. "
        "Split the bill or use another channel.",
    )


def _check_text(text: str, most: int, vi: str, en: str) -> None:
    if len(text) > most or not _PRINTABLE.fullmatch(text):
        raise QrRefused(
            f"{vi} chỉ gồm ký tự không dấu, tối đa {most} ký tự.",
            f"{en} has plain ASCII characters only, at most {most}.",
        )
