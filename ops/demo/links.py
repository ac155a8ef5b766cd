"""Links: what to open in a browser after the day, and how to sign in."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from ops import seed
from ops.clock import OffsetClock
from ops.demo import place
from ops.demo.story import Story
from ops.demo.teller import in_words
from payments.domain.errors import NotFound

WIDTH: Final = 48  # of what an address is
PAYERS: Final = (
    ("viet", "chờ thanh toán", "to be paid"),
    ("duy", "chọn thẻ, MoMo hoặc ZaloPay", "choose a card, MoMo or ZaloPay"),
    ("ngoc", "nộp thiếu 40.000 ₫", "40,000 ₫ short"),
    ("bao", "đã thanh toán, có biên nhận", "paid, with its receipt"),
    ("thao", "trả sau hạn", "paid after it expired"),
    ("thinh", "viện phí, phần thừa đã hoàn", "a hospital bill, the surplus given back"),
)


def code_for(email: str) -> str:
    """The six digits of one of the cast, by the clock of the demo. Raises NotFound."""
    home = place.home()
    logins = seed.logins_in(home / seed.KEPT)
    if email not in logins:
        known = ", ".join(sorted(logins)) or in_words("chưa có ai", "nobody yet")
        raise NotFound(f"Không có {email}; có: {known}", f"There is no {email}; known: {known}")
    return seed.code_of(logins[email], OffsetClock(home / place.CLOCK).now())


def show(story: Story) -> None:
    """Print the addresses on stdout."""
    town, out = story.town, Console(highlight=False, soft_wrap=True)
    base, at = town.config.public_url, town.clock.now()

    def line(what: str, where: str) -> None:
        out.print(f"  {what:<{WIDTH}} {where}", markup=False)

    out.print()
    for who, vi, en in PAYERS:
        name = story.bills[who].planned.body["beneficiary"]["name"]
        line(f"{name}, {in_words(vi, en)}", story.bills[who].pay_url)
    line(in_words("Kiểm tra biên nhận", "Check a receipt"), f"{base}/r")
    line(in_words("Bàn làm việc của kế toán", "The staff's console"), f"{base}/console")
    for house in list(town.houses.values())[:2]:
        for login in house.seeded.logins:
            said = f"{login.person.email}  {seed.PASSWORD}  {seed.code_of(login, at)}"
            line(f"   {login.person.name}, {house.code}", said)
    line(in_words("Tài liệu API", "API documentation"), f"{base}/api/docs")
    school = next(iter(town.houses.values())).seeded
    line(
        in_words(f"   khóa API, {school.cast.code}", f"   API key, {school.cast.code}"), school.key
    )
    line(in_words("Ngân hàng giả lập", "The test bank"), town.bank.base)
    line(in_words("Tình trạng", "Health"), f"{base}/health/ready")
    out.print()
    command = f"{_program()} demo --code EMAIL"
    kept = town.config.home / seed.KEPT
    proof = f"THUPHI_HOME={town.config.home} {_program()} reconcile --date {town.day} --replay"
    out.print(
        in_words(
            f"Mã sáu số đổi mỗi 30 giây, mỗi mã dùng một lần: {command}. Mọi tài khoản và khóa "
            f"API: {kept}. Nhấn Ctrl-C để dừng.",
            f"The six digits change every 30 seconds and work once: {command}. Everybody else "
            f"and the API keys: {kept}. Press Ctrl-C to stop.",
        ),
        markup=False,
    )
    out.print(
        in_words(
            f"Lệnh khác chạy trên bản demo này khi có THUPHI_HOME, ví dụ chứng minh lại ngày đã "
            f"ký: {proof}",
            f"Other commands work on this demo with THUPHI_HOME, such as proving the signed day "
            f"again: {proof}",
        ),
        markup=False,
    )


def _program() -> str:
    """How to call us from the folder one is in: nobody has to have activated anything."""
    ours = Path(sys.executable).with_name("thuphi")
    return os.path.relpath(ours) if ours.exists() else "python -m ops.cli"
