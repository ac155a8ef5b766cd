"""Made-up people: names as orders write them, and payer codes. Nobody here exists."""

from __future__ import annotations

import random
import unicodedata

_FAMILY = (
    "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Mai Trịnh Lương"
)
_MIDDLE = (
    "Văn Thị Minh Gia Bảo Khánh Quốc Thanh Hoài Ngọc Thu Hải Đức Anh Tuấn Phương Thuỳ Xuân "
    "Kim Quỳnh "
    "Hữu Công Đình Nhật Hồng Diệu Trung Việt Như Bích"
)
_GIVEN = (
    "An Bình Chi Dũng Đạt Giang Hà Hằng Hiếu Hoa Huy Khang Khoa Lan Linh Long Ly Mai Nam Nga Ngân "
    "Nhi Oanh Phong Phúc Quân Quang Sơn Tâm Thảo Thịnh Trang Trâm Tú Uyên Vân Vy Yến Châu Tiến"
)
FAMILY, MIDDLE, GIVEN = _FAMILY.split(), _MIDDLE.split(), _GIVEN.split()


def name(rng: random.Random) -> str:
    """Family, one or two middle names, given name."""
    middle = " ".join(rng.sample(MIDDLE, 2 if rng.random() < 0.55 else 1))
    return f"{rng.choice(FAMILY)} {middle} {rng.choice(GIVEN)}"


def plain(text: str) -> str:
    """As a bank prints it: no accents, đ as d."""
    marked = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(char for char in marked if not unicodedata.combining(char))


def payer_code(number: int) -> str:
    """PH1000234: whoever the bill is about, not who pays it."""
    return f"PH{1_000_000 + number}"
