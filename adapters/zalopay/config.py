"""ZaloPay: what a biller tells us, and where this installation finds ZaloPay.

Sandbox: https://sb-openapi.zalopay.vn, whose keys ZaloPay publishes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from adapters import endpoints
from payments.domain.channels import Setting

SETTINGS: Final = (
    Setting(
        "app_id",
        "Mã ứng dụng (App ID)",
        "App ID",
        pattern=r"[1-9][0-9]{0,9}",
        secret=False,
        merchant=True,
    ),
    Setting("key1", "Khóa key1, ký lệnh gửi đi", "key1, signs what we send"),
    Setting("key2", "Khóa key2, ký lệnh ZaloPay gọi về", "key2, signs ZaloPay's calls"),
)

API_URL: Final = "THUPHI_GATEWAY_ZALOPAY_API_URL"
VARIABLES: Final[Mapping[str, str]] = {API_URL: "https://openapi.zalopay.vn"}


@dataclass(frozen=True, slots=True)
class ZalopayConfig:
    """api_url: without a slash at its end; the paths /v2/… follow."""

    api_url: str

    @classmethod
    def read(cls, told: Mapping[str, str]) -> Self:
        """Read the installation's variables. Raises ValueError that names the wrong one."""
        return cls(endpoints.read(told, VARIABLES)[API_URL])
