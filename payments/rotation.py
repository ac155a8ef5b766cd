"""Rotation: data keys and staff secrets move to the newest key of the ring.

What is sealed under a data key is not touched: only the key itself is wrapped anew, so a rotation
takes seconds and not days. Each step is a transaction of its own, and what is left is read from
the rows, so a rotation that was interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from payments import key_ring
from payments.key_ring import KeyRing
from payments.store.billers import data_key, staff


def left(db: Session, ring: KeyRing) -> Mapping[str, int]:
    """Ring key -> how much it still guards, for every key but the current one. As the system.

    A name that the ring does not have is there as well: what it guards cannot be moved.
    """
    keys = db.execute(
        select(data_key.c.ring_key, func.count().label("guarded"))
        .where(data_key.c.ring_key != ring.current, data_key.c.wrapped.is_not(None))
        .group_by(data_key.c.ring_key)
    )
    found = Counter({row.ring_key: row.guarded for row in keys})
    found.update(key_ring.sealed_by(sealed) for sealed in db.scalars(select(staff.c.totp_sealed)))
    del found[ring.current]
    return dict(sorted(found.items()))


def rewrap(db: Session, ring: KeyRing, *, limit: int = 1_000) -> int:
    """Move up to `limit` data keys, and staff secrets, to the current ring key; return how many.

    Runs as the system role, again and again until it returns 0; then the old key can leave
    the ring (unless it is the first, which look-ups are derived from). Fields are untouched.
    """
    return _data_keys(db, ring, limit) + _staff_secrets(db, ring, limit)


def _data_keys(db: Session, ring: KeyRing, limit: int) -> int:
    old = db.execute(
        select(data_key.c.biller_id, data_key.c.id, data_key.c.ring_key, data_key.c.wrapped)
        .where(data_key.c.ring_key.in_(_old_names(ring)), data_key.c.wrapped.is_not(None))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not old:
        return 0
    statement = (
        update(data_key)
        .where(data_key.c.biller_id == bindparam("of_biller"), data_key.c.id == bindparam("of_key"))
        .values(ring_key=ring.current, wrapped=bindparam("again"))
    )
    moved: Sequence[Mapping[str, Any]] = [
        {"of_biller": row.biller_id, "of_key": row.id, "again": key_ring.rewrapped(ring, *row)}
        for row in old
    ]
    db.connection().execute(statement, moved)
    return len(old)


def _staff_secrets(db: Session, ring: KeyRing, limit: int) -> int:
    rows: Sequence[Any] = db.execute(
        select(staff.c.id, staff.c.totp_sealed).with_for_update(skip_locked=True)
    ).all()
    names = _old_names(ring)
    old = [row for row in rows if key_ring.sealed_by(row.totp_sealed) in names][:limit]
    for row in old:
        context = key_ring.totp_context(row.id)
        plain = key_ring.unseal_secret(ring, row.totp_sealed, context=context)
        again = key_ring.seal_secret(ring, plain, context=context)
        db.execute(update(staff).where(staff.c.id == row.id).values(totp_sealed=again))
    return len(old)


def _old_names(ring: KeyRing) -> frozenset[str]:
    return frozenset(ring.keys) - {ring.current}
