"""Catalogue: what a thing costs on a day, by which decision, and the zero-fee rule.

Rows are data: a new price is a new row with the day it begins, and the old row keeps its own
days, so that a bill of last year can still be explained. Amounts are whole đồng.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from payments.domain.errors import NotFound
from payments.domain.money import Money
from payments.invoices import Line


class SetBy(StrEnum):
    """Whose decision a fee is: it decides what filing online frees of."""

    CITY = "city"  # the city's People's Council
    MINISTRY = "ministry"  # the Ministry of Finance
    BILLER = "biller"  # an agreed or market price


class Channel(StrEnum):
    """How a dossier was filed."""

    COUNTER = "counter"
    ONLINE = "online"


@dataclass(frozen=True, slots=True)
class FeeItem:
    """One priced item. unit: what one of it is. since, until: both included, None: open.

    appraisal: a fee for examining something (phí thẩm định), which no rule waives.
    """

    code: str
    name: str
    price: Money
    unit: str
    basis: str
    set_by: SetBy = SetBy.BILLER
    since: date | None = None
    until: date | None = None
    appraisal: bool = False

    def holds(self, on: date) -> bool:
        """Whether this is the price of that day."""
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)

    def line(self, quantity: int = 1, *, note: str | None = None) -> Line:
        """This item on a bill."""
        return Line(self.name, self.price, quantity, fee_code=self.code, unit=self.unit, note=note)


@dataclass(frozen=True, slots=True)
class Relief:
    """A decision that frees what is filed online of fees. kind: of the line that says so."""

    set_by: SetBy
    kind: str
    name: str
    basis: str
    since: date | None = None
    until: date | None = None

    def line(self, item: FeeItem, quantity: int) -> Line:
        """The line that takes the whole price away again, with the decision on it."""
        return Line(
            self.name,
            item.price,
            quantity,
            kind=self.kind,
            fee_code=item.code,
            unit=item.unit,
            note=self.basis,
        )


_COUNCIL = "HĐND thành phố 27/11/2025, mức trần"
_TT281 = "Thông tư 281/2016/TT-BTC"
_TT226 = "Thông tư 226/2016/TT-BTC"
_CHARGED = "Mức thu của đơn vị"

ITEMS: Final[Sequence[FeeItem]] = (
    # School. A price of the biller stays below the ceiling that its basis names.
    FeeItem("HP-CLC", "Học phí chất lượng cao", Money(1_970_000), "tháng", "Hà Nội, 10/2024"),
    FeeItem("BT-AN", "Tiền ăn bán trú", Money(35_000), "suất", _CHARGED),
    FeeItem("BT-CS", "Chăm sóc bán trú", Money(235_000), "tháng", _COUNCIL),
    FeeItem("BT-TTB", "Trang thiết bị bán trú", Money(133_000), "năm", _COUNCIL),
    FeeItem("NUOC", "Nước uống", Money(16_000), "tháng", _COUNCIL),
    FeeItem("TG-NG", "Trông giữ ngoài giờ", Money(12_000), "giờ", _COUNCIL),
    FeeItem("KNS", "Giáo dục kỹ năng sống", Money(15_000), "giờ", _COUNCIL),
    # Hospital.
    FeeItem("KB-2", "Khám bệnh hạng II", Money(37_500), "lượt", "Giá BHYT 08/2024"),
    FeeItem("GB-N2", "Giường nội khoa loại 2", Money(182_700), "ngày", "Giá BHYT 08/2024"),
    FeeItem("DC", "Điện châm", Money(71_400), "lần", "Giá BHYT 08/2024"),
    FeeItem("XB", "Xoa bóp bấm huyệt", Money(69_300), "lần", "Giá BHYT 08/2024"),
    FeeItem("DTIM", "Điện tim thường", Money(32_800), "lần", "Giá BHYT 2019"),
    FeeItem("XQ", "X-quang ngực", Money(73_300), "lần", "Giá BHYT 08/2024"),
    FeeItem("CTM", "Tổng phân tích tế bào máu", Money(49_700), "lần", "Giá BHYT 08/2024"),
    FeeItem("SA", "Siêu âm ổ bụng", Money(58_600), "lần", "Giá BHYT 08/2024"),
    # Administrative.
    FeeItem("HT-TL", "Bản sao trích lục hộ tịch", Money(8_000), "bản", _TT281, SetBy.MINISTRY),
    FeeItem("CT-CK", "Chứng thực chữ ký", Money(10_000), "trường hợp", _TT226, SetBy.MINISTRY),
    FeeItem("CT-HD", "Chứng thực hợp đồng", Money(50_000), "hợp đồng", _TT226, SetBy.MINISTRY),
    FeeItem("HKD", "Đăng ký hộ kinh doanh", Money(100_000), "hồ sơ", "HĐND thành phố", SetBy.CITY),
    FeeItem("GPXD", "Cấp phép xây dựng nhà ở", Money(75_000), "giấy", "HĐND thành phố", SetBy.CITY),
    FeeItem("CPN", "Chuyển phát kết quả", Money(26_000), "lượt", "Mức cước bưu chính"),
)

_NQ07: Final = "Nghị quyết 07/2023/NQ-HĐND"
_NQ77: Final = "Nghị quyết 77/2025/NQ-HĐND"
_LAST_OF_2025: Final = date(2025, 12, 31)
_FIRST_OF_2026: Final = date(2026, 1, 1)
_WAIVED: Final = "Mức thu 0 đồng khi nộp trực tuyến"
_BORNE: Final = "Thành phố hỗ trợ toàn bộ khi nộp trực tuyến"

RELIEFS: Final[Sequence[Relief]] = (
    Relief(SetBy.CITY, "exemption", _WAIVED, _NQ07, until=_LAST_OF_2025),
    Relief(SetBy.CITY, "exemption", _WAIVED, _NQ77, since=_FIRST_OF_2026),
    Relief(SetBy.MINISTRY, "subsidy", _BORNE, _NQ07, until=_LAST_OF_2025),
    Relief(SetBy.MINISTRY, "subsidy", _BORNE, _NQ77, since=_FIRST_OF_2026),
)
"""What filing online frees of: the city's own fees are waived, the ministry's are borne by it."""


def price(code: str, *, on: date) -> FeeItem:
    """The item as it is priced on a day. Raises NotFound."""
    for item in ITEMS:
        if item.code == code and item.holds(on):
            return item
    raise NotFound(
        f"Danh mục không có khoản {code} cho ngày {on:%d/%m/%Y}.",
        f"The catalogue has no item {code} for {on.isoformat()}.",
    )


def relief(item: FeeItem, channel: Channel, *, on: date) -> Relief | None:
    """The decision that frees this item of its fee, None where it is to be paid."""
    if channel is not Channel.ONLINE or item.appraisal:
        return None
    for one in RELIEFS:
        if (
            one.set_by is item.set_by
            and (one.since is None or one.since <= on)
            and (one.until is None or on <= one.until)
        ):
            return one
    return None


def charged(
    item: FeeItem, quantity: int, channel: Channel, *, on: date, note: str | None = None
) -> list[Line]:
    """The item on a bill, and the line that takes it away again where filing online does."""
    lines = [item.line(quantity, note=note)]
    freed = relief(item, channel, on=on)
    if freed is not None:
        lines.append(freed.line(item, quantity))
    return lines
