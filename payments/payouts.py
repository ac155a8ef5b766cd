"""Payouts: approved refunds in one file for the biller's bank, closed by its statement.

A refund is in one live payout at most. Its line in the file carries a refund code in the memo,
which the bank's statement shows again (reconciliation/paybacks.py). The bytes are kept, so that
the file can be handed out again exactly; each time is audited.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.orm import Session

from payments import audit, outbox, refunds, vault
from payments.domain import ids, refund_codes
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, Forbidden, Invalid, NotFound, SecondPerson
from payments.domain.payout_file import PayoutRow, PayoutSheet, PayoutWriter
from payments.domain.people import Actor, Permission
from payments.domain.states import PAYOUT, PayoutStatus, RefundStatus, move
from payments.refunds import BANK_PAYOUT
from payments.store.orders import bank_account
from payments.store.payments import refund
from payments.store.refunds import payout, payout_file, payout_line
from payments.store.sessions import biller_of

MOST: Final = 500
"""Refunds in one file: what a person can still look over, and a transaction of a second."""

_ACCOUNT: Final = re.compile(r"[0-9A-Za-z]{4,30}")


class NotForPayout(Conflict):
    """A refund cannot be in this file: not approved, on its way already, or in doubt."""

    slug = "not-for-payout"
    title_vi = "Lệnh hoàn không đưa vào tệp chi được"
    title_en = "A refund cannot be in this file"


@dataclass(frozen=True, slots=True)
class File:
    """One form of the file, as it was made."""

    name: str
    format: str
    data: bytes
    sha256: bytes


def make(
    db: Session,
    account_id: UUID,
    refund_ids: Sequence[UUID],
    *,
    writer: Callable[[str], PayoutWriter],
    by: Actor,
    at: datetime,
) -> UUID:
    """Put approved refunds into a file that the account's bank takes; return its id.

    writer: the bank's BIN -> its form. The refunds are `sent` from now on. Raises Forbidden;
    NotFound for an account or refund of somebody else; NotForPayout naming the first refund that
    does not fit; Invalid for none, too many, one twice, or an account number no bank can read.
    """
    if not by.may(Permission.PAY_OUT):
        raise Forbidden()
    _require_some(refund_ids)
    account = _account(db, account_id)
    rows = _locked(db, refund_ids)
    form = writer(account.bank_bin)
    lines = [_line(db, number, row) for number, row in enumerate(rows, 1)]
    sheet = PayoutSheet(account.account_number, account.holder, business_day(at), lines)
    written = form.write(sheet)
    payout_id = ids.new()
    here = {"biller_id": biller_of(db), "payout_id": payout_id}
    total = sum(line.amount for line in lines)
    db.execute(
        insert(payout).values(
            biller_id=biller_of(db),
            id=payout_id,
            bank_account_id=account_id,
            status=PayoutStatus.MADE,
            profile=form.profile,
            refunds=len(lines),
            total=total,
            made_by=by.id,
            made_at=at,
        )
    )
    told = [
        {"refund_id": row.id, "line_no": line.number, "code": line.code, "amount": line.amount}
        for row, line in zip(rows, lines, strict=True)
    ]
    db.execute(insert(payout_line), [here | one for one in told])
    for row in rows:
        refunds.record_sent(db, row.id, by=by, at=at)
    _keep(db, payout_id, sheet, written, at=at)
    shown = ids.shown("pot", payout_id)
    outbox.emit(db, "payout.made", {"payout": shown, "refunds": len(lines), "amount": total}, at=at)
    detail: dict[str, object] = {"refunds": len(lines), "amount": total}
    detail |= {name: hashlib.sha256(data).hexdigest() for name, data in written.items()}
    audit.note(db, "payout.make", shown, by=by, at=at, detail=detail)
    return payout_id


def void(db: Session, payout_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """The bank never took the file: its refunds have failed and may be asked for again.

    Raises Forbidden, SecondPerson for a program, Invalid without a reason, Conflict when the
    bank paid one of them already. Twice changes nothing.
    """
    if not by.may(Permission.PAY_OUT):
        raise Forbidden()
    if by.kind != "staff":
        raise SecondPerson()
    if not reason.strip():
        raise Invalid("Cần ghi lý do.", "A reason is required.")
    row = _payout(db, payout_id)
    if row.status == PayoutStatus.VOIDED:
        return
    live = _live(db, payout_id)
    if any(one.status == RefundStatus.DONE for one in live):
        raise Conflict(
            "Ngân hàng đã chi ít nhất một lệnh của tệp này nên không hủy được. Lệnh nào ngân hàng "
            "không chi, hãy ghi không chi được ở chính lệnh đó.",
            "The bank paid at least one refund of this file, so it cannot be voided. Record the "
            "ones that were not paid at the refund itself.",
        )
    for one in live:
        refunds.record_failed(db, one.refund_id, reason="payout_voided", by=by, at=at)
    db.execute(
        update(payout)
        .where(payout.c.biller_id == biller_of(db), payout.c.id == payout_id)
        .values(
            status=move(PAYOUT, PayoutStatus(row.status), to=PayoutStatus.VOIDED),
            voided_by=by.id,
            voided_at=at,
            void_reason=reason.strip()[:500],
        )
    )
    shown = ids.shown("pot", payout_id)
    outbox.emit(db, "payout.voided", {"payout": shown, "refunds": len(live)}, at=at)
    audit.note(db, "payout.void", shown, by=by, at=at, detail={"reason": reason})


def file(db: Session, payout_id: UUID, format_: str, *, by: Actor, at: datetime) -> File:
    """Hand out the file as it was made; who had it is kept. Raises Forbidden, NotFound, and
    Conflict for a voided one, which must not reach the bank any more."""
    if not by.may(Permission.PAY_OUT):
        raise Forbidden()
    if _payout(db, payout_id).status == PayoutStatus.VOIDED:
        raise Conflict("Tệp chi này đã hủy.", "This payout file was voided.")
    row = db.execute(
        select(payout_file).where(
            payout_file.c.biller_id == biller_of(db),
            payout_file.c.payout_id == payout_id,
            payout_file.c.format == format_,
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    context = _context(payout_id, format_)
    data = vault.unseal_bytes(db, row.key_id, row.sealed, context=context)
    shown = ids.shown("pot", payout_id)
    audit.note(db, "payout.download", shown, by=by, at=at, detail={"format": format_})
    return File(row.name, format_, data, row.sha256)


def _require_some(refund_ids: Sequence[UUID]) -> None:
    if not refund_ids:
        raise Invalid("Chọn ít nhất một lệnh hoàn.", "Choose at least one refund.")
    if len(set(refund_ids)) != len(refund_ids):
        raise Invalid("Một lệnh hoàn được chọn hai lần.", "A refund was chosen twice.")
    if len(refund_ids) > MOST:
        raise Invalid(
            f"Một tệp chi tối đa {MOST} lệnh hoàn.", f"A payout file has at most {MOST} refunds."
        )


def _account(db: Session, account_id: UUID) -> Row[Any]:
    found = db.execute(
        select(bank_account).where(
            bank_account.c.biller_id == biller_of(db), bank_account.c.id == account_id
        )
    ).one_or_none()
    if found is None:
        raise NotFound("Không có tài khoản chi này.", "There is no such account to pay out from.")
    return found


def _locked(db: Session, refund_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """The refunds, oldest first, each free to go; locked in that order against a second file."""
    rows = db.execute(
        select(refund)
        .where(refund.c.biller_id == biller_of(db), refund.c.id.in_(refund_ids))
        .order_by(refund.c.id)
        .with_for_update()
    ).all()
    if len(rows) != len(refund_ids):
        raise NotFound("Có lệnh hoàn không tìm thấy.", "A refund was not found.")
    doubted = set(
        db.scalars(
            text("""SELECT refund_id FROM discrepancy WHERE biller_id = :biller
                    AND refund_id = ANY(:ids) AND status NOT IN ('resolved', 'auto_resolved')"""),
            {"biller": biller_of(db), "ids": list(refund_ids)},
        )
    )
    for row in rows:
        shown = ids.shown("ref", row.id)
        if row.method != BANK_PAYOUT or row.status != RefundStatus.APPROVED:
            raise NotForPayout(
                f"Lệnh {shown} không phải lệnh chuyển khoản đã duyệt và chưa chi.",
                f"The refund {shown} is not an approved bank payout that has not been sent.",
            )
        if row.id in doubted:
            raise NotForPayout(
                f"Lệnh {shown} đang có chênh lệch mở: có thể tiền đã ra khỏi ngân hàng.",
                f"The refund {shown} has an open discrepancy: its money may have left already.",
            )
    return rows


def _line(db: Session, number: int, row: Row[Any]) -> PayoutRow:
    [to] = vault.unseal_many(db, [vault.Envelope(row.key_id, row.sealed, f"refund:{row.id}")])
    shown = ids.shown("ref", row.id)
    if to is vault.ERASED:
        raise NotForPayout(
            f"Tài khoản nhận của lệnh {shown} đã được xóa theo yêu cầu.",
            f"The account of the refund {shown} was erased on request.",
        )
    account = "".join(str(to["account"]).split())
    if not _ACCOUNT.fullmatch(account):
        raise Invalid(
            f"Lệnh {shown}: số tài khoản nhận phải gồm 4 đến 30 chữ số hoặc chữ cái.",
            f"The refund {shown}: the account number must be 4 to 30 digits or letters.",
        )
    code = refund_codes.generate()
    return PayoutRow(number, to["name"].strip(), account, to["bank"].strip(), row.amount, code)


def _keep(db: Session, payout_id: UUID, sheet: PayoutSheet, written: Any, *, at: datetime) -> None:
    key_id = vault.new_key(db, at=at)
    stem = f"chi-hoan-{sheet.day:%Y%m%d}-{ids.shown('pot', payout_id)[-6:]}"
    for format_, data in sorted(written.items()):
        db.execute(
            insert(payout_file).values(
                biller_id=biller_of(db),
                payout_id=payout_id,
                format=format_,
                name=f"{stem}.{format_}",
                sha256=hashlib.sha256(data).digest(),
                size=len(data),
                key_id=key_id,
                sealed=vault.seal(db, key_id, data, context=_context(payout_id, format_)),
            )
        )


def _payout(db: Session, payout_id: UUID) -> Row[Any]:
    row = db.execute(
        select(payout)
        .where(payout.c.biller_id == biller_of(db), payout.c.id == payout_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _live(db: Session, payout_id: UUID) -> Sequence[Row[Any]]:
    return db.execute(
        select(payout_line.c.refund_id, refund.c.status)
        .join(
            refund,
            (refund.c.biller_id == payout_line.c.biller_id)
            & (refund.c.id == payout_line.c.refund_id),
        )
        .where(payout_line.c.biller_id == biller_of(db), payout_line.c.payout_id == payout_id)
        .where(payout_line.c.live)
        .order_by(payout_line.c.refund_id)
        .with_for_update(of=refund)
    ).all()


def _context(payout_id: UUID, format_: str) -> str:
    return f"payout:{payout_id}:{format_}"
