"""SePay: what a biller tells us. One of the two is enough; with both, HMAC is required."""

from __future__ import annotations

from typing import Final

from payments.domain.channels import Setting

SETTINGS: Final = (
    Setting("secret", "Khóa ký HMAC của webhook", "HMAC secret of the webhook", needed=False),
    Setting("api_key", "Khóa API của webhook", "API key of the webhook", needed=False),
)
