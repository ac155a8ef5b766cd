"""Casso: what a biller tells us. One of the two is enough; with both, version 2 is required."""

from __future__ import annotations

from typing import Final

from payments.domain.channels import Setting

SETTINGS: Final = (
    Setting(
        "checksum_key",
        "Key bảo mật của tích hợp Webhook V2",
        "Security key of the Webhook V2 integration",
        needed=False,
    ),
    Setting(
        "secure_token",
        "Key bảo mật của tích hợp Webhook (bản 1, header secure-token)",
        "Security key of the Webhook integration (version 1, header secure-token)",
        needed=False,
    ),
)
