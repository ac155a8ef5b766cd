"""Access: staff, their second factor and sessions, and the keys of programs.

Secrets are stored as hashes: passwords by Argon2id, random tokens by SHA-256 (they have
more entropy than any guess can cover, so a slow hash would only help whoever floods us).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from payments import key_ring, vault
from payments.domain import ids
from payments.domain.errors import Conflict, Forbidden, Invalid, NotFound
from payments.domain.people import KEY_SCOPES, ROLES, Actor, Permission
from payments.store.billers import actor, api_key, biller, lookup, session, staff, staff_role
from payments.store.sessions import biller_of

STEP_SECONDS: Final = 30
SESSION_LENGTH: Final = timedelta(hours=10)
FAILURES_ALLOWED: Final = 5
LOCKED_FOR: Final = timedelta(minutes=15)
PASSWORDS = PasswordHasher()  # the library's defaults are RFC 9106's second choice


class SignInRefused(Forbidden):
    """Wrong e-mail, password or code. Never says which."""

    slug = "sign-in-refused"
    title_vi = "Email, mật khẩu hoặc mã không đúng"
    title_en = "Wrong e-mail, password or code"


class Locked(Forbidden):
    """Too many failures; `until` says when it opens again."""

    slug = "locked"
    title_vi = "Tài khoản tạm khóa vì nhập sai nhiều lần"
    title_en = "The account is locked after too many failures"

    def __init__(self, until: datetime) -> None:
        self.until = until
        super().__init__()


@dataclass(frozen=True, slots=True)
class NewStaff:
    """What is shown once when somebody is added. totp_secret: base32, for an authenticator."""

    id: UUID
    totp_secret: str
    totp_uri: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A running session: who, at which biller, as what. token: only known to the browser."""

    staff_id: UUID
    name: str
    biller_id: UUID | None
    role: str | None

    @property
    def actor(self) -> Actor:
        """The actor this session acts as."""
        permissions = frozenset(ROLES.get(self.role or "", ()))
        return Actor(self.staff_id, "staff", self.name, permissions)


def fingerprint(secret: str) -> bytes:
    """What is stored of a random secret."""
    return hashlib.sha256(secret.encode()).digest()


def add_staff(system: Session, *, email: str, name: str, password: str, at: datetime) -> NewStaff:
    """Add a person who may sign in. Run as the system role, with a key ring.

    Raises Invalid for a password under 12 characters, Conflict when the e-mail is taken.
    """
    if len(password) < 12:
        raise Invalid("Mật khẩu cần ít nhất 12 ký tự.", "A password has at least 12 characters.")
    email = email.strip().lower()
    if system.scalar(select(staff.c.id).where(staff.c.email == email)) is not None:
        raise Conflict(f"Email {email} đã có.", f"The e-mail {email} is taken.")
    staff_id, secret = ids.new(), secrets.token_bytes(20)
    system.execute(insert(actor).values(id=staff_id, kind="staff"))
    system.execute(
        insert(staff).values(
            id=staff_id,
            email=email,
            name=name,
            password_hash=PASSWORDS.hash(password),
            totp_sealed=key_ring.seal_secret(
                vault.ring(system), secret, context=key_ring.totp_context(staff_id)
            ),
            created_at=at,
        )
    )
    totp = _totp(secret)
    uri = totp.get_provisioning_uri(email, "Thuphi")
    return NewStaff(staff_id, uri.split("secret=")[1].split("&")[0], uri)


def grant(system: Session, staff_id: UUID, biller_id: UUID, role: str, *, at: datetime) -> None:
    """Give a person a role at a biller, in place of the one they had. Run as the system role."""
    if role not in ROLES:
        names = ", ".join(ROLES)
        raise Invalid(f"Vai trò là một trong: {names}.", f"A role is one of: {names}.")
    system.execute(
        text("""INSERT INTO staff_role (biller_id, staff_id, role, granted_at)
                VALUES (:biller, :staff, :role, :at)
                ON CONFLICT (biller_id, staff_id)
                DO UPDATE SET role = :role, granted_at = :at, revoked_at = NULL"""),
        {"biller": biller_id, "staff": staff_id, "role": role, "at": at},
    )
    system.execute(
        text("""INSERT INTO lookup (kind, secret_hash, biller_id, subject_id)
                SELECT 'staff', sha256(convert_to(email, 'UTF8')), :biller, id FROM staff
                WHERE id = :staff ON CONFLICT DO NOTHING"""),
        {"biller": biller_id, "staff": staff_id},
    )


def check_password(db: Session, email: str, password: str, *, at: datetime) -> UUID | None:
    """Return the person, or None after a wrong pair, which is counted. Raises Locked.

    Commit either way: the count of failures must stay. An unknown e-mail takes as long as
    a wrong password.
    """
    row = db.execute(
        select(staff).where(staff.c.email == email.strip().lower()).with_for_update()
    ).one_or_none()
    if row is None or row.disabled_at is not None:
        _verified(_decoy(), password)
        return None
    if row.locked_until is not None and row.locked_until > at:
        raise Locked(row.locked_until)
    if not _verified(row.password_hash, password):
        _count_failure(db, row.id, row.failures, at=at)
        return None
    staff_id: UUID = row.id
    return staff_id


def check_code(db: Session, staff_id: UUID, code: str, *, at: datetime) -> bool:
    """Tell whether the six digits are right now, once each. Counts failures; raises Locked."""
    row = db.execute(select(staff).where(staff.c.id == staff_id).with_for_update()).one_or_none()
    if row is None or row.disabled_at is not None:
        return False
    if row.locked_until is not None and row.locked_until > at:
        raise Locked(row.locked_until)
    secret = key_ring.unseal_secret(
        vault.ring(db), row.totp_sealed, context=key_ring.totp_context(staff_id)
    )
    now = int(at.timestamp()) // STEP_SECONDS
    for step in (now, now - 1, now + 1):  # one step of clock drift either way
        expected = _totp(secret).generate(step * STEP_SECONDS).decode()
        if step > row.totp_last_step and secrets.compare_digest(expected, code.strip()):
            db.execute(
                update(staff)
                .where(staff.c.id == staff_id)
                .values(failures=0, locked_until=None, totp_last_step=step)
            )
            return True
    _count_failure(db, staff_id, row.failures, at=at)
    return False


def start_session(db: Session, staff_id: UUID, *, at: datetime) -> str:
    """Open a session after both factors; return the token for the cookie.

    It begins at the first biller of this person; `choose_biller` changes that.
    """
    token = secrets.token_urlsafe(32)
    billers = billers_of(db, staff_id)
    db.execute(
        insert(session).values(
            token_hash=fingerprint(token),
            staff_id=staff_id,
            biller_id=billers[0] if billers else None,
            created_at=at,
            expires_at=at + SESSION_LENGTH,
        )
    )
    return token


def signed_in(db: Session, token: str, *, at: datetime) -> SignedIn | None:
    """Return the session of a token, None when it is unknown or over. Needs no biller."""
    row = db.execute(
        select(session.c.staff_id, session.c.biller_id, staff.c.name)
        .join(staff, staff.c.id == session.c.staff_id)
        .where(session.c.token_hash == fingerprint(token), session.c.expires_at > at)
        .where(staff.c.disabled_at.is_(None))
    ).one_or_none()
    return SignedIn(row.staff_id, row.name, row.biller_id, None) if row else None


def role_here(db: Session, staff_id: UUID) -> str | None:
    """The role of a person at the biller of this transaction, None without one."""
    role: str | None = db.scalar(
        select(staff_role.c.role).where(
            staff_role.c.biller_id == biller_of(db),
            staff_role.c.staff_id == staff_id,
            staff_role.c.revoked_at.is_(None),
        )
    )
    return role


def billers_of(db: Session, staff_id: UUID) -> list[UUID]:
    """The billers at which this person has, or had, a role. Needs no biller."""
    return list(
        db.scalars(
            select(lookup.c.biller_id)
            .where(lookup.c.kind == "staff", lookup.c.subject_id == staff_id)
            .order_by(lookup.c.biller_id)
        )
    )


def choose_biller(db: Session, token: str, biller_id: UUID) -> None:
    """Move a session to another biller. The caller has checked the role there."""
    db.execute(
        update(session)
        .where(session.c.token_hash == fingerprint(token))
        .values(biller_id=biller_id)
    )


def end_session(db: Session, token: str) -> None:
    """Sign out."""
    db.execute(delete(session).where(session.c.token_hash == fingerprint(token)))


def issue_key(db: Session, scopes: Iterable[str], *, at: datetime) -> str:
    """Make a key for a program of this biller; the whole key is returned once.

    Raises Invalid for a scope that a program cannot have.
    """
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in KEY_SCOPES]
    if unknown or not wanted:
        known = ", ".join(sorted(KEY_SCOPES))
        raise Invalid(f"Quyền của khóa là: {known}.", f"The scopes of a key are: {known}.")
    key_id, secret = ids.new(), f"thp_{secrets.token_urlsafe(32)}"
    biller_id = biller_of(db)
    db.execute(insert(actor).values(id=key_id, kind="api_key"))
    db.execute(
        insert(api_key).values(
            biller_id=biller_id,
            id=key_id,
            prefix=secret[:10],
            secret_hash=fingerprint(secret),
            scopes=wanted,
            created_at=at,
        )
    )
    db.execute(
        insert(lookup).values(
            kind="api_key",
            secret_hash=fingerprint(secret),
            biller_id=biller_id,
            subject_id=key_id,
        )
    )
    return secret


def biller_of_key(db: Session, secret: str) -> UUID:
    """Return the biller of a program's key. Raises NotFound. Needs no biller."""
    found: UUID | None = db.scalar(
        select(lookup.c.biller_id).where(
            lookup.c.kind == "api_key", lookup.c.secret_hash == fingerprint(secret)
        )
    )
    if found is None:
        raise NotFound()
    return found


_CHECK_KEY = text("""
SELECT id, prefix, scopes FROM api_key
WHERE biller_id = :biller AND secret_hash = :secret_hash AND revoked_at IS NULL
""")


def check_key(db: Session, secret: str) -> Actor:
    """Return the program behind a key of this biller. Raises NotFound when it was revoked."""
    row = db.execute(
        _CHECK_KEY, {"biller": biller_of(db), "secret_hash": fingerprint(secret)}
    ).one_or_none()
    if row is None:
        raise NotFound()
    return Actor(row.id, "api_key", row.prefix, frozenset(Permission(s) for s in row.scopes))


def biller_name(db: Session) -> str:
    """The name of this transaction's biller."""
    return str(db.scalar(select(biller.c.name).where(biller.c.id == biller_of(db))))


def _totp(secret: bytes) -> TOTP:
    # SHA-1 is what authenticator apps speak; HMAC does not need its collision resistance.
    return TOTP(secret, 6, SHA1(), STEP_SECONDS)  # noqa: S303  # see above


def _verified(stored: str, password: str) -> bool:
    try:
        return PASSWORDS.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    """A hash to check against when there is nobody, so that time tells nothing."""
    return PASSWORDS.hash(secrets.token_urlsafe(16))


def _count_failure(db: Session, staff_id: UUID, before: int, *, at: datetime) -> None:
    failures = before + 1
    locked = failures >= FAILURES_ALLOWED
    db.execute(
        update(staff)
        .where(staff.c.id == staff_id)
        .values(
            failures=0 if locked else failures, locked_until=at + LOCKED_FOR if locked else None
        )
    )
