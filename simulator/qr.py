"""Scan the text of a VietQR, as a bank app does, and build one, as payOS does.

Source: EMVCo merchant-presented QR; NAPAS VietQR format 1.0: element 38 carries bank and account,
54 the amount, 62.08 the memo, 63 a CRC-16/CCITT-FALSE over everything before it, "6304" included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.errors import Refused

OUR_BIN = "999999"
_ELEMENT = re.compile(r"([0-9]{2})([0-9]{2})")
_AMOUNT = re.compile(r"0*([0-9]{1,12})(\.0*)?")
_CRC = re.compile(r"[0-9A-Fa-f]{4}")
_VIETQR = "A000000727"
_TOP = 16  # bits in the checksum


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the app fills in. amount: đồng, or None when the payer chooses; memo: "" if none."""

    bank_bin: str
    account: str
    amount: int | None
    memo: str


def scan(text: str) -> Scanned:
    """Read a VietQR text. Raises Refused where a bank app would show no payment."""
    text = text.strip()
    fields = _elements(text)
    sealed = _CRC.fullmatch(fields.get("63", ""))
    if text[:6] != "000201" or text[-8:-4] != "6304" or sealed is None:
        raise _unreadable("không bắt đầu bằng 000201 hoặc thiếu mã kiểm tra cuối", "no head or CRC")
    if int(sealed[0], 16) != crc(text[:-4]):
        raise _unreadable("mã kiểm tra CRC sai", "the CRC is wrong")
    holder = _elements(fields.get("38", ""))
    if holder.get("00") != _VIETQR or holder.get("02") not in {"QRIBFTTA", "QRIBFTTC"}:
        raise _unreadable("không phải VietQR chuyển khoản", "not a VietQR transfer")
    if fields.get("53") != "704":
        raise _unreadable("tiền tệ không phải VND (704)", "the currency is not VND (704)")
    target = _elements(holder.get("01", ""))
    if "00" not in target or not target.get("01"):
        raise _unreadable("thiếu ngân hàng hoặc số tài khoản", "no bank or no account")
    memo = _elements(fields.get("62", "")).get("08", "")
    return Scanned(target["00"], target["01"], _amount(fields.get("54")), memo)


def build(*, account: str, amount: int, memo: str, bank_bin: str = OUR_BIN) -> str:
    """The text of a QR that pays one amount into an account of the test bank. memo: ASCII."""
    target = _element("00", bank_bin) + _element("01", account)
    holder = _element("00", _VIETQR) + _element("01", target) + _element("02", "QRIBFTTA")
    head = _element("00", "01") + _element("01", "12") + _element("38", holder)
    money = _element("53", "704") + _element("54", str(amount)) + _element("58", "VN")
    return sealed(head + money + _element("62", _element("08", memo)))


def sealed(elements: str) -> str:
    """The elements with their checksum behind them."""
    return f"{elements}6304{crc(elements + '6304'):04X}"


def _element(tag: str, value: str) -> str:
    return f"{tag}{len(value):02d}{value}"


def crc(text: str) -> int:
    """CRC-16/CCITT-FALSE of the text's UTF-8 bytes."""
    register = 0xFFFF
    for byte in text.encode():
        register ^= byte << 8
        for _ in range(8):
            register <<= 1
            if register >> _TOP:
                register ^= 0x11021
    return register


def _elements(text: str) -> dict[str, str]:
    """Tag -> value. Unknown tags are kept, as every reader must."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        head = _ELEMENT.match(text, at)
        if head is None or head.end() + int(head[2]) > len(text):
            raise _unreadable(f"hỏng ở ký tự {at + 1}", f"damaged at character {at + 1}")
        at = head.end() + int(head[2])
        found.setdefault(head[1], text[head.end() : at])
    return found


def _amount(text: str | None) -> int | None:
    if text is None:
        return None
    whole = _AMOUNT.fullmatch(text)
    if whole is None or int(whole[1]) == 0:
        raise _unreadable(f"số tiền {text!r} không hợp lệ", f"the amount {text!r} is not valid")
    return int(whole[1])


def _unreadable(vi: str, en: str) -> Refused:
    return Refused(f"Không đọc được mã QR: {vi}", f"Cannot read the QR text: {en}")
