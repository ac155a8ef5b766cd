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
