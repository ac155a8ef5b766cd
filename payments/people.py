"""Payers and beneficiaries: who pays, and who the bill is about.

Names, classes and phones are sealed under a key of their own; only the code that the
biller gave (student, patient, dossier) and a keyed index of the phone can be searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from payments import vault
from payments.domain import ids
from payments.store.invoices import beneficiary, payer
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a payer or beneficiary. group: class, ward or office."""

    name: str
    group: str = ""
    phone: str = ""


NOBODY = Person(name="(đã xóa)")
"""Shown in place of a person whose data was erased."""


def save_beneficiary(
    db: Session, *, kind: str, code: str, person: Person, at: datetime, payer_id: UUID | None = None
) -> UUID:
    """Add or bring up to date the student, patient or applicant with this code."""
    biller_id = biller_of(db)
    found = db.execute(
        select(beneficiary.c.id, beneficiary.c.key_id)
        .where(beneficiary.c.biller_id == biller_id)
        .where(beneficiary.c.kind == kind, beneficiary.c.code == code)
    ).one_or_none()
    if found is not None:
        sealed = vault.seal(db, found.key_id, asdict(person), context=f"person:{found.id}")
        values = {"sealed": sealed} | ({"payer_id": payer_id} if payer_id else {})
        db.execute(
            update(beneficiary)
            .where(beneficiary.c.biller_id == biller_id, beneficiary.c.id == found.id)
            .values(**values)
        )
        return UUID(str(found.id))
    id_, key_id = ids.new(), vault.new_key(db, at=at)
    db.execute(
        insert(beneficiary).values(
            biller_id=biller_id,
            id=id_,
            kind=kind,
            code=code,
            payer_id=payer_id,
            key_id=key_id,
            sealed=vault.seal(db, key_id, asdict(person), context=f"person:{id_}"),
            created_at=at,
        )
    )
    return id_


def save_payer(db: Session, person: Person, *, at: datetime) -> UUID:
    """Add a payer, or return the one with the same phone and name."""
    biller_id = biller_of(db)
    index = vault.blind_index(db, "phone", person.phone) if person.phone else None
    if index is not None:
        same = select(payer.c.id, payer.c.key_id, payer.c.sealed).where(
            payer.c.biller_id == biller_id, payer.c.phone_index == index
        )
        for row in db.execute(same):
            if opened(db, row.key_id, row.id, row.sealed).name == person.name:
                return UUID(str(row.id))
    id_, key_id = ids.new(), vault.new_key(db, at=at)
    db.execute(
        insert(payer).values(
            biller_id=biller_id,
            id=id_,
            key_id=key_id,
            sealed=vault.seal(db, key_id, asdict(person), context=f"person:{id_}"),
            phone_index=index,
            created_at=at,
        )
    )
    return id_


def opened(db: Session, key_id: UUID, person_id: UUID, sealed: bytes) -> Person:
    """Open one sealed person; NOBODY when the data was erased."""
    return next(iter(opened_many(db, [(key_id, person_id, sealed)]).values()))


def opened_many(db: Session, rows: Iterable[tuple[UUID, UUID, bytes]]) -> Mapping[UUID, Person]:
    """Open many sealed persons with one look at the keys: person id -> Person.

    rows: (key_id, person_id, sealed).
    """
    wanted = list(rows)
    plain = vault.unseal_many(
        db,
        [vault.Envelope(key, sealed, f"person:{person_id}") for key, person_id, sealed in wanted],
    )
    return {
        person_id: NOBODY if fields is vault.ERASED else Person(**fields)
        for (_, person_id, _), fields in zip(wanted, plain, strict=True)
    }
