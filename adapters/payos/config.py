"""payOS: what a biller tells us, and where this installation finds payOS. It has no sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from adapters import endpoints
from payments.domain.channels import Setting

SHORTEST_MEMO: Final = 9
"""What payOS lets stand in the memo when the bank account is not linked through it."""

SETTINGS: Final = (
    Setting(
        "client_id",
        "Client ID của kênh thanh toán",
        "Client ID of the payment channel",
        pattern=r"[\x21-\x7e]{8,100}",
        secret=False,
        merchant=True,
    ),
    Setting("api_key", "API Key của kênh thanh toán", "API key of the payment channel"),
    Setting("checksum_key", "Checksum Key của kênh thanh toán", "Checksum key of the channel"),
    # How long it is for linked accounts is written nowhere, so it is for the biller to say.
    Setting(
        "memo_length",
        "Số ký tự nội dung chuyển khoản mà kênh cho phép: 9 đến 25 (mặc định 9; tài khoản liên "
        "kết qua payOS thường được 25)",
        "Characters the channel allows in the memo: 9 to 25 (9 if left out; accounts that are "
        "linked through payOS usually have 25)",
        pattern=r"9|1[0-9]|2[0-5]",
        secret=False,
        needed=False,
    ),
)

API_URL: Final = "THUPHI_GATEWAY_PAYOS_API_URL"
VARIABLES: Final[Mapping[str, str]] = {API_URL: "https://api-merchant.payos.vn"}


@dataclass(frozen=True, slots=True)
class PayosConfig:
    """api_url: without a slash at its end; the paths /v2/… follow."""

    api_url: str

    @classmethod
    def read(cls, told: Mapping[str, str]) -> Self:
        """Read the installation's variables. Raises ValueError that names the wrong one."""
        return cls(endpoints.read(told, VARIABLES)[API_URL])


def memo_length(settings: Mapping[str, str]) -> int:
    """How many characters of a memo the biller's channel carries."""
    return int(settings.get("memo_length", SHORTEST_MEMO))
