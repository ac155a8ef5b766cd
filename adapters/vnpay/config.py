"""VNPAY: what a biller tells us, and where VNPAY is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters import endpoints
from payments.domain.channels import Setting

PAGE: Final = "THUPHI_GATEWAY_VNPAY_PAGE"
API: Final = "THUPHI_GATEWAY_VNPAY_API"

VARIABLES: Final[Mapping[str, str]] = {
    # VNPAY names its production addresses in each contract; these are the ones usually named.
    PAGE: "https://pay.vnpay.vn/vpcpay.html",
    API: "https://merchant.vnpay.vn/merchant_webapi/api/transaction",
}

_DONG: Final = r"[1-9][0-9]{0,9}"

SETTINGS: Final = (
    Setting(
        "tmn_code",
        "Mã website (vnp_TmnCode) do VNPAY cấp",
        "Terminal code (vnp_TmnCode) that VNPAY gave",
        pattern=r"[A-Za-z0-9]{8}",
        secret=False,
        merchant=True,
    ),
    Setting(
        "hash_secret",
        "Chuỗi bí mật tạo checksum (vnp_HashSecret)",
        "Secret of the checksum (vnp_HashSecret)",
    ),
    Setting(
        "bank_code",
        "Chỉ nhận một cách trả: VNPAYQR, VNBANK, INTCARD hoặc mã ngân hàng; trống: khách tự chọn",
        "Only one way: VNPAYQR, VNBANK, INTCARD or a bank's code; left out: the payer chooses",
        pattern=r"[A-Za-z0-9]{3,20}",
        secret=False,
        needed=False,
    ),
    Setting(
        "order_type",
        "Mã loại hàng hóa của VNPAY; trống: other",
        "VNPAY's code of goods; left out: other",
        pattern=r"[A-Za-z0-9]{1,100}",
        secret=False,
        needed=False,
    ),
    Setting(
        "least",
        "Số tiền nhỏ nhất của một lần trả (đồng) theo hợp đồng; trống: 5.000",
        "Least amount of one payment (đồng) by the contract; left out: 5,000",
        pattern=_DONG,
        secret=False,
        needed=False,
    ),
    Setting(
        "most",
        "Số tiền lớn nhất của một lần trả (đồng) theo hợp đồng; trống: 9.999.999.999",
        "Greatest amount of one payment (đồng) by the contract; left out: 9,999,999,999",
        pattern=_DONG,
        secret=False,
        needed=False,
    ),
)


@dataclass(frozen=True, slots=True)
class VnpayConfig:
    """Addresses of this installation. page: where payers go; api: querydr and refund."""

    page: str
    api: str

    @classmethod
    def read(cls, told: Mapping[str, str]) -> VnpayConfig:
        """From environment variables. Raises ValueError that names the one that is no address."""
        found = endpoints.read(told, VARIABLES)
        return cls(page=found[PAGE], api=found[API])
