"""MoMo: what a biller tells us, and where MoMo is. Source: MoMo's payment API v2 (AIO)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters import endpoints
from payments.domain.channels import Setting
from payments.domain.gateway import Limits

USUAL_TYPE: Final = "captureWallet"

LIMITS: Final[Mapping[str, Limits]] = {
    "captureWallet": Limits(1_000, 50_000_000),
    "payWithATM": Limits(10_000, 50_000_000),
    "payWithCC": Limits(1_000, 10_000_000),
    # The payer chooses on MoMo's page, which offers what the amount allows; the wallet takes
    # every amount in this range, so a payment of any of them is sure to find a way.
    "payWithMethod": Limits(1_000, 50_000_000),
}
"""requestType -> what one payment may be, in đồng. Source: MoMo's "create" page, `amount`."""

REFUND_LIMITS: Final[Mapping[str, Limits]] = dict.fromkeys(LIMITS, Limits(1_000, 50_000_000)) | {
    "payWithATM": Limits(10_000, 50_000_000)
}
"""requestType -> what one refund may be, in đồng. Source: MoMo's "refund" page, `amount`."""

SETTINGS: Final = (
    Setting(
        "partner_code",
        "Mã đối tác (Partner Code) MoMo cấp",
        "Partner Code given by MoMo",
        pattern=r"[0-9A-Za-z_.\-]{1,50}",
        secret=False,
        merchant=True,
    ),
    Setting(
        "access_key",
        "Access Key MoMo cấp",
        "Access Key given by MoMo",
        # It stands between = and & in the text that is signed.
        pattern=r"[0-9A-Za-z_.\-]{8,100}",
    ),
    Setting("secret_key", "Secret Key MoMo cấp", "Secret Key given by MoMo"),
    Setting(
        "request_type",
        f"Cách trả: {', '.join(LIMITS)} (mặc định {USUAL_TYPE})",
        f"Way to pay: {', '.join(LIMITS)} ({USUAL_TYPE} if left out)",
        pattern="|".join(LIMITS),
        secret=False,
        needed=False,
    ),
)

API_URL: Final = "THUPHI_GATEWAY_MOMO_API_URL"
REFUND_QUERY_URL: Final = "THUPHI_GATEWAY_MOMO_REFUND_QUERY_URL"
_REFUND_QUERY: Final = "/v2/gateway/api/refund/query"

VARIABLES: Final[Mapping[str, str]] = {
    API_URL: "https://payment.momo.vn",
    # No page of MoMo's that we could read describes it, so it can be set apart.
    REFUND_QUERY_URL: f"https://payment.momo.vn{_REFUND_QUERY}",
}
"""Environment variable -> usual address. MoMo's test system: https://test-payment.momo.vn."""


@dataclass(frozen=True, slots=True)
class MomoConfig:
    """Where MoMo is. api_url: without a path; refund_query_url: whole."""

    api_url: str
    refund_query_url: str

    @classmethod
    def read(cls, told: Mapping[str, str]) -> MomoConfig:
        """told: the environment. Raises ValueError that names a variable that is no address.

        The query for refunds follows the API unless it is set to something else than the usual
        address, so that a test system is never half left.
        """
        found = endpoints.read(told, VARIABLES)
        api, refund = found[API_URL], found[REFUND_QUERY_URL]
        return cls(api, api + _REFUND_QUERY if refund == VARIABLES[REFUND_QUERY_URL] else refund)


def request_type(settings: Mapping[str, str]) -> str:
    """The requestType of this biller's payments."""
    return settings.get("request_type") or USUAL_TYPE
