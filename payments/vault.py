"""Vault: personal fields, raw files and gateway secrets, encrypted under keys that can be dropped.

ring      32-byte keys from the environment, by name, see key_ring. They never touch the database.
data key  one per person, file or channel, in `data_key`, wrapped by the ring's current key.
sealed    what a row holds: AES-256-GCM under a data key, bound to its biller, its data key and
          a context that names the row ("payer:<id>"), so that it cannot be moved elsewhere.

To erase a person is to drop the wrapped key: the books stay, the fields are noise for good.

Limits. A nonce is 96 random bits, which NIST SP 800-38D allows for 2^32 seals under one key;
the largest user is a statement file, with one seal a line. The names of ring keys and the
sizes of fields are not hidden.

The ring travels with the transaction (`Sessions(engine, ring=ring)`), so a verb says
`vault.seal(db, key_id, fields, context=…)` and no key is ever a global.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import any_, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.domain.errors import NotFound
from payments.key_ring import KEY_BYTES, KeyRing, VaultError, derived, unwrap, wrap
from payments.store.billers import data_key
from payments.store.sessions import biller_of, ring_of

_NONCE_BYTES: Final = 12
_VERSION: Final = 1
_BYTES, _JSON = 0, 1  # what was sealed: the second byte of the header
_HEADER: Final = 2 + _NONCE_BYTES
_OF_FIELDS: Final = bytes((_VERSION, _JSON))
_DRAWN: Final = 256  # nonces at a time
_OPEN: Final = "vault.open_keys"
_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class KeyErased(NotFound):
    """The data were erased on request: their key is gone and nobody can read them."""

    slug = "erased"
    title_vi = "Dữ liệu cá nhân đã được xóa theo yêu cầu"
    title_en = "The personal data were erased on request"


class Erased(Enum):
    """Stands in a list where erased fields would be."""

    ERASED = "erased"


ERASED: Final = Erased.ERASED


class Envelope(NamedTuple):
    """A sealed field as a row holds it, with the context it was sealed in."""

    key_id: UUID
    sealed: bytes
    context: str


def ring(db: Session) -> KeyRing:
    """Return the ring this transaction was opened with. Raises LookupError if there is none."""
    found = ring_of(db)
    if not isinstance(found, KeyRing):
        raise LookupError("this transaction was opened without a key ring")
    return found


def new_key(db: Session, *, at: datetime) -> UUID:
    """Make a data key for one person, file or channel of this transaction's biller."""
    made = fresh_key(db)
    db.execute(insert(data_key).values(biller_id=biller_of(db), created_at=at, **made._asdict()))
    return made.id


class FreshKey(NamedTuple):
    """A data key that no row holds yet: the columns of `data_key`."""

    id: UUID
    ring_key: str
    wrapped: bytes


def fresh_key(db: Session) -> FreshKey:
    """Make a data key and leave writing it to the caller, in this very transaction.

    For rows that may not be written after all: their key would be left over.
    """
    biller_id, key_id = biller_of(db), ids.new()
    plain = secrets.token_bytes(KEY_BYTES)
    _open_keys(db)[key_id] = AESGCM(plain)
    current = ring(db)
    return FreshKey(key_id, current.current, wrap(current, biller_id, key_id, plain))


def seal(db: Session, key_id: UUID, plain: Mapping[str, Any] | bytes, *, context: str) -> bytes:
    """Encrypt fields (as JSON) or raw bytes for one row.

    context: names the row and is needed again to open it, e.g. "payer:<id>". Raises
    KeyErased when the key was dropped, VaultError when this biller has no such key.
    """
    key = _key_to_seal(db, key_id)
    if isinstance(plain, bytes):
        kind, body = _BYTES, plain
    else:
        kind, body = _JSON, _COMPACT.encode(plain).encode()
    header = bytes((_VERSION, kind)) + secrets.token_bytes(_NONCE_BYTES)
    bound = _bound(kind, biller_of(db), key_id, context)
    return header + key.encrypt(header[2:], body, bound)


class Sealer:
    """Seals the fields of many rows under one key, such as the lines of a file; see `seal`.

    Random bits are drawn for many nonces at once. Raises as `seal` does, when it is made. Not to
    be kept beyond its transaction: a fork would use the same nonces again.
    """

    def __init__(self, db: Session, key_id: UUID) -> None:
        self._key = _key_to_seal(db, key_id)
        self._bound = _bound(_JSON, biller_of(db), key_id, "")
        self._nonces: Iterator[bytes] = iter(())

    def seal(self, plain: Mapping[str, Any], *, context: str) -> bytes:
        """Encrypt fields for one row. context: names it, see `seal`."""
        nonce = next(self._nonces, None)
        if nonce is None:
            drawn = secrets.token_bytes(_NONCE_BYTES * _DRAWN)
            self._nonces = (
                drawn[at : at + _NONCE_BYTES] for at in range(0, len(drawn), _NONCE_BYTES)
            )
            nonce = next(self._nonces)
        body = _COMPACT.encode(plain).encode()
        return _OF_FIELDS + nonce + self._key.encrypt(nonce, body, self._bound + context.encode())


def _key_to_seal(db: Session, key_id: UUID) -> AESGCM:
    key = _open_keys(db).get(key_id) or _opened(db, [key_id])[key_id]
    if key is ERASED:
        raise KeyErased()
    return key


def unseal(db: Session, key_id: UUID, sealed: bytes, *, context: str) -> dict[str, Any]:
    """Return the fields that `seal` was given. Raises KeyErased or VaultError."""
    fields = unseal_many(db, [Envelope(key_id, sealed, context)])[0]
    if fields is ERASED:
        raise KeyErased()
    return fields


def unseal_many(db: Session, envelopes: Iterable[Envelope]) -> list[dict[str, Any] | Erased]:
    """Open the fields of a list with one query for all keys, in the order given.

    ERASED stands where a key was dropped. Raises VaultError if any cannot be opened.
    """
    wanted = list(envelopes)
    keys = _opened(db, {envelope.key_id for envelope in wanted})
    found: list[dict[str, Any] | Erased] = []
    for envelope in wanted:
        key = keys[envelope.key_id]
        if key is ERASED:
            found.append(ERASED)
            continue
        fields = json.loads(_decrypt(key, biller_of(db), envelope, _JSON))
        found.append(fields)
    return found


def unseal_bytes(db: Session, key_id: UUID, sealed: bytes, *, context: str) -> bytes:
    """Return the raw bytes that `seal` was given. Raises KeyErased or VaultError."""
    key = _opened(db, [key_id])[key_id]
    if key is ERASED:
        raise KeyErased()
    return _decrypt(key, biller_of(db), Envelope(key_id, sealed, context), _BYTES)


def erase(db: Session, key_id: UUID, *, at: datetime) -> bool:
    """Drop a data key, and with it everything sealed under it. Tells whether it was there.

    Backups taken before still hold the wrapped key until they expire.
    """
    _open_keys(db).pop(key_id, None)
    dropped = db.scalar(
        update(data_key)
        .where(data_key.c.biller_id == biller_of(db), data_key.c.id == key_id)
        .where(data_key.c.wrapped.is_not(None))
        .values(wrapped=None, erased_at=at)
        .returning(data_key.c.id)
    )
    return dropped is not None


def blind_index(db: Session, kind: str, value: str) -> bytes:
    """A keyed hash by which a row can be found again without storing the value.

    kind: what it is ("phone"), so that equal digits of two kinds differ; value: in one
    normal form, which the caller chooses. Equal values of two billers differ, too.
    """
    key = derived(next(iter(ring(db).keys.values())), b"thuphi blind index 1")
    said = b"".join(
        (biller_of(db).bytes, len(kind.encode()).to_bytes(2, "big"), kind.encode(), value.encode())
    )
    return hmac.digest(key, said, hashlib.sha256)


def signing_key(db: Session) -> Ed25519PrivateKey:
    """Return the key that signs receipts and seals. Raises VaultError if there is none."""
    signer = ring(db).signing
    if signer is None:
        raise VaultError(
            "Chưa cấu hình khóa ký.", "No signing key is configured for this installation."
        )
    return signer


@contextmanager
def letting_go(db: Session) -> Iterator[None]:
    """Within it, keys are opened as always; at its end those that it opened are forgotten.

    For a transaction that looks at very many people and keeps none of their keys.
    """
    before = set(_open_keys(db))
    try:
        yield
    finally:
        for key_id in _open_keys(db).keys() - before:
            del _open_keys(db)[key_id]


def _open_keys(db: Session) -> dict[UUID, AESGCM]:
    """Return the keys opened in this transaction; they go with its session."""
    keys: dict[UUID, AESGCM] = db.info.setdefault(_OPEN, {})
    return keys


def _opened(db: Session, key_ids: Iterable[UUID]) -> dict[UUID, AESGCM | Erased]:
    open_keys = _open_keys(db)
    found: dict[UUID, AESGCM | Erased] = {i: open_keys[i] for i in key_ids if i in open_keys}
    missing = [key_id for key_id in set(key_ids) if key_id not in found]
    if not missing:
        return found
    biller_id = biller_of(db)
    asked = bindparam("ids", missing, type_=ARRAY(PG_UUID))
    rows = db.execute(
        select(data_key.c.id, data_key.c.ring_key, data_key.c.wrapped)
        .where(data_key.c.biller_id == biller_id)
        .where(data_key.c.id == any_(asked))
    )
    for key_id, name, wrapped in rows:
        if wrapped is None:
            found[key_id] = ERASED
        else:
            found[key_id] = open_keys[key_id] = AESGCM(
                unwrap(ring(db), biller_id, key_id, name, wrapped)
            )
    if len(found) < len(set(key_ids)):
        raise VaultError()
    return found


def _decrypt(key: AESGCM, biller_id: UUID, envelope: Envelope, kind: int) -> bytes:
    sealed = envelope.sealed
    if len(sealed) < _HEADER or (sealed[0], sealed[1]) != (_VERSION, kind):
        raise VaultError()
    bound = _bound(kind, biller_id, envelope.key_id, envelope.context)
    try:
        return key.decrypt(sealed[2:_HEADER], sealed[_HEADER:], bound)
    except InvalidTag:
        raise VaultError() from None


def _bound(kind: int, biller_id: UUID, key_id: UUID, context: str) -> bytes:
    """What a sealed field is tied to. Fixed lengths first, so that it reads one way only."""
    return (
        b"thuphi field"
        + bytes((_VERSION, kind))
        + biller_id.bytes
        + key_id.bytes
        + (context.encode())
    )
