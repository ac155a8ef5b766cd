"""Desk: a biller's two people at work: one proposes or asks, the other approves and signs."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import text

from ops.clock import Clock
from ops.runtime import Runtime
from ops.seed import Seeded
from payments import access, days, refunds
from payments.domain import ids
from payments.domain.people import Actor


class Desk:
    """The accountant and the chief accountant of one biller."""

    def __init__(self, runtime: Runtime, seeded: Seeded, clock: Clock) -> None:
        self._runtime, self._seeded, self._clock = runtime, seeded, clock

    def resolve(self, discrepancy: str, way: str, reason: str, *, target: str = "") -> None:
        """One proposes; if the sum asks for two, the other approves."""
        from reconciliation import discrepancies, remedies  # noqa: PLC0415  # pandas is slow

        with self._runtime.sessions.begin(self._seeded.id) as db:
            found = ids.read("dis", discrepancy)
            proposal = remedies.Proposal(way, reason, target)
            discrepancies.assign(db, found, by=self._actor(0), at=self._clock.now())
            status = discrepancies.propose(
                db, found, proposal, by=self._actor(0), at=self._clock.now()
            )
        if status == "proposed":
            with self._runtime.sessions.begin(self._seeded.id) as db:
                discrepancies.approve(db, found, by=self._actor(1), at=self._clock.now())

    def approve_refund(self, refund: str) -> None:
        """The second person says yes."""
        with self._runtime.sessions.begin(self._seeded.id) as db:
            refunds.approve(db, ids.read("ref", refund), by=self._actor(1), at=self._clock.now())

    def sign_off(self, day: date) -> None:
        """Close the day."""
        with self._runtime.sessions.begin(self._seeded.id) as db:
            days.sign_off(db, day, totals={}, by=self._actor(1), at=self._clock.now())

    def _actor(self, place: int) -> Actor:
        person = self._seeded.logins[place].person
        with self._runtime.sessions.begin(None) as db:
            staff_id: UUID = db.scalars(
                text("SELECT id FROM staff WHERE email = :email"), {"email": person.email}
            ).one()
        return access.SignedIn(staff_id, person.name, self._seeded.id, person.role).actor
