"""Turns receipts into pages: the receipt itself, and its public check. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from payments.domain import receipts as papers
from payments.domain.receipts import Checked, Content, Receipt
from payments.domain.states import ReceiptStatus
from payments.domain.words import in_words
from payments.people import NOBODY
from web import qr as drawn
from web.language import Both, Language
from web.portal.pages import (
    Biller,
    BillLine,
    Cancelled,
    CheckPage,
    ReceiptPage,
    Seal,
    Tested,
)
from web.portal.showing import initials

CHECK: Final = "/r"

_ERASED: Final = Content(
    biller="", biller_address="", biller_tax_code="", kind="", title="", period="",
    bill_reference="", bill_amount=0, items=(), beneficiary=NOBODY.name, beneficiary_code="",
    group="", payer="", amount=0, in_words="", payment_code="", bank_reference="", way="",
    received_at=None,
)  # fmt: skip


def receipt_page(
    receipt: Receipt,
    biller: Biller,
    *,
    language: Language,
    public_url: str,
    order_code: str,
    back_url: str,
    replacement: tuple[str, str] = ("", ""),
) -> ReceiptPage:
    """The receipt for screen and paper. replacement: number and address of what replaced it.

    order_code: of the link it was opened by; a receipt for money that quoted no code shows it.
    """
    header, content = receipt.header, receipt.content or _ERASED
    code = papers.grouped(header.code)
    proof = receipt.proof
    return ReceiptPage(
        biller=_printed(content, biller) if receipt.content else biller,
        number=receipt.number,
        form=header.form,
        series=receipt.series,
        issued_at=header.issued_at,
        title=content.title,
        beneficiary=content.beneficiary,
        group=content.group or content.beneficiary_code,
        lines=tuple(_lines(content)),
        amount=header.amount,
        in_words=content.in_words or in_words(header.amount),
        code=content.payment_code or order_code,
        check_code=code,
        check_url=f"{public_url}{CHECK}",
        payer=content.payer,
        way=content.way,
        reference=content.bank_reference,
        qr=drawn.drawing(f"{public_url}{CHECK}/{code}", label=drawn.check_label(language)),
        seal=None
        if proof is None
        else Seal(proof.seal.number, proof.seal.root.hex(), proof.seal.sealed_at),
        signed_at=header.issued_at,
        key_name="" if proof is None else _key_name(proof.public_key),
        cancelled=_cancelled(receipt, replacement),
        back_url=back_url,
    )


def check_page(checked: Checked, typed: str) -> CheckPage:
    """What a stranger may know of a receipt: masked facts and the tests it passed or not."""
    tests = tuple(_tests(checked))
    sound = all(test.ok for test in tests)
    cancelled = None
    if checked.cancelled_at is not None:
        cancelled = Cancelled(checked.cancelled_at, (checked.cancel_reason or "").rstrip("."))
    # A receipt that fails a test is never called genuine; which one it failed is said below.
    result = "doubtful" if not sound else "genuine" if checked.live else "cancelled"
    return CheckPage(
        result=result,
        form_url=CHECK,
        asked=typed,
        number=checked.number,
        biller=checked.biller,
        title=checked.title,
        amount=checked.amount,
        beneficiary=checked.beneficiary or NOBODY.name,
        received_at=checked.received_at,
        tests=tests,
        technical=tuple(_technical(checked)),
        cancelled=cancelled,
    )


def _printed(content: Content, biller: Biller) -> Biller:
    """The biller as it was on the day of the receipt; how to reach it is of today."""
    return Biller(
        name=content.biller,
        initials=initials(content.biller),
        contact=biller.contact,
        address=content.biller_address,
        tax_code=content.biller_tax_code,
    )


def _lines(content: Content) -> Iterator[BillLine]:
    if content.amount != content.bill_amount:
        # Several payments share the bill: its lines do not add up to this receipt's amount.
        yield BillLine(f"Nộp một phần giấy báo {content.bill_reference}", content.amount)
        return
    for item in content.items:
        yield BillLine(item.name, item.amount, item.quantity, item.unit, item.unit_price)


def _cancelled(receipt: Receipt, replacement: tuple[str, str]) -> Cancelled | None:
    if receipt.status is not ReceiptStatus.CANCELLED or receipt.cancelled_at is None:
        return None
    number, url = replacement
    return Cancelled(receipt.cancelled_at, (receipt.cancel_reason or "").rstrip("."), number, url)


def _tests(checked: Checked) -> Iterator[Tested]:
    if checked.unchanged:
        signed = Both("Chữ ký số đúng, nội dung còn nguyên", "Signed by us, and not changed since")
    else:
        signed = Both("Chữ ký số không khớp nội dung", "The signature does not fit the content")
    yield Tested(checked.unchanged, signed)
    if checked.booked:
        booked = Both("Số tiền khớp với sổ cái", "The amount agrees with the ledger")
    else:
        booked = Both("Sổ cái không có số tiền này", "The ledger does not hold this amount")
    yield Tested(checked.booked, booked)
    if checked.sealed is None:
        yield Tested(
            True,
            Both(
                "Sẽ được niêm phong vào sổ cái trong ít phút",
                "Will be sealed into the ledger in a few minutes",
            ),
        )
    elif checked.sealed and checked.proof is not None:
        number = checked.proof.seal.number
        sealed = Both(
            f"Sổ cái còn nguyên niêm phong số {number}", f"The ledger's seal {number} is unbroken"
        )
        yield Tested(True, sealed)
    else:
        yield Tested(False, Both("Niêm phong của sổ cái không khớp", "The seal does not fit"))


def _technical(checked: Checked) -> Iterator[tuple[str, str]]:
    yield "Form / series", f"{checked.form} / {checked.series}"
    if checked.proof is not None:
        yield "Seal", str(checked.proof.seal.number)
        yield "Merkle root", checked.proof.seal.root.hex()
        yield "Key", _key_name(checked.proof.public_key)


def _key_name(public_key: bytes) -> str:
    """The first bytes of the public key: enough to find it in the list of keys."""
    return public_key.hex()[:16]
