"""Draws QR codes into pages: black on white, four modules of quiet zone, with words for those
who cannot see them. (The PNG that a payer saves comes from adapters.vietqr.)
"""

from __future__ import annotations

from typing import Final

import segno
from markupsafe import Markup

from payments.domain.money import grouped
from web.language import Language, speech

QUIET: Final = 4


def drawing(text: str, *, label: str) -> Markup:
    """Return the code as SVG. label: what it says, in words, for those who cannot see it."""
    code = segno.make(text, error="m", micro=False)
    svg = code.svg_inline(
        border=QUIET, omitsize=True, light="#fff", dark="#000", svgclass=None, lineclass=None
    )
    # segno writes numbers and fixed names only; the label is escaped by format.
    return Markup(svg).replace(  # noqa: S704  # as said above
        "<svg ",
        Markup('<svg role="img" aria-label="{}" shape-rendering="crispEdges" ').format(label),
        1,
    )


def transfer_label(language: Language, *, amount: int, account: str, memo: str) -> str:
    """Return what a VietQR says, in words."""
    return str(
        speech(language).t(
            "Mã VietQR: chuyển {amount} đồng tới tài khoản {account}, nội dung {memo}",
            amount=grouped(amount),
            account=account,
            memo=memo,
        )
    )


def check_label(language: Language) -> str:
    """Return what the QR of a receipt says, in words."""
    return str(speech(language).t("Mã QR mở trang kiểm tra biên nhận"))
