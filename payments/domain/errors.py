"""What can go wrong, named once.

DomainError
├── NotFound         nothing there, or not yours
├── Forbidden        known, but not allowed
├── Conflict         the state does not permit it now
├── Invalid          the request itself is wrong
└── Unavailable      a part of ours is down; nothing was lost, try again

Each error carries a stable slug for programs and a title in both languages for people.
The domain knows no HTTP: web/problems.py maps the five bases to status codes, and
docs/reference/problems.md lists every slug (a test compares them).
"""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """Base of every error a caller can act on.

    vi, en: the detail for people, in both languages. Never holds a secret, a personal
    field or text from inside the system.
    """

    slug: ClassVar[str] = "error"
    title_vi: ClassVar[str] = "Không thực hiện được"
    title_en: ClassVar[str] = "Could not be done"

    def __init__(self, vi: str = "", en: str = "") -> None:
        self.vi = vi or self.title_vi
        self.en = en or self.title_en
        super().__init__(self.en)


class NotFound(DomainError):
    """Nothing there, or it belongs to somebody else: the two are never told apart."""

    slug = "not-found"
    title_vi = "Không tìm thấy"
    title_en = "Not found"


class Forbidden(DomainError):
    """Known, but not allowed."""

    slug = "forbidden"
    title_vi = "Không được phép"
    title_en = "Not allowed"


class Conflict(DomainError):
    """The state of things does not permit it now."""

    slug = "conflict"
    title_vi = "Trạng thái hiện tại không cho phép"
    title_en = "Not possible in the current state"


class Invalid(DomainError):
    """The request itself is wrong."""

    slug = "invalid"
    title_vi = "Dữ liệu không hợp lệ"
    title_en = "Invalid data"


class Unavailable(DomainError):
    """A part of ours is down; nothing was lost."""

    slug = "unavailable"
    title_vi = "Hệ thống tạm thời chưa sẵn sàng"
    title_en = "Temporarily unavailable"


class IllegalMove(Conflict):
    """A status cannot move that way."""

    slug = "illegal-move"
    title_vi = "Không thể chuyển sang trạng thái này"
    title_en = "This change of state is not possible"


class MoneyError(Invalid):
    """An amount outside 0 to 999,999,999,999 đồng, or not a whole number."""

    slug = "bad-amount"
    title_vi = "Số tiền không hợp lệ"
    title_en = "Invalid amount"


class DayClosed(Conflict):
    """The business day is signed off; nothing can be booked on it."""

    slug = "day-closed"
    title_vi = "Ngày đã khóa sổ"
    title_en = "The day is closed"


class NotExplained(Conflict):
    """The day has money that nobody has explained, so it cannot close."""

    slug = "unexplained"
    title_vi = "Còn tiền chưa giải thích được"
    title_en = "Some money is not explained yet"


class TooMuch(Conflict):
    """More than there is: the money, the bill or the refund does not stretch that far."""

    slug = "too-much"
    title_vi = "Vượt quá số tiền hiện có"
    title_en = "More than is available"


class SecondPerson(Forbidden):
    """Needs another person than the one who asked."""

    slug = "second-person"
    title_vi = "Cần người thứ hai duyệt"
    title_en = "A second person must approve"


class KeyInUse(Conflict):
    """The same idempotency key is being worked on at this moment."""

    slug = "key-in-use"
    title_vi = "Yêu cầu với khóa này đang được xử lý"
    title_en = "A request with this key is being handled"


class KeyReused(Invalid):
    """The idempotency key was used before for a different request."""

    slug = "key-reused"
    title_vi = "Khóa đã dùng cho một yêu cầu khác"
    title_en = "The key was used for a different request"


class Repeated(Conflict):
    """The same reference exists already with other content."""

    slug = "repeated"
    title_vi = "Đã có bản ghi với mã này"
    title_en = "A record with this reference exists"


class MerchantTaken(Conflict):
    """Another biller is known to the gateway by the same name: their money would be mixed up."""

    slug = "merchant-taken"
    title_vi = "Tài khoản cổng thanh toán này đã thuộc đơn vị khác"
    title_en = "This merchant account belongs to another biller already"
