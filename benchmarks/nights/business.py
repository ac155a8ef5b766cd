"""Lines that are no payment of any order: what banks and account holders do beside it."""

from __future__ import annotations

import random

_IN = (
    (40, "TRA LAI TIEN GUI THANG 09/2026", (1_000, 90_000)),
    (20, "Lai nhap goc TK 9999001234", (1_000, 90_000)),
    (15, "HOAN PHI CHUYEN TIEN", (1_100, 11_000)),
    (15, "HOAN TRA PHI DICH VU SMS BANKING", (5_500, 11_000)),
    (25, "DIEU CHUYEN VON NOI BO", (50_000_000, 300_000_000)),
    (15, "Chuyen tien noi bo giua 2 tai khoan", (50_000_000, 300_000_000)),
    (30, "UNG HO QUY KHUYEN HOC", (50_000, 2_000_000)),
    (15, "Ong ba ngoai tai tro thu vien truong", (50_000, 2_000_000)),
)
_OUT = (
    (40, "THU PHI QLTK THANG 09", (5_500, 22_000)),
    (30, "PHI SMS BANKING T09/2026 VAT", (5_500, 11_000)),
    (20, "Thu phi chuyen tien FT26253000012345", (1_100, 11_000)),
    (25, "CHUYEN VON VE TK TRUNG TAM", (50_000_000, 300_000_000)),
    (10, "DIEU CHUYEN NOI BO", (50_000_000, 300_000_000)),
)


def draw(rng: random.Random) -> tuple[str, int]:
    """(memo, signed đồng) of a fee, fee given back, interest, internal transfer or gift."""
    kinds, sign = (_IN, 1) if rng.random() < 0.6 else (_OUT, -1)
    _, memo, (least, most) = rng.choices(kinds, [kind[0] for kind in kinds])[0]
    return memo, sign * rng.randrange(least, most + 1, 50)
