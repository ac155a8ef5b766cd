"""VNPAY's API for questions and refunds: what is sent, and the answer proven.

Source: VNPAY's querydr and refund page 2.1.0. An answer that is not signed with the biller's
secret, or is about another terminal or another payment, proves nothing, whatever it says.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from adapters.http import Client, Reply
from adapters.vnpay import codes, fields, signing
from payments.domain.gateway import RefundAsk, Unknown
from payments.domain.money import Money

VERSION: Final = "2.1.0"
# VNPAY wants an address of ours and checks it nowhere.
_OUR_ADDRESS: Final = "127.0.0.1"
_LONGEST_TEXT: Final = 255


def query(
    client: Client,
    address: str,
    settings: Mapping[str, str],
    *,
    reference: str,
    number: str = "",
    started_at: datetime,
    now: datetime,
) -> Reply:
    """Ask about a payment. number: VNPAY's own, if known. Raises NotSent, NoAnswer."""
    asked = {
        # Unique for ever, as VNPAY refuses a repeated one: asking again is always another question.
        "vnp_RequestId": secrets.token_hex(16),
        "vnp_Version": VERSION,
        "vnp_Command": "querydr",
        "vnp_TmnCode": settings["tmn_code"],
        "vnp_TxnRef": reference,
        "vnp_OrderInfo": f"Truy van {reference}",
        "vnp_TransactionDate": fields.time(started_at),
        "vnp_CreateDate": fields.time(now),
        "vnp_IpAddr": _OUR_ADDRESS,
    }
    if number:
        asked["vnp_TransactionNo"] = number
    return client.post_json(address, signed(asked, signing.QUERY, settings["hash_secret"]))


def refund(client: Client, address: str, settings: Mapping[str, str], ask: RefundAsk) -> Reply:
    """Ask to give money back. Raises NotSent, NoAnswer."""
    asked = {
        "vnp_RequestId": ask.reference,
        "vnp_Version": VERSION,
        "vnp_Command": "refund",
        "vnp_TmnCode": settings["tmn_code"],
        "vnp_TransactionType": refund_type(ask.paid, ask.amount),
        "vnp_TxnRef": ask.payment_reference,
        "vnp_Amount": fields.amount(ask.amount),
        # Our name for the refund stands here, so that a later answer can be told apart from
        # another refund of the same payment and the same amount.
        "vnp_OrderInfo": f"Hoan tien {ask.reference}",
        "vnp_TransactionNo": ask.provider_reference,
        "vnp_TransactionDate": fields.time(ask.payment_started_at),
        "vnp_CreateBy": fields.plain(ask.operator, most=_LONGEST_TEXT) or "thuphi",
        "vnp_CreateDate": fields.time(ask.asked_at),
        "vnp_IpAddr": _OUR_ADDRESS,
    }
    return client.post_json(address, signed(asked, signing.REFUND, settings["hash_secret"]))


def refund_type(paid: Money, amount: Money) -> str:
    """02 for the whole payment, 03 for a part."""
    return codes.FULL_REFUND if amount == paid else codes.PART_REFUND


def signed(asked: Mapping[str, str], names: tuple[str, ...], secret: str) -> dict[str, str]:
    """A call with its signature. asked: texts only."""
    data = "|".join(asked.get(name, "") for name in names)
    return {**asked, signing.HASH: signing.secure_hash(data, secret)}


def proven(
    reply: Reply,
    names: tuple[str, ...],
    settings: Mapping[str, str],
    *,
    command: str,
    reference: str,
) -> Mapping[str, str] | Unknown:
    """The fields of an answer that VNPAY signed about this payment, or why it proves nothing.

    names: what its signature covers, in order; only these are returned, absent ones as "".
    """
    data = signing.joined(reply.fields, names)
    given = reply.fields.get(signing.HASH)
    if data is None or not isinstance(given, str) or not given:
        return Unknown("answer_unsigned")
    if not signing.same(given, signing.secure_hash(data, settings["hash_secret"])):
        return Unknown("answer_wrongly_signed")
    said = {name: signing.text(reply.fields.get(name)) or "" for name in names}
    expected = {
        "vnp_Command": command,
        "vnp_TmnCode": settings["tmn_code"],
        "vnp_TxnRef": reference,
    }
    # An answer that something was not done may leave out what it is about; one that tells of money
    # may not.
    optional = said["vnp_ResponseCode"] != codes.DONE
    for name, value in expected.items():
        if said[name] != value and not (optional and not said[name]):
            return Unknown("answer_about_another")
    return said
