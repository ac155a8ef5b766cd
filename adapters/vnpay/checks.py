"""What a try of a biller's credentials found, in words that say what to do.

VNPAY is asked about a payment that does not exist. "Not found" with a right signature proves the
terminal and the secret. A wrong secret makes VNPAY's own signature wrong for us too, so the code
of an unproven answer is read here, for advice alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from adapters.http import Client, NoAnswer, NotSent
from adapters.vnpay import api, codes, signing
from payments.domain.gateway import Check, Limits, Unknown

_GOOD: Final = Check(
    True,
    "VNPAY nhận đúng mã website và chuỗi bí mật.",
    "VNPAY knows the terminal code and the secret.",
)
_UNREACHABLE: Final = Check(
    False,
    "Không kết nối được VNPAY. Kiểm tra mạng ra ngoài và THUPHI_GATEWAY_VNPAY_API.",
    "VNPAY cannot be reached. Check the way out and THUPHI_GATEWAY_VNPAY_API.",
)
_NO_ANSWER: Final = Check(
    False,
    "THUPHI_GATEWAY_VNPAY_API không trả lời như VNPAY. Kiểm tra địa chỉ; nếu đúng, thử lại.",
    "What THUPHI_GATEWAY_VNPAY_API names does not answer as VNPAY. Check it; if right, try again.",
)
_UNPROVEN: Final = Check(
    False,
    "Câu trả lời không được ký bằng chuỗi bí mật này. Nhập lại hash_secret đúng như VNPAY cấp.",
    "The answer is not signed with this secret. Enter hash_secret again as VNPAY gave it.",
)
_LIMITS: Final = Check(
    False,
    "least lớn hơn most: không khoản nào trả được. Sửa lại hai số này.",
    "least is greater than most: nothing can be paid. Correct the two.",
)
_ELSE: Final = Check(
    False,
    "VNPAY báo lỗi ngoài danh mục. Thử lại; nếu vẫn vậy, hỏi VNPAY.",
    "VNPAY answers with an error that is on no list. Try again; if it stays, ask VNPAY.",
)

ADVICE: Final[Mapping[str, Check]] = {
    "02": Check(
        False,
        "VNPAY không biết mã website này. Kiểm tra tmn_code, và môi trường thử hay thật.",
        "VNPAY does not know this terminal. Check tmn_code, and whether it is of the sandbox.",
    ),
    "03": Check(
        False,
        "VNPAY không đọc được yêu cầu. Kiểm tra tmn_code; nếu đúng, hỏi VNPAY.",
        "VNPAY cannot read the request. Check tmn_code; if it is right, ask VNPAY.",
    ),
    codes.ALREADY_ASKED: Check(
        False,
        "VNPAY coi đây là yêu cầu lặp. Chờ năm phút rồi thử lại.",
        "VNPAY takes this for a repeated request. Wait five minutes and try again.",
    ),
    "97": Check(
        False,
        "Sai chuỗi bí mật. Nhập lại hash_secret đúng như VNPAY cấp cho mã website này.",
        "The secret is wrong. Enter hash_secret again as VNPAY gave it for this terminal.",
    ),
    "99": Check(
        False,
        "VNPAY đang gặp lỗi. Thử lại sau vài phút.",
        "VNPAY has an error of its own. Try again in some minutes.",
    ),
}


def run(
    client: Client,
    address: str,
    settings: Mapping[str, str],
    limits: Limits,
    *,
    now: datetime,
) -> Check:
    """Ask VNPAY about a payment that nobody made."""
    if limits.least > limits.most:
        return _LIMITS
    reference = f"THUPHI-TRY-{secrets.token_hex(13).upper()}"
    try:
        reply = api.query(client, address, settings, reference=reference, started_at=now, now=now)
    except NotSent:
        return _UNREACHABLE
    except NoAnswer:
        return _NO_ANSWER
    code = reply.fields.get("vnp_ResponseCode")
    if code not in (codes.DONE, codes.NOT_FOUND):
        return ADVICE.get(code, _ELSE) if isinstance(code, str) else _NO_ANSWER
    said = api.proven(reply, signing.QUERY_ANSWER, settings, command="querydr", reference=reference)
    return _UNPROVEN if isinstance(said, Unknown) else _GOOD
