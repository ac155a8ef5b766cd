"""Sample pages for payers: every page in every state, played by the demo cast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from web import qr
from web.language import Both, Language
from web.pages import FieldError, Page, ProblemPage
from web.portal import ways
from web.portal.pages import (
    Account,
    Bill,
    Biller,
    BillLine,
    Cancelled,
    CheckPage,
    FindPage,
    LostLinkPage,
    PaidPage,
    PayPage,
    ReceiptLink,
    ReceiptPage,
    Received,
    Seal,
    StatusStrip,
    Tested,
)
from web.portal.ways import Option, TryPage, TryStrip, WaysPage
from web.rendering import HANOI

CODE: Final = "HP7K2M9QX4TW"
PAY: Final = "/pay/mau-duong-dan-khong-doan-duoc"
FIND: Final = f"{PAY}/find"
NOW: Final = datetime(2026, 1, 9, 19, 42, tzinfo=HANOI)

SCHOOL: Final = Biller(
    name="Trường Tiểu học Hoa Sen",
    initials="HS",
    contact="văn phòng trường, 0000 000 118 (07:30–17:00)",
    address="Số 9 phố Mẫu, phường Cầu Mới, Hà Nội",
    tax_code="0009990001",
)
HOSPITAL: Final = Biller("Bệnh viện Đa khoa Hồ Gươm Xanh", "BV", "quầy hỗ trợ, 0000 000 119")
WARD: Final = Biller("UBND phường Cầu Mới", "CM")
ACCOUNT: Final = Account("Ngân hàng Thử nghiệm", "9999018452", "TRUONG TIEU HOC HOA SEN")

LINES: Final = (
    BillLine("Tiền ăn bán trú", 770_000, 22, "bữa", 35_000),
    BillLine("Hỗ trợ tiền ăn của Thành phố", -440_000, 22, "bữa", 20_000),
    BillLine("Chăm sóc bán trú", 235_000, 1, "tháng", 235_000, "Tháng 01/2026"),
    BillLine("Nước uống", 16_000, 1, "tháng", 16_000),
)
BAO: Final = Bill(
    title="Khoản thu tháng 01/2026",
    beneficiary="Trần Gia Bảo",
    group="lớp 4A2",
    amount=581_000,
    lines=LINES,
    due_on=date(2026, 1, 15),
    reference="TH-HS-26-01-0412",
)
THINH: Final = Bill("Đợt điều trị 03–06/01/2026", "Lê Văn Thịnh", "mã BN 0007 214", 12_655_000)
DAT: Final = Bill("Bản sao trích lục hộ tịch", "Phạm Quốc Đạt", "H26.901-260105-0007", 0)


def _strip(status: str, received: int = 0) -> StatusStrip:
    return StatusStrip(status, page_url=PAY, find_url=FIND, received=received)


def _qr(language: Language, amount: int) -> PayPage:
    label = qr.transfer_label(language, amount=amount, account=ACCOUNT.number, memo=CODE)
    return PayPage(
        biller=SCHOOL,
        bills=(BAO,),
        amount=amount,
        status="awaiting",
        code=CODE,
        strip=_strip("awaiting"),
        status_url=f"{PAY}/status",
        account=ACCOUNT,
        qr=qr.drawing(f"00020101021238 sample {amount} {CODE}".ljust(120, "0"), label=label),
        qr_url=f"{PAY}/qr.png",
        expires_at=datetime(2026, 1, 15, 23, 59, tzinfo=HANOI),
        renew_url=f"{PAY}/renew",
    )


def pay_pages(language: Language) -> Mapping[str, Page]:
    """Every state of the pay page."""
    due = _qr(language, 581_000)
    part = replace(BAO, paid=541_000)
    twins = replace(
        BAO, beneficiary="Trần Ngọc Minh Châu", group="lớp 1A3", amount=546_000, lines=LINES[:3]
    )
    return {
        "pay": due,
        "pay-more-ways": replace(due, ways_url=f"{PAY}/ways", qr_url=""),
        "pay-confirming": replace(due, status="confirming", strip=_strip("confirming", 581_000)),
        "pay-part": replace(
            due,
            bills=(part,),
            amount=40_000,
            status="part_paid",
            strip=_strip("part_paid", 541_000),
        ),
        "pay-two-children": replace(due, bills=(BAO, twins), amount=1_127_000),
        "pay-face-check": replace(due, biller=HOSPITAL, bills=(THINH,), amount=12_655_000),
        "pay-too-large": replace(
            due, biller=HOSPITAL, bills=(replace(THINH, amount=512_340_000),), amount=512_340_000
        ),
        "pay-no-qr": replace(due, qr=None),
        "pay-expired": replace(due, status="expired", strip=_strip("expired")),
        "pay-cancelled": replace(due, status="cancelled", strip=_strip("cancelled")),
        "strip": due.strip,
        "strip-paid": _strip("paid", 581_000),
    }


def ways_pages() -> Mapping[str, Page]:
    """The choice of ways, and a try at a gateway in every stage."""
    closed = Both(
        "Khoản này nằm ngoài mức ZaloPay nhận.", "The amount is outside what ZaloPay takes."
    )
    hint = Both("Chuyển sang trang MoMo rồi quay lại đây.", "You go to MoMo and come back here.")
    limits = Both("Từ 1.000 ₫ đến 50.000.000 ₫ mỗi lần", "From 1.000 ₫ to 50.000.000 ₫ at a time")
    offered = (
        *ways.options(581_000, ()),
        Option("momo", Both("Ví MoMo", "MoMo wallet"), "MoMo", hint, limits),
        Option("vnpay", Both("Thẻ ATM, thẻ quốc tế", "Cards"), "VNPAY", hint, limits),
        Option("zalopay", Both("Ví ZaloPay", "ZaloPay"), "ZaloPay", hint, limits, closed=closed),
    )
    choice = WaysPage(SCHOOL, (BAO,), 581_000, "awaiting", offered, f"{PAY}/ways", PAY)
    busy = Both(
        "Lần thanh toán trước đang được kiểm tra; hãy chờ kết quả.",
        "An earlier attempt is being looked up; wait for its outcome.",
    )
    url = f"{PAY}/tries/att_mau"
    going = TryPage(
        SCHOOL, (BAO,), 581_000, "going", "MoMo", TryStrip("waiting", url, "MoMo"),
        f"{url}/status", f"{PAY}/ways", PAY, go_url="https://momo.example/pay",
    )  # fmt: skip
    over = replace(going, stage="over", go_url="", strip=TryStrip("failed", url, "MoMo"))
    return {
        "ways": choice,
        "ways-refused": replace(choice, chosen="momo", error=busy),
        "try-going": going,
        "try-waiting": replace(going, stage="waiting"),
        "try-cancelled": replace(over, reason=ways.REASONS["cancelled"]),
        "try-failed": replace(over, reason=ways.FAILED),
        "strip-try": going.strip,
        "strip-try-over": over.strip,
    }


def paid_pages() -> Mapping[str, Page]:
    """Every end."""
    done = PaidPage(
        biller=SCHOOL,
        bills=(replace(BAO, paid=581_000),),
        amount=581_000,
        status="paid",
        code=CODE,
        payments=(Received(581_000, NOW, "vietqr", "FT26009 9910 0217"),),
        receipts=(
            ReceiptLink(
                "0000217", "/receipts/7K2M-0217", "https://thuphi.example/r/7K2M-0217", "7K2M-0217"
            ),
        ),
    )
    twice = (done.payments[0], Received(581_000, NOW, "momo", "FT26009 9910 0231"))
    return {
        "paid": done,
        "paid-overpaid": replace(done, status="overpaid", payments=twice, excess=581_000),
        "paid-late": replace(done, status="late_paid"),
        "paid-refunding": replace(
            done, status="refunding", refunded=45_000, refund_by=date(2026, 1, 14)
        ),
        "paid-refunded": replace(done, status="refunded", refunded=581_000),
        "paid-no-receipt-yet": replace(done, receipts=(), look_again=True),
        "paid-nothing-due": replace(
            done, biller=WARD, bills=(DAT,), amount=0, payments=(), receipts=done.receipts
        ),
    }


def receipt_pages(language: Language) -> Mapping[str, Page]:
    """The receipt, its check, and the pages for when something is missing."""
    receipt = ReceiptPage(
        biller=SCHOOL,
        number="0000217",
        form="BN01",
        series="HS26",
        issued_at=NOW,
        title="Khoản thu tháng 01/2026",
        beneficiary="Trần Gia Bảo",
        group="lớp 4A2 · mã HS-0412",
        lines=LINES,
        amount=581_000,
        in_words="Năm trăm tám mươi mốt nghìn đồng",
        code=CODE,
        check_code="7K2M-0217",
        check_url="https://thuphi.example/r",
        payer="Nguyễn Thị Minh Hằng",
        way="vietqr",
        reference="FT26009 9910 0217",
        qr=qr.drawing("https://thuphi.example/r/7K2M-0217", label=qr.check_label(language)),
        seal=Seal(1184, "9f2c81d4b07e53aa61c0e7d24b98f310", NOW),
        signed_at=NOW,
        signed_by="Vũ Thu Hà",
        key_name="TH-HS-2026-1",
        back_url=PAY,
    )
    gone = Cancelled(NOW, "Ghi nhầm lớp", "0000218", "/receipts/8M3N-0218")
    check = CheckPage(
        result="genuine",
        form_url="/r",
        asked="7K2M-0217",
        number="0000217",
        biller=SCHOOL.name,
        title="Khoản thu tháng 01/2026",
        amount=581_000,
        beneficiary="T••• G•• B••",
        group="lớp 4A2",
        received_at=NOW,
        tests=(
            Tested(True, Both("Chữ ký số của đơn vị thu đúng", "The biller's signature is right")),
            Tested(
                True,
                Both(
                    "Số tiền và mã giao dịch khớp sổ cái",
                    "Amount and reference agree with the ledger",
                ),
            ),
            Tested(
                True,
                Both("Sổ cái còn nguyên niêm phong số 1184", "The ledger's seal 1184 is unbroken"),
            ),
        ),
        technical=(("Merkle root", "9f2c81d4b07e53aa61c0e7d24b98f310"), ("Key", "TH-HS-2026-1")),
    )
    return {
        "receipt": receipt,
        "receipt-unsealed": replace(receipt, seal=None),
        "receipt-nothing-due": replace(
            receipt,
            form="XN01",
            lines=(BillLine("Học phí", 155_000), BillLine("Miễn học phí", -155_000)),
            amount=0,
            in_words="Không đồng",
            way="",
        ),
        "receipt-cancelled": replace(receipt, cancelled=gone),
        "check": check,
        "check-cancelled": replace(check, result="cancelled", cancelled=gone, tests=()),
        "check-doubtful": replace(
            check,
            result="doubtful",
            tests=(
                Tested(
                    False,
                    Both("Chữ ký số không khớp nội dung", "The signature does not fit the content"),
                ),
                *check.tests[1:],
            ),
        ),
        "check-not-found": CheckPage("not_found", "/r", asked="7K2M-0218"),
        "check-blank": CheckPage("blank", "/r"),
        "find": FindPage(
            SCHOOL,
            (BAO,),
            581_000,
            CODE,
            FIND,
            PAY,
            "581.000",
            "09/01/2026",
            "19:40",
            "112",
            errors=(
                FieldError(
                    "last_digits",
                    Both(
                        "Nhập đúng 4 số cuối của tài khoản đã chuyển",
                        "Enter the last 4 digits of the account you paid from",
                    ),
                ),
            ),
        ),
        "find-not-found": FindPage(
            SCHOOL,
            (BAO,),
            581_000,
            CODE,
            FIND,
            PAY,
            result="not_found",
            ticket="TS-0042",
            answer_by=datetime(2026, 1, 12, 17, 0, tzinfo=HANOI),
        ),
        "find-seen": FindPage(
            SCHOOL,
            (BAO,),
            581_000,
            CODE,
            FIND,
            PAY,
            result="seen",
            ticket="TS-0042",
            answer_by=datetime(2026, 1, 12, 17, 0, tzinfo=HANOI),
        ),
        "lost": LostLinkPage("req_7f3a91c2"),
        "problem": ProblemPage(
            status=503,
            title=Both("Hệ thống tạm thời chưa sẵn sàng", "Temporarily unavailable"),
            what=Both("Máy chủ đang khởi động lại.", "The server is starting again."),
            request_id="req_7f3a91c2",
            money_is_safe=Both(
                "Nếu bạn đã chuyển tiền, tiền vẫn an toàn và sẽ được ghi nhận.",
                "If you have paid, your money is safe and will be recorded.",
            ),
            todo=(Both("Mở lại trang sau một phút.", "Open the page again in a minute."),),
            retry_url=PAY,
        ),
    }
