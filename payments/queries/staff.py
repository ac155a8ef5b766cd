"""Who is behind an id: members of staff, programs, and the service itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.domain.people import SERVICE
from payments.store.billers import api_key, staff
from payments.store.sessions import biller_of


def names(db: Session, actors: Iterable[UUID | None]) -> Mapping[UUID, str]:
    """The names of actors; a program is named by the beginning of its key."""
    wanted = {one for one in actors if one is not None}
    found = {SERVICE.id: SERVICE.name}
    if wanted:
        found |= {
            row.id: row.name
            for row in db.execute(select(staff.c.id, staff.c.name).where(staff.c.id.in_(wanted)))
        }
        keys = select(api_key.c.id, api_key.c.prefix).where(
            api_key.c.biller_id == biller_of(db), api_key.c.id.in_(wanted)
        )
        found |= {row.id: f"API {row.prefix}…" for row in db.execute(keys)}
    return found


def email(db: Session, staff_id: UUID) -> str:
    """The address somebody signs in with. Needs no biller."""
    return db.scalar(select(staff.c.email).where(staff.c.id == staff_id)) or ""
