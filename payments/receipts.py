"""Receipts: one for each allocation, numbered without gaps, signed, sealed, never deleted.

issue      for money applied to a bill; confirm: for a bill of 0 đ, which no money pays
cancel     with a reason, and a replacement where one is due; the number stays used
view       everything a page or an API prints
check      what a stranger with the public code may know, and three tests of it

What is printed is written once, when the receipt is issued, and sealed under a key of its own:
a name that changes later changes no receipt, and erasing the key leaves number, amount and
signature. A receipt is issued a moment after its money is booked, so it enters the next seal
as a leaf of its own; until then `proof` is None, and the page says so.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.orm import Session

from payments import audit, outbox, people, sealing, vault
from payments.access import fingerprint
from payments.domain import ids
from payments.domain import receipts as papers
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, NotFound
from payments.domain.people import SERVICE, Actor
from payments.domain.receipts import Checked, Content, Header, Item, Receipt
from payments.domain.seals import Proof
from payments.domain.states import RECEIPT, InvoiceStatus, ReceiptStatus, move
from payments.domain.words import in_words
from payments.outbox import Claimed
from payments.store import receipt_facts as queries
from payments.store.billers import lookup
from payments.store.payments import allocation
from payments.store.receipts import receipt
from payments.store.sessions import biller_of

FORMS: Final[Mapping[str, str]] = {"tuition": "BN01", "hospital": "BN01", "administrative": "BL01"}
"""Kind of bill -> form number: biên nhận for priced services, biên lai for fees and charges."""

CONFIRMATION: Final = "XN01"
"""The form of a 0 đ bill's confirmation: a series of its own, because no money was taken."""

_UNDONE: Final = "Khoản ghi nhận đã được hoàn tác"
_WITHDRAWN: Final = "Giấy báo đã bị hủy"


def handle(db: Session, message: Claimed, at: datetime) -> None:
    """Act on a message of the drain "receipts"; a repeat, or another order, changes nothing."""
    body = message.body
    if message.kind == "invoice.settled":
        confirm(db, ids.read("inv", body["invoice"]), at=at)
    elif message.kind == "invoice.cancelled":
        _cancel_of(db, at=at, reason=_WITHDRAWN, invoice=ids.read("inv", body["invoice"]))
    elif message.kind == "allocation.undone":
        _cancel_of(db, at=at, reason=_UNDONE, allocation=UUID(body["allocation"]))
    elif message.kind == "allocation.made":
        # Taken back before we came to it: then there is nothing to receipt.
        with suppress(Conflict):
            issue(db, UUID(body["allocation"]), at=at)


def issue(db: Session, allocation_id: UUID, *, at: datetime) -> UUID:
    """Give the receipt of an allocation; asked again, the same one.

    Raises NotFound, or Conflict when the allocation was taken back.
    """
    _take_turn(db)
    before = queries.live(db, allocation_id=allocation_id)
    if before is not None:
        return before
    facts = _found(queries.facts(db, _paid_bill(db, allocation_id), allocation_id))
    return _write(db, facts, at=at)


def confirm(db: Session, invoice_id: UUID, *, at: datetime) -> UUID | None:
    """Give the confirmation of a 0 đ bill; asked again, the same one. None: it was withdrawn."""
    _take_turn(db)
    before = queries.live(db, invoice_id=invoice_id)
    if before is not None:
        return before
    facts = _found(queries.facts(db, invoice_id, None))
    if facts.bill_amount:
        raise Conflict("Giấy báo này cần được thanh toán trước.", "This bill has to be paid first.")
    return _write(db, facts, at=at) if facts.bill_status == InvoiceStatus.ISSUED else None


def cancel(
    db: Session,
    receipt_id: UUID,
    *,
    reason: str,
    at: datetime,
    by: Actor = SERVICE,
    replace: bool = False,
) -> UUID | None:
    """Cancel a receipt; with `replace`, issue the one that stands in its place and return it.

    Cancelling twice changes nothing. Raises NotFound; Conflict when there is nothing left
    that a replacement could be for.
    """
    _take_turn(db)
    row = _found(queries.row(db, receipt_id))
    if row.status == ReceiptStatus.ISSUED:
        _mark_cancelled(db, row, reason=reason, at=at, by=by)
    if not replace:
        return None
    before = queries.live(db, replaces_id=receipt_id)
    if before is not None:
        return before
    if row.allocation_id is not None:
        _paid_bill(db, row.allocation_id)
    facts = _found(queries.facts(db, row.invoice_id, row.allocation_id))
    return _write(db, facts, at=at, replaces=receipt_id)


def view(db: Session, receipt_id: UUID) -> Receipt:
    """Everything that is printed on a receipt of this biller. Raises NotFound."""
    row = _found(queries.row(db, receipt_id))
    content, salt = _opened(db, row)
    return Receipt(
        header=sealing.header_of(row),
        series=papers.series(row.biller_code, row.year),
        status=ReceiptStatus(row.status),
        content=None if content is None else papers.read_content(content),
        salt=salt,
        signature=row.signature,
        proof=sealing.proof_of_receipt(db, receipt_id),
        cancelled_at=row.cancelled_at,
        cancel_reason=row.cancel_reason,
        replaced_by=row.replaced_by,
    )


def of_invoice(db: Session, invoice_id: UUID) -> list[UUID]:
    """The live receipts of a bill, oldest first."""
    return list(
        db.scalars(
            select(receipt.c.id)
            .where(receipt.c.biller_id == biller_of(db), receipt.c.invoice_id == invoice_id)
            .where(receipt.c.status == ReceiptStatus.ISSUED)
            .order_by(receipt.c.issued_at, receipt.c.number)
        )
    )


def find(db: Session, code: str) -> tuple[UUID, UUID]:
    """Return the biller and the receipt of a public code, before a biller is known.

    code: as somebody typed it, with or without dashes. Raises NotFound.
    """
    row = db.execute(
        select(lookup.c.biller_id, lookup.c.subject_id).where(
            lookup.c.kind == "receipt", lookup.c.secret_hash == fingerprint(papers.folded(code))
        )
    ).one_or_none()
    if row is None:
        raise NotFound("Không có biên nhận với mã này.", "There is no receipt with this code.")
    return row.biller_id, row.subject_id


def check(db: Session, receipt_id: UUID) -> Checked:
    """Test a receipt of this biller and tell what a stranger may know. Raises NotFound."""
    row = _found(queries.row(db, receipt_id))
    header = sealing.header_of(row)
    content, salt = _opened(db, row)
    said = papers.read_content(content) if content is not None else None
    proof = sealing.proof_of_receipt(db, receipt_id)
    return Checked(
        number=f"{row.number:0{papers.NUMBER_DIGITS}d}",
        form=row.form,
        series=papers.series(row.biller_code, row.year),
        biller=row.biller_name,
        title=said.title if said else "",
        amount=row.amount,
        beneficiary=papers.masked(said.beneficiary) if said else "",
        issued_at=row.issued_at,
        received_at=said.received_at if said else None,
        live=row.status == ReceiptStatus.ISSUED,
        unchanged=sealing.signed_receipt(header, row.signature, vault.ring(db).believed())
        and (content is None or papers.content_hash(salt, content) == header.content_hash),
        booked=_is_booked(db, row),
        sealed=None if proof is None else _is_proven(db, proof, header),
        erased=content is None,
        cancelled_at=row.cancelled_at,
        cancel_reason=row.cancel_reason,
        replaced_by=row.replaced_by,
        proof=proof,
    )


def export(db: Session, receipt_id: UUID) -> dict[str, Any]:
    """The receipt as a file that proves itself without us: see docs/explanation/seals.md."""
    row = _found(queries.row(db, receipt_id))
    header = sealing.header_of(row)
    content, salt = _opened(db, row)
    proof = sealing.proof_of_receipt(db, receipt_id)
    keys = vault.ring(db).believed()
    return {
        "format": papers.FILE_FORMAT,
        "header": header.as_json(),
        "content": content,
        "salt": None if content is None else salt.hex(),
        "signature": row.signature.hex(),
        "public_key": next(
            (k.hex() for k in keys if sealing.signed_receipt(header, row.signature, [k])), ""
        ),
        "proof": None if proof is None else proof.as_json(),
    }


def _take_turn(db: Session) -> None:
    """One receipt of a biller at a time, as its numbers demand anyway.

    With this lock the next number is known beforehand, so it can be signed; and a receipt
    is never written beside the undoing of its allocation.
    """
    db.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('receipts:' || :biller, 0))"),
        {"biller": str(biller_of(db))},
    )


def _write(db: Session, facts: Row[Any], *, at: datetime, replaces: UUID | None = None) -> UUID:
    receipt_id, key_id, salt = ids.new(), vault.new_key(db, at=at), secrets.token_bytes(32)
    content = _content(db, facts).as_json()
    header = Header(
        biller_id=biller_of(db),
        receipt_id=receipt_id,
        form=FORMS[facts.kind] if facts.bill_amount else CONFIRMATION,
        year=business_day(at).year,
        number=0,
        code=papers.new_code(),
        invoice_id=facts.invoice_id,
        allocation_id=facts.allocation_id,
        replaces_id=replaces,
        amount=facts.amount or 0,
        issued_at=at,
        content_hash=papers.content_hash(salt, content),
    )
    header = dataclasses.replace(
        header, number=queries.last_number(db, header.form, header.year) + 1
    )
    number = db.scalar(
        insert(receipt)
        .values(
            biller_id=header.biller_id,
            id=receipt_id,
            form=header.form,
            year=header.year,
            code=header.code,
            invoice_id=header.invoice_id,
            allocation_id=header.allocation_id,
            amount=header.amount,
            status=ReceiptStatus.ISSUED,
            replaces_id=replaces,
            key_id=key_id,
            sealed=vault.seal(
                db,
                key_id,
                {"salt": salt.hex(), "content": content},
                context=f"receipt:{receipt_id}",
            ),
            content_hash=header.content_hash,
            signature=vault.signing_key(db).sign(header.to_sign()),
            issued_at=at,
        )
        .returning(receipt.c.number)
    )
    if number != header.number:
        raise RuntimeError("a receipt was numbered outside payments.receipts")
    db.execute(
        insert(lookup).values(
            kind="receipt",
            secret_hash=fingerprint(header.code),
            biller_id=header.biller_id,
            subject_id=receipt_id,
        )
    )
    outbox.emit(db, "receipt.issued", _told(header), at=at)
    return receipt_id


def _told(header: Header) -> dict[str, object]:
    return {
        "receipt": ids.shown("rcp", header.receipt_id),
        "invoice": ids.shown("inv", header.invoice_id),
        "form": header.form,
        "year": header.year,
        "number": header.number,
        "amount": header.amount,
    }


def _mark_cancelled(db: Session, row: Row[Any], *, reason: str, at: datetime, by: Actor) -> None:
    db.execute(
        update(receipt)
        .where(receipt.c.biller_id == row.biller_id, receipt.c.id == row.id)
        .values(
            status=move(RECEIPT, ReceiptStatus(row.status), to=ReceiptStatus.CANCELLED),
            cancelled_at=at,
            cancel_reason=reason,
        )
    )
    told = _told(sealing.header_of(row))
    outbox.emit(db, "receipt.cancelled", told, at=at)
    shown = ids.shown("rcp", row.id)
    audit.note(db, "receipt.cancel", shown, by=by, at=at, detail={"reason": reason})


def _cancel_of(
    db: Session,
    *,
    at: datetime,
    reason: str,
    allocation: UUID | None = None,
    invoice: UUID | None = None,
) -> None:
    _take_turn(db)
    live = queries.live(db, allocation_id=allocation, invoice_id=invoice)
    if live is not None:
        _mark_cancelled(db, _found(queries.row(db, live)), reason=reason, at=at, by=SERVICE)


def _paid_bill(db: Session, allocation_id: UUID) -> UUID:
    """The bill of a live allocation. Raises NotFound, or Conflict when it was taken back."""
    row = db.execute(
        select(allocation.c.invoice_id, allocation.c.live).where(
            allocation.c.biller_id == biller_of(db), allocation.c.id == allocation_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    if not row.live:
        raise Conflict(
            "Khoản ghi nhận này đã được hoàn tác, không cấp biên nhận.",
            "This allocation was taken back, so there is no receipt for it.",
        )
    bill: UUID = row.invoice_id
    return bill


def _found(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise NotFound()
    return row


def _content(db: Session, facts: Row[Any]) -> Content:
    """What is to be printed, from the rows as they are now."""
    person = people.opened(
        db, facts.beneficiary_key, facts.beneficiary_id, facts.beneficiary_sealed
    )
    amount = facts.amount or 0
    return Content(
        biller=facts.biller_name,
        biller_address=facts.biller_address or "",
        biller_tax_code=facts.biller_tax_code or "",
        kind=facts.kind,
        title=facts.title,
        period=facts.period or "",
        bill_reference=facts.reference,
        bill_amount=facts.bill_amount,
        items=tuple(Item(*item) for item in queries.items(db, facts.invoice_id)),
        beneficiary=person.name,
        beneficiary_code=facts.beneficiary_code,
        group=person.group,
        payer=_payer(db, facts),
        amount=amount,
        in_words=in_words(amount),
        payment_code=facts.payment_code or "",
        bank_reference=facts.bank_reference or "",
        way=facts.gateway or "",
        received_at=facts.received_at,
    )


def _payer(db: Session, facts: Row[Any]) -> str:
    """Who paid: whom the order names, else whom the bank named, else nobody."""
    if facts.payer_id is not None:
        return people.opened(db, facts.payer_key, facts.payer_id, facts.payer_sealed).name
    if facts.payment_id is None:
        return ""
    sealed = vault.Envelope(facts.payment_key, facts.payment_sealed, f"payment:{facts.payment_id}")
    said = vault.unseal_many(db, [sealed])[0]
    return "" if said is vault.ERASED else str(said.get("name", ""))


def _opened(db: Session, row: Row[Any]) -> tuple[dict[str, Any] | None, bytes]:
    """The content and its salt; None and nothing once they were erased."""
    sealed = vault.Envelope(row.key_id, row.sealed, f"receipt:{row.id}")
    said = vault.unseal_many(db, [sealed])[0]
    return (None, b"") if said is vault.ERASED else (said["content"], bytes.fromhex(said["salt"]))


def _is_booked(db: Session, row: Row[Any]) -> bool:
    """Whether the ledger holds this amount, and nobody has taken it back from a live receipt."""
    if row.allocation_id is None:
        return bool(row.amount == 0)
    booked = queries.booked(db, f"apply:{row.allocation_id}")
    live = row.status == ReceiptStatus.ISSUED
    return bool(booked.amount == row.amount) and not (live and booked.reversed)


def _is_proven(db: Session, proof: Proof, header: Header) -> bool:
    keys = vault.ring(db).believed()
    return any(sealing.verify(proof, header.leaf(), key) for key in keys)
