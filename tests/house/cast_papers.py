"""Sample pages for staff: sign-in, files, bills and runs, in every state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from tests.house.cast_staff import DAY, NOW, shell
from web.console.decisions import Evidence, MemoPart
from web.console.pages import (
    BillerChoice,
    BillerPage,
    SignInPage,
)
from web.console.papers import (
    BadLine,
    BillLine,
    BillPage,
    BillRow,
    BillsPage,
    ClosedDay,
    CodeRow,
    Counted,
    FileRead,
    FileRow,
    ImportPage,
    MatchRow,
    RunPage,
    StatementRead,
)
from web.language import Both
from web.pages import Choice, FieldError, Page, Pager


def sign_in_pages() -> Mapping[str, Page]:
    """Who one is, and for which biller."""
    wrong = FieldError(
        "", Both("Thư điện tử hoặc mật khẩu chưa đúng.", "The e-mail or the password is not right.")
    )
    bad_code = FieldError(
        "code", Both("Mã không đúng hoặc đã đổi", "The code is wrong or has changed")
    )
    return {
        "biller": BillerPage(
            "Vũ Thu Hà",
            (
                BillerChoice("b1", "Trường Tiểu học Hoa Sen", "accountant"),
                BillerChoice("b2", "Bệnh viện Đa khoa Sông Hồng", "viewer"),
            ),
            "/console/biller",
            "/console/sign-out",
        ),
        "biller-none": BillerPage("Vũ Thu Hà", (), "/console/biller", "/console/sign-out"),
        "signin": SignInPage("password", "/console/sign-in"),
        "signin-wrong": SignInPage(
            "password", "/console/sign-in", "ha.vu@hoasen.example", (wrong,)
        ),
        "signin-code": SignInPage(
            "code", "/console/sign-in/code", "ha.vu@hoasen.example", start_url="/console/sign-in"
        ),
        "signin-code-wrong": SignInPage(
            "code", "/c", "ha.vu@hoasen.example", (bad_code,), start_url="/s"
        ),
        "signin-locked": SignInPage("password", "/s", locked_until=NOW, start_url="/s"),
    }


def import_pages() -> Mapping[str, Page]:
    """A statement file: chosen, read, refused, with problems."""
    upload = ImportPage(
        shell=shell("statements"),
        action_url="/console/statements",
        accounts=(Choice("a1", "9999018452 · Ngân hàng Thử nghiệm", chosen=True),),
        recent=(
            FileRow("hoasen-0801.sta", "read", NOW, "Vũ Thu Hà", 250, 2, "/console/statements/f1"),
        ),
    )
    good = StatementRead(
        "9999018452",
        "VND",
        DAY,
        DAY,
        1_284_310_500,
        143_301_959,
        -600_000,
        1_427_012_459,
        252,
        True,
    )
    read = FileRead("hoasen-0901.sta", 88_410, "5d0a93fe" * 8, "read", "MT940", statements=(good,))
    gap = Both(
        "số dư đầu kỳ lệch 40.000 ₫ so với tệp trước.",
        "the opening balance differs by 40.000 ₫ from the file before.",
    )
    return {
        "import": upload,
        "import-read": replace(upload, result=replace(read, run_url="/console/runs/r1")),
        "import-large": replace(upload, result=replace(read, status="received", statements=())),
        "import-problems": replace(
            upload,
            result=replace(
                read,
                statements=(replace(good, complete=False, why_not=gap),),
                problems=(
                    BadLine(
                        14,
                        Both(
                            "Số tiền “1.5” không phải số đồng nguyên.",
                            "The amount “1.5” is not whole đồng.",
                        ),
                    ),
                ),
            ),
        ),
        "import-refused": replace(
            upload,
            result=FileRead(
                "anh.png",
                20_000,
                "00" * 32,
                "refused",
                error=Both(
                    "đây không phải sao kê: không thấy cột ngày và số tiền.",
                    "this is no statement: no date and amount columns.",
                ),
            ),
        ),
        "import-many-problems": replace(
            upload,
            result=replace(read, problems=(BadLine(0, gap), BadLine(101, gap)), problem_count=240),
            pager=Pager("?from=0", "?from=200"),
        ),
        "import-closed-day": replace(
            upload,
            result=replace(read, closed=(ClosedDay(date(2026, 1, 8), "/console/days/2026-01-08"),)),
        ),
        "import-again": replace(upload, result=replace(read, repeated_at=NOW)),
    }


def bill_pages() -> Mapping[str, Page]:
    """The list of bills, and one of them."""
    bills = BillsPage(
        shell=shell("bills"),
        list_url="/console/bills",
        rows=(
            BillRow(
                "HS-26-01-0412",
                "/console/bills/i1",
                "Trần Gia Bảo",
                "lớp 4A2",
                "Khoản thu tháng 01/2026",
                581_000,
                581_000,
                "paid",
                date(2026, 1, 15),
            ),
            BillRow(
                "HS-26-01-0297",
                "/console/bills/i2",
                "Lê Nhật Vy",
                "lớp 3C",
                "Khoản thu tháng 01/2026",
                581_000,
                541_000,
                "part_paid",
                date(2026, 1, 15),
            ),
            BillRow(
                "HS-26-01-0519",
                "",
                "Đỗ Hải Nam",
                "lớp 2B",
                "Khoản thu tháng 01/2026",
                581_000,
                0,
                "unpaid",
            ),
        ),
        statuses=(Choice("", Both("Mọi trạng thái", "Every status"), chosen=True),),
        pager=Pager("?before=1", "?after=3"),
    )
    bill = BillPage(
        shell=shell("bills"),
        reference="HS-26-01-0297",
        beneficiary="Lê Nhật Vy",
        beneficiary_code="HS-0297",
        group="lớp 3C",
        title="Khoản thu tháng 01/2026",
        amount=581_000,
        paid=541_000,
        refunded=0,
        status="part_paid",
        lines=(
            BillLine("Chăm sóc bán trú", 626_000),
            BillLine("Hỗ trợ", -45_000, "Nghỉ 3 bữa"),
        ),
        matches=(
            MatchRow(
                541_000,
                "sepay",
                NOW,
                "FT26009 9910 0217",
                Both("khớp tự động", "matched automatically"),
                receipt="BN/2026/0000412",
                undo_url="/console/bills/i2/undo/a1",
                rule=Both("mã thanh toán trong nội dung", "payment code inside the memo"),
                memo=(
                    MemoPart("MBVCB.6120934418."),
                    MemoPart("HP7K2M9QX4TW", "exact", "a"),
                    MemoPart(" NOP TIEN"),
                ),
                evidence=(
                    Evidence(
                        "code",
                        "HP7K2M9QX4TW",
                        "HP7K2M9QX4TW",
                        "match",
                        Both("Khớp", "Matches"),
                        "a",
                    ),
                ),
            ),
            MatchRow(
                581_000,
                "bank",
                NOW,
                "FT26009 9910 0001",
                "Vũ Thu Hà",
                undone_at=NOW,
                undone_by="Đặng Quốc Hùng",
                why="Nhầm học sinh cùng tên",
            ),
        ),
        codes=(CodeRow("HP7K2M9QX4TW", "part_paid", 581_000, NOW),),
        due_on=date(2026, 1, 15),
        back_url="/console/bills",
    )
    return {
        "bill": bill,
        "bill-unpaid": replace(bill, matches=(), codes=(), paid=0, status="unpaid"),
        "bills": bills,
        "bills-none-found": replace(
            bills, rows=(), filtered=True, find="Vy", clear_url="/console/bills"
        ),
    }


def run_pages() -> Mapping[str, Page]:
    """One run of an account, finished or failed."""
    run = RunPage(
        shell=shell("statements"),
        day=date(2026, 1, 8),
        account="9999018452",
        status="done",
        started_at=NOW,
        attempt=1,
        lines=252,
        amount=143_901_959,
        finished_at=NOW,
        decisions=(
            Counted("matched", 244, 141_000_000),
            Counted("ignored", 2, 1_162_000),
            Counted("discrepancy", 6, 1_739_959, "/console/discrepancies"),
        ),
        kinds=(Counted("UNDERPAID", 1, 541_000), Counted("UNMATCHED", 5, 1_198_959)),
        again_url="/again",
        day_url="/console/days/2026-01-08",
    )
    broken = Both("Không nối được với cơ sở dữ liệu.", "The database could not be reached.")
    return {
        "run": run,
        "run-failed": replace(
            run, status="failed", error=broken, decisions=(), kinds=(), finished_at=None
        ),
    }
